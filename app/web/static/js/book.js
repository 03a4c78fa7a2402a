/**
 * The contracts the page knows: one row each, as `/v1/contracts` gives it, kept current by statements. What rows are
 * sorted and filtered by is worked out once per change, not once per comparison.
 */
import { read } from "./api.js";
import { compare, isZero, length } from "./decimal.js";
import { addDays } from "./format.js";

const PAGE = 500;
const REFRESH_EACH_MS = 400;
const RISK_WEEKS = 4;
const RISK_RATIO = "0.9";
/** A closed or cancelled contract burns no more. */
const BURNING = ["active", "suspended"];

export class Book {
  /** @param {function(Set<string>)} onChange called with the ids of the contracts that changed. */
  constructor(onChange) {
    this.onChange = onChange;
    this.rows = new Map();
    this.asOf = null;
    this.complete = false;
    this.problem = null;
    this.wanted = new Set();
    this.reading = 0;
    this.era = 0;
  }

  /** Read every contract, page by page; a page is shown as soon as it is here. A later call makes an earlier one stop. */
  async load() {
    const reading = ++this.reading;
    const seen = new Set();
    this.complete = false;
    this.problem = null;
    try {
      let cursor = null;
      do {
        const answer = await read(["contracts"], { limit: PAGE, cursor });
        if (reading !== this.reading) return;
        this.asOf = answer.as_of;
        for (const row of answer.items) seen.add(row.contract_id) && this.put(row);
        cursor = answer.next;
        this.complete = cursor === null;
        if (this.complete) for (const id of this.rows.keys()) if (!seen.has(id)) this.rows.delete(id);
        this.onChange(new Set(answer.items.map((row) => row.contract_id)));
      } while (!this.complete);
    } catch (error) {
      this.problem = error;
      this.onChange(new Set());
    }
  }

  /** Keep a row, but none of its parts that is older than what a statement already said. */
  put(row) {
    const known = this.rows.get(row.contract_id);
    const comparable = known?.era === this.era ? known : null;
    const newest = (part) => (older(row[part], comparable?.[part]) ? comparable[part] : row[part]);
    this.rows.set(
      row.contract_id,
      derived({ ...row, burn: newest("burn"), readiness: newest("readiness"), era: this.era }, this.asOf),
    );
  }

  /** Read all again from a server whose versions cannot be compared with those seen so far. */
  startOver() {
    this.era += 1;
    return this.load();
  }

  /** Take in statements; each is the whole truth for its key, so an older one is let go. Returns the ids touched. */
  apply(statements) {
    const touched = new Set();
    for (const { type, data } of statements) {
      const id = data.contract_id;
      const row = this.rows.get(id);
      if (row === undefined) {
        this.refreshSoon([id]);
        continue;
      }
      const part = type === "burn.updated" ? "burn" : type === "readiness.updated" ? "readiness" : null;
      if (part === null || data.line_id || older(data, row[part])) continue;
      if (data.as_of) this.asOf = data.as_of;
      this.put({ ...row, ...(part === "burn" ? { status: data.status, currency: data.currency } : {}), [part]: data });
      touched.add(id);
    }
    return touched;
  }

  /** Read these contracts again, a few a second: weeks and urgency are not in the statements. */
  refreshSoon(ids) {
    for (const id of ids) this.wanted.add(id);
    this.refreshing ??= this.refresh().finally(() => (this.refreshing = null));
  }

  async refresh() {
    while (this.wanted.size > 0) {
      const [id] = this.wanted;
      this.wanted.delete(id);
      await new Promise((resolve) => setTimeout(resolve, REFRESH_EACH_MS));
      try {
        this.put(await read(["contracts", id]));
        this.onChange(new Set([id]));
      } catch {
        // The row keeps what the statements said; the next statement for the contract asks again.
      }
    }
  }
}

const older = (data, known) =>
  data.state_version != null && known?.state_version != null && data.state_version < known.state_version;

/** A row with what it is sorted and filtered by. */
function derived(row, asOf) {
  const { burn, readiness } = row;
  const endsOn = earliest(burn.exhaustion?.amount_on, burn.exhaustion?.minutes_on);
  const used = highest(burn.ratio?.amount, burn.ratio?.minutes);
  const burning = BURNING.includes(row.status);
  const soon = burning && endsOn !== null && asOf !== null && endsOn <= addDays(asOf, 7 * RISK_WEEKS);
  const past = burning && used !== null && compare(used, RISK_RATIO) >= 0;
  return {
    ...row,
    endsOn,
    used,
    risk: { past, soon },
    ready: compare(readiness.ready_amount ?? "0", "0") > 0,
    blocked: readiness.state === "blocked" || !isZero(readiness.blocked_amount),
    text: `${row.name ?? ""} ${row.contract_id} ${row.client_id ?? ""}`.toLowerCase(),
  };
}

function earliest(...dates) {
  return dates.filter((date) => date != null).sort()[0] ?? null;
}

function highest(...ratios) {
  return (
    ratios
      .filter((ratio) => ratio != null)
      .sort(compare)
      .at(-1) ?? null
  );
}

/** Which rows a filter shows; every part of it is optional. */
export function matcher({ show, text, currency, status }) {
  const words = (text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return (row) =>
    (!show || SHOWN[show]?.(row)) &&
    (!currency || row.currency === currency) &&
    (!status || row.status === status) &&
    words.every((word) => row.text.includes(word));
}

export const SHOWN = {
  risk: (row) => row.risk.past || row.risk.soon,
  past: (row) => row.risk.past,
  soon: (row) => row.risk.soon,
  ready: (row) => row.ready,
  blocked: (row) => row.blocked,
};

const byId = (a, b) => (a.contract_id < b.contract_id ? -1 : a.contract_id > b.contract_id ? 1 : 0);
const byText = (a, b) =>
  a === b ? 0 : a === null || a === undefined ? 1 : b === null || b === undefined ? -1 : a < b ? -1 : 1;
/** Amounts of two currencies have no order, so rows are kept together by currency first. */
const byAmount = (amount) => (a, b) => byText(a.currency, b.currency) || compare(amount(b), amount(a));

/** Orders by the name they have in the address; each is the one that puts what matters on top. */
const ORDERS = {
  urgency: (a, b) => (b.urgency ?? 0) - (a.urgency ?? 0),
  name: (a, b) => byText(a.name, b.name),
  state: (a, b) => byText(a.readiness.state, b.readiness.state),
  used: (a, b) => length(b.used ?? "-1") - length(a.used ?? "-1"),
  ends: (a, b) => byText(a.endsOn, b.endsOn),
  ready: byAmount((row) => row.readiness.ready_amount ?? "0"),
  blocked: byAmount((row) => row.readiness.blocked_amount ?? "0"),
};

/** A comparison by `name` ("-name" turns it round); ties go by contract, so an order never wavers. */
export function order(name) {
  const reversed = name.startsWith("-");
  const compareRows = ORDERS[reversed ? name.slice(1) : name] ?? ORDERS.urgency;
  return (a, b) => (reversed ? compareRows(b, a) : compareRows(a, b)) || byId(a, b);
}
