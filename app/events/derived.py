"""What headrace publishes: one model per derived type, the least that each payload carries.

Validate JSON, not Python objects (`DERIVED[type].model.model_validate_json`): the checks are strict, so a float, a
number for a decimal or a wrong name fails. Further fields are allowed. None stands only where there is no base for a
figure: a contract without a budget, a firm without a today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.events.fields import DATE_PATTERN

Text = Annotated[str, Field(min_length=1)]
Day = Annotated[str, Field(pattern=DATE_PATTERN, json_schema_extra={"format": "date"})]
Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
Week = Annotated[str, Field(pattern=r"^[0-9]{4}-W(0[1-9]|[1-4][0-9]|5[0-3])$")]
Moment = Annotated[
    str, Field(pattern=r"^[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?Z$", json_schema_extra={"format": "date-time"})
]
Amount = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]{2,4})?$")]
"""A decimal with the exponent of its currency: none, 2, 3 or 4 places."""
Rate = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]{1,6})?$")]
"""A price as it was set, up to 6 places."""
Ratio = Annotated[str, Field(pattern=r"^-?[0-9]+\.[0-9]{4}$")]
Booking = Literal["hard", "soft", "proposed", "unnamed", "all"]
Minutes = int
Fractional = int | Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]{1,2})?$")]
"""Minutes that a calculation may make fractional: whole, or a decimal string with at most 2 places."""

Status = Literal["unknown", "pending", "active", "suspended", "closed", "cancelled"]
State = Literal["blocked", "held", "nothing_to_bill", "ready_with_warnings", "ready"]
Tier = Literal["critical", "blocking", "held", "warning", "info"]
Threshold = Literal[50, 75, 90, 100]


class Part(BaseModel):
    """An object inside a statement."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class Statement(Part):
    """What every statement says of itself. Of one key the highest `state_version` is the truth."""

    as_of: Day | None
    engine_version: Text
    state_version: int
    correlationid: str | None = None
    causationid: str | None = None


# Burn


class Approved(Part):
    """What approved entries used."""

    billable_minutes: Minutes
    nonbillable_minutes: Minutes
    amount: Amount
    cost: Amount


class Pending(Part):
    """What waits for approval: all minutes, the amount of the billable ones."""

    minutes: Minutes
    amount: Amount


class Used(Part):
    """Approved billable minutes and their amount."""

    minutes: Fractional
    amount: Amount


class PerWeek(Part):
    """The mean of the last four weeks; null before the first tick of the clock."""

    minutes: Fractional | None
    amount: Amount | None


class Limits(Part):
    """A budget, or what is left of it; null where there is none."""

    minutes: Minutes | None
    amount: Amount | None


class Ratios(Part):
    """Used ÷ budget."""

    minutes: Ratio | None
    amount: Ratio | None


class Thresholds(Part):
    """The percentages reached."""

    minutes: list[Threshold]
    amount: list[Threshold]


class Exhaustion(Part):
    """The days on which budgets run out, in calendar days, by plan, in working days."""

    minutes_on: Day | None
    amount_on: Day | None
    planned_on: Day | None
    working_on: Day | None


class BurnUpdated(Statement):
    """Hours and money used by a contract (`line_id` null) or one of its lines."""

    contract_id: Text
    line_id: Text | None
    status: Status
    currency: Text | None
    contract_version: int | None
    approved: Approved
    pending: Pending
    unpriced_minutes: Minutes
    expenses: Amount
    committed: Amount
    budget: Limits
    remaining: Limits
    ratio: Ratios
    thresholds: Thresholds
    per_week: PerWeek
    exhaustion: Exhaustion
    by_period: dict[Month, Used]
    by_role: dict[str, Used]


class BurnThresholdUpdated(Statement):
    """Whether a line, or the contract (`line_id` null), has reached a share of its budget, in percent."""

    contract_id: Text
    line_id: Text | None
    dimension: Literal["minutes", "amount"]
    threshold: Threshold
    crossed: bool
    crossed_on: Day | None
    contract_version: int | None


class Estimate(Part):
    """What a contract will have used, or will still use."""

    minutes: Fractional | None
    amount: Amount | None
    variant: str | None = None


class ForecastExhaustion(Part):
    """The days on which the budget runs out, by recent use, by plan, and the earlier of both; the days by which it has
    in 50, 80 and 90 % of drawn futures."""

    trailing_on: Day | None
    planned_on: Day | None
    earliest_on: Day | None
    p50_on: Day | None = None
    p80_on: Day | None = None
    p90_on: Day | None = None


