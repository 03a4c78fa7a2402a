/** One contract: how far it has burned, when it runs out, what can be billed, and every entry behind it. */
import { changed, go } from "./address.js";
import { read } from "./api.js";
import { BurnDown } from "./burndown.js";
import { burnBar } from "./burnbar.js";
import { length } from "./decimal.js";
import { el, empty, failure, figure, pill, set } from "./dom.js";
import { Entries } from "./entries.js";
import { day, daysBetween, distance, hours, money, percent, period, plural } from "./format.js";
import { Readiness } from "./readiness.js";
import { rateTable, timeline } from "./terms.js";
import * as words from "./words.js";

const FRESH_MS = 3_000;

export class Contract {
  /** @param {string} contractId @param {import("./book.js").Book} book */
  constructor(contractId, book) {
    Object.assign(this, { contractId, book, title: contractId, unit: null, lineId: "" });
    this.heading = el("h1", { tabindex: "-1" }, contractId);
    this.facts = el("p", { class: "facts" });
    this.tiles = new Tiles((name) => this.explain(name));
    this.chart = new BurnDown();
    this.lines = new Lines();
    this.byPeriod = el("div", {});
    this.byRole = el("div", {});
    this.readiness = new Readiness((name) => this.explain(name, false));
    this.terms = el("section", { class: "card terms", "aria-labelledby": "terms-title" });
    this.entries = new Entries(contractId, ({ source, id }) => go(changed({ event: `${source} ${id}` }), { layer: true }));
    this.unitSwitch = el("div", { class: "switch", role: "group", "aria-label": "Unit" }, this.unitButton("amount", "Money"), this.unitButton("minutes", "Hours"));
    this.element = el("article", { class: "contract" }, this.makeTitle(), el("p", { class: "waiting" }, "Reading the contract…"));
    this.load();
  }

  makeTitle() {
    return el("header", { class: "title" }, el("a", { class: "crumb", href: "#/" }, "‹ Contracts"), el("div", { class: "row" }, this.heading, this.unitSwitch), this.facts);
  }

  unitButton(unit, label) {
    return el("button", { type: "button", "data-unit": unit, on: { click: () => go(changed({ unit }), { replace: true }) } }, label);
  }

  layOut() {
    const card = (title, id, ...content) => el("section", { class: "card", "aria-labelledby": id }, el("h2", { id }, title), ...content);
    this.element.replaceChildren(
      this.makeTitle(),
      this.tiles.element,
      el(
        "div",
        { class: "columns" },
        el("div", { class: "wide" }, card("Burn-down", "chart-title", this.chart.element), this.lines.element, el("div", { class: "pair" }, card("By month", "month-title", this.byPeriod), card("By role", "role-title", this.byRole))),
        el("div", { class: "side" }, this.readiness.element, this.terms),
      ),
      this.entries.element,
    );
    this.laidOut = true;
  }

  async load() {
    try {
      const [row, readiness, daily] = await Promise.all([read(["contracts", this.contractId]), read(["contracts", this.contractId, "readiness"]), read(["contracts", this.contractId, "daily"])]);
      if (this.isClosed) return;
      Object.assign(this, { row, daily, readinessPayload: readiness });
      if (!this.laidOut) this.layOut();
      this.showAll();
    } catch (problem) {
      if (!this.laidOut) this.element.replaceChildren(this.makeTitle(), failure(problem, () => this.load()));
    }
  }

