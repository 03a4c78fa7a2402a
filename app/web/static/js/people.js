/** People, roles and practices week by week: who is free, who has too much. */
import { Accuracy } from "./accuracy.js";
import { changed, go } from "./address.js";
import { read } from "./api.js";
import { decimal, units } from "./decimal.js";
import { el, empty, failure, figure, set } from "./dom.js";
import { day, hours, plural, week as weekNumber } from "./format.js";
import { BANDS } from "./heat.js";
import { HeatRow } from "./heatrow.js";
import { Live } from "./live.js";
import { Rows } from "./rows.js";
import { Soon } from "./soon.js";
import { later, mondayIn, spanOf, weekOf } from "./weeks.js";

const PAGE = 100;
const BEHIND = 4;
const WEEKS = 17;
const TYPING_MS = 200;
const AGAIN_MS = 3_000;

/** What the map can show: the path of the answer, its word, and what a row of it is. */
const KINDS = {
  people: { path: "resources", label: "People", row: (row) => ({ ...row, id: row.resource_id, place: placeOf(row) }) },
  roles: { path: "roles", label: "Roles", row: (row) => ({ ...row, place: "" }) },
  practices: { path: "practices", label: "Practices", row: (row) => ({ ...row, place: "" }) },
};

export class People {
  /** @param {function(string[]): void} showSource told the path of the answer that is shown. */
  constructor(showSource) {
    this.showSource = showSource;
    this.title = "People";
    this.asked = null;
    this.rowsById = new Map();
    this.next = null;
    this.now = "";
    this.heading = el("h1", { tabindex: "-1" }, "People and practices");
    this.table = el("table", { class: "heatmap", role: "grid", "aria-label": "Utilization by week" });
    this.blank = el("div", { class: "blank", hidden: true });
    this.soon = new Soon();
    this.accuracy = new Accuracy();
    this.element = el(
      "div",
      { class: "people" },
      this.heading,
      this.makeToolbar(),
      el("section", { class: "card flush" }, el("div", { class: "scroll heatbox" }, this.table), this.blank),
      legend(),
      this.soon.element,
      this.accuracy.element,
    );
    // Before the rows hear of it, which go from row to row.
    this.table.addEventListener("keydown", (event) => this.walk(event), { capture: true });
    this.table.addEventListener("focusin", (event) => this.reach(event.target));
  }