class EarnedValue(Part):
    """What is done of the budget, what was to be, and what it took; planned ones are null where no line has a plan."""

    budget_amount: Amount
    planned_amount: Amount | None
    earned_amount: Amount
    actual_amount: Amount
    cost_variance: Amount
    schedule_variance: Amount | None
    cost_index: Ratio | None
    schedule_index: Ratio | None
    to_complete_index: Ratio | None


class Margin(Part):
    """What lines have earned, what work and subcontractors cost, and what share is left."""

    revenue_amount: Amount
    cost_amount: Amount
    ratio: Ratio | None


class Unbilled(Part):
    """What is earned, with billable expenses, and neither invoiced nor given up; below 0 it is owed to the client."""

    earned_amount: Amount
    invoiced_amount: Amount
    written_off_amount: Amount
    amount: Amount


class Realization(Part):
    """What is billed, or can be, of what approved work is worth at its price; the rest was written off."""

    standard_amount: Amount
    billed_amount: Amount
    ratio: Ratio | None


class Backlog(Part):
    """What is agreed on lines with a budget and not earned: with people or dates on it, and without."""

    amount: Amount
    scheduled_amount: Amount
    unscheduled_amount: Amount


class BurnForecastUpdated(Statement):
    """Where a contract will end."""

    contract_id: Text
    estimate_at_completion: Estimate
    estimate_to_complete: Estimate
    exhaustion: ForecastExhaustion
    basis: Any
    currency: Text | None = None
    contract_version: int | None = None
    earned_value: EarnedValue | None = None
    margin: Margin | None = None
    unbilled: Unbilled | None = None
    realization: Realization | None = None
    backlog: Backlog | None = None


# Readiness


class Blocker(Part):
    """What stands in the way, who can remove it, and the money behind it. `since` is the first fact's day or moment."""

    code: Text
    tier: Tier
    scope: Literal["contract", "entry"]
    owner: Text
    count: int
    amount: Amount | None
    since: Day | Moment | None
    evidence: list[str]
    fix: Text


class PayerShare(Part):
    """What of the ready amount a payer has; the shares add up to it."""

    client_id: Text
    amount: Amount


class OrderUse(Part):
    """How far a purchase order is used up: by invoices, and by what is ready. Remaining is after both."""

    number: str | None
    expires_on: Day | None
    amount: Amount | None
    invoiced_amount: Amount
    proposed_amount: Amount
    remaining_amount: Amount | None


class ReadinessUpdated(Statement):
    """What of a contract can be invoiced now, what cannot, and why."""

    contract_id: Text
    state: State
    ready_amount: Amount
    ready_time_amount: Amount
    ready_milestone_amount: Amount
    ready_expense_amount: Amount
    ready_fee_amount: Amount
    ready_minutes: Fractional
    ready_entries: int
    blocked_amount: Amount
    over_cap_amount: Amount
    invoiced_amount: Amount
    adjustment_amount: Amount
    retained_amount: Amount
    written_off_amount: Amount = "0.00"
    purchase_order: OrderUse | None = None
    payers: list[PayerShare] = []
    blockers: list[Blocker]


# Documents for the ERP


class DocumentLine(Part):
    """One thing to bill, credit or bill again."""

    kind: Literal["time", "expense", "milestone", "fee"]
    id: Text
    line_id: Text | None
    quantity_minutes: Fractional | None
    rate: Rate | None
    amount: Amount
    rate_id: Text | None
    work_date: Day | None
    rate_unit: Literal["hour", "day"] | None = None
    withheld: Amount | None = None


class DocumentTerms(Part):
    """The terms a document rests on."""

    contract_version: int


class DocumentPayer(Part):
    """What one of several payers owes of a document."""

    client_id: Text
    ratio: Text
    amount: Amount


DocumentKind = Literal["time", "expense", "milestone", "fee", "adjustment"]


class BillingProposed(Statement):
    """A document to invoice from. `revision` advances when its content changes before it is invoiced.

    `held`: it is not to be invoiced for now. `due_on`: from which day on it may be, where the contract has a billing
    schedule. `accounting_on` is the first day that is open, where the period is closed. `target` is the ERP that it is
    for, where the firm has set several.
    """

    document_key: Text
    revision: int
    contract_id: Text
    client_id: Text | None
    legal_entity_id: Text | None
    period: Month
    currency: Text
    lines: list[DocumentLine]
    total: Amount
    purchase_order: dict[str, Any] | None
    tax: dict[str, Any] | None
    terms: DocumentTerms
    kind: DocumentKind | None = None
    payers: list[DocumentPayer] | None = None
    held: bool | None = None
    accounting_on: Day | None = None
    prior_period: bool | None = None
    due_on: Day | None = None
    target: Text | None = None