  open({ query }) {
    this.unit = query.get("unit");
    this.lineId = query.get("line") ?? "";
    this.entries.open(query);
    if (this.laidOut) this.showAll();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.soon);
    this.chart.close();
    this.entries.close();
  }

  /** Statements came: those of this contract at once, what they do not carry a little later. */
  statements(statements) {
    const mine = statements.filter(({ data }) => data.contract_id === this.contractId);
    if (mine.length === 0 || !this.row) return;
    for (const { type, data } of mine) this.take(type, data);
    this.showFigures();
    this.entries.changed();
    this.soon ??= setTimeout(() => {
      this.soon = null;
      this.load();
    }, FRESH_MS);
  }

  take(type, data) {
    if (type === "readiness.updated") this.readinessPayload = data;
    if (type !== "burn.updated") return;
    if (!data.line_id) this.row = { ...this.row, burn: data, status: data.status };
    else this.row = { ...this.row, lines: this.row.lines.map((line) => (line.line_id === data.line_id ? { ...line, burn: data } : line)) };
  }

  /** The burn shown: the chosen line's, or the whole contract's. */
  burn() {
    return this.chosenLine()?.burn ?? this.row.burn;
  }

  chosenLine() {
    return this.row.lines.find((line) => line.line_id === this.lineId) ?? null;
  }

  chosenUnit() {
    if (this.unit === "minutes" || this.unit === "amount") return this.unit;
    const { budget } = this.row.burn;
    return budget.amount === null && budget.minutes !== null ? "minutes" : "amount";
  }

  showAll() {
    const { row } = this;
    this.title = row.name || row.contract_id;
    document.title = `${this.title} · headrace`;
    this.heading.textContent = this.title;
    this.facts.replaceChildren(...factsOf(row));
    this.showTerms();
    this.entries.offer({ lines: row.lines, periods: Object.keys(row.burn.by_period).sort(), currency: row.currency });
    this.showFigures();
    this.drawChart();
  }

  showTerms() {
    const { contract_id: id, versions, rates, burn } = this.row;
    const said = JSON.stringify([versions, rates, burn.as_of]);
    if (this.termsSaid === said) return;
    this.termsSaid = said;
    this.terms.replaceChildren(
      el("h2", { id: "terms-title" }, "Terms by version"),
      versions.length > 0 ? timeline(versions, burn.as_of) : empty("No terms yet", "The contract is known only from what was booked on it. Its contract.approved brings the terms."),
      rates.length > 0 ? el("details", {}, el("summary", {}, plural(rates.length, "rate")), rateTable(rates, id)) : el("p", { class: "sub" }, "No rate of its own: work is priced by the client's, the role's or the firm's."),
    );
  }

  showFigures() {
    const { row } = this;
    const unit = this.chosenUnit();
    const burn = this.burn();
    for (const button of this.unitSwitch.children) button.setAttribute("aria-pressed", String(button.dataset.unit === unit));
    this.tiles.show(burn, { unit, currency: row.currency, line: this.chosenLine() });
    this.lines.show(row, this.lineId, unit);
    this.byPeriod.replaceChildren(breakdown(burn.by_period, { unit, currency: row.currency, name: period, heading: "Month", reversed: true, href: (key) => changed({ period: key, on: null }) }));
    this.byRole.replaceChildren(breakdown(burn.by_role, { unit, currency: row.currency, name: (role) => role || "no role", heading: "Role" }));
    this.readiness.show(this.readinessPayload, { currency: row.currency, asOf: this.readinessPayload.as_of ?? row.as_of });
  }

  drawChart() {
    const { row, daily } = this;
    const unit = this.chosenUnit();
    this.chart.show(daily, { asOf: row.burn.as_of, unit, currency: row.currency, versions: row.versions, sentence: summary(row.burn, unit, row.currency) });
  }

  explain(name, ofLine = true) {
    go(changed({ explain: name, line: ofLine ? this.lineId : null }), { layer: true });
  }
}

function factsOf(row) {
  const parts = [
    pill(words.status(row.status)),
    el("span", {}, row.contract_id),
    (row.client?.name ?? row.client_id) && el("span", {}, row.client?.name ?? row.client_id),
    row.term && el("span", {}, `${day(row.term.from)} – ${row.term.to ? day(row.term.to) : "open"}`),
    row.purchase_order?.number && el("span", {}, `PO ${row.purchase_order.number}`),
    row.practice && el("span", {}, row.practice),
    row.burn.contract_version && el("span", {}, `version ${row.burn.contract_version}`),
  ];
  return parts.filter(Boolean);
}

/** What the chart says, in a sentence. */
function summary(burn, unit, currency) {
  const shown = unit === "amount" ? (text) => `${money(text)} ${currency ?? ""}`.trim() : (text) => `${hours(text)} hours`;
  const used = unit === "amount" ? burn.approved.amount : burn.approved.billable_minutes;
  const endsOn = burn.exhaustion?.[`${unit}_on`];
  const until = burn.as_of ? ` by ${day(burn.as_of)}` : "";
  if (burn.budget[unit] === null) return `${shown(used)} approved${until}; no budget in ${unit === "amount" ? "money" : "hours"}.`;
  const end = endsOn == null ? "At the present rate it does not run out." : burn.as_of && endsOn <= burn.as_of ? `The budget was used up on ${day(endsOn)}.` : `At ${shown(burn.per_week[unit])} a week it runs out on ${day(endsOn)}.`;
  return `${shown(used)} of ${shown(burn.budget[unit])} approved${until} (${percent(burn.ratio[unit])}). ${end}`;
}

