"""What producers send: one model per shape of `data`, the single truth for validation and for the JSON Schemas.

Fields that the catalogue prints in bold have no default. Null in an optional field means absent; only in
`ContractAmended` does a null that is sent clear what it names. Unknown fields are allowed and kept with the record, by
the reader, not by these models. A class that ends in `Fields` is what its whole and its cancelling events share.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, create_model, field_validator, model_validator

from app.domain.policy import OF_PEOPLE, WARNS_ONLY, Action, Code
from app.events.fields import (
    Address,
    Amount,
    Count,
    CurrencyCode,
    Day,
    DayMinutes,
    EntryMinutes,
    Flag,
    FxRate,
    Id,
    Instant,
    LeaveMinutes,
    Markup,
    Minutes,
    Month,
    MonthDay,
    Ratio,
    Revision,
    SignedAmount,
    SignedMinutes,
    Stays,
    Text,
    WeekMinutes,
    WorkingDays,
    fail,
)

RetroPolicy = Literal["credit_rebill", "delta_line", "prospective_only"]
BillingMethod = Literal["time_and_materials", "milestone", "percent_complete", "retainer", "prepaid", "non_billable"]
Category = Literal["standard", "overtime", "travel", "training", "leave"]


class Part(BaseModel):
    """An object inside an event."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Input(Part):
    """The data of one event; every entity but the clock and the contract counts its revisions under this name."""

    revision: Revision


def withdrawal(name: str, whole: type[Input], *keep: str) -> type[Input]:
    """The event that only cancels: its id, its revision and the field its journal is keyed by are all it needs.

    What else it carries is checked as in `whole`; what it leaves out is taken from the next lower revision.
    """
    eased: dict[str, Any] = {
        field: (info.rebuild_annotation() | None, Field(default=None, alias=info.alias))
        for field, info in whole.model_fields.items()
        if info.is_required() and field not in ("revision", *keep)
    }
    doc = f"{whole.__name__} in the event that only cancels: what it leaves out stays as the revision before said."
    return create_model(name, __base__=whole, __module__=__name__, __doc__=doc, **eased)


def not_before(start: str) -> Callable[[date | None, ValidationInfo], date | None]:
    """A check for the end of an interval that is inclusive at both ends: the same day is one day long."""

    def check(end: date | None, info: ValidationInfo) -> date | None:
        first = info.data.get(start)
        if end is not None and first is not None and end < first:
            fail("bad_interval", f"must not lie before {start.rstrip('_')}")
        return end

    return check


def one_of(*names: str) -> Callable[[Any], Any]:
    """A check that at least one of two alternatives is there."""

    def check(data: Any) -> Any:
        if isinstance(data, dict) and all(data.get(name) is None for name in names):
            fail("missing_field", f"needs {' or '.join(names)}; send one of them")
        return data

    return check


class Money(Part):
    """An amount that names its currency."""

    amount: SignedAmount
    currency: CurrencyCode


# Contracts


class Term(Part):
    """The first and the last day of a contract; no end is open."""

    from_: Day = Field(alias="from")
    to: Day | None = None

    _interval = field_validator("to")(not_before("from_"))


class TermChange(Part):
    """What an amendment changes of the term."""

    from_: Annotated[Day | None, Stays()] = Field(default=None, alias="from")
    to: Day | None = None

    _interval = field_validator("to")(not_before("from_"))


class PurchaseOrder(Part):
    """The client's order; `required` says whether billing waits for it."""

    number: Text | None = None
    required: Flag | None = None
    amount: Amount | None = None
    expires_on: Day | None = None


class Tax(Part):
    """What the client's tax authority asks for."""

    client_tax_id: Text | None = None
    required: Flag | None = None
    jurisdiction: Text | None = None


class BillingSchedule(Part):
    """When a billing period is billed: on a day of the month after it, or on the first date that is not before its end.

    `grace_days` are waited on top, for facts that come late.
    """

    every: Literal["month", "quarter", "on_dates"] | None = None
    day: MonthDay | None = None
    dates: list[Day] | None = None
    grace_days: Count | None = None


