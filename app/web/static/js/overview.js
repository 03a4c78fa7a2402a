/** The overview: five figures, then the contracts by urgency. */
import { changed, go } from "./address.js";
import { matcher, order, SHOWN } from "./book.js";
import { Cards } from "./cards.js";
import { ContractRow } from "./contractrow.js";
import { el, empty, failure, set } from "./dom.js";
import { count, plural } from "./format.js";
import { Rows } from "./rows.js";
import * as words from "./words.js";

const SETTLE_MS = 3_000;
const TYPING_MS = 150;

export class Overview {
  constructor(book) {
    this.book = book;
    this.title = "Overview";
    this.filter = {};
    this.shown = [];
    this.cards = new Cards(book);
    this.table = this.makeTable();
    this.heading = el("h1", { tabindex: "-1", class: "unseen" }, "Overview");
    this.element = el("div", { class: "overview" }, this.heading, this.cards.element, this.makeToolbar(), this.table);
    for (const name of ["pointermove", "focusin", "keydown"]) this.table.addEventListener(name, () => this.hold());
  }

  /** The view came into sight at this address. */
  open({ query }) {
    const read = (name) => query.get(name) ?? "";
    this.filter = {
      show: read("show"),
      text: read("q"),
      currency: read("currency"),
      status: read("status"),
      sort: read("sort") || "urgency",
    };
    if (document.activeElement !== this.search) this.search.value = this.filter.text;
    this.cards.open();
    this.arrange();
  }

  /** Read the five figures again; the book reads the rows. */
  load() {
    this.cards.load();
  }

  close() {
    this.cards.close();
    clearTimeout(this.settling);
  }

  /** Contracts changed: figures at once, the order only while nobody points at the table. */
  update() {
    this.cards.changed();
    if (!this.held()) return this.arrange();
    this.shown = this.shown.map((row) => this.book.rows.get(row.contract_id)).filter(Boolean);
    this.rows.show(this.shown);
    this.describe();
    this.cards.rows();
  }

  /** A statement says nothing of weeks and urgency; those of a row in sight are asked for. */
  followUp(touched) {
    this.book.refreshSoon([...touched].filter((id) => this.rows.alive.has(id)));
  }

  held() {
    return Date.now() - (this.handledAt ?? 0) < SETTLE_MS && this.book.complete;
  }

  hold() {
    this.handledAt = Date.now();
    clearTimeout(this.settling);
    this.settling = setTimeout(
      () => (this.table.matches(":hover, :focus-within") ? this.hold() : this.arrange()),
      SETTLE_MS,
    );
  }

  arrange() {
    const matches = matcher(this.filter);
    this.shown = [...this.book.rows.values()].filter(matches).sort(order(this.filter.sort));
    this.rows.show(this.shown);
    this.describe();
    this.cards.rows();
  }

