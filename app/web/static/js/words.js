/** What codes are called on the page, and the shape that stands beside a colour so that colour is never alone. */

const BLOCKERS = {
  ADJUSTMENT_NEEDED: "Invoiced time has changed",
  AMENDMENT_NOT_SYNCED: "Amendment not yet in the ERP",
  BILLING_SCHEDULE_NOT_DUE: "Not due by the billing schedule",
  BILLED_EXCEEDS_WORKED: "More billed than worked",
  BUDGET_EXCEEDED: "Budget exceeded",
  BUDGET_NEARLY_EXHAUSTED: "Budget nearly exhausted",
  CAP_EXCEEDED: "Over the cap",
  CLIENT_HOLD: "On hold for the client",
  CONTRACT_NOT_ACTIVE: "Contract not active",
  CONTRACT_UNKNOWN: "Contract unknown",
  COST_CENTRE_INVALID: "Cost centre invalid",
  CURRENCY_MISMATCH: "Rate in another currency",
  CURRENCY_RATE_MISSING: "Exchange rate missing",
  CUSTOMER_MASTER_MISSING: "Customer missing in the ERP",
  DISPUTE_OPEN: "Dispute open",
  DUPLICATE_SUSPECTED: "Duplicate suspected",
  LEGAL_ENTITY_MISMATCH: "Legal entity mismatch",
  MARGIN_BELOW_FLOOR: "Margin below the floor",
  MILESTONE_NOT_ACCEPTED: "Milestone not accepted",
  NARRATIVE_MISSING: "Narrative missing",
  OUTSIDE_TERM: "Worked outside the term",
  PERIOD_CLOSED: "Accounting period closed",
  PO_EXHAUSTED: "Purchase order used up",
  PO_EXPIRED: "Purchase order expired",
  PO_MISSING: "Purchase order missing",
  RATE_UNRESOLVED: "No rate found",
  RECEIPT_MISSING: "Receipt missing",
  REVISION_CONFLICT: "Two messages claim one revision",
  ROLE_OPTIONAL_ATTR_MISSING: "Booking without a role",
  SUBCONTRACT_UNMATCHED: "Supplier invoice missing",
  TAX_CODE_INVALID: "Tax code invalid",
  TAX_ID_MISSING: "Tax id missing",
  TIME_LATE: "Time handed in late",
  TIME_NOT_APPROVED: "Time not approved",
};

/** state → [word, shape, tone]; tones are `calm`, `good`, `warn`, `stop`. */
const STATES = {
  ready: ["Ready", "●", "good"],
  ready_with_warnings: ["Ready, with warnings", "◐", "warn"],
  nothing_to_bill: ["Nothing to bill", "○", "calm"],
  held: ["Held", "❚❚", "warn"],
  blocked: ["Blocked", "■", "stop"],
};

const STATUSES = {
  unknown: ["Unknown", "?", "stop"],
  pending: ["Not started", "○", "calm"],
  active: ["Active", "●", "good"],
  suspended: ["Suspended", "❚❚", "warn"],
  closed: ["Closed", "◆", "calm"],
  cancelled: ["Cancelled", "✕", "stop"],
};

const ENTRY_STATUSES = {
  approved: ["Approved", "●", "good"],
  submitted: ["Submitted", "◐", "warn"],
  rejected: ["Rejected", "✕", "stop"],
  reversed: ["Reversed", "↺", "calm"],
};

const TIERS = {
  critical: ["Critical", "■", "stop"],
  blocking: ["Blocking", "■", "stop"],
  held: ["Held", "❚❚", "warn"],
  warning: ["Warning", "▲", "warn"],
  info: ["For information", "○", "calm"],
};

/** A code nobody named yet still reads: `COST_CENTRE_INVALID` as "Cost centre invalid". */
export function sentence(code) {
  const words = String(code).toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const named = (table) => (code) => table[code] ?? [sentence(code), "○", "calm"];

export const blocker = (code) => BLOCKERS[code] ?? sentence(code);
export const state = named(STATES);
export const status = named(STATUSES);
export const entryStatus = named(ENTRY_STATUSES);
export const tier = named(TIERS);
export const CONTRACT_STATUSES = Object.keys(STATUSES);
export const ENTRY_STATUS_CODES = Object.keys(ENTRY_STATUSES);

const FIGURES = {
  "approved.amount": "Approved amount",
  "approved.billable_minutes": "Approved billable hours",
  "pending.amount": "Pending amount",
  "pending.minutes": "Pending hours",
  "remaining.amount": "Remaining amount",
  "remaining.minutes": "Remaining hours",
  "ratio.amount": "Share of the budget used",
  "ratio.minutes": "Share of the budgeted hours used",
  "per_week.amount": "Amount a week",
  "per_week.minutes": "Hours a week",
  "exhaustion.amount_on": "The day the budget runs out",
  "exhaustion.minutes_on": "The day the hours run out",
};
export const figureName = (path) => FIGURES[path] ?? sentence(path.replaceAll(".", " "));

/** Why a document waits at the gate. */
const WAITS = {
  window: "ERP is closed",
  limit: "ERP takes so many a minute",
  halted: "A critical exception halts the contract",
  no_route: "No route is set",
  leaving: "Leaving now",
};
export const waiting = (why) => WAITS[why] ?? sentence(why);

const METHODS = {
  time_and_materials: "Time and materials",
  milestone: "Milestones",
  percent_complete: "Percent complete",
  retainer: "Retainer",
  prepaid: "Prepaid",
  non_billable: "Not billable",
};
export const method = (code) => METHODS[code] ?? sentence(code);