class Rounding(Part):
    """How money and minutes are rounded."""

    mode: Literal["half_up", "half_even"] | None = None
    increment_minutes: DayMinutes | None = None
    direction: Literal["up", "nearest", "down"] | None = None
    tie: Literal["up", "down"] | None = None
    scope: Literal["entry", "entry_day", "person_day", "client_day"] | None = None


class Payer(Part):
    """Who pays which part of the contract."""

    client_id: Id
    ratio: Ratio


class Budget(Part):
    """What a line may use."""

    minutes: Minutes | None = None
    amount: Amount | None = None


class BudgetChange(Part):
    """A budget, or in an additive amendment the difference to it."""

    minutes: SignedMinutes | None = None
    amount: SignedAmount | None = None


class Cap(Budget):
    """What a line may bill, and what becomes of the entry that exceeds it."""

    on_exceed: Literal["block", "split", "warn"] | None = None


class CapChange(BudgetChange):
    """A cap, or in an additive amendment the difference to it."""

    on_exceed: Literal["block", "split", "warn"] | None = None


class Included(Part):
    """Minutes that the fee covers."""

    minutes: Minutes | None = None
    per: Literal["week", "month", "term"] | None = None


class Prepaid(Part):
    """Minutes bought in advance."""

    minutes: Minutes | None = None
    fee: Amount | None = None


class Retainer(Part):
    """A monthly fee, the minutes in it, and what becomes of unused ones."""

    fee: Amount | None = None
    minutes: Minutes | None = None
    rollover: Literal["none", "all", "capped"] | None = None
    cap_minutes: Minutes | None = None
    expiry_periods: Count | None = None
    overage_rate: Amount | None = None


class Planned(Part):
    """What is planned to be used up from a day on."""

    on: Day
    minutes: Minutes | None = None
    amount: Amount | None = None


class LineTerms(Part):
    """What a line may say beside its id, method, budget and cap."""

    title: Text | None = None
    fee: Amount | None = None
    chargeable_roles: list[Id] | None = None
    included: Included | None = None
    prepaid: Prepaid | None = None
    retainer: Retainer | None = None
    retainage_ratio: Ratio | None = None
    discount_ratio: Ratio | None = None
    plan: list[Planned] | None = None


class Line(LineTerms):
    """One line of a contract."""

    line_id: Id
    billing_method: BillingMethod
    budget: Budget | None = None
    cap: Cap | None = None


class LineChange(LineTerms):
    """What an amendment changes of a line, or a new line."""

    line_id: Id
    billing_method: Annotated[BillingMethod | None, Stays()] = None
    budget: BudgetChange | None = None
    cap: CapChange | None = None

    def deltas(self) -> tuple[Decimal | int | None, ...]:
        """The numbers that may be negative in an additive amendment."""
        return tuple(
            number for part in (self.budget, self.cap) if part is not None for number in (part.minutes, part.amount)
        )


class ContractTerms(Part):
    """What a contract may say beside its parties and lines."""

    name: Text | None = None
    legal_entity_id: Id | None = None
    practice: Id | None = None
    cost_centre: Text | None = None
    purchase_order: PurchaseOrder | None = None
    tax: Tax | None = None
    rounding: Rounding | None = None
    day_minutes: DayMinutes | None = None
    payers: list[Payer] | None = None
    retro_policy: RetroPolicy | None = None
    billing_schedule: BillingSchedule | None = None


def _distinct(lines: list[Any] | None) -> list[Any] | None:
    ids = [line.line_id for line in lines or ()]
    if len(set(ids)) < len(ids):
        fail("bad_type", "must not name one line_id twice")
    return lines


class ContractApproved(ContractTerms):
    """A contract as signed."""

    contract_id: Id
    version: Revision
    client_id: Id
    currency: CurrencyCode
    effective_from: Day
    term: Term
    lines: list[Line]

    _lines = field_validator("lines")(_distinct)


class ContractAmended(ContractTerms):
    """A change to a contract: the fields it carries, each of which a null clears unless every contract needs it."""

    contract_id: Id
    version: Revision
    amendment_id: Id
    kind: Literal["additive", "replacement", "cancellation", "retroactive"]
    effective_from: Day
    approved_by: Id | None = None
    client_id: Annotated[Id | None, Stays()] = None
    currency: Annotated[CurrencyCode | None, Stays()] = None
    term: Annotated[TermChange | None, Stays()] = None
    lines: Annotated[list[LineChange] | None, Stays()] = None

    _lines = field_validator("lines")(_distinct)

    @model_validator(mode="after")
    def _only_deltas_are_negative(self) -> Self:
        if self.kind != "additive":
            for line in self.lines or ():
                if any(number is not None and number < 0 for number in line.deltas()):
                    fail("out_of_range", f"has a negative budget or cap in line {line.line_id}: only additive may")
        return self


