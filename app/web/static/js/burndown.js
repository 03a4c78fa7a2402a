/** The burn-down chart: what is approved day by day, the budget with its steps, the cap, and where it leads. */
import { curve, weekly } from "./curve.js";
import { el, empty } from "./dom.js";
import { dateOf, day, hours, money, seconds } from "./format.js";

const HEIGHT = 340;
const PHONE_HEIGHT = 260;
const dark = matchMedia("(prefers-color-scheme: dark)");

export class BurnDown {
  constructor() {
    this.canvas = el("div", { class: "chart", tabindex: "0", role: "img", "aria-describedby": "burndown-says" });
    this.readout = el("p", { class: "readout num", "aria-hidden": "true" });
    this.says = el("p", { class: "says", id: "burndown-says" });
    this.legend = el("ul", { class: "legend", "aria-hidden": "true" });
    this.data = el("details", { class: "data" }, el("summary", {}, "Data table"), el("div", { class: "scroll" }));
    this.data.addEventListener("toggle", () => this.fillTable());
    this.element = el("figure", { class: "burndown" }, this.readout, this.canvas, this.legend, this.says, this.data);
    this.canvas.addEventListener("keydown", (event) => this.walk(event));
    this.repaint = () => this.input && this.show(...this.input);
    dark.addEventListener("change", this.repaint);
    this.resizing = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resizing.observe(this.canvas);
  }

