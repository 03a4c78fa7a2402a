/** The five figures of the overview. They come from `/v1/overview`; only the distribution is counted from the rows. */
import { read } from "./api.js";
import { band } from "./burnbar.js";
import { length } from "./decimal.js";
import { el, failure, figure, pill, set } from "./dom.js";
import { count, money, percent, plural, week } from "./format.js";
import { sparkline } from "./sparkline.js";

const HEALTH_MS = 15_000;
const FRESH_MS = 2_000;

export class Cards {
  constructor(book) {
    this.book = book;
    this.ready = new Card("ready", "Ready to bill");
    this.blocked = new Card("blocked", "Blocked");
    this.risk = new Card("risk", "Burn at risk");
    this.use = new Card("use", "Billable utilization");
    this.health = new Card("health", "Integration");
    this.element = el(
      "section",
      { class: "cards", "aria-label": "The firm at a glance" },
      ...[this.ready, this.blocked, this.risk, this.use, this.health].map((card) => card.element),
    );
    this.trend = sparkline(13, { bar: 11, step: 14, height: 34 });
    this.hoursTrend = sparkline(13, { bar: 11, step: 14, height: 34 });
    this.histogram = el("div", { class: "bands", role: "img" });
  }

  open() {
    this.load();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.load(), HEALTH_MS);
  }

  close() {
    clearInterval(this.timer);
    clearTimeout(this.soon);
    this.soon = null;
  }

  /** Something changed: read again, but not more often than one can read. */
  changed() {
    this.soon ??= setTimeout(() => {
      this.soon = null;
      this.load();
    }, FRESH_MS);
  }

  async load() {
    try {
      this.show(await read(["overview"]));
    } catch (problem) {
      if (!this.seen) this.ready.body.replaceChildren(failure(problem, () => this.load()));
    }
  }

  show(answer) {
    this.seen = answer;
    const [ready, blocked, worked] = [answer.ready, answer.blocked, answer.trend.approved_amount].map((amounts) =>
      this.inOrder(amounts),
    );
    this.showCash(this.ready, ready, "Nothing is ready. Approved, priced time inside its term shows up here.");
    this.showCash(this.blocked, blocked, "Nothing is held back.");
    this.showTrend({ ...answer.trend, approved_amount: worked });
    this.showShare({ ready, blocked });
    this.showRisk(answer.at_risk);
    this.showUse(answer.utilization);
    this.showHealth(answer.health);
    this.rows();
  }

  /** The currency most contracts have first, the same everywhere: an order by amount would jump as amounts change. */
  inOrder(amounts) {
    const contracts = new Map();
    for (const { currency } of this.book.rows.values()) contracts.set(currency, (contracts.get(currency) ?? 0) + 1);
    const many = ({ currency }) => contracts.get(currency) ?? 0;
    return [...amounts].sort((a, b) => many(b) - many(a) || (a.currency < b.currency ? -1 : 1));
  }

  showCash(card, amounts, nothing) {
    card.build("cash", () => (card.list = el("dl", { class: "cash" })));
    if (amounts.length === 0) return card.list.replaceChildren(el("p", { class: "hint" }, nothing));
    const codes = amounts.map(({ currency }) => currency).join();
    if (card.codes !== codes) {
      card.codes = codes;
      card.list.replaceChildren(
        ...amounts.map(({ currency }) =>
          el("div", {}, el("dt", {}, currency), el("dd", { class: "num", "data-figure": `${card.name}.${currency}` })),
        ),
      );
    }
    amounts.forEach(({ amount }, index) => figure(card.list.children[index].lastChild, money(amount), amount));
  }

  showTrend({ weeks, approved_amount: amounts, minutes }) {
    const [first] = amounts;
    if (first) {
      this.ready.tail(
        this.trend,
        `Approved work a week, ${first.currency}, ${week(weeks[0])} to ${week(weeks.at(-1))}`,
      );
      this.trend.draw(
        first.values,
        `Approved work a week in ${first.currency}: ${weeks.map((name, index) => `${week(name)} ${money(first.values[index])}`).join(", ")}`,
      );
    }
    this.use.tail(this.hoursTrend, `Approved hours a week, ${week(weeks[0])} to ${week(weeks.at(-1))}`);
    this.hoursTrend.draw(
      minutes,
      `Approved hours a week: ${weeks.map((name, index) => `${week(name)} ${Math.round(minutes[index] / 60)}`).join(", ")}`,
    );
  }

  /** How much of what could be billed is held back, per currency, as bars. */
  showShare({ ready, blocked }) {
    const readyIn = new Map(ready.map(({ currency, amount }) => [currency, amount]));
    const bars = blocked.map(({ currency, amount }) => {
      const all = length(amount) + length(readyIn.get(currency));
      const share = all > 0 ? Math.min(length(amount) / all, 1) : 0;
      const fill = el("span", { class: "fill" });
      fill.style.width = `${share * 100}%`;
      return el(
        "div",
        { class: "share" },
        el("span", { class: "code" }, currency),
        el(
          "span",
          {
            class: "track",
            role: "img",
            "aria-label": `${currency}: ${Math.round(share * 100)} % of what could be billed is blocked`,
          },
          fill,
        ),
        el("span", { class: "num" }, `${Math.round(share * 100)} %`),
      );
    });
    this.blocked.tail(el("div", { class: "shares" }, ...bars), bars.length > 0 ? "Share of what could be billed" : "");
  }

  showRisk({ contracts, over_90: past, exhausting_4_weeks: soon }) {
    const { risk } = this;
    risk.build("risk", () => {
      risk.total = el("strong", { class: "big num", "data-figure": "at_risk.contracts" });
      risk.past = el(
        "a",
        { href: "#/?show=past" },
        el("span", { class: "num", "data-figure": "at_risk.over_90" }),
        " past 90 % of budget",
      );
      risk.soon = el(
        "a",
        { href: "#/?show=soon" },
        el("span", { class: "num", "data-figure": "at_risk.exhausting_4_weeks" }),
        " run out within 4 weeks",
      );
      return el(
        "div",
        {},
        el("p", { class: "headline" }, risk.total, " contracts"),
        el("ul", { class: "plain" }, el("li", {}, risk.past), el("li", {}, risk.soon)),
      );
    });
    figure(risk.total, count(contracts), contracts);
    figure(risk.past.firstChild, count(past), past);
    figure(risk.soon.firstChild, count(soon), soon);
  }

  /** How many contracts are in which fifth of their budget, counted from the rows. */
  rows() {
    if (!this.seen) return;
    if (this.book.complete && !this.ordered) {
      this.ordered = true;
      this.show(this.seen);
    }
    const tally = [0, 0, 0, 0, 0];
    for (const { used } of this.book.rows.values()) if (used !== null) tally[band(length(used))] += 1;
    const names = ["under 50 %", "50 %", "75 %", "90 %", "100 % and over"];
    const cells = tally.map((number, index) => {
      const cell = el(
        "span",
        { "data-band": index, title: `${names[index]}: ${plural(number, "contract")}` },
        number > 0 ? count(number) : "",
      );
      cell.style.flexGrow = number;
      cell.hidden = number === 0;
      return cell;
    });
    this.histogram.replaceChildren(...cells);
    set(this.histogram, {
      "aria-label": `Contracts by budget used: ${tally.map((number, index) => `${names[index]} ${number}`).join(", ")}`,
    });
    this.risk.tail(this.histogram, "Contracts by budget used, 0 % to over 100 %");
  }

  /** This week, and the next four: what is billable of what everybody together can do. */
  showUse(utilization) {
    if (utilization !== null) return this.showWeeks(utilization.weeks);
    this.use.element.dataset.empty = "";
    this.use.build("empty", () =>
      el(
        "p",
        { class: "hint" },
        el("strong", {}, "Not measured yet. "),
        "People (resource.upserted) and their bookings (assignment.booked) on the staffing topic will fill it: this week and the next four.",
      ),
    );
  }

  showWeeks([now, ...ahead]) {
    const { use } = this;
    delete use.element.dataset.empty;
    use.build("weeks", () => {
      use.now = el("strong", { class: "big num", "data-figure": "utilization.now" });
      use.ahead = el("dl", { class: "facts" });
      return el("div", {}, el("p", { class: "headline" }, use.now, " this week"), use.ahead);
    });
    figure(use.now, percent(now.utilization_ratio), now.utilization_ratio);
    const names = ahead.map(({ week: name }) => name).join();
    if (use.names !== names) {
      use.names = names;
      use.ahead.replaceChildren(
        ...ahead.map(({ week: name }) =>
          el(
            "div",
            {},
            el("dt", {}, el("a", { href: "#/people" }, week(name))),
            el("dd", { class: "num", "data-figure": `utilization.${name}` }),
          ),
        ),
      );
    }
    ahead.forEach(({ utilization_ratio: ratio }, index) =>
      figure(use.ahead.children[index].lastChild, percent(ratio), ratio),
    );
  }

  showHealth({ lag, dead_letters: dead, parked, exceptions, records }) {
    const { health } = this;
    health.build("health", () => {
      health.mark = el("span", {});
      health.lag = el("strong", { class: "big num", "data-figure": "health.lag" });
      health.unit = el("span", {});
      health.facts = ["dead letters", "parked", "exceptions"].map((name) => [
        name,
        el("dd", { class: "num", "data-figure": `health.${name.replace(" ", "_")}` }),
      ]);
      return el(
        "div",
        {},
        el("p", { class: "headline" }, health.lag, health.unit, health.mark),
        el("dl", { class: "facts" }, ...health.facts.map(([name, dd]) => el("div", {}, el("dt", {}, name), dd))),
      );
    });
    figure(health.lag, count(lag), lag);
    health.unit.textContent = lag === 1 ? " record behind" : " records behind";
    health.mark.replaceChildren(pill(lag === 0 ? ["Keeping up", "●", "good"] : ["Catching up", "◐", "warn"]));
    [dead, parked, exceptions].forEach((value, index) => {
      figure(health.facts[index][1], count(value), value);
      set(health.facts[index][1].parentElement, { "data-some": value > 0 ? "" : null });
    });
    health.tail(el("a", { href: "#/streams" }, `${count(records.read)} records read, each accounted for`), "");
  }
}

class Card {
  constructor(name, title) {
    this.name = name;
    this.body = el("div", { class: "body" });
    this.foot = el("figure", { class: "trend", hidden: true });
    this.element = el("article", { class: `card figure-card ${name}` }, el("h2", {}, title), this.body, this.foot);
  }

  /** Build the body once per kind; figures in it are changed in place, so they can glow. */
  build(kind, make) {
    if (this.kind === kind) return;
    this.kind = kind;
    this.body.replaceChildren(make());
  }

  tail(chart, caption) {
    this.foot.hidden = false;
    this.foot.replaceChildren(chart, caption && el("figcaption", {}, caption));
  }
}
