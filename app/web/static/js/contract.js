/** One contract: how far it has burned, when it runs out, what can be billed, and every entry behind it. */
import { changed, go } from "./address.js";
import { read } from "./api.js";
import { BurnDown } from "./burndown.js";
import { breakdown } from "./breakdown.js";
import { el, empty, failure, pill } from "./dom.js";
import { Entries } from "./entries.js";
import { day, hours, money, percent, period, plural } from "./format.js";
import { Lines } from "./lines.js";
import { Readiness } from "./readiness.js";
import { rateTable, timeline } from "./terms.js";
import { Tiles } from "./tiles.js";
import * as words from "./words.js";

const FRESH_MS = 3_000;

export class Contract {
  /** @param {string} contractId */
  constructor(contractId) {
    Object.assign(this, { contractId, title: contractId, unit: null, lineId: "" });
    this.heading = el("h1", { tabindex: "-1" }, contractId);
    this.facts = el("p", { class: "facts" });
    this.tiles = new Tiles((name) => this.explain(name));
    this.chart = new BurnDown();
    this.chartTitle = el("h2", { id: "chart-title" });
    this.lines = new Lines();
    this.byPeriod = el("div", {});
    this.byRole = el("div", {});
    this.readiness = new Readiness((name) => this.explain(name, false));
    this.terms = el("section", { class: "card terms", "aria-labelledby": "terms-title" });
    this.entries = new Entries(contractId, ({ source, id }) =>
      go(changed({ event: `${source} ${id}` }), { layer: true }),
    );
    this.unitSwitch = el(
      "div",
      { class: "switch", role: "group", "aria-label": "Unit" },
      this.unitButton("amount", "Money"),
      this.unitButton("minutes", "Hours"),
    );
    this.element = el(
      "article",
      { class: "contract" },
      this.makeTitle(),
      el("p", { class: "waiting" }, "Reading the contract…"),
    );
    this.load();
  }

  makeTitle() {
    return el(
      "header",
      { class: "title" },
      el("a", { class: "crumb", href: "#/" }, "‹ Contracts"),
      el("div", { class: "row" }, this.heading, this.unitSwitch),
      this.facts,
    );
  }

  unitButton(unit, label) {
    return el(
      "button",
      { type: "button", "data-unit": unit, on: { click: () => go(changed({ unit }), { replace: true }) } },
      label,
    );
  }

  layOut() {
    const card = (title, id, ...content) =>
      el("section", { class: "card", "aria-labelledby": id }, el("h2", { id }, title), ...content);
    this.element.replaceChildren(
      this.makeTitle(),
      this.tiles.element,
      el(
        "div",
        { class: "columns" },
        el(
          "div",
          { class: "wide" },
          el("section", { class: "card", "aria-labelledby": "chart-title" }, this.chartTitle, this.chart.element),
          this.lines.element,
          el(
            "div",
            { class: "pair" },
            card("By month", "month-title", this.byPeriod),
            card("By role", "role-title", this.byRole),
          ),
        ),
        el("div", { class: "side" }, this.readiness.element, this.terms),
      ),
      this.entries.element,
    );
    this.laidOut = true;
  }

  async load() {
    try {
      const [row, readiness, daily] = await Promise.all([
        read(["contracts", this.contractId]),
        read(["contracts", this.contractId, "readiness"]),
        read(["contracts", this.contractId, "daily"]),
      ]);
      if (this.isClosed) return;
      Object.assign(this, { row, daily, readinessPayload: readiness });
      if (!this.laidOut) this.layOut();
      this.showAll();
    } catch (problem) {
      if (!this.laidOut)
        this.element.replaceChildren(
          this.makeTitle(),
          failure(problem, () => this.load()),
        );
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
    else
      this.row = {
        ...this.row,
        lines: this.row.lines.map((line) => (line.line_id === data.line_id ? { ...line, burn: data } : line)),
      };
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
      versions.length > 0
        ? timeline(versions, burn.as_of)
        : empty(
            "No terms yet",
            "The contract is known only from what was booked on it. Its contract.approved brings the terms.",
          ),
      rates.length > 0
        ? el("details", {}, el("summary", {}, plural(rates.length, "rate")), rateTable(rates, id))
        : el("p", { class: "sub" }, "No rate of its own: work is priced by the client's, the role's or the firm's."),
    );
  }

  showFigures() {
    const { row } = this;
    const unit = this.chosenUnit();
    const burn = this.burn();
    for (const button of this.unitSwitch.children)
      button.setAttribute("aria-pressed", String(button.dataset.unit === unit));
    this.tiles.show(burn, { unit, currency: row.currency, line: this.chosenLine() });
    this.chartTitle.textContent = this.chosenLine() ? "Burn-down of the whole contract" : "Burn-down";
    this.lines.show(row, this.lineId, unit);
    this.byPeriod.replaceChildren(
      breakdown(burn.by_period, {
        unit,
        currency: row.currency,
        name: period,
        heading: "Month",
        reversed: true,
        href: (key) => changed({ period: key, on: null }),
      }),
    );
    this.byRole.replaceChildren(
      breakdown(burn.by_role, { unit, currency: row.currency, name: (role) => role || "no role", heading: "Role" }),
    );
    this.readiness.show(this.readinessPayload, {
      currency: row.currency,
      asOf: this.readinessPayload.as_of ?? row.as_of,
    });
  }

  drawChart() {
    const { row, daily } = this;
    const unit = this.chosenUnit();
    this.chart.show(daily, {
      asOf: row.burn.as_of,
      unit,
      currency: row.currency,
      versions: row.versions,
      sentence: `${summary(row.burn, unit, row.currency)} ${chances(daily.exhaustion, row.burn.as_of)}`.trim(),
    });
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

/** By when a budget is used up in so many of a hundred drawn futures. */
function chances(exhaustion, asOf) {
  const [half, most] = [exhaustion?.p50_on ?? null, exhaustion?.p90_on ?? null];
  if (half === null || half <= asOf) return "";
  const later = most === null ? "not in 90 % of them within a year" : `in 90 % by ${day(most)}`;
  return `In half of 200 drawn futures a budget is used up by ${day(half)}, ${later}.`;
}

/** What the chart says, in a sentence. */
function summary(burn, unit, currency) {
  const shown =
    unit === "amount" ? (text) => `${money(text)} ${currency ?? ""}`.trim() : (text) => `${hours(text)} hours`;
  const used = unit === "amount" ? burn.approved.amount : burn.approved.billable_minutes;
  const endsOn = burn.exhaustion?.[`${unit}_on`];
  const until = burn.as_of ? ` by ${day(burn.as_of)}` : "";
  if (burn.budget[unit] === null)
    return `${shown(used)} approved${until}; no budget in ${unit === "amount" ? "money" : "hours"}.`;
  const end =
    endsOn == null
      ? "At the present rate it does not run out."
      : burn.as_of && endsOn <= burn.as_of
        ? `The budget was used up on ${day(endsOn)}.`
        : `At ${shown(burn.per_week[unit])} a week it runs out on ${day(endsOn)}.`;
  return `${shown(used)} of ${shown(burn.budget[unit])} approved${until} (${percent(burn.ratio[unit])}). ${end}`;
}
