/** Thirteen weeks as bars: small enough for a row, exact enough to see a week without work. */
import { length } from "./decimal.js";
import { set, svg } from "./dom.js";

const BAR = 5;
const STEP = 7;
const HEIGHT = 24;

/** A sparkline to be kept and drawn again with `draw(values, sentence)`; values are decimal strings, oldest first. */
export function sparkline(count = 13, { bar = BAR, step = STEP, height = HEIGHT } = {}) {
  const bars = Array.from({ length: count }, (_, index) =>
    svg("rect", { x: index * step, width: bar, class: index === count - 1 ? "now" : null }),
  );
  const base = svg("rect", { class: "base", x: 0, width: count * step - (step - bar), height: 1 });
  const chart = svg(
    "svg",
    {
      class: "sparkline",
      preserveAspectRatio: "none",
      viewBox: `0 0 ${count * step - (step - bar)} ${height}`,
      width: count * step - (step - bar),
      height,
      role: "img",
    },
    base,
    ...bars,
  );
  chart.draw = (values, sentence) => {
    const heights = values.map(length);
    const top = Math.max(...heights, 0);
    const bottom = Math.min(...heights, 0);
    const scale = top > bottom ? (height - 1) / (top - bottom) : 0;
    const zero = top * scale;
    set(base, { y: zero });
    bars.forEach((rect, index) => {
      const size = Math.abs(heights[index] ?? 0) * scale;
      set(rect, { y: (heights[index] ?? 0) < 0 ? zero : zero - size, height: size });
    });
    set(chart, { "aria-label": sentence });
  };
  return chart;
}
