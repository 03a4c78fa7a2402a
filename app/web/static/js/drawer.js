/** The drawer: where a figure comes from, down to the event as it was sent. */
import { address, read } from "./api.js";
import { changed, go, leave } from "./address.js";
import { cellContent } from "./cell.js";
import { el, failure } from "./dom.js";
import { count, day, hours, instant, money, percent, plural } from "./format.js";
import { figureName } from "./words.js";

export class Drawer {
  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.shown = "";
    dialog.addEventListener("close", () => this.closed());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  /** Follow the address: `explain` names a figure of the contract, `cell` a person's week as `week id`, `event` an event
   * as `source id`. */
  follow({ path, query }) {
    const asked = ["line", "explain", "cell", "event"].map((name) => query.get(name));
    const wanted = JSON.stringify([path[1], ...asked]);
    const cell = path[0] === "people" && query.has("cell");
    const needed = query.has("event") || cell || (path[0] === "contracts" && query.has("explain"));
    if (!needed) {
      this.shown = "";
      this.dialog.close();
      return;
    }
    if (wanted === this.shown) return;
    this.shown = wanted;
    if (query.has("event")) this.openEvent(...named(query.get("event")), query.has("explain") || cell);
    else if (cell) this.openCell(...named(query.get("cell")));
    else this.openFigure(path[1], query.get("explain"), query.get("line"));
    if (!this.dialog.open) this.dialog.showModal();
  }

  closed() {
    if (this.shown === "") return;
    this.shown = "";
    leave({ explain: null, cell: null, event: null });
  }

  frame(title, crumb, ...content) {
    const close = el(
      "button",
      { type: "button", class: "close", "aria-label": "Close", on: { click: () => this.dialog.close() } },
      "✕",
    );
    this.dialog.replaceChildren(
      el("header", {}, el("div", {}, crumb, el("h2", { id: "drawer-title", tabindex: "-1" }, title)), close),
      el("div", { class: "content" }, ...content),
    );
  }

  async openFigure(contractId, name, lineId) {
    const path = ["contracts", contractId, "explain"];
    const query = { figure: name, line_id: lineId };
    await this.reading(
      figureName(name),
      el("p", { class: "crumb" }, ["Where it comes from", contractId, lineId].filter(Boolean).join(" · ")),
      path,
      query,
      (answer) => [
        ...explanation(answer, (event) => go(changed({ event: `${event.source} ${event.id}` }), { replace: true })),
        source(path, query),
      ],
      (problem) => (problem.status === 400 && name in IN_WORDS ? this.inWords(name) : null),
    );
  }

  async openCell(week, resourceId) {
    const path = ["resources", resourceId, "weeks", week];
    const openEvent = (event) => go(changed({ event: `${event.source} ${event.id}` }), { replace: true });
    await this.reading(resourceId, el("p", { class: "crumb" }, `What ${week} is made of`), path, {}, (answer) => [
      ...cellContent(answer, openEvent),
      source(path, {}),
    ]);
  }

  /** A figure the server does not take apart: how it is worked out, and the way to the figure it rests on. */
  inWords(name) {
    const basis = name.includes("minutes") ? "approved.billable_minutes" : "approved.amount";
    const open = { click: () => go(changed({ explain: basis }), { replace: true }) };
    return [
      el("p", { class: "formula" }, IN_WORDS[name]),
      el(
        "p",
        { class: "source" },
        "It rests on ",
        el("button", { type: "button", class: "quiet", on: open }, figureName(basis).toLowerCase()),
        ", which is explained entry by entry.",
      ),
    ];
  }

  async openEvent(from, id, behindFigure) {
    const crumb = behindFigure
      ? el(
          "button",
          {
            type: "button",
            class: "quiet crumb",
            on: { click: () => go(changed({ event: null }), { replace: true }) },
          },
          "‹ Back to the figure",
        )
      : el("p", { class: "crumb" }, from);
    await this.reading(`Event ${id}`, crumb, ["events"], { source: from, id }, (answer) => [
      eventFacts(answer),
      el(
        "pre",
        { class: "json", tabindex: "0", "aria-label": "The event as JSON" },
        el("code", {}, JSON.stringify(withoutMeta(answer), null, 2)),
      ),
      source(["events"], { source: from, id }),
    ]);
  }

  /** Read and show, unless the address went on meanwhile. */
  async reading(title, crumb, path, query, build, otherwise = () => null) {
    const { shown } = this;
    this.frame(title, crumb, el("p", { class: "waiting" }, "Reading…"));
    let content;
    try {
      content = build(await read(path, query));
    } catch (problem) {
      content = otherwise(problem) ?? [failure(problem)];
    }
    if (this.shown === shown) this.frame(title, crumb, ...content);
  }
}

/** What stands before the first space, and the rest: the source and the id of an event, as a source is a URI reference
 * and has no space; the week and the person of a cell. */
function named(text) {
  const cut = text.indexOf(" ");
  return [text.slice(0, cut), text.slice(cut + 1)];
}

