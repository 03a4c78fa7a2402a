/** One contract in the table of the overview. */
import { contractLink } from "./address.js";
import { band, burnBar, tighter } from "./burnbar.js";
import { isZero, length } from "./decimal.js";
import { el, figure, pill, set } from "./dom.js";
import { day, daysBetween, distance, money, percent } from "./format.js";
import { sparkline } from "./sparkline.js";
import * as words from "./words.js";

export class ContractRow {
  constructor(row, book) {
    this.book = book;
    this.link = el("a", { href: contractLink(row.contract_id) });
    this.ids = el("span", { class: "ids" });
    this.state = el("td", { role: "cell", class: "state" });
    this.bar = burnBar();
    this.used = el("span", { class: "num" });
    this.usedOf = el("span", { class: "sub" });
    this.ends = el("span", { class: "num" });
    this.away = el("span", { class: "sub" });
    this.currency = el("td", { role: "cell", class: "currency" });
    this.ready = el("span", { class: "num" });
    this.blocked = el("span", { class: "num" });
    this.why = el("span", { class: "sub" });
    this.weeks = sparkline();
    const cell = (name, ...children) => el("td", { role: "cell", class: name }, ...children);
    this.tr = el(
      "tr",
      { role: "row" },
      el("th", { scope: "row", role: "rowheader", class: "name" }, this.link, this.ids),
      this.state,
      cell("burn", this.bar, el("span", { class: "used" }, this.used, this.usedOf)),
      cell("ends", this.ends, this.away),
      this.currency,
      cell("ready", this.ready),
      cell("blocked", this.blocked, this.why),
      cell("weeks", this.weeks),
    );
    this.tr.show = (next) => this.show(next);
    this.tr.dataset.contract = row.contract_id;
  }

  show(row) {
    if (this.row === row) return;
    this.row = row;
    const { burn, readiness } = row;
    this.link.textContent = row.name || row.contract_id;
    this.ids.textContent = [row.name ? row.contract_id : null, row.client_id].filter(Boolean).join(" · ");
    this.showState(row);
    this.bar.draw(burn, row.cap);
    const past = row.used !== null && length(row.used) >= 1;
    this.usedOf.textContent = tighter(burn) === "minutes" ? "of hours" : "";
    figure(this.used, row.used === null ? "no budget" : percent(row.used), row.used);
    set(this.used, { "data-over": past ? "" : null, "data-band": row.used === null ? null : band(length(row.used)) });
    this.showEnd(row);
    this.currency.textContent = row.currency ?? "";
    for (const { parentElement: cell } of [this.ready, this.blocked])
      set(cell, { "data-currency": row.currency ?? "" });
    figure(this.ready, money(readiness.ready_amount), readiness.ready_amount);
    figure(this.blocked, money(readiness.blocked_amount), readiness.blocked_amount);
    set(this.ready, { "data-zero": zero(readiness.ready_amount) });
    set(this.blocked, { "data-zero": zero(readiness.blocked_amount) });
    const [first, ...rest] = readiness.blockers;
    this.why.textContent = first ? words.blocker(first.code) + (rest.length > 0 ? ` +${rest.length}` : "") : "";
    this.weeks.draw(row.weeks, `Approved in 13 weeks, oldest first: ${row.weeks.map(money).join(", ")}`);
  }

  showState(row) {
    const said = `${row.readiness.state}|${row.status}`;
    if (this.said === said) return;
    this.said = said;
    const status = row.status === "active" ? null : el("span", { class: "sub" }, words.status(row.status)[0]);
    this.state.replaceChildren(pill(words.state(row.readiness.state)), status ?? "");
  }

  showEnd({ endsOn, burn, risk }) {
    const asOf = burn.as_of ?? this.book.asOf;
    figure(this.ends, day(endsOn, asOf), endsOn);
    this.away.textContent = endsOn === null || asOf === null ? "" : distance(daysBetween(asOf, endsOn));
    set(this.ends.parentElement, { "data-soon": risk.soon ? "" : null });
  }
}

const zero = (text) => (isZero(text) ? "" : null);