  makeToolbar() {
    this.search = el("input", {
      type: "search",
      placeholder: "Find a contract or client",
      "aria-label": "Find a contract or client",
      "aria-keyshortcuts": "/",
      on: { input: () => this.type() },
    });
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "Which contracts" });
    this.currency = el("select", {
      "aria-label": "Currency",
      on: { change: () => this.narrow({ currency: this.currency.value }) },
    });
    this.status = el("select", {
      "aria-label": "Status of the contract",
      on: { change: () => this.narrow({ status: this.status.value }) },
    });
    this.counted = el("p", { class: "counted", "aria-live": "polite" });
    return el(
      "div",
      { class: "toolbar" },
      this.search,
      this.chips,
      this.currency,
      this.status,
      barLegend(),
      this.counted,
    );
  }

  narrow(changes) {
    go(changed(changes), { replace: true });
  }

  type() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.narrow({ q: this.search.value.trim() }), TYPING_MS);
  }

  makeTable() {
    const head = el(
      "tr",
      { role: "row" },
      COLUMNS.map((column) => this.makeHeading(column)),
    );
    const body = el("tbody", { role: "rowgroup" });
    const table = el(
      "table",
      { class: "contracts", role: "table", "aria-label": "Contracts" },
      el("thead", { role: "rowgroup" }, head),
      body,
    );
    this.rows = new Rows(body, { key: (row) => row.contract_id, make: (row) => new ContractRow(row, this.book).tr });
    this.blank = el("div", { class: "blank", hidden: true });
    this.grid = table;
    return el("div", { class: "card flush" }, table, this.blank);
  }

  makeHeading({ name, label, sort }) {
    const content = sort ? el("button", { type: "button", on: { click: () => this.sortBy(sort) } }, label) : label;
    return el("th", { scope: "col", role: "columnheader", class: name, "data-sort": sort }, content);
  }

  /** Once for the order that puts what matters on top, again for the reverse, a third time back to urgency. */
  sortBy(name) {
    const now = this.filter.sort;
    this.narrow({ sort: now === name ? `-${name}` : now === `-${name}` ? null : name });
  }

  /** Counts, choices, headings: everything around the rows. */
  describe() {
    const all = [...this.book.rows.values()];
    this.drawChips(all);
    choices(
      this.currency,
      "All currencies",
      [...new Set(all.map((row) => row.currency).filter(Boolean))].sort(),
      this.filter.currency,
    );
    choices(this.status, "Any status", words.CONTRACT_STATUSES, this.filter.status, (code) => words.status(code)[0]);
    const currencies = new Set(this.shown.map((row) => row.currency));
    set(this.grid, {
      "aria-rowcount": this.shown.length + 1,
      "data-currencies": currencies.size === 1 ? "one" : "several",
    });
    const [only] = currencies.size === 1 ? currencies : [""];
    for (const th of this.grid.querySelectorAll("th.ready, th.blocked"))
      set(th, { "data-currency": only ? `, ${only}` : "" });
    for (const th of this.grid.querySelectorAll("th[data-sort]")) {
      const sorted =
        th.dataset.sort === this.filter.sort
          ? "descending"
          : `-${th.dataset.sort}` === this.filter.sort
            ? "ascending"
            : null;
      set(th, { "aria-sort": sorted });
    }
    const waiting = this.book.complete || this.book.problem ? "" : "reading… ";
    this.counted.textContent = `${waiting}${plural(this.shown.length, "contract")}`;
    this.explainBlank();
  }

  drawChips(all) {
    const chips = [
      ["", "All", all.length],
      ["risk", "At risk"],
      ["ready", "Ready"],
      ["blocked", "Blocked"],
    ];
    if (["past", "soon"].includes(this.filter.show))
      chips.push([this.filter.show, this.filter.show === "past" ? "Past 90 %" : "Run out within 4 weeks"]);
    const drawn = chips.map(([show, label, total = all.filter(SHOWN[show]).length]) => `${show}|${label}|${total}`);
    const state = `${drawn.join()}#${this.filter.show}`;
    if (this.chips.dataset.state === state) return;
    this.chips.dataset.state = state;
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.dataset.show : null;
    this.chips.replaceChildren(...drawn.map((text) => this.chip(...text.split("|"))));
    if (focused !== null) this.chips.querySelector(`[data-show="${focused}"]`)?.focus();
  }

  chip(show, label, total) {
    const pressed = this.filter.show === show;
    const attributes = {
      type: "button",
      "data-show": show,
      "aria-pressed": String(pressed),
      on: { click: () => this.narrow({ show: pressed ? null : show }) },
    };
    return el("button", attributes, label, " ", el("span", { class: "tally" }, count(Number(total))));
  }

  explainBlank() {
    const { problem, complete, rows } = this.book;
    this.blank.hidden = this.shown.length > 0 && !problem;
    if (this.blank.hidden) return;
    if (problem) this.blank.replaceChildren(failure(problem, () => this.book.load()));
    else if (!complete) this.blank.replaceChildren(el("p", { class: "waiting" }, "Reading the contracts…"));
    else if (rows.size === 0)
      this.blank.replaceChildren(
        empty(
          "No contract yet",
          "A contract appears with its first contract.approved, or with the first time booked on it. Send events to POST /v1/events, or start a simulated firm with: headrace demo",
        ),
      );
    else
      this.blank.replaceChildren(
        empty(
          "No contract matches",
          "Nothing fits all of these filters.",
          el("button", { type: "button", on: { click: () => go("#/") } }, "Clear the filters"),
        ),
      );
  }

  /** `/` goes to the search box from anywhere. */
  key(event) {
    if (event.key !== "/" || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    this.search.focus();
  }
}

/** What the burn bars mean; the bars themselves say it in words to a screen reader. */
function barLegend() {
  const keys = [
    ["approved", "approved"],
    ["pending", "pending"],
    ["budget", "budget"],
    ["cap", "cap"],
  ];
  return el(
    "ul",
    { class: "barlegend", "aria-hidden": "true" },
    ...keys.map(([name, label]) => el("li", {}, el("span", { class: `key ${name}` }), label)),
  );
}

const COLUMNS = [
  { name: "name", label: "Contract", sort: "name" },
  { name: "state", label: "State", sort: "state" },
  { name: "burn", label: "Budget used", sort: "used" },
  { name: "ends", label: "Runs out", sort: "ends" },
  { name: "currency", label: "Cur." },
  { name: "ready", label: "Ready", sort: "ready" },
  { name: "blocked", label: "Blocked", sort: "blocked" },
  { name: "weeks", label: "13 weeks" },
];

function choices(select, all, codes, chosen, label = (code) => code) {
  const wanted = codes.join();
  if (select.dataset.codes !== wanted) {
    select.dataset.codes = wanted;
    select.replaceChildren(
      el("option", { value: "" }, all),
      ...codes.map((code) => el("option", { value: code }, label(code))),
    );
  }
  select.value = chosen;
}
