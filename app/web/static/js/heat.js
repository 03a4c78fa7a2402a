/** One cell of the heat map: how a person's or a group's week reads. Bands follow the target; a shape stands for each. */
import { compare, length, units } from "./decimal.js";
import { hours, percent } from "./format.js";

/** Where nobody set a target. */
export const USUAL_TARGET = "0.8000";
const NEAR = units("0.2");

/** band → [shape, what it means]; the colour grows with the use. */
export const BANDS = {
  none: ["", "no capacity"],
  free: ["○", "more than 20 points under target"],
  near: ["◐", "up to 20 points under target"],
  full: ["●", "on target"],
  over: ["▲", "booked over capacity"],
};

/** Over-booked first: that is what somebody must change. Then by the ratio of billable time to capacity. */
export function bandOf(week) {
  if (week.overallocated) return "over";
  if (week.utilization_ratio === null) return "none";
  const target = week.target_ratio ?? USUAL_TARGET;
  if (compare(week.utilization_ratio, target) >= 0) return "full";
  return units(week.utilization_ratio) >= units(target) - NEAR ? "near" : "free";
}

/** "past", "now" or "ahead" of the week that holds as-of; weeks are ISO weeks and so in the order of their names. */
export const tense = (name, now) => (name === now ? "now" : name < now ? "past" : "ahead");

/** What stands in the cell: whole points, as there is no room for more; the name of the cell says it exactly. */
export const shown = (ratio) => (ratio === null ? "–" : percent(ratio).replace(/\.\d\u202f%$/, ""));

/** The share of a week's capacity that soft and proposed bookings ask for beyond what is booked, for the hatched bar. */
export function tentative(week) {
  const asked = length(week.soft_minutes) + length(week.proposed_minutes ?? 0);
  const capacity = length(week.capacity_minutes);
  return asked > 0 ? Math.min(capacity > 0 ? asked / capacity : 1, 1) : 0;
}

/** The cell in words, for whoever does not see it. */
export function said(name, week, when) {
  const [, meaning] = BANDS[bandOf(week)];
  const ratio = week.utilization_ratio === null ? "" : `${percent(week.utilization_ratio)} billable of `;
  const soft = tentative(week) > 0 ? `, ${hours(week.soft_minutes)} hours soft` : "";
  const kind = { past: "worked", now: "worked and planned", ahead: "planned" }[when];
  return `${name}, ${week.week}: ${ratio}${hours(week.capacity_minutes)} hours, ${meaning}, ${kind}${soft}`;
}
