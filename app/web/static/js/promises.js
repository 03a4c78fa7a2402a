/** What the firm promised itself about its own speed and care: how long things take, against what was promised. */
import { read } from "./api.js";
import { card, table } from "./card.js";
import { el, empty, figure, pill, set, svg } from "./dom.js";
import { count, NOTHING, percent } from "./format.js";
import { Polled } from "./polled.js";
import { sentence } from "./words.js";

const EACH_MS = 30_000;
const WIDTH = 240;
const HEIGHT = 28;
const MIDDLE = HEIGHT / 2;
/** How much of the chart lies left of the target: what takes longer still has its room. */
const TARGET_AT = 0.6;

/** met → [word, shape, tone]. */
const VERDICTS = {
  true: ["Kept", "●", "good"],
  false: ["Missed", "■", "stop"],
  null: ["Nothing measured", "○", "calm"],
};

export class Promises extends Polled {
  constructor() {
    super({ title: "Promises", wait: "Measuring…", kind: "streams slas", each: EACH_MS });
    this.rows = new Map();
  }

  read() {
    return read(["slas"]);
  }

  get shown() {
    return this.rows.size > 0;
  }

  show({ items }) {
    if (!this.shown) this.build(items);
    for (const item of items) this.rows.get(item.sla)?.show(item);
  }

  build(items) {
    if (items.length === 0) {
      this.content.replaceChildren(empty("Nothing is promised", "Business SLAs appear with the first answer."));
      return;
    }
    for (const item of items) this.rows.set(item.sla, new Row(item));
    const timed = items.filter((item) => "target_seconds" in item);
    const rated = items.filter((item) => "target_ratio" in item);
    this.content.replaceChildren(
      card(
        "How long it takes",
        "Of what ended in the last 90 days: half took no longer than the mark, 95 of 100 no longer than the bar. The line is the target.",
        this.table(timed, ["Target", "Half within", "95 of 100 within"], ["Late", "Waiting", "Waits longest"]),
      ),
      card(
        "How often it goes wrong",
        "Of the last 90 days. The line is the target.",
        this.table(rated, ["Target", "Rate"], ["Of them", "Of all"]),
      ),
    );
  }

  /** `before` and `after` are the figures on either side of the chart. */
  table(items, before, after) {
    const rows = items.map((item) => this.rows.get(item.sla));
    return table(["Promise", "State", ...before, "Against it", ...after], [...before, ...after], rows);
  }
}

class Row {
  constructor({ sla, meaning, ...measured }) {
    this.name = sentence(sla);
    this.timed = "target_seconds" in measured;
    this.verdict = el("td", {});
    this.figures = new Map();
    const cell = (name) => {
      const value = el("span", { "data-figure": `${sla}.${name}` });
      this.figures.set(name, value);
      return el("td", { class: "num" }, value);
    };
    this.chart = chart();
    const names = this.timed
      ? ["target_seconds", "p50_seconds", "p95_seconds", null, "breaches", "open", "oldest_open"]
      : ["target_ratio", "ratio", null, "part", "whole"];
    this.element = el(
      "tr",
      { "data-sla": sla },
      el("th", { scope: "row" }, this.name, el("span", { class: "meaning" }, meaning)),
      this.verdict,
      ...names.map((name) => (name === null ? el("td", {}, this.chart) : cell(name))),
    );
  }

  show(item) {
    this.verdict.replaceChildren(pill(VERDICTS[String(item.met)]));
    const put = (name, text, value) => figure(this.figures.get(name), text, value);
    if (!this.timed) {
      put("target_ratio", percent(item.target_ratio), item.target_ratio);
      put("ratio", percent(item.ratio), item.ratio);
      put("part", count(item.part), item.part);
      put("whole", count(item.whole), item.whole);
      const said = item.ratio === null ? "nothing measured" : `${percent(item.ratio)}, target ${percent(item.target_ratio)}`;
      this.chart.draw(Number(item.target_ratio), null, item.ratio === null ? null : Number(item.ratio), `${this.name}: ${said}`);
      return;
    }
    for (const name of ["target_seconds", "p50_seconds", "p95_seconds"]) put(name, long(item[name]), item[name]);
    put("breaches", count(item.breaches), item.breaches);
    put("open", count(item.open), item.open);
    const oldest = item.oldest_open;
    put("oldest_open", oldest === null ? NOTHING : `${oldest.subject}, ${long(oldest.age_seconds)}`, oldest?.age_seconds);
    const said =
      item.p95_seconds === null
        ? "nothing measured"
        : `half within ${long(item.p50_seconds)}, 95 of 100 within ${long(item.p95_seconds)}, target ${long(item.target_seconds)}`;
    this.chart.draw(item.target_seconds, item.p50_seconds, item.p95_seconds, `${this.name}: ${said}`);
  }
}

/** A bar up to what was reached, a mark at the half, a line at the target; what is beyond the chart ends in an arrow. */
function chart() {
  const bar = svg("rect", { class: "reached", x: 0, y: MIDDLE - 5, height: 10, rx: 2 });
  const beyond = svg("path", { class: "beyond", d: `M${WIDTH - 7} ${MIDDLE - 7} L${WIDTH} ${MIDDLE} L${WIDTH - 7} ${MIDDLE + 7}` });
  const half = svg("rect", { class: "half", y: MIDDLE - 8, width: 2, height: 16 });
  const x = WIDTH * TARGET_AT;
  const target = svg("line", { class: "target", x1: x, x2: x, y1: 1, y2: HEIGHT - 1 });
  const picture = svg(
    "svg",
    { class: "sla", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img" },
    bar,
    target,
    half,
    beyond,
  );
  const place = (value, goal) => (goal > 0 ? (value / goal) * TARGET_AT * WIDTH : value > 0 ? WIDTH : 0);
  picture.draw = (goal, middle, reached, said) => {
    const end = reached === null ? 0 : place(reached, goal);
    set(bar, { width: Math.min(end, WIDTH), "data-late": reached !== null && reached > goal ? "" : null });
    set(beyond, { visibility: end > WIDTH ? "visible" : "hidden" });
    set(half, { x: middle === null ? 0 : Math.min(place(middle, goal), WIDTH - 2), visibility: middle === null ? "hidden" : "visible" });
    set(picture, { "aria-label": said });
  };
  return picture;
}

/** 93,600 seconds as "1 d 2 h"; under an hour in minutes. */
function long(seconds) {
  if (seconds == null) return NOTHING;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const days = Math.floor(minutes / 1440);
  const rest = Math.floor((minutes % 1440) / 60);
  if (days === 0) return `${rest} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
  return rest ? `${count(days)} d ${rest} h` : `${count(days)} d`;
}