class ContractMoved(Part):
    """A contract changes its status on a day."""

    contract_id: Id
    version: Revision
    effective_from: Day
    reason: Text | None = None


# Rates, estimates, retainage


class RateSet(Input):
    """A price or a cost of time. Without any scope it is the firm's default."""

    rate_id: Id
    amount: Amount
    currency: CurrencyCode
    effective_from: Day
    effective_to: Day | None = None
    kind: Literal["bill", "cost"] | None = None
    unit: Literal["hour", "day"] | None = None
    contract_id: Id | None = None
    client_id: Id | None = None
    resource_id: Id | None = None
    role: Id | None = None

    _interval = field_validator("effective_to")(not_before("effective_from"))


RateWithdrawn: Final = withdrawal("RateWithdrawn", RateSet, "rate_id")


class EstimateSet(Input):
    """What a whole line will have cost in the end."""

    estimate_id: Id
    contract_id: Id
    line_id: Id | None = None
    cost: Amount
    effective_from: Day


class RetainageReleased(Input):
    """Money held back becomes billable."""

    release_id: Id
    contract_id: Id
    line_id: Id | None = None
    ratio: Ratio | None = None
    amount: Amount | None = None
    on: Day

    _either = model_validator(mode="before")(one_of("ratio", "amount"))


# Time, expenses, subcontracts


class TimeEntry(Input):
    """One whole time entry, in whatever state the type says."""

    entry_id: Id
    contract_id: Id
    resource_id: Id
    work_date: Day
    minutes: EntryMinutes
    role: Id | None = None
    line_id: Id | None = None
    task: Text | None = None
    category: Category | None = None
    billable: Flag | None = None
    rate_override: Amount | None = None
    narrative: Text | None = None
    approved_by: Id | None = None


class TimeCorrected(TimeEntry):
    """A time entry put right; approved unless it says otherwise."""

    status: Literal["approved", "submitted"] | None = None


TimeWithdrawn: Final = withdrawal("TimeWithdrawn", TimeEntry, "entry_id")


class Expense(Input):
    """An expense; a negative net is a refund."""

    expense_id: Id
    contract_id: Id
    date: Day
    net: Money
    category: Text | None = None
    markup_ratio: Markup | None = None
    billable: Flag | None = None
    receipt_ref: Text | None = None
    resource_id: Id | None = None
    line_id: Id | None = None


ExpenseRejected: Final = withdrawal("ExpenseRejected", Expense, "expense_id")


class Subcontract(Input):
    """What a supplier was promised, or asks for."""

    commitment_id: Id
    contract_id: Id
    net: Money
    supplier_id: Id | None = None
    line_id: Id | None = None


class Writeoff(Input):
    """Work that will not be billed: the entries, or an amount."""

    writeoff_id: Id
    contract_id: Id
    entry_ids: list[Id] | None = None
    amount: Amount | None = None
    reason: Text | None = None
    approved_by: Id | None = None

    _either = model_validator(mode="before")(one_of("entry_ids", "amount"))


# Staffing


class Resource(Input):
    """A person's calendar and place in the firm from a day on."""

    resource_id: Id
    effective_from: Day
    weekly_minutes: WeekMinutes | None = None
    working_days: WorkingDays | None = None
    role: Id | None = None
    practice: Id | None = None
    region: Id | None = None
    legal_entity_id: Id | None = None
    cost_centre: Text | None = None
    target_ratio: Ratio | None = None
    employed_from: Day | None = None
    employed_to: Day | None = None
    time_zone: Text | None = None

    _interval = field_validator("employed_to")(not_before("employed_from"))


class Leave(Input):
    """Days away; without minutes per day, whole ones."""

    leave_id: Id
    resource_id: Id
    from_: Day = Field(alias="from")
    to: Day
    minutes_per_day: LeaveMinutes | None = None

    _interval = field_validator("to")(not_before("from_"))