/** The figures across the top; each opens its explanation. */
class Tiles {
  constructor(explain) {
    this.explain = explain;
    this.tiles = new Map();
    this.note = el("p", { class: "note", hidden: true });
    this.list = el("dl", { class: "tiles" });
    this.element = el("section", { "aria-label": "Burn" }, this.note, this.list);
  }

  show(burn, { unit, currency, line }) {
    const shown = unit === "amount" ? money : hours;
    const other = unit === "amount" ? "minutes" : "amount";
    const aside = unit === "amount" ? (text) => `${hours(text)} hours` : (text) => `${money(text)} ${currency ?? ""}`.trim();
    const used = (of) => (of === "amount" ? burn.approved.amount : burn.approved.billable_minutes);
    const suffix = unit === "amount" ? (currency ?? "no currency") : "hours";
    const endsOn = burn.exhaustion?.[`${unit}_on`] ?? null;
    const away = endsOn !== null && burn.as_of ? distance(daysBetween(burn.as_of, endsOn)) : "";
    const planned = burn.exhaustion?.planned_on ? `by plan ${day(burn.exhaustion.planned_on, burn.as_of)}` : "";
    this.tile(unit === "amount" ? "approved.amount" : "approved.billable_minutes", `Approved, ${suffix}`, shown(used(unit)), used(unit), aside(used(other)));
    this.tile(`ratio.${unit}`, "Of the budget", percent(burn.ratio?.[unit]), burn.ratio?.[unit], burn.budget[unit] === null ? `no budget in ${unit === "amount" ? "money" : "hours"}` : `of ${shown(burn.budget[unit])}`);
    this.tile(`remaining.${unit}`, `Remaining, ${suffix}`, shown(burn.remaining?.[unit]), burn.remaining?.[unit], burn.remaining?.[other] == null ? "" : aside(burn.remaining[other]));
    this.tile(`pending.${unit}`, `Pending, ${suffix}`, shown(burn.pending[unit]), burn.pending[unit], "submitted, not approved");
    this.tile(`per_week.${unit}`, `A week, ${suffix}`, shown(burn.per_week[unit]), burn.per_week[unit], "mean of the last 28 days");
    this.tile(`exhaustion.${unit}_on`, "Runs out", day(endsOn, burn.as_of), endsOn, [away, planned].filter(Boolean).join(" · ") || (burn.budget[unit] === null ? "no budget" : "not at this rate"));
    this.arrange(unit);
    this.tell(burn, line);
  }

  tile(name, label, text, value, sub) {
    let tile = this.tiles.get(name);
    if (tile === undefined) {
      const button = el("button", { type: "button", class: "num figure", "data-figure": name, title: "Where this figure comes from", on: { click: () => this.explain(name) } });
      tile = { label: el("dt", {}), button, sub: el("dd", { class: "sub" }), element: null };
      tile.element = el("div", {}, tile.label, el("dd", {}, button), tile.sub);
      this.tiles.set(name, tile);
    }
    tile.label.textContent = label;
    figure(tile.button, text, value);
    tile.button.setAttribute("aria-label", `${label}: ${text}, explain`);
    set(tile.button, { "data-negative": text.startsWith("\u2212") ? "" : null });
    tile.sub.textContent = sub;
  }

  arrange(unit) {
    if (this.unit === unit) return;
    this.unit = unit;
    const other = unit === "amount" ? "minutes" : "amount";
    const names = [...this.tiles.keys()].filter((name) => !name.endsWith(other) && !name.endsWith(`${other}_on`));
    this.list.replaceChildren(...names.map((name) => this.tiles.get(name).element));
  }

