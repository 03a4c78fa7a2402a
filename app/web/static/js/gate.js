/** What waits for ERP: where to, for what, since when, and when the next of it leaves. */
import { read } from "./api.js";
import { card, table } from "./card.js";
import { el, empty, figure, pill } from "./dom.js";
import { count, instant, NOTHING } from "./format.js";
import { Polled } from "./polled.js";
import { waiting } from "./words.js";

const EACH_MS = 5_000;
const NAMES = ["To", "State", "Waiting", "", "For", "Oldest since", "Next leaves", "No answer", "Refused"];
const FIGURES = ["Waiting", "Oldest since", "Next leaves", "No answer", "Refused"];

export class Gate extends Polled {
  constructor() {
    super({ title: "To ERP", wait: "Asking the gate…", kind: "streams gate", each: EACH_MS });
  }

  async read() {
    const [{ items }, shadow] = await Promise.all([read(["gate"]), read(["gate", "shadow"])]);
    return { items, targets: shadow.targets };
  }

  get shown() {
    return this.keys !== undefined;
  }

  /** Rows that were there keep their place in the document, so a changed figure glows and nothing jumps. */
  show({ items, targets }) {
    const keys = JSON.stringify([items.map(nameOf), targets.map((one) => one.target)]);
    if (this.keys !== keys) {
      this.build(items, targets);
      this.keys = keys;
    }
    const most = Math.max(1, ...items.map((item) => item.waiting));
    for (const item of items) this.rows.get(nameOf(item)).show(item, most);
    for (const one of targets) this.compared.get(one.target).show(one);
  }

  build(items, targets) {
    this.rows = new Map(items.map((item) => [nameOf(item), new Row(item)]));
    this.compared = new Map(targets.map((one) => [one.target, new Compared(one.target)]));
    const parts = [
      items.length === 0
        ? empty("Nothing waits", "Every document left when it was stated. What waits, or what ERP refuses or leaves unanswered, appears here.")
        : card(
            "What waits for ERP",
            "Documents by where they go and for which legal entity. Each leaves in its last revision, in the order of its contract.",
            table(NAMES, FIGURES, this.rows.values()),
          ),
    ];
    if (this.compared.size > 0)
      parts.push(
        card(
          "ERPs in the shadow of the live one",
          "What each answers to the documents that it is told beside the live one; nothing of it is posted.",
          table(["ERP", "Same answer", "Differs", "Not answered"], ["Same answer", "Differs", "Not answered"], this.compared.values()),
        ),
      );
    this.content.replaceChildren(...parts);
  }
}

class Row {
  constructor({ target, legal_entity_id: entity }) {
    this.name = `${target ?? "ERP"}${entity === null ? "" : `, ${entity}`}`;
    this.state = el("td", {});
    this.why = el("td", { class: "why" });
    this.fill = el("span", { class: "fill" });
    this.figures = new Map();
    const cell = (part) => {
      const value = el("span", { "data-figure": `${this.name}.${part}` });
      this.figures.set(part, value);
      return el("td", { class: "num" }, value);
    };
    this.element = el(
      "tr",
      { "data-gate": this.name },
      el("th", { scope: "row" }, target ?? "ERP", el("span", { class: "meaning" }, entity ?? "every legal entity")),
      this.state,
      cell("waiting"),
      el("td", { class: "length" }, el("span", { class: "track", "aria-hidden": "true" }, this.fill)),
      this.why,
      ...["oldest", "next_release_at", "late", "rejected"].map(cell),
    );
  }

  /** @param {number} most how many documents wait in the longest row */
  show(item, most) {
    const put = (part, text) => figure(this.figures.get(part), text, item[part]);
    for (const part of ["waiting", "late", "rejected"]) put(part, count(item[part]));
    put("oldest", instant(item.oldest));
    put("next_release_at", item.waiting > 0 && item.next_release_at === null ? "not known" : instant(item.next_release_at));
    this.fill.style.width = `${(100 * item.waiting) / most}%`;
    const until = item.opens_at === null ? "" : `until ${instant(item.opens_at)}`;
    const said = JSON.stringify([item.open, until, item.why]);
    if (this.said === said) return;
    this.said = said;
    this.state.replaceChildren(
      pill(item.open ? ["Open", "●", "good"] : ["Closed", "❚❚", "warn"]),
      el("span", { class: "meaning" }, item.open ? "" : until || "until it is opened"),
    );
    const reasons = Object.entries(item.why).sort(([, one], [, other]) => other - one);
    this.why.replaceChildren(
      ...(reasons.length === 0 ? [NOTHING] : reasons.map(([why, number]) => el("div", {}, `${waiting(why)} (${count(number)})`))),
    );
  }
}

class Compared {
  constructor(target) {
    this.figures = ["same", "differs", "unanswered"].map((part) => el("span", { "data-figure": `${target}.${part}` }));
    this.element = el(
      "tr",
      { "data-shadow": target },
      el("th", { scope: "row" }, target),
      ...this.figures.map((value) => el("td", { class: "num" }, value)),
    );
  }

  show(one) {
    for (const [place, part] of ["same", "differs", "unanswered"].entries())
      figure(this.figures[place], count(one[part]), one[part]);
  }
}

const nameOf = ({ target, legal_entity_id: entity }) => JSON.stringify([target, entity]);