const source = (path, query) =>
  el(
    "p",
    { class: "source sub" },
    "The same as JSON: ",
    el("a", { href: address(path, query), target: "_blank", rel: "noopener" }, `GET /${address(path, query)}`),
  );

const show = (value, unit) => {
  if (value === null) return "–";
  if (unit === "minutes") return `${hours(value)} hours`;
  if (unit === "ratio") return percent(value);
  if (unit === "date") return day(value);
  return `${money(value)} ${unit ?? ""}`.trim();
};

function explanation(answer, openEvent) {
  const { value, unit, formula, rules, steps, steps_total: total, checksum, recomputed, agrees } = answer;
  const verdict = agrees
    ? el(
        "p",
        { class: "verdict good" },
        el("span", { "aria-hidden": "true" }, "✓ "),
        `Recomputed from its events: ${show(recomputed, unit)}. It agrees.`,
      )
    : el(
        "p",
        { class: "verdict stop", role: "alert" },
        el("span", { "aria-hidden": "true" }, "✕ "),
        `Recomputed from its events: ${show(recomputed, unit)}. It does not agree with the figure shown.`,
      );
  return [
    el("p", { class: "value num", "data-value": value }, show(value, unit)),
    verdict,
    el("h3", {}, "Formula"),
    el("p", { class: "formula" }, formula),
    rules.length > 0 && el("h3", {}, "Rules"),
    rules.length > 0 && el("ul", { class: "rules" }, ...rules.map((rule) => el("li", {}, rule))),
    el("h3", {}, "Arithmetic"),
    el(
      "p",
      { class: "sub" },
      steps.length < total ? `The first ${count(steps.length)} of ${plural(total, "step")}.` : plural(total, "step"),
      checksum && " Checksum ",
      checksum && el("code", {}, checksum),
    ),
    steps.length > 0 && stepTable(steps, openEvent),
  ].filter(Boolean);
}

function stepTable(steps, openEvent) {
  const rows = steps.map((step) =>
    el(
      "tr",
      {},
      el(
        "th",
        { scope: "row" },
        step.work_date ? day(step.work_date) : "",
        el("span", { class: "ids" }, step.entry_id ?? ""),
      ),
      el(
        "td",
        { class: "arithmetic num" },
        step.arithmetic,
        step.rate_id && el("span", { class: "ids" }, step.rate_id),
      ),
      el("td", { class: "num" }, money(step.amount)),
      el(
        "td",
        {},
        step.event_id &&
          el(
            "button",
            {
              type: "button",
              class: "quiet",
              "aria-label": `Event ${step.event_id}`,
              on: { click: () => openEvent({ source: step.source, id: step.event_id }) },
            },
            "event",
          ),
      ),
    ),
  );
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Steps" },
    el(
      "table",
      { class: "steps" },
      el(
        "thead",
        {},
        el("tr", {}, ...["Entry", "Arithmetic", "Amount", "From"].map((text) => el("th", { scope: "col" }, text))),
      ),
      el("tbody", {}, ...rows),
    ),
  );
}

function eventFacts(event) {
  const facts = [
    ["Type", event.type],
    ["Source", event.source],
    ["Happened", event.time && instant(event.time)],
    ["Recorded", event.recordedtime && instant(event.recordedtime)],
    ["Subject", event.subject],
  ];
  return el(
    "dl",
    { class: "event-facts" },
    ...facts
      .filter(([, value]) => value)
      .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

const USED_SHARE = "Approved ÷ budget, on the terms of the business date.";
const WHAT_IS_LEFT = "Budget − approved. It may be negative.";
const WEEKLY = "Approved work of the last 28 days up to the business date, ÷ 4.";
const LAST_DAY =
  "The business date + what remains ÷ the daily mean of the last 28 days, rounded up to a whole day; once the budget is used up, the first work date on which the running total reached it.";
const IN_WORDS = {
  "ratio.amount": USED_SHARE,
  "ratio.minutes": USED_SHARE,
  "remaining.amount": WHAT_IS_LEFT,
  "remaining.minutes": WHAT_IS_LEFT,
  "per_week.amount": WEEKLY,
  "per_week.minutes": WEEKLY,
  "exhaustion.amount_on": LAST_DAY,
  "exhaustion.minutes_on": LAST_DAY,
  ready_amount:
    "Approved, billable, priced and uninvoiced entries inside the term, up to the cap, with accepted milestones and fees; 0 while a blocker holds the whole contract.",
  blocked_amount:
    "What blockers hold back, where it has a price; with a blocker of the whole contract, all that would be ready.",
  over_cap_amount: "Approved work that the cap leaves no room for, entries taken in the order of their work dates.",
  invoiced_amount: "What live invoices name, less what was credited.",
  adjustment_amount: "Per entry on a live invoice: what holds now − what was invoiced.",
  retained_amount: "What the client keeps back until the retainage is released.",
};

const META = new Set([
  "as_of",
  "watermark",
  "stale",
  "partitions_answered",
  "partitions_total",
  "state_version",
  "engine_version",
]);
const withoutMeta = (answer) => Object.fromEntries(Object.entries(answer).filter(([name]) => !META.has(name)));
