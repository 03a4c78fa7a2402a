/** The versions of a contract on a time line, newest on top, and the rates that price its work. */
import { compare } from "./decimal.js";
import { el } from "./dom.js";
import { day, instant, money, plural } from "./format.js";
import { sentence } from "./words.js";

const FEW = 4;
const MARKS = { retroactive: "↶", cancellation: "✕", additive: "+", replacement: "⇄" };

/** @param {Array} versions as the API gives them @param {?string} asOf */
export function timeline(versions, asOf) {
  const newest = [...versions].sort((a, b) => b.version - a.version);
  return el(
    "ol",
    { class: "timeline" },
    ...newest.map((version) =>
      el("li", { "data-ahead": asOf !== null && version.effective_from > asOf ? "" : null }, ...told(version)),
    ),
  );
}

function told({ version, type, kind, effective_from: from, time, changes }) {
  const name = kind ? `${sentence(kind)} amendment` : sentence(type.replace(/^contract\./, "").replace(/\.v\d+$/, ""));
  return [
    el(
      "p",
      { class: "line" },
      el("span", { class: "mark", "aria-hidden": "true" }, MARKS[kind] ?? "●"),
      el("strong", {}, `v${version}`),
      ` ${name}`,
    ),
    el("p", { class: "sub" }, `from ${day(from)} · decided ${instant(time)}`),
    changes.length > 0 && listed(changes),
  ];
}

/** What a version says; a long list, as a first version has, waits behind its number. */
function listed(changes) {
  const list = el("ul", {}, ...changes.map((change) => el("li", {}, change)));
  return changes.length <= FEW ? list : el("details", {}, el("summary", {}, plural(changes.length, "term")), list);
}

/** Rates, dearest first, each with its days. `contractId` is the contract they are shown on. */
export function rateTable(rates, contractId) {
  const rows = [...rates]
    .sort((a, b) => compare(b.amount, a.amount))
    .map((rate) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, scopeOf(rate, contractId), el("span", { class: "ids" }, rate.rate_id)),
        el(
          "td",
          { class: "num" },
          money(rate.amount),
          el("span", { class: "ids" }, `${rate.currency} / ${rate.unit}${rate.kind === "cost" ? ", cost" : ""}`),
        ),
        el(
          "td",
          {},
          `from ${day(rate.effective_from)}`,
          rate.effective_to && el("span", { class: "ids" }, `to ${day(rate.effective_to)}`),
        ),
      ),
    );
  return el(
    "table",
    { class: "rates" },
    el("caption", { class: "unseen" }, "Rates"),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ...["For", "Rate", "In force"].map((text, index) =>
          el("th", { scope: "col", class: index > 0 ? "num" : null }, text),
        ),
      ),
    ),
    el("tbody", {}, ...rows),
  );
}

/** Whom a rate is for: the ids it names, without the contract it is shown on. */
function scopeOf({ resource_id: person, role, client_id: client, contract_id: contract, scope }, contractId) {
  const named = [person, role, client, contract].filter((id) => id != null && id !== contractId);
  if (named.length > 0) return named.join(", ");
  return scope === "contract" ? "Everyone on this contract" : sentence(scope);
}
