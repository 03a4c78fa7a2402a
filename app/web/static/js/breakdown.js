/** Figures by month or role as a small table of bars. */
import { length } from "./decimal.js";
import { el, empty } from "./dom.js";
import { hours, money } from "./format.js";

/**
 * @param {object} parts `{key: {minutes, amount}}`
 * @param {{unit: string, currency: ?string, name: Function, heading: string, reversed?: boolean, href?: ?Function}} how
 *   `name(key)` is what a row is called; rows go by size, with `reversed` by key, the last one first.
 */
export function breakdown(parts, { unit, currency, name, heading, reversed = false, href = null }) {
  const keys = Object.keys(parts).sort((a, b) =>
    reversed ? (a < b ? 1 : -1) : length(parts[b][unit]) - length(parts[a][unit]),
  );
  if (keys.length === 0) return empty("Nothing approved yet", "Approved time fills this table.");
  const top = Math.max(...keys.map((key) => length(parts[key][unit])), 0);
  const shown = unit === "amount" ? money : hours;
  const rows = keys.map((key) => {
    const fill = el("span", { class: "fill" });
    fill.style.width = `${top > 0 ? (Math.max(length(parts[key][unit]), 0) / top) * 100 : 0}%`;
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, href ? el("a", { href: href(key) }, name(key)) : name(key)),
      el("td", { class: "meter", "aria-hidden": "true" }, el("span", { class: "track" }, fill)),
      el("td", { class: "num" }, shown(parts[key][unit])),
    );
  });
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, heading),
    el("td", { "aria-hidden": "true" }),
    el("th", { scope: "col", class: "num" }, unit === "amount" ? (currency ?? "") : "h:mm"),
  );
  return el(
    "div",
    { class: "scroll" },
    el("table", { class: "breakdown" }, el("thead", {}, head), el("tbody", {}, ...rows)),
  );
}
