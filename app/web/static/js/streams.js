/** Stream health: does everything that came in add up, and how far behind is each partition? */
import { read } from "./api.js";
import { card } from "./card.js";
import { el, empty, figure, pill } from "./dom.js";
import { count } from "./format.js";
import { Polled } from "./polled.js";
import { sentence } from "./words.js";

const EACH_MS = 2_000;
const ENDS = ["applied", "duplicate", "stale", "parked", "dead_lettered"];

export class Streams extends Polled {
  constructor() {
    super({ title: "Stream health", wait: "Reading the positions…", kind: "streams", each: EACH_MS });
    this.figures = new Map();
  }

  read() {
    return read(["streams"]);
  }

  get shown() {
    return this.shape !== undefined;
  }

  cell(name) {
    const value = el("span", { "data-figure": name });
    this.figures.set(name, value);
    return el("td", { class: "num" }, value);
  }

  build(answer) {
    this.figures.clear();
    this.verdict = el("p", { class: "verdict" });
    this.lagMark = el("span", {});
    this.content.replaceChildren(this.rates(answer), this.dispositions(answer), this.positions(answer), hosts(answer));
  }

  rates() {
    const tile = (name, label) => {
      const value = el("span", { class: "num", "data-figure": name });
      this.figures.set(name, value);
      return el("div", {}, el("dt", {}, label), el("dd", {}, value));
    };
    return el(
      "dl",
      { class: "tiles" },
      tile("events_per_second", "Events a second"),
      tile("statements_per_second", "Statements a second"),
      tile("lag", "Records behind"),
      el("div", {}, el("dt", {}, "State"), el("dd", {}, this.lagMark)),
    );
  }

  dispositions({ dispositions }) {
    const rows = perTopic(dispositions).map(([topic]) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, topic),
        ...["read", ...ENDS].map((end) => this.cell(`${topic}.${end}`)),
        el("td", { class: "sum", "data-sum": topic }),
      ),
    );
    const head = ["", "Read", ...ENDS.map(sentence), "Adds up"].map((text) =>
      el("th", { scope: "col", class: text && text !== "Adds up" ? "num" : null }, text),
    );
    this.sums = rows.map((tr) => tr.lastChild);
    return card(
      "Every record is accounted for",
      "Each record read ends as exactly one of these five.",
      el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)),
    );
  }

  positions({ topics }) {
    if (topics.length === 0)
      return card("Positions", "", empty("No topic yet", "Topics appear with the first record written to them."));
    const rows = topics.map(({ topic, partition }) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, topic),
        el("td", { class: "num" }, String(partition)),
        ...["end_offset", "position", "lag"].map((name) => this.cell(`${topic}/${partition}.${name}`)),
      ),
    );
    const head = ["Topic", "Partition", "End", "Position", "Behind"].map((text, index) =>
      el("th", { scope: "col", class: index > 0 ? "num" : null }, text),
    );
    return card(
      "Positions",
      "How far each partition has been read.",
      el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)),
    );
  }

  show(answer) {
    const shape = JSON.stringify([
      answer.topics.map(({ topic, partition }) => [topic, partition]),
      perTopic(answer.dispositions).map(([name]) => name),
      answer.hosts,
    ]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.build(answer);
    }
    const put = (name, value, text = count(value)) => figure(this.figures.get(name), text, value);
    const lag = answer.topics.reduce((sum, { lag: behind }) => sum + behind, 0);
    put("events_per_second", answer.events_per_second, rate(answer.events_per_second));
    put("statements_per_second", answer.statements_per_second, rate(answer.statements_per_second));
    put("lag", lag);
    this.lagMark.replaceChildren(pill(lag === 0 ? ["Keeping up", "●", "good"] : ["Catching up", "◐", "warn"]));
    for (const { topic, partition, ...position } of answer.topics)
      for (const name of ["end_offset", "position", "lag"]) put(`${topic}/${partition}.${name}`, position[name]);
    perTopic(answer.dispositions).forEach(([topic, counts], index) => {
      for (const name of ["read", ...ENDS]) put(`${topic}.${name}`, counts[name] ?? 0);
      const missing = (counts.read ?? 0) - ENDS.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
      this.sums[index].replaceChildren(
        pill(missing === 0 ? ["Yes", "✓", "good"] : [`${count(missing)} missing`, "✕", "stop"]),
      );
    });
  }
}

/** Counts for the whole engine, or per topic: `[[name, counts], …]` either way. */
function perTopic(dispositions) {
  const nested = Object.values(dispositions).some((value) => typeof value === "object");
  return nested ? Object.entries(dispositions) : [["All topics", dispositions]];
}

const rate = (value) =>
  value == null ? "–" : value >= 10 ? count(Math.round(value)) : String(Math.round(value * 10) / 10);

function hosts({ hosts: list, engine_version: version }) {
  const items = list.map((host) =>
    el(
      "li",
      {},
      typeof host === "string"
        ? host
        : Object.entries(host)
            .map(([name, value]) => `${sentence(name)}: ${value}`)
            .join(" · "),
    ),
  );
  return card("Hosts", `Engine ${version}`, el("ul", { class: "plain hosts" }, ...items));
}