LeaveCancelled: Final = withdrawal("LeaveCancelled", Leave, "leave_id", "resource_id")


class AssignmentFields(Input):
    """Someone's planned work on a contract."""

    assignment_id: Id
    resource_id: Id
    contract_id: Id
    from_: Day = Field(alias="from")
    to: Day
    minutes_per_week: Minutes | None = None
    minutes_total: Minutes | None = None
    role: Id | None = None
    line_id: Id | None = None
    booking: Literal["hard", "soft", "proposed"] | None = None
    probability_ratio: Ratio | None = None
    billable: Flag | None = None

    _interval = field_validator("to")(not_before("from_"))


class Assignment(AssignmentFields):
    """An assignment says how much: per week, or in all."""

    _either = model_validator(mode="before")(one_of("minutes_per_week", "minutes_total"))


AssignmentCancelled: Final = withdrawal("AssignmentCancelled", AssignmentFields, "assignment_id")


class Demand(Input):
    """Work that looks for a person."""

    demand_id: Id
    role: Id
    from_: Day = Field(alias="from")
    to: Day
    minutes_per_week: Minutes
    practice: Id | None = None
    probability_ratio: Ratio | None = None
    contract_id: Id | None = None
    opportunity_id: Id | None = None

    _interval = field_validator("to")(not_before("from_"))


DemandEnded: Final = withdrawal("DemandEnded", Demand, "demand_id")


# Milestones


class MilestonePlanned(Input):
    """A result with a price."""

    milestone_id: Id
    contract_id: Id
    amount: Amount
    line_id: Id | None = None
    name: Text | None = None
    due_on: Day | None = None
    completed_on: Day | None = None
    accepted_on: Day | None = None
    accepted_by: Id | None = None
    evidence_ref: Text | None = None
    progress_ratio: Ratio | None = None


MilestoneMoved: Final = withdrawal("MilestoneMoved", MilestonePlanned, "milestone_id", "contract_id")


# ERP feedback


class ErpAcknowledged(Input):
    """What an ERP did with a document; the revision is the document's."""

    document_key: Id
    contract_id: Id
    target: Id
    status: Literal["accepted", "rejected"]
    erp_id: Text | None = None
    contract_version: Revision | None = None
    reason: Text | None = None


class InvoiceLine(Part):
    """One thing invoiced; a correction may be negative."""

    kind: Literal["time", "expense", "milestone", "fee"]
    id: Id
    amount: SignedAmount


class CreditLine(Part):
    """One thing credited; the amount is what is given back."""

    kind: Literal["time", "expense", "milestone", "fee"]
    id: Id
    amount: Amount


class InvoiceIssued(Input):
    """What was invoiced. Without a date it counts always."""

    invoice_id: Id
    contract_id: Id
    lines: list[InvoiceLine]
    invoiced_on: Day | None = None
    period: Month | None = None


InvoiceEnded: Final = withdrawal("InvoiceEnded", InvoiceIssued, "invoice_id", "contract_id")


class InvoiceCredited(Input):
    """What was given back of an invoice."""

    credit_id: Id
    invoice_id: Id
    contract_id: Id
    lines: list[CreditLine]
    credited_on: Day | None = None


class ErpWindow(Input):
    """An ERP closes for documents, or opens again."""

    window_id: Id
    target: Id
    legal_entity_id: Id | None = None
    until: Instant | None = None


class Period(Input):
    """A legal entity's books close for a month, or open again."""

    legal_entity_id: Id
    period: Month


class Dispute(Input):
    """The client contests what was or will be billed."""

    dispute_id: Id
    contract_id: Id
    line_id: Id | None = None
    invoice_id: Id | None = None
    entry_ids: list[Id] | None = None
    amount: Amount | None = None
    reason: Text | None = None
    owner: Id | None = None


class Hold(Input):
    """Billing of a contract waits."""

    hold_id: Id
    contract_id: Id
    reason: Text | None = None
    owner: Id | None = None


class ExtractEntry(Part):
    """A time entry as another system has it; what is absent is not compared. `row` is where it stands there."""

    entry_id: Id
    status: Text | None = None
    work_date: Day | None = None
    minutes: SignedMinutes | None = None
    amount: SignedAmount | None = None
    revision: Revision | None = None
    row: Text | None = None


