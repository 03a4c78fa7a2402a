/** What one week of a person is made of, for the drawer: the sum, its days, bookings, leave and entries. */
import { contractLink } from "./address.js";
import { el } from "./dom.js";
import { day, hours, percent, plural } from "./format.js";
import { spanOf } from "./weeks.js";
import * as words from "./words.js";

/** @param {object} answer of /v1/resources/{id}/weeks/{week} @param {function(object): void} openEvent */
export function cellContent(answer, openEvent) {
  return [
    el("p", { class: "value num", "data-value": answer.utilization_ratio }, percent(answer.utilization_ratio)),
    el(
      "p",
      { class: "sub" },
      `${hours(answer.forecast_billable_minutes)} billable of ${hours(answer.capacity_minutes)} hours, ${spanOf(answer.week)}, as of ${day(answer.as_of)}`,
    ),
    answer.overallocated &&
      el(
        "p",
        { class: "verdict stop" },
        `▲ Booked for ${hours(answer.planned_minutes)} of ${hours(answer.capacity_minutes)} hours.`,
      ),
    sums(answer),
    el("h3", {}, "Days"),
    days(answer),
    el("h3", {}, "Bookings"),
    answer.bookings.length > 0 ? bookings(answer) : el("p", { class: "sub" }, "Nothing is booked in this week."),
    answer.leave.length > 0 && el("h3", {}, "Leave"),
    answer.leave.length > 0 && leave(answer),
    el("h3", {}, "Time entries"),
    answer.entries.length > 0
      ? entries(answer, openEvent)
      : el("p", { class: "sub" }, "No time is entered for this week."),
  ].filter(Boolean);
}

function sums(answer) {
  const facts = [
    ["Capacity", answer.capacity_minutes],
    ["Holidays", answer.holiday_minutes],
    ["Leave", answer.leave_minutes],
    ["Booked", answer.planned_minutes],
    ["Booked, net of days off", answer.planned_net_minutes],
    ["Worked", answer.actual_minutes],
    ["Submitted", answer.submitted_minutes],
    ["Expected", answer.forecast_minutes],
    ["Soft", answer.soft_minutes],
    ["Proposed", answer.proposed_minutes],
    ["Free", answer.bench_minutes],
  ].filter(([, minutes]) => minutes != null);
  return el(
    "dl",
    { class: "facts cellfacts" },
    ...facts.map(([name, minutes]) =>
      el("div", {}, el("dt", {}, name), el("dd", { class: "num", "data-value": minutes }, hours(minutes))),
    ),
  );
}

function days({ days: list, as_of: asOf }) {
  const rows = list.map((one) => [
    el("th", { scope: "row" }, day(one.on, asOf)),
    ...[one.gross_minutes, one.holiday_minutes, one.leave_minutes, one.capacity_minutes, one.actual_minutes].map(
      number,
    ),
  ]);
  return table("Days", ["Day", "Calendar", "Holiday", "Leave", "Capacity", "Worked"], rows);
}

const BOOKINGS = { hard: ["Hard", "■", "calm"], soft: ["Soft", "▨", "calm"], proposed: ["Proposed", "□", "calm"] };

function bookings({ bookings: list, as_of: asOf }) {
  const rows = list.map((one) => {
    const [word, shape] = BOOKINGS[one.booking] ?? [one.booking, ""];
    const weight = one.booking === "hard" ? "" : ` ${percent(one.probability_ratio)}`;
    return [
      el(
        "th",
        { scope: "row" },
        el("a", { href: contractLink(one.contract_id) }, one.contract_id),
        el("span", { class: "ids" }, `${one.assignment_id} · ${day(one.from, asOf)} to ${day(one.to, asOf)}`),
      ),
      el(
        "td",
        {},
        el("span", { "aria-hidden": "true" }, `${shape} `),
        `${word}${weight}`,
        !one.billable && el("span", { class: "ids" }, "not billable"),
      ),
      number(one.gross_minutes),
      number(one.net_minutes),
    ];
  });
  return table("Bookings", ["Contract", "Kind", "This week", "Net of days off"], rows);
}

function leave({ leave: list, as_of: asOf }) {
  return el(
    "ul",
    { class: "plain" },
    ...list.map((one) =>
      el(
        "li",
        {},
        `${day(one.from, asOf)} to ${day(one.to, asOf)}, `,
        one.minutes_per_day === null ? "whole days" : `${hours(one.minutes_per_day)} a day`,
        el("span", { class: "ids" }, one.leave_id),
      ),
    ),
  );
}

const CLASSES = { billable: "billable", credited: "credited", excluded: "excluded", non_billable: "not billable" };

function entries({ entries: list, as_of: asOf }, openEvent) {
  const rows = list.map((one) => [
    el(
      "th",
      { scope: "row" },
      day(one.work_date, asOf),
      el(
        "span",
        { class: "ids" },
        one.contract_id ? el("a", { href: contractLink(one.contract_id) }, one.contract_id) : "",
        ` ${one.entry_id}`,
      ),
    ),
    number(one.minutes),
    el("td", {}, words.entryStatus(one.status)[0], el("span", { class: "ids" }, CLASSES[one.class] ?? one.class)),
    el(
      "td",
      {},
      one.event_id &&
        el(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": `Event ${one.event_id}`,
            on: { click: () => openEvent({ source: one.source, id: one.event_id }) },
          },
          "event",
        ),
    ),
  ]);
  return el(
    "div",
    {},
    table("Time entries", ["Day", "Hours", "Status", "From"], rows),
    el("p", { class: "sub" }, plural(list.length, "entry", "entries")),
  );
}

/** Columns of words; the others are figures and stand to the right. */
const WORDED = new Set(["Day", "Contract", "Kind", "Status", "From"]);

const number = (minutes) => el("td", { class: "num", "data-value": minutes }, hours(minutes));

function table(name, head, rows) {
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
    el(
      "table",
      { class: "steps celltable" },
      el(
        "thead",
        {},
        el("tr", {}, ...head.map((text) => el("th", { scope: "col", class: WORDED.has(text) ? null : "num" }, text))),
      ),
      el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells))),
    ),
  );
}
