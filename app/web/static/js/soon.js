/** Who will soon have nothing to do: the bench that begins, and the last booked week, within four weeks. */
import { changed, go } from "./address.js";
import { read } from "./api.js";
import { el, failure, figure } from "./dom.js";
import { hours, plural, week as weekNumber } from "./format.js";
import { spanOf } from "./weeks.js";

const MOST = 100;
const AGAIN_MS = 3_000;

/** What is told: the heading, the field of the row, the week it is about, and what is said of it. */
const KINDS = [
  {
    kind: "bench",
    heading: "On the bench within four weeks",
    none: "Nobody: all have at least half of their weeks booked.",
    week: (row) => row.bench.from_week,
    says: ({ bench }) => `${plural(bench.weeks, "week")}, `,
    value: ({ bench }) => [`${hours(bench.free_minutes)} hours free`, bench.free_minutes],
  },
  {
    kind: "roll_off",
    heading: "Rolling off within four weeks",
    none: "Nobody: all are booked for longer, or not at all.",
    week: (row) => row.roll_off.last_week,
    says: () => "last booked week ",
    value: ({ roll_off: { last_week: last } }) => [weekNumber(last), last],
  },
];

export class Soon {
  constructor() {
    this.lists = new Map(KINDS.map(({ kind }) => [kind, el("ul", { class: "soon", "data-alerts": kind })]));
    this.element = el(
      "div",
      { class: "pair soonest" },
      ...KINDS.map(({ kind, heading }) =>
        el(
          "section",
          { class: "card", "aria-labelledby": `soon-${kind}` },
          el("h2", { id: `soon-${kind}` }, heading),
          this.lists.get(kind),
        ),
      ),
    );
  }

  close() {
    clearTimeout(this.again);
    this.again = null;
  }

  /** Read both lists for the people that are shown. */
  async load(filters, signal) {
    this.asked = [filters, signal];
    await Promise.all(KINDS.map((kind) => this.fill(kind, filters, signal)));
  }

  async fill(kind, filters, signal) {
    const list = this.lists.get(kind.kind);
    try {
      const { items, next } = await read(["alerts"], { kind: kind.kind, limit: MOST, ...filters }, signal);
      const rows = items.map((row) => this.item(kind, row));
      if (items.length === 0) rows.push(el("li", { class: "ids" }, kind.none));
      if (next !== null) rows.push(el("li", { class: "ids" }, `The first ${MOST}; a filter shows the others.`));
      list.replaceChildren(...rows);
    } catch (problem) {
      if (problem.name !== "AbortError")
        list.replaceChildren(el("li", {}, failure(problem, () => this.fill(kind, filters, signal))));
    }
  }

  /** A booking moves the weeks ahead one after the other: look again when it has settled. */
  loadSoon() {
    if (this.asked) this.again ??= setTimeout(() => (this.close(), this.load(...this.asked)), AGAIN_MS);
  }

  item({ week, says, value }, row) {
    const on = week(row);
    const said = el("span", { class: "num" });
    figure(said, ...value(row));
    return el(
      "li",
      { "data-id": row.resource_id },
      el(
        "button",
        {
          type: "button",
          class: "figure",
          title: spanOf(on),
          on: { click: () => go(changed({ cell: `${on} ${row.resource_id}` }), { layer: true }) },
        },
        row.resource_id,
      ),
      el("span", { class: "ids" }, [row.role, row.practice].filter(Boolean).join(" · ")),
      el("span", {}, weekNumber(on), ": ", says(row), said),
    );
  }
}