class BillingAdjusted(Statement):
    """A credit and a new bill for what changed after it was invoiced."""

    document_key: Text
    contract_id: Text
    adjusts: Text
    reason: Text
    amendment_id: Text | None
    credit: list[DocumentLine]
    rebill: list[DocumentLine]
    net: Amount
    revision: int | None = None
    kind: DocumentKind | None = None
    client_id: Text | None = None
    legal_entity_id: Text | None = None
    period: Month | None = None
    currency: Text | None = None
    tax: dict[str, Any] | None = None
    terms: DocumentTerms | None = None
    held: bool | None = None
    accounting_on: Day | None = None
    prior_period: bool | None = None
    target: Text | None = None


class BillingWithdrawn(Statement):
    """A document no longer stands: nothing of it is left, or an invoice took it."""

    document_key: Text
    revision: int
    contract_id: Text
    reason: Literal["nothing_left", "invoiced"] | None = None
    invoice_id: Text | None = None
    target: Text | None = None


class BillingShadowed(Statement):
    """What an ERP in shadow mode is told of a document: the content of its statement, which is not to be posted."""

    target: Text
    document_key: Text
    revision: int
    contract_id: Text
    document_type: Literal["billing.proposed.v1", "billing.adjusted.v1", "billing.withdrawn.v1"]
    document: dict[str, Any]


class RevenueHinted(Statement):
    """What a line has earned, for whoever recognises revenue: cumulative, and of the period."""

    contract_id: Text
    line_id: Text | None
    period: Month
    currency: Text
    method: Text
    cumulative_amount: Amount
    period_amount: Amount
    contract_version: int | None = None
    legal_entity_id: Text | None = None
    catch_up_amount: Amount | None = None
    expected_loss_amount: Amount | None = None
    measure: dict[str, Any] | None = None


# Utilization and demand


class Subject(Part):
    """Of whom a week is told."""

    kind: Literal["resource", "role", "practice"]
    id: Text


class UtilizationWeekUpdated(Statement):
    """A week of a person, a role or a practice. Planned minutes are gross unless they say net; `data_age_days`, of a
    person, are those since HR last spoke of the person."""

    subject: Subject
    week: Week
    capacity_minutes: Fractional
    leave_minutes: Fractional
    holiday_minutes: Fractional
    planned_minutes: Fractional
    planned_billable_minutes: Fractional
    planned_net_minutes: Fractional
    planned_net_billable_minutes: Fractional
    soft_minutes: Fractional
    soft_weighted_minutes: Fractional
    actual_minutes: Fractional
    actual_billable_minutes: Fractional
    forecast_minutes: Fractional
    forecast_billable_minutes: Fractional
    utilization_ratio: Ratio | None
    allocation_ratio: Ratio | None
    target_ratio: Ratio | None
    bench_minutes: Fractional
    overallocated: bool
    expected_ratio: Ratio | None = None
    maximum_ratio: Ratio | None = None
    data_age_days: int | None = None


class DemandGapUpdated(Statement):
    """How much work of a role in a practice finds nobody in a week."""

    role: Text
    practice: Text | None
    week: Week
    demand_minutes: Fractional
    demand_weighted_minutes: Fractional
    free_minutes: Fractional
    gap_minutes: Fractional
    expected_ratio: Ratio | None = None
    maximum_ratio: Ratio | None = None


class Bench(Part):
    """Weeks in a row of which less than half is planned."""

    from_week: Week
    weeks: int
    free_minutes: Fractional


class RollOff(Part):
    """The last week in which anything is planned."""

    last_week: Week


class Stale(Part):
    """How old what HR last said of a person is, null where HR never spoke, and how old it may be."""

    data_age_days: int | None
    limit_days: int


class ResourceAlertUpdated(Statement):
    """Whether a person will soon have nothing to do, and whether what HR last said of the person is too old."""

    resource_id: Text
    bench: Bench | None
    roll_off: RollOff | None
    stale: Stale | None = None


# How good forecasts were


class ScoredKind(Part):
    """What was promised by bookings of one kind (or by unnamed demand, or by `all`), and done; null before the end."""

    booking: Booking
    booked_minutes: Fractional
    forecast_minutes: Fractional
    actual_minutes: Fractional | None
    error_minutes: Fractional | None


class ScoredForecast(Part):
    """The forecast of a week that was frozen so many weeks ahead."""

    weeks_ahead: int
    frozen_on: Day
    kinds: list[ScoredKind]


class Group(Part):
    """Whose forecast it was."""

    kind: Literal["role", "practice", "region", "firm"]
    id: Text


class ForecastScored(Statement):
    """What was promised of a week of a role or a practice when it was turned, and what became of it."""

    subject: Group
    week: Week
    over: bool
    forecasts: list[ScoredForecast]


