/**
 * The burn-down as points: one per day, from the first day with work or budget to where the projection ends. Sums are
 * exact; only what is drawn becomes a float.
 */
import { decimal, length, places, units } from "./decimal.js";
import { addDays, daysBetween, seconds } from "./format.js";

const WINDOW_DAYS = 28;
const WEEK = 7;
/** Ahead of as-of at least this far, however young the contract is; an exhaustion further away is said, not drawn. */
const LEAST_AHEAD_DAYS = 56;

/**
 * @param {{days: Array, budget: Array, cap: ?object, exhaustion: ?object}} daily the answer of `/daily`
 * @param {{asOf: ?string, unit: "amount" | "minutes"}} choice
 * A budget step without a beginning holds from the first day drawn.
 * @returns {?object} null when there is neither work nor a budget, or no day to begin with. `xs` are epoch seconds; `actual`, `budget`, `cap`,
 *   `trailing`, `slow`, `fast` have one number or null per day; `total` is the exact sum up to as-of; `endsOn` is the
 *   exhaustion as the API gives it and `beyond` says that it lies right of the drawing; `likely` are the days by which
 *   half and nine tenths of drawn futures have ended, null where not all is still to come.
 */
export function curve(daily, { asOf, unit }) {
  const steps = daily.budget
    .filter((step) => step[unit] != null)
    .map((step) => ({ from: step.from ?? "", value: step[unit] }));
  const worked = daily.days;
  if (worked.length === 0 && steps.length === 0) return null;
  const starts = [worked[0]?.on, steps[0]?.from].filter(Boolean);
  const today = asOf ?? worked.at(-1)?.on ?? starts[0];
  if (today === undefined) return null;
  const start = [...starts, today].sort()[0];
  const endsOn = daily.exhaustion?.[`${unit}_on`] ?? null;
  const chances = likely(daily.exhaustion, today);
  const horizon = horizonOf(start, today, endsOn, chances);
  const dates = Array.from({ length: daysBetween(start, horizon) + 1 }, (_, index) => addDays(start, index));
  const sums = runningSums(dates, worked, unit);
  const now = dates.indexOf(today);
  const exact = sums.map((sum) => decimal(sum, placesOf(worked, unit)));
  return {
    dates,
    xs: dates.map(seconds),
    exact,
    today,
    total: exact[now],
    actual: exact.map((sum, index) => (index > now ? null : length(sum))),
    budget: stepped(dates, steps),
    budgetText: stepped(dates, steps, (value) => value),
    cap: daily.cap?.[unit] == null ? null : length(daily.cap[unit]),
    capText: daily.cap?.[unit] ?? null,
    ...projection(dates, sums, now, endsOn),
    endsOn,
    plannedOn: daily.exhaustion?.planned_on ?? null,
    likely: chances,
    beyond: endsOn !== null && endsOn > horizon,
  };
}

function likely(exhaustion, today) {
  const [half, most] = [exhaustion?.p50_on ?? null, exhaustion?.p90_on ?? null];
  return half !== null && most !== null && half > today ? [half, most] : null;
}

function horizonOf(start, today, endsOn, chances) {
  const furthest = addDays(today, Math.max(LEAST_AHEAD_DAYS, daysBetween(start, today)));
  const near = horizonOfEnd(start, today, endsOn, furthest);
  if (chances === null || chances[0] > furthest) return near;
  return [near, [furthest, addDays(chances[1], WEEK)].sort()[0]].sort()[1];
}

function horizonOfEnd(start, today, endsOn, furthest) {
  if (endsOn === null || endsOn <= today) return addDays(today, WINDOW_DAYS);
  if (endsOn > furthest) return addDays(today, Math.max(LEAST_AHEAD_DAYS, Math.round(daysBetween(start, today) / 3)));
  return addDays(endsOn, WEEK * 2);
}

function runningSums(dates, worked, unit) {
  const byDate = new Map(worked.map((item) => [item.on, units(item[unit])]));
  let sum = 0n;
  return dates.map((date) => (sum += byDate.get(date) ?? 0n));
}

function stepped(dates, steps, as = length) {
  return dates.map((date) => {
    const step = steps.findLast(({ from }) => from <= date);
    return step === undefined ? null : as(step.value);
  });
}

/**
 * Straight on from as-of: at the mean of the last 28 days, and between the slowest and the fastest of their four weeks.
 * The mean line stops where the budget runs out.
 */
function projection(dates, sums, now, endsOn) {
  const none = dates.map(() => null);
  if (now < WEEK) return { trailing: none, slow: none, fast: none };
  const before = (days) => (now - days < 0 ? 0n : sums[now - days]);
  const weekly = [0, 1, 2, 3].map((back) => length(decimal(before(back * WEEK) - before((back + 1) * WEEK), 6)));
  const mean = weekly.reduce((sum, value) => sum + value, 0) / WINDOW_DAYS;
  if (mean <= 0) return { trailing: none, slow: none, fast: none };
  const from = length(decimal(sums[now], 6));
  const ahead = (perDay, until = null) =>
    dates.map((date, index) =>
      index < now || (until !== null && date > until) ? null : from + perDay * (index - now),
    );
  const until = endsOn !== null && endsOn > dates[now] ? endsOn : null;
  return {
    trailing: ahead(mean, until),
    slow: ahead(Math.min(...weekly) / WEEK, until),
    fast: ahead(Math.max(...weekly) / WEEK, until),
  };
}

/** The same as rows by week for the data table: what was approved, the running total, the budget at its end. */
export function weekly(points, days, unit) {
  const rows = new Map();
  for (const item of days) {
    const monday = mondayOf(item.on);
    rows.set(monday, (rows.get(monday) ?? 0n) + units(item[unit]));
  }
  const shown = placesOf(days, unit);
  let sum = 0n;
  return [...rows].sort().map(([monday, value]) => {
    sum += value;
    const sunday = points.dates.indexOf(addDays(monday, 6));
    return {
      monday,
      value: decimal(value, shown),
      total: decimal(sum, shown),
      budget: points.budgetText[sunday < 0 ? points.dates.length - 1 : sunday],
    };
  });
}

/** Every amount of one contract shows the decimals of its currency, so the first one tells. */
const placesOf = (days, unit) => (days.length > 0 ? places(days[0][unit]) : 0);

function mondayOf(date) {
  const weekday = (new Date(seconds(date) * 1000).getUTCDay() + 6) % 7;
  return addDays(date, -weekday);
}
