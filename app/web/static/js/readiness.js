/** What can be invoiced, what cannot, who must act, and how much cash each fix unlocks. */
import { changed, go } from "./address.js";
import { compare, isZero, length } from "./decimal.js";
import { el, empty, figure, pill } from "./dom.js";
import { daysBetween, hours, money, plural } from "./format.js";
import * as words from "./words.js";

/** Where earned cash stands, in the order it flows; the names are those of the payload. */
const PARTS = [
  ["invoiced_amount", "Invoiced"],
  ["ready_amount", "Ready"],
  ["blocked_amount", "Blocked"],
  ["over_cap_amount", "Over the cap"],
  ["retained_amount", "Retained"],
  ["adjustment_amount", "Adjustment"],
];

export class Readiness {
  /** @param {function(string): void} explain called with the name of a figure. */
  constructor(explain) {
    this.explain = explain;
    this.state = el("span", {});
    this.bar = el("div", { class: "stack", "aria-hidden": "true" });
    this.figures = el("dl", { class: "parts" });
    this.ready = el("p", { class: "sub" });
    this.list = el("ol", { class: "blockers" });
    this.element = el(
      "section",
      { class: "card readiness", "aria-labelledby": "readiness-title" },
      el("header", {}, el("h2", { id: "readiness-title" }, "Billing readiness"), this.state),
      this.bar,
      this.figures,
      this.ready,
      this.list,
    );
    this.cells = new Map(PARTS.map((part) => [part[0], this.part(...part)]));
  }

  part(name, label) {
    const value = el("button", {
      type: "button",
      class: "num figure",
      "data-figure": name,
      on: { click: () => this.explain(name) },
    });
    const row = el(
      "div",
      { class: name.replace("_amount", "") },
      el("dt", {}, el("span", { class: "key", "aria-hidden": "true" }), label),
      el("dd", {}, value),
    );
    const fill = el("span", { class: name.replace("_amount", "") });
    this.figures.append(row);
    this.bar.append(fill);
    return { row, value, fill };
  }

  /** @param {object} readiness the payload @param {{currency: ?string, asOf: ?string}} context */
  show(readiness, { currency, asOf }) {
    const state = readiness.state;
    if (this.said !== state) this.state.replaceChildren(pill(words.state((this.said = state))));
    for (const [name, { row, value, fill }] of this.cells) {
      const amount = readiness[name];
      const always = ["invoiced_amount", "ready_amount", "blocked_amount"].includes(name);
      row.hidden = !always && isZero(amount);
      figure(value, money(amount), amount);
      value.setAttribute("aria-label", `${row.firstChild.textContent} ${money(amount)} ${currency ?? ""}, explain`);
      fill.style.flexGrow = Math.max(length(amount), 0);
      fill.hidden = !(length(amount) > 0);
    }
    this.figures.dataset.currency = currency ?? "";
    this.ready.textContent =
      readiness.ready_entries == null
        ? ""
        : `${plural(readiness.ready_entries, "time entry", "time entries")}, ${hours(readiness.ready_minutes)} hours ready`;
    this.showBlockers(readiness.blockers, currency, asOf);
  }

  showBlockers(blockers, currency, asOf) {
    const said = JSON.stringify([blockers, asOf]);
    if (this.blockersSaid === said) return;
    this.blockersSaid = said;
    if (blockers.length === 0)
      this.list.replaceChildren(
        el("li", { class: "none" }, empty("Nothing in the way", "No check holds anything back.")),
      );
    else
      this.list.replaceChildren(...[...blockers].sort(byCash).map((blocker) => this.blocker(blocker, currency, asOf)));
  }

  blocker({ code, tier, scope, owner, count: number, amount, since, evidence = [], fix }, currency, asOf) {
    const age = since && asOf ? daysBetween(since, asOf) : null;
    const facts = [
      scope === "contract" ? "the whole contract" : plural(number ?? 0, "entry", "entries"),
      owner && `owner: ${owner}`,
      age !== null && `for ${plural(Math.max(age, 0), "day")}`,
    ];
    return el(
      "li",
      { "data-code": code },
      el(
        "div",
        { class: "line" },
        pill(words.tier(tier)),
        el("strong", {}, words.blocker(code)),
        el(
          "span",
          { class: "num cash" },
          isZero(amount)
            ? ["critical", "blocking"].includes(tier)
              ? "no amount yet"
              : ""
            : `${money(amount)} ${currency ?? ""}`,
        ),
      ),
      fix && el("p", { class: "fix" }, fix),
      el("p", { class: "sub" }, facts.filter(Boolean).join(" · ")),
      this.behind(code, evidence),
    );
  }

  /** A way to what stands behind a blocker: the entries where a filter finds them, else the ids of the events. */
  behind(code, evidence) {
    if (code === "TIME_NOT_APPROVED")
      return el(
        "button",
        {
          type: "button",
          class: "quiet",
          on: { click: () => go(changed({ status: "submitted" }), { replace: true }) },
        },
        "Show these entries",
      );
    if (evidence.length === 0) return null;
    return el(
      "details",
      {},
      el("summary", {}, `Evidence: ${plural(evidence.length, "event")}`),
      el("ul", { class: "evidence" }, ...evidence.map((id) => el("li", {}, el("code", {}, String(id))))),
    );
  }
}

/** Most cash first; what has no amount last. */
function byCash(a, b) {
  return compare(b.amount ?? "0", a.amount ?? "0");
}
