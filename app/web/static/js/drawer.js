/** The drawer: where a figure comes from, down to the event as it was sent. */
import { address, read } from "./api.js";
import { changed, go, leave } from "./address.js";
import { cellContent } from "./cell.js";
import { el, failure } from "./dom.js";
import { NOTHING, count, day, hours, instant, money, percent, plural } from "./format.js";
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
        ...explanation(answer, {
          event: (event) => go(changed({ event: `${event.source} ${event.id}` }), { replace: true }),
          figure: (part) => go(changed({ explain: part.entry_id, line: part.line_id }), { replace: true }),
        }),
        source(path, query),
      ],
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
  async reading(title, crumb, path, query, build) {
    const { shown } = this;
    this.frame(title, crumb, el("p", { class: "waiting" }, "Reading…"));
    let content;
    try {
      content = build(await read(path, query));
    } catch (problem) {
      content = [failure(problem)];
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
  if (value === null) return NOTHING;
  if (unit === "minutes") return `${hours(value)} hours`;
  if (unit === "ratio") return percent(value);
  if (unit === "date") return day(value);
  if (unit === "percent") return value.length === 0 ? NOTHING : `${value.join(", ")}\u202f%`;
  return `${money(value)} ${unit ?? ""}`.trim();
};

/** `open` leads on: to an event, and to a figure that this one is made of. */
function explanation(answer, open) {
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
    steps.length > 0 && stepTable(steps, open),
  ].filter(Boolean);
}

function stepTable(steps, open) {
  const rows = steps.map((step) =>
    el(
      "tr",
      {},
      el(
        "th",
        { scope: "row" },
        step.work_date ? day(step.work_date) : "",
        step.unit === undefined
          ? el("span", { class: "ids" }, step.entry_id ?? "")
          : lead(figureName(step.entry_id), figureName(step.entry_id), () => open.figure(step)),
      ),
      el(
        "td",
        { class: "arithmetic num" },
        step.arithmetic,
        step.rate_id && el("span", { class: "ids" }, step.rate_id),
      ),
      el("td", { class: "num" }, step.unit === undefined ? money(step.amount) : show(step.amount, step.unit)),
      el(
        "td",
        {},
        step.event_id &&
          step.source &&
          lead("event", `Event ${step.event_id}`, () => open.event({ source: step.source, id: step.event_id })),
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

const lead = (text, label, click) =>
  el("button", { type: "button", class: "quiet", "aria-label": label, on: { click } }, text);

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
