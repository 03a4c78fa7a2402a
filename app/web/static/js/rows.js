/**
 * A long table of which only the rows in sight exist. The page itself scrolls; two empty rows stand for what is above
 * and below. A row lives as long as it is in sight, so focus and glow stay where they are when figures change.
 */
import { el } from "./dom.js";

const MARGIN = 12;
const FIRST_GUESS_PX = 60;

export class Rows {
  /**
   * @param {HTMLTableSectionElement} body
   * @param {{key: Function, make: Function, reached?: Function}} row `key(item)` names it; `make(item)` returns a `tr`
   *   with a method `show(item)`; `reached()` is called when the last item comes into sight.
   */
  constructor(body, { key, make, reached = () => {} }) {
    Object.assign(this, { body, key, make, reached });
    this.items = [];
    this.alive = new Map();
    this.rowHeight = FIRST_GUESS_PX;
    const columns = body.parentElement.querySelectorAll("thead th").length;
    this.above = spacer(columns);
    this.below = spacer(columns);
    body.replaceChildren(this.above, this.below);
    this.onScroll = () => (this.frame ??= requestAnimationFrame(() => this.draw()));
    addEventListener("scroll", this.onScroll, { passive: true });
    addEventListener("resize", this.onScroll, { passive: true });
    body.addEventListener("keydown", (event) => this.walk(event));
  }

  close() {
    removeEventListener("scroll", this.onScroll);
    removeEventListener("resize", this.onScroll);
    cancelAnimationFrame(this.frame);
  }

  /** Show these items, in this order. */
  show(items) {
    this.items = items;
    this.draw();
  }

  draw() {
    this.frame = null;
    if (!this.body.isConnected) return;
    const [first, last] = this.range();
    const wanted = this.items.slice(first, last);
    const keep = new Set(wanted.map(this.key));
    for (const [key, tr] of this.alive) {
      if (keep.has(key)) continue;
      tr.remove();
      this.alive.delete(key);
    }
    let before = this.above;
    wanted.forEach((item, index) => {
      const tr = this.row(item);
      tr.setAttribute("aria-rowindex", first + index + 2);
      if (before.nextSibling !== tr) before.after(tr);
      before = tr;
    });
    resize(this.above, first * this.rowHeight);
    resize(this.below, (this.items.length - last) * this.rowHeight);
    this.measure();
    if (last === this.items.length) this.reached();
  }

  row(item) {
    const key = this.key(item);
    let tr = this.alive.get(key);
    if (tr === undefined) this.alive.set(key, (tr = this.make(item)));
    tr.show(item);
    return tr;
  }

  range() {
    const top = -this.body.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(Math.floor(top / this.rowHeight) - MARGIN, this.items.length - 1));
    const fits = Math.ceil(innerHeight / this.rowHeight) + 2 * MARGIN;
    return [first, Math.min(this.items.length, first + fits)];
  }

  /** Rows are equally high; how high, the style sheet decides, and the width of the window may change it. */
  measure() {
    const [tr] = this.alive.values();
    const height = tr?.getBoundingClientRect().height ?? 0;
    if (height === 0 || Math.abs(height - this.rowHeight) < 0.5) return;
    this.rowHeight = height;
    this.onScroll();
  }

  /** Arrow keys go from row to row, Home and End to the ends. */
  walk(event) {
    const from = event.target.closest("tr");
    const at = this.items.findIndex((item) => this.alive.get(this.key(item)) === from);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.items.length - 1 }[event.key];
    if (at < 0 || to === undefined || to < 0 || to >= this.items.length) return;
    event.preventDefault();
    this.focus(to);
  }

  focus(index) {
    const top = this.body.getBoundingClientRect().top + scrollY + index * this.rowHeight;
    const room = innerHeight / 3;
    if (top < scrollY + room || top > scrollY + innerHeight - room) scrollTo({ top: top - room, behavior: "instant" });
    this.draw();
    this.alive.get(this.key(this.items[index]))?.querySelector("a, button")?.focus({ preventScroll: true });
  }
}

function spacer(columns) {
  return el("tr", { class: "spacer", "aria-hidden": "true" }, el("td", { colspan: columns }));
}

function resize(row, height) {
  row.firstChild.style.height = `${height}px`;
  row.hidden = height === 0;
}