  makeToolbar() {
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "Whose weeks" });
    for (const [show, { label }] of Object.entries(KINDS))
      this.chips.append(
        el(
          "button",
          { type: "button", "data-show": show, on: { click: () => this.narrow({ show, role: null, practice: null }) } },
          label,
        ),
      );
    const filter = (name, label) =>
      el("input", {
        type: "search",
        placeholder: label,
        "aria-label": label,
        "data-filter": name,
        on: { input: (event) => this.type(name, event.target) },
      });
    this.role = filter("role", "Only this role");
    this.practice = filter("practice", "Only this practice");
    const step = (label, text, weeks) =>
      el("button", { type: "button", "aria-label": label, on: { click: () => this.step(weeks) } }, text);
    this.counted = el("p", { class: "counted", "aria-live": "polite" });
    return el(
      "div",
      { class: "toolbar" },
      this.chips,
      this.role,
      this.practice,
      el(
        "div",
        { class: "steps-of-weeks", role: "group", "aria-label": "Which weeks" },
        step("Earlier weeks", "‹", -BEHIND),
        el("button", { type: "button", on: { click: () => this.narrow({ from: null }) } }, "This week"),
        step("Later weeks", "›", BEHIND),
      ),
      this.counted,
    );
  }

  narrow(changes) {
    go(changed(changes), { replace: true });
  }

  type(name, input) {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.narrow({ [name]: input.value.trim() }), TYPING_MS);
  }

  step(weeks) {
    if (this.from) this.narrow({ from: later(this.from, weeks) });
  }

  /** Follow the address; what was read before stays when only the drawer opens. */
  open({ query }) {
    const text = (name) => query.get(name) ?? "";
    const wanted = {
      show: text("show") in KINDS ? text("show") : "people",
      from: text("from"),
      role: text("role"),
      practice: text("practice"),
    };
    this.follow();
    this.accuracy.follow(wanted.show);
    const same = this.asked !== null && Object.keys(wanted).every((name) => this.asked[name] === wanted[name]);
    if (same) return;
    this.asked = wanted;
    this.showSource([KINDS[wanted.show].path]);
    for (const button of this.chips.children)
      set(button, { "aria-pressed": String(button.dataset.show === wanted.show) });
    for (const [name, input] of Object.entries({ role: this.role, practice: this.practice })) {
      input.hidden = wanted.show !== "people";
      if (document.activeElement !== input) input.value = wanted[name];
    }
    this.load();
  }

  /** Weeks have a stream of their own: a day that begins moves all of them, and no other view wants to hear of it. */
  follow() {
    if (this.live) return;
    this.live = new Live("forecast.utilization", {
      statements: (statements) => this.statements(statements),
      connection() {},
      reset: () => this.load(),
    });
    this.live.run();
  }

  close() {
    this.live?.stop();
    this.live = null;
    this.accuracy.close();
    this.rows?.close();
    this.reading?.abort();
    this.soon.close();
    clearTimeout(this.again);
  }

  /** Read from the start. The first answer says what today is, which decides the first week unless one is asked for. */
  async load() {
    this.reading?.abort();
    this.reading = new AbortController();
    const { signal } = this.reading;
    const { show, role, practice } = this.asked;
    const { path } = KINDS[show];
    this.soon.load({ role, practice }, signal);
    try {
      const from = this.asked.from || (await this.firstWeek(path, signal));
      if (signal.aborted) return;
      this.query = { from, weeks: WEEKS, limit: PAGE, ...(show === "people" ? { role, practice } : {}) };
      const answer = await read([path], this.query, signal);
      this.build(from, answer);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.table.hidden = true;
      this.blank.hidden = false;
      this.blank.replaceChildren(failure(problem, () => this.load()));
    }
  }

  async firstWeek(path, signal) {
    const { as_of: asOf } = await read([path], { limit: 1, weeks: 1 }, signal);
    return asOf === null ? null : later(weekOf(asOf), -BEHIND);
  }

  build(from, answer) {
    this.from = from;
    this.now = answer.as_of === null ? "" : weekOf(answer.as_of);
    this.rowsById.clear();
    this.rows?.close();
    const names = from === null ? [] : Array.from({ length: WEEKS }, (_, index) => later(from, index));
    const heads = names.map((name) => {
      const head = el(
        "th",
        { scope: "col", role: "columnheader", title: spanOf(name) },
        weekNumber(name),
        el("span", { class: "ids" }, day(mondayIn(name), `${name.slice(0, 4)}`)),
      );
      if (name === this.now) set(head, { "aria-current": "date" });
      return head;
    });
    const body = el("tbody", { role: "rowgroup" });
    this.foot = el("tfoot", { role: "rowgroup" });
    this.table.replaceChildren(
      el(
        "thead",
        { role: "rowgroup" },
        el(
          "tr",
          { role: "row" },
          el("th", { scope: "col", role: "columnheader" }, KINDS[this.asked.show].label),
          ...heads,
        ),
      ),
      body,
      this.foot,
    );
    this.rows = new Rows(body, {
      key: (row) => row.id,
      make: (row) => new HeatRow(row, this).tr,
      reached: () => this.more(),
    });
    this.take(answer);
  }

  take(answer) {
    const { row } = KINDS[this.asked.show];
    for (const item of answer.items) this.rowsById.set(item.resource_id ?? item.id, row(item));
    this.next = answer.next;
    this.show();
  }

  /** The next page, as soon as the last row of this one is in sight. */
  async more() {
    if (this.next === null || this.nextAsked === this.next) return;
    this.nextAsked = this.next;
    try {
      this.take(await read([KINDS[this.asked.show].path], { ...this.query, cursor: this.next }, this.reading.signal));
    } catch (problem) {
      if (problem.name !== "AbortError") this.nextAsked = null;
    }
  }

  show() {
    const rows = [...this.rowsById.values()];
    this.table.hidden = rows.length === 0 || this.now === "";
    this.rows.show(rows);
    this.total(rows);
    const counted = plural(rows.length, ...WORDS[this.asked.show]);
    this.counted.textContent = this.next === null ? counted : `${counted} so far`;
    this.blank.hidden = !this.table.hidden;
    if (this.now === "" && rows.length > 0)
      this.blank.replaceChildren(
        empty(
          "There is no today yet",
          "Weeks are told from the first clock.ticked on; the worker sends one when it starts.",
        ),
      );
    else if (rows.length === 0)
      this.blank.replaceChildren(
        empty(
          "Nobody here",
          "People appear with their first resource.upserted, assignment.booked, leave.approved or time on the staffing and timesheets topics. A filter that fits nobody shows nothing either.",
          el("button", { type: "button", on: { click: () => go("#/people") } }, "Clear the filters"),
        ),
      );
    if (!this.table.querySelector('.heat[tabindex="0"]')) this.reach(this.table.querySelector(".heat"));
  }

  /** Bench and over-booking at the foot: sums of the rows above. */
  total(rows) {
    const count = rows[0]?.weeks.length ?? 0;
    const whose = this.next === null ? "of all rows" : "of the rows read so far";
    const foot = (name, label, ofWeek, read) =>
      el(
        "tr",
        { role: "row" },
        el("th", { scope: "row", role: "rowheader" }, label, el("span", { class: "ids" }, whose)),
        ...Array.from({ length: count }, (_, index) => {
          const sum = rows.reduce((total, row) => total + ofWeek(row.weeks[index]), 0n);
          const value = el("span", { class: "num", "data-figure": `${name}.${rows[0].weeks[index].week}` });
          figure(value, ...read(sum));
          return el("td", { role: "gridcell", class: "num", "data-some": name === "over" && sum > 0n }, value);
        }),
      );
    this.foot.replaceChildren(
      foot(
        "bench",
        "Free, hours",
        (week) => units(week.bench_minutes),
        (sum) => [hours(decimal(sum)), decimal(sum)],
      ),
      foot(
        "over",
        "Over-booked",
        (week) => (week.overallocated ? 1n : 0n),
        (sum) => [String(sum), sum],
      ),
    );
  }

  /** Statements change the cells they are about; a group is read again, soon. */
  statements(statements) {
    let touched = false;
    for (const { type, data } of statements) {
      if (type !== "utilization.week_updated") continue;
      const { kind, id } = data.subject;
      if (KINDS[this.asked.show].path !== { resource: "resources", role: "roles", practice: "practices" }[kind])
        continue;
      const row = this.rowsById.get(id);
      if (row === undefined) {
        this.again ??= setTimeout(() => this.loadAgain(), AGAIN_MS);
        continue;
      }
      const weeks = row.weeks.map((week) => (week.week === data.week && !older(data, week) ? data : week));
      this.rowsById.set(id, { ...row, weeks });
      touched = true;
    }
    if (touched) this.show();
    if (touched) this.soon.loadSoon();
  }

  loadAgain() {
    this.again = null;
    this.load();
  }

  /** What is behind a cell: of a person the drawer says it; of a group its people do. */
  openCell(id, week) {
    const { show } = this.asked;
    if (show === "people") return go(changed({ cell: `${week} ${id}` }), { layer: true });
    go(changed({ show: "people", [show === "roles" ? "role" : "practice"]: id }));
  }

  /** One cell is in the tab order; arrows, Home and End go from cell to cell, Page Up and Down ten rows. */
  walk(event) {
    const at = event.target.closest?.(".heat");
    if (!at) return;
    const tr = at.closest("tr");
    const column = [...tr.querySelectorAll(".heat")].indexOf(at);
    const columns = tr.querySelectorAll(".heat").length;
    const side = { ArrowLeft: column - 1, ArrowRight: column + 1, Home: 0, End: columns - 1 }[event.key];
    const rows = this.rows.items;
    const row = rows.findIndex((item) => item.id === tr.dataset.id);
    const line = {
      ArrowUp: row - 1,
      ArrowDown: row + 1,
      PageUp: Math.max(row - 10, 0),
      PageDown: Math.min(row + 10, rows.length - 1),
    }[event.key];
    if (side === undefined && line === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (side !== undefined) tr.querySelectorAll(".heat")[side]?.focus();
    else if (line >= 0 && line < rows.length) {
      this.rows.focus(line);
      this.rows.alive.get(rows[line].id)?.querySelectorAll(".heat")[column]?.focus({ preventScroll: true });
    }
  }

  reach(cell) {
    if (!cell?.classList?.contains("heat")) return;
    for (const other of this.table.querySelectorAll('.heat[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    cell.setAttribute("tabindex", "0");
  }
}

const WORDS = { people: ["person", "people"], roles: ["role"], practices: ["practice"] };

const older = (data, known) =>
  data.state_version != null && known.state_version != null && data.state_version < known.state_version;

const placeOf = ({ role, practice, region }) => [role, practice, region].filter(Boolean).join(" · ") || "no place yet";

function legend() {
  const items = Object.entries(BANDS)
    .filter(([band]) => band !== "none")
    .map(([band, [shape, meaning]]) =>
      el(
        "li",
        {},
        el("span", { class: "heat", "data-band": band, "data-when": "past" }, el("span", { class: "shape" }, shape)),
        meaning,
      ),
    );
  return el(
    "ul",
    { class: "heatlegend", "aria-label": "What the cells mean" },
    ...items,
    el("li", {}, el("span", { class: "heat", "data-band": "full", "data-when": "ahead" }), "lighter: still ahead"),
    el(
      "li",
      {},
      el("span", { class: "heat sample" }, el("span", { class: "soft" })),
      "hatched: soft and proposed bookings",
    ),
    el(
      "li",
      {},
      "Percent of capacity that is billable: worked up to as-of, booked after it. Without a target 80 % stands for one.",
    ),
  );
}
