/** ISO weeks: the Monday of one, the weeks from one on, and how a span of them reads. */
import { addDays, day, seconds } from "./format.js";

/** The ISO week of a date: "2026-12-31" is in "2026-W53". */
export function weekOf(date) {
  const thursday = addDays(mondayOf(date), 3);
  const days = (seconds(thursday) - seconds(`${thursday.slice(0, 4)}-01-01`)) / 86_400;
  return `${thursday.slice(0, 4)}-W${String(Math.floor(days / 7) + 1).padStart(2, "0")}`;
}

/** The Monday of the week that a date is in. */
export function mondayOf(date) {
  const since = Math.round(seconds(date) / 86_400) + 3; // 1970-01-01 was a Thursday
  return addDays(date, -(((since % 7) + 7) % 7));
}

/** The Monday of "2026-W11". The 4th of January is always in the first week. */
export function mondayIn(week) {
  return addDays(mondayOf(`${week.slice(0, 4)}-01-04`), 7 * (Number(week.slice(6)) - 1));
}

export const later = (week, count) => weekOf(addDays(mondayIn(week), 7 * count));

/** "9 to 15 Mar 2026". */
export function spanOf(week) {
  const monday = mondayIn(week);
  return `${day(monday, addDays(monday, 6))} to ${day(addDays(monday, 6))}`;
}