class ExtractLine(Part):
    """A line of an invoice as another system has it; of a credit, with a minus."""

    kind: Literal["time", "expense", "milestone", "fee"]
    id: Id
    amount: SignedAmount
    invoice_id: Id | None = None
    row: Text | None = None


class ExtractListed(Input):
    """What another system has of a contract. The revision is the extract's number; a long list comes in parts."""

    system: Literal["psa", "erp"]
    contract_id: Id
    part: Revision
    entries: list[ExtractEntry] | None = None
    lines: list[ExtractLine] | None = None
    contract_version: Revision | None = None
    revenue_amount: SignedAmount | None = None
    cost_amount: SignedAmount | None = None
    row: Text | None = None


class ExtractTaken(Input):
    """An extract is complete: how many entries and lines it has in all. The revision is its number."""

    system: Literal["psa", "erp"]
    entries: Minutes
    lines: Minutes
    name: Text | None = None


# Reference


class Client(Input):
    """Master data of a client."""

    client_id: Id
    name: Text | None = None
    tax_id: Text | None = None
    erp_customer_id: Text | None = None
    billing_address: Address | None = None


class LegalEntity(Input):
    """A company of the firm."""

    legal_entity_id: Id
    currency: CurrencyCode | None = None
    country: Text | None = None
    cost_centres: list[Text] | None = None


class FxRateSet(Input):
    """How much of `to_currency` one unit of `from_currency` is worth on a day."""

    from_currency: CurrencyCode
    to_currency: CurrencyCode
    on: Day
    rate: FxRate


class Holiday(Input):
    """A day nobody works, in a region or everywhere."""

    holiday_id: Id
    date: Day
    region: Id | None = None


HolidayRemoved: Final = withdrawal("HolidayRemoved", Holiday, "holiday_id")


class PolicySet(Input):
    """What follows when a check fails: for one contract, for a client's, or for the firm's; of people, by region."""

    policy_id: Id
    code: Code
    action: Action
    client_id: Id | None = None
    contract_id: Id | None = None
    floor_ratio: Ratio | None = None
    days: Count | None = None
    limit: Amount | None = None
    region: Id | None = None
    weekly_minutes: WeekMinutes | None = None
    working_days: WorkingDays | None = None
    effective_from: Day | None = None

    @model_validator(mode="after")
    def _some_are_only_pointed_out(self) -> Self:
        if self.action == "blocking" and self.code in WARNS_ONLY:
            fail("bad_type", f"has action blocking for {self.code}, which only points out; use warning or off")
        return self

    @model_validator(mode="after")
    def _people_have_regions(self) -> Self:
        if self.code in OF_PEOPLE and not (self.client_id is None and self.contract_id is None):
            fail("bad_type", f"has a client or contract for {self.code}, which is about people; name a region or none")
        if self.code == "REGIONAL_RULE_BROKEN" and self.weekly_minutes is None and self.working_days is None:
            fail("missing_field", f"needs weekly_minutes or working_days for {self.code}; send what may be worked")
        return self


PolicyWithdrawn: Final = withdrawal("PolicyWithdrawn", PolicySet, "policy_id")


class CaseMoved(Input):
    """Somebody did something about an exception; the case has the exception's id."""

    case_id: Id
    by: Id
    text: Text | None = None


class CaseClaimed(CaseMoved):
    """It is `owner`'s to resolve now, or of who says so."""

    owner: Id | None = None


class CaseCommented(CaseMoved):
    """A remark, and nothing else."""

    text: Text


class CaseRetried(CaseMoved):
    """The refused record was sent again."""

    event_source: Text | None = None
    event_id: Text | None = None


class CaseResent(CaseRetried):
    """The document was sent to ERP again, in the same revision; `event_source` and `event_id` are of the refusal that
    this is about, if there is one."""

    document_key: Id
    document_revision: Revision
    target: Id | None = None


class CaseResolved(CaseRetried):
    """It is done with: by an event that corrects it, by sending it again, or as it is."""

    how: Literal["corrected", "retried", "accepted"]


class ClockTicked(Part):
    """Today, as the host tells it."""

    on: Day
