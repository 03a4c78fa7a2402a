/** One row of the heat map: a person, a role or a practice, with a cell for every week. */
import { el, set } from "./dom.js";
import { BANDS, bandOf, said, shown, tense, tentative } from "./heat.js";

export class HeatRow {
  /** @param {object} row @param {{openCell: function(string, string): void, now: string}} map `openCell(id, week)` shows what is behind. */
  constructor(row, map) {
    this.map = map;
    this.name = el("span", { class: "who" });
    this.place = el("span", { class: "ids" });
    this.cells = [];
    this.tr = el("tr", { role: "row" }, el("th", { scope: "row", role: "rowheader" }, this.name, this.place));
    this.tr.show = (next) => this.show(next);
    this.tr.dataset.id = row.id;
  }

  show(row) {
    if (this.row === row) return;
    this.row = row;
    this.name.textContent = row.id;
    this.place.textContent = row.place;
    while (this.cells.length > row.weeks.length) this.cells.pop().td.remove();
    row.weeks.forEach((week, index) => this.cell(index).show(row.id, week, this.map.now));
  }

  cell(index) {
    this.cells[index] ??= this.make();
    return this.cells[index];
  }

  make() {
    const number = el("span", { class: "num", "aria-hidden": "true" });
    const shape = el("span", { class: "shape", "aria-hidden": "true" });
    const soft = el("span", { class: "soft", "aria-hidden": "true" });
    const button = el("button", { type: "button", tabindex: "-1", class: "heat" }, shape, number, soft);
    const td = el("td", { role: "gridcell" }, button);
    let week = null;
    button.addEventListener("click", () => this.map.openCell(this.row.id, week.week));
    this.tr.append(td);
    return {
      td,
      show(id, next, now) {
        week = next;
        const band = bandOf(week);
        const when = tense(week.week, now);
        number.textContent = shown(week.utilization_ratio);
        shape.textContent = BANDS[band][0];
        soft.style.width = `${Math.round(tentative(week) * 100)}%`;
        set(button, {
          "data-band": band,
          "data-when": when,
          "aria-label": said(id, week, when),
          title: said(id, week, when),
        });
        set(td, { "data-when": when });
        button.dataset.week = week.week;
        button.dataset.value = week.utilization_ratio ?? "";
      },
    };
  }
}
