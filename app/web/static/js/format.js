/** How figures read: thousands separated, a real minus, hours as h:mm, dates as `12 Mar`. Nothing here calculates. */
import { units } from "./decimal.js";

const MINUS = "\u2212";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS = 86_400_000;
export const NOTHING = "–";

const grouped = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** "-1234567.50" as "−1,234,567.50", with the decimals it came with; null as a dash. */
export function money(text) {
  if (text == null) return NOTHING;
  const value = String(text);
  const negative = value.startsWith("-");
  const [whole, fraction] = value.slice(negative ? 1 : 0).split(".");
  return (negative ? MINUS : "") + grouped(whole) + (fraction === undefined ? "" : `.${fraction}`);
}

/** A whole number with its thousands separated. */
export const count = (number) => (number == null ? NOTHING : money(String(number)));

/** Minutes (whole, or a decimal string) as h:mm; part minutes round to the nearest one. */
export function hours(minutes) {
  if (minutes == null) return NOTHING;
  const whole = Math.round(Number(minutes));
  const size = Math.abs(whole);
  return `${whole < 0 ? MINUS : ""}${grouped(String(Math.floor(size / 60)))}:${String(size % 60).padStart(2, "0")}`;
}

/** A ratio ("0.9996") as a percentage with one decimal, cut off, so 99.96 % never reads as 100. */
export function percent(ratio) {
  if (ratio == null) return NOTHING;
  const tenths = units(ratio) / 1000n;
  const size = tenths < 0n ? -tenths : tenths;
  return `${tenths < 0n ? MINUS : ""}${grouped(String(size / 10n))}.${size % 10n}\u202f%`;
}

/** "2026-03-12" as "12 Mar", with the year where it is not `near`'s. */
export function day(date, near = null) {
  if (date == null) return NOTHING;
  const [year, month, dayOfMonth] = date.split("-");
  const short = `${Number(dayOfMonth)} ${MONTHS[Number(month) - 1]}`;
  return near !== null && near.startsWith(year) ? short : `${short} ${year}`;
}

/** "2026-03" as "Mar 2026". */
export function period(text) {
  const [year, month] = text.split("-");
  return `${MONTHS[Number(month) - 1]} ${year}`;
}

/** "2026-W11" as "W11". */
export const week = (text) => text.slice(5);

/** "2026-03-09T17:04:11Z" as "9 Mar 2026 17:04 UTC". */
export function instant(text) {
  if (text == null) return NOTHING;
  return `${day(text.slice(0, 10))} ${text.slice(11, 16)} UTC`;
}

/** Seconds since the epoch at the start of a business date; the number means nothing but order and distance. */
export const seconds = (date) => Date.UTC(...ymd(date)) / 1000;
export const dateOf = (epochSeconds) => new Date(epochSeconds * 1000).toISOString().slice(0, 10);
export const daysBetween = (from, to) => Math.round((Date.UTC(...ymd(to)) - Date.UTC(...ymd(from))) / DAY_MS);
export const addDays = (date, days) => dateOf(seconds(date) + days * 86_400);

function ymd(date) {
  const [year, month, dayOfMonth] = date.slice(0, 10).split("-").map(Number);
  return [year, month - 1, dayOfMonth];
}

/** "1 entry", "12 entries". */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A distance in days in the unit one says aloud: "today", "in 9 days", "in 7 weeks", "3 days ago". */
export function distance(days) {
  if (days === 0) return "today";
  const size = Math.abs(days);
  const words =
    size < 21
      ? plural(size, "day")
      : size < 365
        ? plural(Math.round(size / 7), "week")
        : `${(size / 365.25).toFixed(1)} years`;
  return days > 0 ? `in ${words}` : `${words} ago`;
}
