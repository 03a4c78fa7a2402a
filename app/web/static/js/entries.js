/** The time entries behind a contract: filtered by the address, read page by page as one scrolls. */
import { changed, go } from "./address.js";
import { read } from "./api.js";
import { el, empty, failure, figure, pill, set } from "./dom.js";
import { day, hours, money, period, plural } from "./format.js";
import { Rows } from "./rows.js";
import * as words from "./words.js";

const PAGE = 200;
const FILTERS = ["status", "period", "on", "line"];
const HEADINGS = ["Date", "Person", "Line", "Hours", "Billable", "Rate", "Amount", "Invoiced", "Status", "Event"];

export class Entries {
  /** @param {string} contractId @param {function(object): void} openEvent called with `{source, id}`. */
  constructor(contractId, openEvent) {
    Object.assign(this, { contractId, openEvent, items: [], next: null, query: null });
    this.status = el(
      "select",
      { "aria-label": "Status of the entry", on: { change: () => this.narrow({ status: this.status.value }) } },
      el("option", { value: "" }, "Any status"),
      ...words.ENTRY_STATUS_CODES.map((code) => el("option", { value: code }, words.entryStatus(code)[0])),
    );
    this.period = el("select", {
      "aria-label": "Month",
      on: { change: () => this.narrow({ period: this.period.value, on: null }) },
    });
    this.line = el("select", {
      "aria-label": "Line of the contract",
      on: { change: () => this.narrow({ line: this.line.value }) },
    });
    this.on = el("input", {
      type: "date",
      "aria-label": "Work date",
      on: { change: () => this.narrow({ on: this.on.value, period: null }) },
    });
    this.counted = el("p", { class: "counted", "aria-live": "polite" });
    this.news = el(
      "button",
      { type: "button", class: "quiet news", hidden: true, on: { click: () => this.reload() } },
      "Entries have changed: read again",
    );
    const head = HEADINGS.map((text) => el("th", { scope: "col", role: "columnheader" }, text));
    const body = el("tbody", { role: "rowgroup" });
    this.table = el(
      "table",
      { class: "entries", role: "table", "aria-label": "Time entries" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head)),
      body,
    );
    this.rows = new Rows(body, {
      key: (entry) => entry.entry_id,
      make: () => this.makeRow(),
      reached: () => this.more(),
    });
    this.blank = el("div", { class: "blank", hidden: true });
    this.element = el(
      "section",
      { class: "card flush entries-card", id: "entries", "aria-labelledby": "entries-title" },
      el(
        "header",
        {},
        el("h2", { id: "entries-title" }, "Time entries"),
        this.counted,
        this.news,
        el("div", { class: "filters" }, this.line, this.status, this.period, this.on),
      ),
      this.table,
      this.blank,
    );
  }

  close() {
    this.rows.close();
    this.reading?.abort();
  }

  narrow(changes) {
    go(changed(changes), { replace: true });
  }

  /** What can be chosen: the contract's lines and the months it has figures for. */
  offer({ lines, periods, currency }) {
    options(
      this.line,
      "Every line",
      lines.map(({ line_id: id, title }) => [id, title || id]),
    );
    options(
      this.period,
      "Every month",
      periods.map((text) => [text, period(text)]),
    );
    this.currency = currency;
    const heading = this.table.querySelectorAll("th");
    [5, 6, 7].forEach((index) => set(heading[index], { "data-currency": currency ? `, ${currency}` : "" }));
    this.choose();
  }

  /** Follow the address; reads again only when a filter changed. */
  open(query) {
    const wanted = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
    if (this.query !== null && FILTERS.every((name) => this.query[name] === wanted[name])) return;
    this.query = wanted;
    this.choose();
    this.reload();
  }

  choose() {
    if (this.query === null) return;
    for (const name of FILTERS) this[name].value = this.query[name];
  }

  /** Something in the contract changed: say so, and leave what is being read where it is. */
  changed() {
    this.news.hidden = false;
  }

  async reload() {
    this.reading?.abort();
    this.reading = new AbortController();
    Object.assign(this, { items: [], next: null, busy: false });
    this.news.hidden = true;
    await this.page(null);
  }

  more() {
    if (this.next !== null && !this.busy) this.page(this.next);
  }

  async page(cursor) {
    this.busy = true;
    const { status, period: month, on, line } = this.query;
    const { signal } = this.reading;
    try {
      const answer = await read(
        ["contracts", this.contractId, "entries"],
        { line_id: line, status, period: month, on, limit: PAGE, cursor },
        signal,
      );
      this.items = cursor === null ? answer.items : [...this.items, ...answer.items];
      this.next = answer.next;
      this.busy = false;
      this.show();
    } catch (problem) {
      if (signal.aborted) return;
      this.busy = false;
      this.blank.hidden = false;
      this.blank.replaceChildren(failure(problem, () => this.reload()));
    }
  }

  show() {
    const { items, next } = this;
    this.counted.textContent =
      next === null
        ? plural(items.length, "entry", "entries")
        : `${plural(items.length, "entry", "entries")} read, more below`;
    set(this.table, { "aria-rowcount": next === null ? items.length + 1 : -1 });
    this.blank.hidden = items.length > 0;
    this.table.hidden = items.length === 0;
    if (items.length === 0) this.explainBlank();
    this.rows.show(items);
  }

  explainBlank() {
    const filtered = FILTERS.some((name) => this.query[name]);
    const clear = el(
      "button",
      { type: "button", on: { click: () => this.narrow(Object.fromEntries(FILTERS.map((name) => [name, null]))) } },
      "Clear the filters",
    );
    this.blank.replaceChildren(
      filtered
        ? empty("No entry matches", "Nothing fits all of these filters.", clear)
        : empty("No time yet", "Entries appear when time.submitted or time.approved names this contract."),
    );
  }

  makeRow() {
    const cell = (name = "") => el("td", { role: "cell", class: name });
    const date = el("th", { scope: "row", role: "rowheader" });
    const cells = {
      person: cell("person"),
      line: cell("line"),
      hours: cell("num"),
      billable: cell("num"),
      rate: cell("num rate"),
      amount: cell("num amount"),
      invoiced: cell("num invoiced"),
      status: cell("status"),
      event: cell("event"),
    };
    const tr = el("tr", { role: "row" }, date, ...Object.values(cells));
    tr.show = (entry) => this.fill(tr, date, cells, entry);
    return tr;
  }

  fill(tr, date, cells, entry) {
    if (tr.entry === entry) return;
    tr.entry = entry;
    date.textContent = day(entry.work_date);
    cells.person.replaceChildren(entry.resource_id, el("span", { class: "sub" }, entry.role ?? ""));
    cells.line.textContent = entry.line_id ?? "";
    cells.hours.textContent = hours(entry.minutes);
    cells.billable.textContent = entry.billable ? hours(entry.billable_minutes) : "not billable";
    cells.rate.replaceChildren(
      money(entry.rate),
      el("span", { class: "sub" }, entry.rate_scope ? words.sentence(entry.rate_scope.replaceAll("+", " and ")) : ""),
    );
    figure(cells.amount, money(entry.amount), entry.amount);
    cells.invoiced.textContent = money(entry.invoiced_amount);
    cells.status.replaceChildren(
      pill(words.entryStatus(entry.status)),
      entry.problem ? el("span", { class: "sub problem" }, words.blocker(entry.problem)) : "",
    );
    const label = `Original event of entry ${entry.entry_id}, revision ${entry.revision}`;
    cells.event.replaceChildren(
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          title: label,
          "aria-label": label,
          on: { click: () => this.openEvent({ source: entry.source, id: entry.event_id }) },
        },
        `r${entry.revision}`,
      ),
    );
  }
}

function options(select, all, choicesOf) {
  select.replaceChildren(
    el("option", { value: "" }, all),
    ...choicesOf.map(([value, label]) => el("option", { value }, label)),
  );
}
