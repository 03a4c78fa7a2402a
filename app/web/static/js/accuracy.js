/** How good forecasts were: what weeks were promised to be, what became of them, bias and calibration. */
import { read } from "./api.js";
import { length } from "./decimal.js";
import { el, empty, failure, figure, set, svg } from "./dom.js";
import { hours, money, percent, plural, week as weekNumber } from "./format.js";
import { spanOf } from "./weeks.js";

const AHEAD = [1, 2, 4, 8];
const WORDS = { hard: "Hard", soft: "Soft", proposed: "Proposed", unnamed: "Unnamed demand", all: "All" };
const HEADS = ["Promised, hours", "Done", "Bias", "Absolute error", "Came true", "Brier score"];
const HEIGHT = 110;
const BAR = 16;
const STEP = 48;
/** What is drawn for whom: the kind of group in the question of the page. */
const KINDS = { people: "firm", roles: "role", practices: "practice" };

export class Accuracy {
  constructor() {
    this.ahead = 1;
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "How far ahead the forecast was frozen" });
    for (const ahead of AHEAD)
      this.chips.append(
        el(
          "button",
          { type: "button", "data-ahead": ahead, on: { click: () => this.choose({ ahead }) } },
          ahead === 1 ? "1 week ahead" : `${ahead} weeks`,
        ),
      );
    this.groups = el("select", {
      "aria-label": "Whose forecasts",
      hidden: true,
      on: { change: () => this.choose({ id: this.groups.value }) },
    });
    this.body = el("div", { class: "scores" });
    this.element = el(
      "section",
      { class: "card accuracy", "aria-label": "How good forecasts were" },
      el("header", {}, el("h2", {}, "How good forecasts were"), this.groups, this.chips),
      this.body,
    );
  }

  /** Follow what the map shows: the firm under people, else one of its roles or practices. */
  follow(show) {
    if (this.kind === KINDS[show]) return;
    this.kind = KINDS[show];
    this.id = null;
    this.load();
  }

  choose(changes) {
    Object.assign(this, changes);
    if ("ahead" in changes) this.load();
    else this.show();
  }

  close() {
    this.reading?.abort();
    this.kind = null;
  }

  async load() {
    this.reading?.abort();
    this.reading = new AbortController();
    const { signal } = this.reading;
    for (const button of this.chips.children)
      set(button, { "aria-pressed": String(Number(button.dataset.ahead) === this.ahead) });
    try {
      const answer = await read(
        ["forecast", "accuracy"],
        { kind: this.kind, weeks_ahead: this.ahead, limit: 500 },
        signal,
      );
      this.items = answer.items;
      this.groups.hidden = this.kind === "firm" || this.items.length === 0;
      this.groups.replaceChildren(...this.items.map((item) => el("option", { value: item.id }, item.id)));
      this.show();
    } catch (problem) {
      if (problem.name !== "AbortError") this.body.replaceChildren(failure(problem, () => this.load()));
    }
  }

  show() {
    const item = this.items.find(({ id }) => id === this.id) ?? this.items[0];
    const weeks = (item?.weeks ?? []).filter(({ over, forecasts }) => over && forecasts.length > 0);
    if (item !== undefined) this.groups.value = item.id;
    if (weeks.length === 0) {
      this.body.replaceChildren(
        empty(
          "No forecast has come to its end yet",
          "A forecast is frozen when a week begins (the first clock.ticked in it) and scored when that week is over.",
        ),
      );
      return;
    }
    this.body.replaceChildren(chart(weeks), table(item.record[0]));
  }
}

const ofKind = ({ kinds }, name) => kinds.find(({ booking }) => booking === name);

/** Two bars a week: what was promised, hollow, and what was done, solid. */
function chart(weeks) {
  const rows = weeks.map(({ week, forecasts: [forecast] }) => ({ week, ...ofKind(forecast, "all") }));
  const values = rows.flatMap((row) => [length(row.forecast_minutes), length(row.actual_minutes)]);
  const top = Math.max(...values, 1);
  const bar = (value, x, name) => {
    const size = (Math.max(length(value), 0) / top) * HEIGHT;
    return svg("rect", { class: name, x, y: HEIGHT - size, width: BAR, height: size });
  };
  const said = rows
    .map((row) => `${row.week}: promised ${hours(row.forecast_minutes)}, done ${hours(row.actual_minutes)} hours`)
    .join("; ");
  return el(
    "figure",
    { class: "promises" },
    svg(
      "svg",
      {
        viewBox: `0 0 ${rows.length * STEP} ${HEIGHT + 18}`,
        width: rows.length * STEP,
        height: HEIGHT + 18,
        role: "img",
        "aria-label": said,
      },
      ...rows.flatMap((row, index) => [
        svg(
          "g",
          { "data-week": row.week },
          bar(row.forecast_minutes, index * STEP + 6, "promised"),
          bar(row.actual_minutes, index * STEP + 6 + BAR, "done"),
          text(weekNumber(row.week), index * STEP + 6 + BAR),
          title(`${spanOf(row.week)}: promised ${hours(row.forecast_minutes)}, done ${hours(row.actual_minutes)} hours`),
        ),
      ]),
    ),
    el(
      "figcaption",
      {},
      el("span", { class: "key promised" }),
      "promised when the forecast was frozen ",
      el("span", { class: "key done" }),
      "done, approved by now; hours of all kinds of bookings",
    ),
  );
}

function text(words, x) {
  const node = svg("text", { x, y: HEIGHT + 14, "text-anchor": "middle" });
  node.textContent = words;
  return node;
}

function title(words) {
  const node = svg("title");
  node.textContent = words;
  return node;
}

/** Every kind with its bias, its absolute error, and how often what was likely came true. */
function table(record) {
  const cell = (name, shown, value) => {
    const span = el("span", { class: "num", "data-figure": name });
    figure(span, shown, value);
    return el("td", { class: "num" }, span);
  };
  const shown = el(
    "table",
    { class: "scoretable" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, plural(record.weeks, "week")),
        ...HEADS.map((word) => el("th", { scope: "col", class: "num" }, word)),
      ),
    ),
    el(
      "tbody",
      {},
      ...record.kinds.map((kind) =>
        el(
          "tr",
          { "data-booking": kind.booking, title: calibrated(kind) },
          el("th", { scope: "row" }, WORDS[kind.booking]),
          cell("forecast_minutes", hours(kind.forecast_minutes), kind.forecast_minutes),
          cell("actual_minutes", hours(kind.actual_minutes), kind.actual_minutes),
          cell("bias_ratio", percent(kind.bias_ratio), kind.bias_ratio),
          cell("absolute_error_ratio", percent(kind.absolute_error_ratio), kind.absolute_error_ratio),
          cell("came_true", `${kind.came_true} of ${kind.count}`, kind.came_true),
          cell("brier_score", money(kind.brier_score), kind.brier_score),
        ),
      ),
    ),
  );
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Scores by booking" }, shown);
}

/** Where probabilities stood for themselves and where not, in words. */
const calibrated = ({ calibration }) =>
  calibration
    .map((bin) => `${percent(bin.expected_ratio)} expected: ${bin.came_true} of ${bin.count} came true`)
    .join("; ") || null;
