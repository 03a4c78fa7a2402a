/**
 * The burn bar: approved solid and darker the more of the budget is used, pending hatched, the budget's end and the cap
 * as lines. All bars share one scale, so their budget lines stand under each other.
 */
import { compare, length } from "./decimal.js";
import { money, hours, percent } from "./format.js";
import { set, svg } from "./dom.js";

/** The scale runs from 0 to this multiple of the budget; what lies beyond ends in an arrow. */
const FULL = 1.35;
const BANDS = [0.5, 0.75, 0.9, 1];

/** 0 … 4: which fifth of the sequential scale a ratio has. */
export const band = (ratio) => BANDS.filter((edge) => ratio >= edge).length;

/** "amount" or "minutes": the budget of which more is used; null without a budget. */
export function tighter({ ratio }) {
  const [amount, minutes] = [ratio?.amount ?? null, ratio?.minutes ?? null];
  if (amount === null) return minutes === null ? null : "minutes";
  return minutes !== null && compare(minutes, amount) > 0 ? "minutes" : "amount";
}

/** What a bar draws of the tighter budget, as shares of it, and the sentence that says the same. Null without one. */
export function measure(burn, cap) {
  const unit = tighter(burn);
  if (unit === null) return null;
  const budget = length(burn.budget[unit]);
  const approved = length(unit === "amount" ? burn.approved.amount : burn.approved.billable_minutes) / budget;
  const pending = length(burn.pending[unit]) / budget;
  const capAt = positive(cap?.[unit]) ? length(cap[unit]) / budget : null;
  const show = unit === "amount" ? (text) => `${money(text)} ${burn.currency ?? ""}` : (text) => `${hours(text)} hours`;
  const sentence = [
    `${percent(burn.ratio?.[unit])} of ${show(burn.budget[unit])} approved`,
    pending > 0 && `${show(burn.pending[unit])} pending`,
    capAt !== null && `cap at ${show(cap[unit])}`,
  ];
  return { unit, approved, pending, capAt, text: sentence.filter(Boolean).join(", ") };
}

const positive = (text) => text != null && length(text) > 0;
const at = (share) => `${(Math.min(Math.max(share, 0), FULL) / FULL) * 100}%`;

/** A bar to be kept and drawn again with `draw`. */
export function burnBar() {
  const part = (name) => svg("rect", { class: name, y: "5", height: "10" });
  const parts = { track: part("track"), approved: part("approved"), over: part("over"), pending: part("pending") };
  const budgetLine = svg("rect", { class: "budget-line", y: "1", width: "2", height: "18" });
  const capLine = svg("rect", { class: "cap-line", y: "1", width: "3", height: "18" });
  const beyond = svg(
    "svg",
    { x: "100%", y: "5", width: "8", height: "10", overflow: "visible" },
    svg("path", { class: "beyond", d: "M-7 0 L-1 5 L-7 10 Z" }),
  );
  const bar = svg(
    "svg",
    { class: "burnbar", height: "20", role: "img" },
    ...Object.values(parts),
    beyond,
    budgetLine,
    capLine,
  );
  bar.draw = (burn, cap) => draw(bar, { ...parts, budgetLine, capLine, beyond }, measure(burn, cap));
  return bar;
}

function draw(bar, parts, shares) {
  bar.toggleAttribute("data-none", shares === null);
  if (shares === null) {
    set(bar, { "aria-label": "No budget" });
    return;
  }
  const { approved, pending, capAt, text } = shares;
  const solid = Math.min(approved, 1);
  const end = approved + Math.max(pending, 0);
  set(bar, { "aria-label": text, "data-band": band(approved) });
  place(parts.track, 0, 1);
  place(parts.approved, 0, solid);
  place(parts.over, 1, Math.max(approved, 1));
  place(parts.pending, approved, end);
  set(parts.budgetLine, { x: at(1) });
  set(parts.capLine, { x: at(capAt ?? 0), visibility: capAt === null || capAt > FULL ? "hidden" : "visible" });
  set(parts.beyond, { visibility: end > FULL ? "visible" : "hidden" });
}

function place(rect, from, to) {
  const [left, right] = [from, to].map((share) => Math.min(Math.max(share, 0), FULL) / FULL);
  set(rect, { x: `${left * 100}%`, width: `${Math.max(right - left, 0) * 100}%` });
}