class CalibrationBin(Part):
    """Of what had a probability in these bounds, how much was expected to come true, and did."""

    from_ratio: Ratio
    to_ratio: Ratio
    count: int
    came_true: int
    expected_ratio: Ratio
    came_true_ratio: Ratio


class KindRecord(Part):
    """How good forecasts of one kind were over all weeks that are over."""

    booking: Booking
    forecast_minutes: Fractional
    actual_minutes: Fractional
    error_minutes: Fractional
    absolute_error_minutes: Fractional
    bias_ratio: Ratio | None
    absolute_error_ratio: Ratio | None
    count: int
    came_true: int
    brier_score: Ratio | None
    calibration: list[CalibrationBin]


class ForecastRecord(Part):
    """How good forecasts were that were frozen so many weeks ahead, over how many weeks."""

    weeks_ahead: int
    weeks: int
    kinds: list[KindRecord]


class ForecastAccuracyUpdated(Statement):
    """How good the forecasts of a role or a practice were over the weeks that are told of."""

    subject: Group
    forecasts: list[ForecastRecord]


# Business SLAs


class OldestOpen(Part):
    """What waits longest, aged to the moment at which the day began."""

    subject: Text
    age_seconds: int


class SlaUpdated(Statement):
    """How well the firm keeps a promise to itself: a latency has seconds, a rate a ratio; null before any."""

    sla: Text
    meaning: Text
    met: bool | None
    target_seconds: int | None = None
    p50_seconds: int | None = None
    p95_seconds: int | None = None
    closed: int | None = None
    open: int | None = None
    breaches: int | None = None
    oldest_open: OldestOpen | None = None
    target_ratio: Ratio | None = None
    ratio: Ratio | None = None
    part: int | None = None
    whole: int | None = None


# Exceptions


class ExceptionRaised(Statement):
    """Something a person must settle, by the moment `due`; what has one cause has one `fingerprint`."""

    exception_id: Text
    code: Text
    tier: Tier
    owner: Text
    subject: Text
    message: Text
    evidence: list[str]
    since: Moment
    due: Moment | None = None
    fingerprint: Text | None = None


class ExceptionResolved(Statement):
    """Settled."""

    exception_id: Text
    code: Text
    subject: Text


Model = type[Statement]


@dataclass(frozen=True, slots=True)
class DerivedType:
    """One type of statement: its topic without the prefix, and what its key is made of."""

    type: str
    topic: str
    model: Model
    key: str


DERIVED: Final[Mapping[str, DerivedType]] = MappingProxyType(
    {
        known.type: known
        for known in (
            DerivedType("burn.updated.v1", "burn", BurnUpdated, "contract, or contract/line"),
            DerivedType(
                "burn.threshold_updated.v1",
                "burn.thresholds",
                BurnThresholdUpdated,
                "contract/line/dimension/threshold",
            ),
            DerivedType("readiness.updated.v1", "readiness", ReadinessUpdated, "contract"),
            DerivedType("billing.proposed.v1", "erp.billing", BillingProposed, "document_key"),
            DerivedType("billing.adjusted.v1", "erp.billing", BillingAdjusted, "document_key"),
            DerivedType("billing.withdrawn.v1", "erp.billing", BillingWithdrawn, "document_key"),
            DerivedType("billing.shadowed.v1", "erp.shadow", BillingShadowed, "target/document_key"),
            DerivedType("revenue.hinted.v1", "erp.revenue", RevenueHinted, "contract/line/period"),
            DerivedType(
                "utilization.week_updated.v1", "forecast.utilization", UtilizationWeekUpdated, "kind/subject/week"
            ),
            DerivedType("burn.forecast_updated.v1", "forecast.burn", BurnForecastUpdated, "contract"),
            DerivedType("demand.gap_updated.v1", "forecast.demand", DemandGapUpdated, "role/practice/week"),
            DerivedType("resource.alert_updated.v1", "forecast.alerts", ResourceAlertUpdated, "resource"),
            DerivedType("forecast.scored.v1", "forecast.accuracy", ForecastScored, "kind/subject/week"),
            DerivedType("forecast.accuracy_updated.v1", "forecast.accuracy", ForecastAccuracyUpdated, "kind/subject"),
            DerivedType("sla.updated.v1", "slas", SlaUpdated, "sla"),
            DerivedType("exception.raised.v1", "exceptions", ExceptionRaised, "exception id"),
            DerivedType("exception.resolved.v1", "exceptions", ExceptionResolved, "exception id"),
        )
    }
)
"""Full type name, version included, to what is known of it."""
