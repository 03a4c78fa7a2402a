/** A view of its own page that reads again every so often while it is open. */
import { el, failure } from "./dom.js";

export class Polled {
  /** @param {{title: string, wait: string, kind: string, each: number}} options `wait` is shown before the first answer,
   * `kind` are its classes, `each` the milliseconds between two answers. Who extends it says what `read` and `show` do,
   * and whether anything is `shown` already: then a failure leaves it as it is. */
  constructor({ title, wait, kind, each }) {
    this.title = title;
    this.each = each;
    this.heading = el("h1", { tabindex: "-1" }, title);
    this.content = el("div", {}, el("p", { class: "waiting" }, wait));
    this.element = el("div", { class: kind }, this.heading, this.content);
  }

  open() {
    this.load();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.load(), this.each);
  }

  close() {
    clearInterval(this.timer);
  }

  async load() {
    try {
      this.show(await this.read());
    } catch (problem) {
      if (!this.shown) this.content.replaceChildren(failure(problem, () => this.load()));
    }
  }
}