  /** Which line is shown, and work that has no price: it is in the hours and not in the money. */
  tell(burn, line) {
    const whole = line && el("button", { type: "button", class: "quiet", on: { click: () => go(changed({ line: null }), { replace: true }) } }, "show the whole contract");
    const unpriced = burn.unpriced_minutes && Number(burn.unpriced_minutes) !== 0 ? `${hours(burn.unpriced_minutes)} hours have no rate and are in no amount.` : "";
    this.note.hidden = !line && !unpriced;
    this.note.replaceChildren(...(line ? ["Figures of line ", el("strong", {}, line.title || line.line_id), ": ", whole, " "] : []), unpriced);
  }
}

/** The lines of the contract; one can be chosen. */
class Lines {
  constructor() {
    this.body = el("tbody", {});
    this.head = el("tr", {});
    this.element = el("section", { class: "card flush lines", "aria-labelledby": "lines-title" }, el("h2", { id: "lines-title" }, "Lines"), el("div", { class: "scroll" }, el("table", {}, el("thead", {}, this.head), this.body)));
    this.kept = new Map();
  }

  show(row, chosen, unit) {
    this.element.hidden = row.lines.length === 0;
    const named = unit === "amount" ? (row.currency ?? "") : "h:mm";
    this.head.replaceChildren(...["Line", "Billing", "Budget used", `Approved, ${named}`, `Budget, ${named}`, `Remaining, ${named}`].map((text, index) => el("th", { scope: "col", class: index > 2 ? "num" : null }, text)));
    const shown = unit === "amount" ? money : hours;
    row.lines.forEach((line) => this.line(line, chosen, shown, unit));
  }

  line(line, chosen, shown, unit) {
    const id = line.line_id;
    if (!this.kept.has(id)) this.kept.set(id, this.makeLine(line));
    const { tr, button, bar, cells } = this.kept.get(id);
    const { burn } = line;
    set(tr, { "data-chosen": id === chosen ? "" : null });
    button.setAttribute("aria-pressed", String(id === chosen));
    bar.draw(burn, line.cap);
    const values = [unit === "amount" ? burn.approved.amount : burn.approved.billable_minutes, burn.budget?.[unit], burn.remaining?.[unit]];
    values.forEach((value, index) => figure(cells[index], shown(value), value));
  }

  makeLine(line) {
    const id = line.line_id;
    const choose = (event) => go(changed({ line: event.currentTarget.getAttribute("aria-pressed") === "true" ? null : id }), { replace: true });
    const button = el("button", { type: "button", class: "quiet", on: { click: choose } }, line.title || id);
    const bar = burnBar();
    const cells = [0, 1, 2].map(() => el("span", {}));
    const tr = el("tr", {}, el("th", { scope: "row" }, button, el("span", { class: "ids" }, id)), el("td", {}, words.method(line.billing_method)), el("td", { class: "burn" }, bar), ...cells.map((cell) => el("td", { class: "num" }, cell)));
    this.body.append(tr);
    return { tr, button, bar, cells };
  }
}

/** A small table of bars: one row per month or role, the bar for its size beside the figure. */
function breakdown(parts, { unit, currency, name, heading, reversed = false, href = null }) {
  const keys = Object.keys(parts).sort((a, b) => (reversed ? (a < b ? 1 : -1) : length(parts[b][unit]) - length(parts[a][unit])));
  if (keys.length === 0) return empty("Nothing approved yet", "Approved time fills this table.");
  const top = Math.max(...keys.map((key) => length(parts[key][unit])), 0);
  const shown = unit === "amount" ? money : hours;
  const rows = keys.map((key) => {
    const fill = el("span", { class: "fill" });
    fill.style.width = `${top > 0 ? (Math.max(length(parts[key][unit]), 0) / top) * 100 : 0}%`;
    return el("tr", {}, el("th", { scope: "row" }, href ? el("a", { href: href(key) }, name(key)) : name(key)), el("td", { class: "meter", "aria-hidden": "true" }, el("span", { class: "track" }, fill)), el("td", { class: "num" }, shown(parts[key][unit])));
  });
  const head = el("tr", {}, el("th", { scope: "col" }, heading), el("td", { "aria-hidden": "true" }), el("th", { scope: "col", class: "num" }, unit === "amount" ? (currency ?? "") : "h:mm"));
  return el("div", { class: "scroll" }, el("table", { class: "breakdown" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}
