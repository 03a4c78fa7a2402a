/** The lines of a contract; one can be chosen. */
import { changed, go } from "./address.js";
import { burnBar } from "./burnbar.js";
import { el, figure, set } from "./dom.js";
import { hours, money } from "./format.js";
import * as words from "./words.js";

export class Lines {
  constructor() {
    this.body = el("tbody", {});
    this.head = el("tr", {});
    this.element = el(
      "section",
      { class: "card flush lines", "aria-labelledby": "lines-title" },
      el("h2", { id: "lines-title" }, "Lines"),
      el("div", { class: "scroll" }, el("table", {}, el("thead", {}, this.head), this.body)),
    );
    this.kept = new Map();
  }

  show(row, chosen, unit) {
    this.element.hidden = row.lines.length === 0;
    const named = unit === "amount" ? (row.currency ?? "") : "h:mm";
    this.head.replaceChildren(
      ...["Line", "Billing", "Budget used", `Approved, ${named}`, `Budget, ${named}`, `Remaining, ${named}`].map(
        (text, index) => el("th", { scope: "col", class: index > 2 ? "num" : null }, text),
      ),
    );
    const shown = unit === "amount" ? money : hours;
    row.lines.forEach((line) => this.line(line, chosen, shown, unit));
  }

  line(line, chosen, shown, unit) {
    const id = line.line_id;
    if (!this.kept.has(id)) this.kept.set(id, this.makeLine(line));
    const { tr, button, bar, cells } = this.kept.get(id);
    const { burn } = line;
    set(tr, { "data-chosen": id === chosen ? "" : null });
    button.setAttribute("aria-pressed", String(id === chosen));
    bar.draw(burn, line.cap);
    const values = [
      unit === "amount" ? burn.approved.amount : burn.approved.billable_minutes,
      burn.budget?.[unit],
      burn.remaining?.[unit],
    ];
    values.forEach((value, index) => figure(cells[index], shown(value), value));
  }

  makeLine(line) {
    const id = line.line_id;
    const choose = (event) =>
      go(changed({ line: event.currentTarget.getAttribute("aria-pressed") === "true" ? null : id }), { replace: true });
    const button = el("button", { type: "button", class: "quiet", on: { click: choose } }, line.title || id);
    const bar = burnBar();
    const cells = [0, 1, 2].map(() => el("span", {}));
    const tr = el(
      "tr",
      {},
      el("th", { scope: "row" }, button, el("span", { class: "ids" }, id)),
      el("td", {}, words.method(line.billing_method)),
      el("td", { class: "burn" }, bar),
      ...cells.map((cell) => el("td", { class: "num" }, cell)),
    );
    this.body.append(tr);
    return { tr, button, bar, cells };
  }
}