  close() {
    dark.removeEventListener("change", this.repaint);
    this.resizing.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  /**
   * @param {object} daily the answer of `/daily`
   * @param {{asOf: ?string, unit: string, currency: ?string, versions: Array, sentence: string}} choice
   */
  show(daily, choice) {
    this.input = [daily, choice];
    this.points = curve(daily, choice);
    this.plot?.destroy();
    this.plot = null;
    this.canvas.hidden = this.points === null;
    if (this.points === null) {
      this.legend.replaceChildren();
      this.says.replaceChildren(
        empty(
          "Nothing to draw yet",
          `This contract has neither approved time nor a budget in ${choice.unit === "amount" ? "money" : "hours"}. Approved time entries draw the line, the contract's budget draws the limit.`,
        ),
      );
      return;
    }
    this.paint = colours();
    this.plot = new window.uPlot(this.options(choice), this.series(), this.canvas);
    this.canvas.setAttribute(
      "aria-label",
      `Burn-down in ${choice.unit === "amount" ? (choice.currency ?? "money") : "hours"}; arrow keys read it day by day`,
    );
    this.says.textContent = choice.sentence + (this.points.beyond ? " That day lies right of the drawing." : "");
    this.drawLegend(choice);
    this.tell(null);
    this.fillTable();
  }

  size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientWidth < 560 ? PHONE_HEIGHT : HEIGHT };
  }

  series() {
    const { xs, actual, budget, cap, trailing, slow, fast } = this.points;
    const scaled = (values) =>
      this.input[1].unit === "minutes" ? values.map((value) => (value === null ? null : value / 60)) : values;
    return [xs, actual, budget, xs.map(() => cap), trailing, slow, fast].map((values, index) =>
      index === 0 ? values : scaled(values),
    );
  }

  options(choice) {
    const { paint } = this;
    const stepped = window.uPlot.paths.stepped({ align: 1 });
    const axis = {
      stroke: paint.muted,
      grid: { stroke: paint.line, width: 1 },
      ticks: { show: false },
      font: `12px ${paint.font}`,
    };
    return {
      ...this.size(),
      legend: { show: false },
      tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low), high * 1.08 || 1] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 62,
          values: (_, splits) => splits.map((at, index) => tick(at, splits[index - 1])),
        },
        { ...axis, size: 58, values: (_, splits) => splits.map(short) },
      ],
      series: [
        {},
        { stroke: paint.approved, width: 2.5, fill: paint.area, points: { show: false } },
        { stroke: paint.ink, width: 1.5, paths: stepped, points: { show: false } },
        { stroke: paint.over, width: 2, dash: [2, 4], points: { show: false } },
        { stroke: paint.approved, width: 1.8, dash: [7, 5], points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
      ],
      bands: [{ series: [6, 5], fill: paint.band }],
      hooks: { draw: [(plot) => this.annotate(plot, choice)], setCursor: [(plot) => this.tell(plot.cursor.idx)] },
    };
  }

  /** Today's line, the day it runs out, and where a version of the contract begins. */
  annotate(plot, { versions, asOf }) {
    const { ctx, bbox } = plot;
    const { paint, points } = this;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `${12 * ratio}px ${paint.font}`;
    const line = (date, colour, dash) => {
      const at = Math.round(plot.valToPos(seconds(date), "x", true));
      ctx.strokeStyle = colour;
      ctx.lineWidth = ratio;
      ctx.setLineDash(dash.map((size) => size * ratio));
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
      return at;
    };
    const label = (text, x, y, colour, align = "left") => {
      ctx.fillStyle = colour;
      ctx.textAlign = align;
      ctx.fillText(text, x, y);
    };
    const drawn = (date) => date !== null && date >= points.dates[0] && date <= points.dates.at(-1);
    for (const { version, effective_from: from } of versions.slice(1)) {
      if (!drawn(from)) continue;
      label(`v${version}`, line(from, paint.muted, [1, 3]) + 4 * ratio, bbox.top + 12 * ratio, paint.muted);
    }
    if (points.likely !== null && drawn(points.likely[0])) {
      const [from, until] = points.likely.map((date) =>
        Math.min(plot.valToPos(seconds(date), "x", true), bbox.left + bbox.width),
      );
      ctx.fillStyle = paint.band;
      ctx.fillRect(from - ratio, bbox.top, until - from + 2 * ratio, bbox.height);
    }
    const x = line(points.today, paint.muted, []);
    label("as of", x - 5 * ratio, bbox.top + bbox.height - 8 * ratio, paint.muted, "right");
    if (drawn(points.endsOn)) {
      const at = points.dates.indexOf(points.endsOn);
      const value = (points.budget[at] ?? 0) / (this.input[1].unit === "minutes" ? 60 : 1);
      const [end, y] = [plot.valToPos(seconds(points.endsOn), "x", true), plot.valToPos(value, "y", true)];
      ctx.setLineDash([]);
      ctx.fillStyle = paint.over;
      ctx.beginPath();
      ctx.arc(end, y, 5 * ratio, 0, 2 * Math.PI);
      ctx.fill();
      ctx.font = `600 ${12 * ratio}px ${paint.font}`;
      const room = end > bbox.left + bbox.width * 0.3;
      const said = points.endsOn <= points.today ? "used up" : "runs out";
      label(
        `${said} ${day(points.endsOn, asOf)}`,
        end + (room ? -8 : 0) * ratio,
        y - 11 * ratio,
        paint.over,
        room ? "right" : "left",
      );
    }
    ctx.restore();
  }

  drawLegend({ unit }) {
    const { points } = this;
    const chances = points.likely !== null && points.likely[0] <= points.dates.at(-1);
    const items = [
      ["approved", `Approved ${unit === "amount" ? "amount" : "billable hours"}, running total`],
      points.budget.some((value) => value !== null) && ["budget", "Budget"],
      points.cap !== null && ["cap", "Cap"],
      points.trailing.some((value) => value !== null) && ["trailing", "At the rate of the last 28 days"],
      points.slow.some((value) => value !== null) && [
        "band",
        "Between the slowest and the fastest of those four weeks",
      ],
      chances && ["band", "Upright: used up in 50 to 90 % of drawn futures"],
    ];
    this.legend.replaceChildren(
      ...items.filter(Boolean).map(([name, text]) => el("li", {}, el("span", { class: `key ${name}` }), text)),
    );
  }

  /** Say what stands at one day; without one, what stands today. */
  tell(index) {
    const { points } = this;
    const { unit, currency } = this.input[1];
    const shown = unit === "amount" ? (text) => `${money(text)} ${currency ?? ""}` : (text) => `${hours(text)} h`;
    const at = index ?? points.dates.indexOf(points.today);
    const past = points.actual[at] !== null;
    const parts = [
      day(points.dates[at]),
      past
        ? `approved ${shown(points.exact[at])}`
        : points.trailing[at] !== null
          ? `projected about ${unit === "amount" ? `${short(points.trailing[at])} ${currency ?? ""}` : `${short(points.trailing[at] / 60)} h`}`
          : null,
      points.budgetText[at] != null && `budget ${shown(points.budgetText[at])}`,
    ];
    this.readout.textContent = parts.filter(Boolean).join("  ·  ");
  }

  walk(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -28, PageDown: 28 }[event.key];
    if (step === undefined || !this.plot) return;
    event.preventDefault();
    const last = this.points.dates.length - 1;
    const from = this.at ?? this.points.dates.indexOf(this.points.today);
    this.at = Math.max(0, Math.min(last, from + step));
    this.plot.setCursor({ left: this.plot.valToPos(this.points.xs[this.at], "x"), top: 10 });
    this.canvas.setAttribute("aria-label", this.readout.textContent);
  }

  fillTable() {
    if (!this.data.open || !this.points) return;
    const [daily, { unit, currency }] = this.input;
    const shown = unit === "amount" ? money : hours;
    const named = unit === "amount" ? (currency ?? "") : "h:mm";
    const head = ["Week from", `Approved, ${named}`, `Total, ${named}`, `Budget, ${named}`];
    const rows = weekly(this.points, daily.days, unit).map(({ monday, value, total, budget }) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, day(monday)),
        ...[value, total, budget].map((text) => el("td", { class: "num" }, shown(text))),
      ),
    );
    this.data.lastChild.replaceChildren(
      el(
        "table",
        {},
        el("caption", {}, "Approved work by week"),
        el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, ...rows),
      ),
    );
  }
}

const tick = (at, before) => {
  const date = dateOf(at);
  const month = day(date).split(" ")[1];
  const newYear = before === undefined || dateOf(before).slice(0, 4) !== date.slice(0, 4);
  const text = date.endsWith("-01") ? month : day(date, date);
  return newYear ? `${text}\n${date.slice(0, 4)}` : text;
};

/** An axis label: 1,250,000 as 1.25M. */
function short(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toFixed(2))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toFixed(1))}k`;
  return String(Number(value.toFixed(0)));
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"),
    muted: of("muted"),
    line: of("line"),
    approved: of("accent"),
    area: of("area"),
    band: of("band"),
    over: of("over"),
    font: of("font"),
  };
}
