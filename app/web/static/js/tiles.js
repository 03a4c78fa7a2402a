/** The figures across the top of a contract; each opens its explanation. */
import { changed, go } from "./address.js";
import { el, figure, set } from "./dom.js";
import { day, daysBetween, distance, hours, money, percent } from "./format.js";

export class Tiles {
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
    const aside =
      unit === "amount" ? (text) => `${hours(text)} hours` : (text) => `${money(text)} ${currency ?? ""}`.trim();
    const used = (of) => (of === "amount" ? burn.approved.amount : burn.approved.billable_minutes);
    const suffix = unit === "amount" ? (currency ?? "no currency") : "hours";
    const endsOn = burn.exhaustion?.[`${unit}_on`] ?? null;
    const away = endsOn !== null && burn.as_of ? distance(daysBetween(burn.as_of, endsOn)) : "";
    const planned = burn.exhaustion?.planned_on ? `by plan ${day(burn.exhaustion.planned_on, burn.as_of)}` : "";
    this.tile(
      unit === "amount" ? "approved.amount" : "approved.billable_minutes",
      `Approved, ${suffix}`,
      shown(used(unit)),
      used(unit),
      aside(used(other)),
    );
    this.tile(
      `ratio.${unit}`,
      "Of the budget",
      percent(burn.ratio?.[unit]),
      burn.ratio?.[unit],
      burn.budget[unit] === null
        ? `no budget in ${unit === "amount" ? "money" : "hours"}`
        : `of ${shown(burn.budget[unit])}`,
    );
    this.tile(
      `remaining.${unit}`,
      `Remaining, ${suffix}`,
      shown(burn.remaining?.[unit]),
      burn.remaining?.[unit],
      burn.remaining?.[other] == null ? "" : aside(burn.remaining[other]),
    );
    this.tile(
      `pending.${unit}`,
      `Pending, ${suffix}`,
      shown(burn.pending[unit]),
      burn.pending[unit],
      "submitted, not approved",
    );
    this.tile(
      `per_week.${unit}`,
      `A week, ${suffix}`,
      shown(burn.per_week[unit]),
      burn.per_week[unit],
      "mean of the last 28 days",
    );
    this.tile(
      `exhaustion.${unit}_on`,
      "Runs out",
      day(endsOn, burn.as_of),
      endsOn,
      [away, planned].filter(Boolean).join(" · ") || (burn.budget[unit] === null ? "no budget" : "not at this rate"),
    );
    this.arrange(unit);
    this.tell(burn, line);
  }

  tile(name, label, text, value, sub) {
    let tile = this.tiles.get(name);
    if (tile === undefined) {
      const button = el("button", {
        type: "button",
        class: "num figure",
        "data-figure": name,
        title: "Where this figure comes from",
        on: { click: () => this.explain(name) },
      });
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
    const whole =
      line &&
      el(
        "button",
        { type: "button", class: "quiet", on: { click: () => go(changed({ line: null }), { replace: true }) } },
        "show the whole contract",
      );
    const unpriced =
      burn.unpriced_minutes && Number(burn.unpriced_minutes) !== 0
        ? `${hours(burn.unpriced_minutes)} hours have no rate and are in no amount.`
        : "";
    this.note.hidden = !line && !unpriced;
    this.note.replaceChildren(
      ...(line ? ["Figures of line ", el("strong", {}, line.title || line.line_id), ": ", whole, " "] : []),
      unpriced,
    );
  }
}
