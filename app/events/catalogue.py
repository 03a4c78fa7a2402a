"""Every input type: its topic, its model, what identifies its entity, and the journal it goes to (`events.md`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from app.events import inputs
from app.events.exact import Shape, shape_of
from app.events.inputs import Part

Journal = Literal["facts", "engagements", "resources", "every"]

Model = type[Part]

TOPICS: Final = ("contracts", "timesheets", "staffing", "milestones", "erp-feedback", "reference")


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of input event.

    `topic` has no prefix. `id_fields`, joined by "/", are the entity's id within its `kind`. `counter` is the field
    with the revision, None for what has none. `journal` holds the records; those of `key_field` None go to every
    partition, and so does one that lacks an optional `key_field`. `exact` says where decimals stand in the data.
    """

    type: str
    topic: str
    model: Model
    id_fields: tuple[str, ...]
    journal: Journal
    key_field: str | None
    counter: str | None = "revision"
    exact: Shape = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "exact", shape_of(self.model))

    @property
    def kind(self) -> str:
        """The entity kind: the type's first word."""
        return self.type[: self.type.index(".")]

    def entity(self, data: Mapping[str, Any]) -> str:
        """The entity's id, from data that the model has accepted."""
        if len(self.id_fields) == 1:
            return str(data[self.id_fields[0]])
        return "/".join(str(data[name]) for name in self.id_fields)

    def revision(self, data: Mapping[str, Any]) -> int:
        """The revision, from data that the model has accepted; 1 where there is none."""
        return 1 if self.counter is None else int(data[self.counter])

    def destination(self, entity: str, data: Mapping[str, Any]) -> tuple[Journal, str]:
        """The journal and the key of a record there; "" is the key of what goes to every partition."""
        if self.journal == "facts":
            return "facts", f"{self.kind}/{entity}"
        key = data.get(self.key_field) if self.key_field is not None else None
        return ("every", "") if key is None else (self.journal, str(key))


def _contracts() -> Iterator[EventType]:
    by_verb: tuple[tuple[str, Model], ...] = (
        ("approved", inputs.ContractApproved),
        ("amended", inputs.ContractAmended),
        ("suspended", inputs.ContractMoved),
        ("resumed", inputs.ContractMoved),
        ("closed", inputs.ContractMoved),
        ("cancelled", inputs.ContractMoved),
    )
    for verb, model in by_verb:
        yield EventType(
            f"contract.{verb}.v1", "contracts", model, ("contract_id",), "engagements", "contract_id", "version"
        )
    by_name: tuple[tuple[str, str, Model], ...] = (
        ("rate.set", "rate_id", inputs.RateSet),
        ("rate.withdrawn", "rate_id", inputs.RateWithdrawn),
        ("estimate.set", "estimate_id", inputs.EstimateSet),
        ("retainage.released", "release_id", inputs.RetainageReleased),
    )
    for name, entity_id, model in by_name:
        yield EventType(f"{name}.v1", "contracts", model, (entity_id,), "engagements", "contract_id")


def _timesheets() -> Iterator[EventType]:
    for name, entity_id, model in (
        ("time.submitted", "entry_id", inputs.TimeEntry),
        ("time.approved", "entry_id", inputs.TimeEntry),
        ("time.rejected", "entry_id", inputs.TimeWithdrawn),
        ("time.corrected", "entry_id", inputs.TimeCorrected),
        ("time.reversed", "entry_id", inputs.TimeWithdrawn),
        ("expense.approved", "expense_id", inputs.Expense),
        ("expense.rejected", "expense_id", inputs.ExpenseRejected),
        ("expense.corrected", "expense_id", inputs.Expense),
    ):
        yield EventType(f"{name}.v1", "timesheets", model, (entity_id,), "facts", None)
    for name, entity_id, model in (
        ("subcontract.committed", "commitment_id", inputs.Subcontract),
        ("subcontract.invoiced", "commitment_id", inputs.Subcontract),
        ("writeoff.recorded", "writeoff_id", inputs.Writeoff),
    ):
        yield EventType(f"{name}.v1", "timesheets", model, (entity_id,), "engagements", "contract_id")


def _staffing() -> Iterator[EventType]:
    for name, entity_id, model in (
        ("resource.upserted", "resource_id", inputs.Resource),
        ("leave.approved", "leave_id", inputs.Leave),
        ("leave.cancelled", "leave_id", inputs.LeaveCancelled),
    ):
        yield EventType(f"{name}.v1", "staffing", model, (entity_id,), "resources", "resource_id")
    for name, entity_id, model in (
        ("assignment.booked", "assignment_id", inputs.Assignment),
        ("assignment.changed", "assignment_id", inputs.Assignment),
        ("assignment.cancelled", "assignment_id", inputs.AssignmentCancelled),
        ("demand.opened", "demand_id", inputs.Demand),
        ("demand.changed", "demand_id", inputs.Demand),
        ("demand.filled", "demand_id", inputs.DemandEnded),
        ("demand.cancelled", "demand_id", inputs.DemandEnded),
    ):
        yield EventType(f"{name}.v1", "staffing", model, (entity_id,), "facts", None)


def _milestones() -> Iterator[EventType]:
    for verb in ("planned", "changed", "completed", "accepted", "rejected", "cancelled"):
        model = inputs.MilestonePlanned if verb == "planned" else inputs.MilestoneMoved
        yield EventType(f"milestone.{verb}.v1", "milestones", model, ("milestone_id",), "engagements", "contract_id")


def _erp_feedback() -> Iterator[EventType]:
    for name, id_fields, model in (
        ("erp.acknowledged", ("document_key", "target"), inputs.ErpAcknowledged),
        ("invoice.issued", ("invoice_id",), inputs.InvoiceIssued),
        ("invoice.voided", ("invoice_id",), inputs.InvoiceEnded),
        ("invoice.paid", ("invoice_id",), inputs.InvoiceEnded),
        ("invoice.credited", ("credit_id",), inputs.InvoiceCredited),
        ("dispute.opened", ("dispute_id",), inputs.Dispute),
        ("dispute.resolved", ("dispute_id",), inputs.Dispute),
        ("hold.set", ("hold_id",), inputs.Hold),
        ("hold.cleared", ("hold_id",), inputs.Hold),
    ):
        yield EventType(f"{name}.v1", "erp-feedback", model, id_fields, "engagements", "contract_id")
    for name, id_fields, model in (
        ("erp.window.closed", ("window_id",), inputs.ErpWindow),
        ("erp.window.opened", ("window_id",), inputs.ErpWindow),
        ("period.closed", ("legal_entity_id", "period"), inputs.Period),
        ("period.opened", ("legal_entity_id", "period"), inputs.Period),
    ):
        yield EventType(f"{name}.v1", "erp-feedback", model, id_fields, "every", None)
    listed = ("system", "contract_id", "part")
    yield EventType("extract.listed.v1", "erp-feedback", inputs.ExtractListed, listed, "engagements", "contract_id")
    yield EventType("extract.taken.v1", "erp-feedback", inputs.ExtractTaken, ("system",), "every", None)


def _reference() -> Iterator[EventType]:
    for name, id_fields, model in (
        ("client.upserted", ("client_id",), inputs.Client),
        ("legal_entity.upserted", ("legal_entity_id",), inputs.LegalEntity),
        ("fx.rate.set", ("from_currency", "to_currency", "on"), inputs.FxRateSet),
        ("holiday.set", ("holiday_id",), inputs.Holiday),
        ("holiday.removed", ("holiday_id",), inputs.HolidayRemoved),
    ):
        yield EventType(f"{name}.v1", "reference", model, id_fields, "every", None)
    for name, model in (("policy.set", inputs.PolicySet), ("policy.withdrawn", inputs.PolicyWithdrawn)):
        yield EventType(f"{name}.v1", "reference", model, ("policy_id",), "engagements", "contract_id")
    for name, model in (
        ("case.claimed", inputs.CaseClaimed),
        ("case.released", inputs.CaseMoved),
        ("case.commented", inputs.CaseCommented),
        ("case.retried", inputs.CaseRetried),
        ("case.resent", inputs.CaseResent),
        ("case.resolved", inputs.CaseResolved),
        ("case.reopened", inputs.CaseMoved),
    ):
        yield EventType(f"{name}.v1", "reference", model, ("case_id",), "facts", None)
    yield EventType("clock.ticked.v1", "reference", inputs.ClockTicked, ("on",), "every", None, None)


TYPES: Final[Mapping[str, EventType]] = MappingProxyType(
    {
        known.type: known
        for topic in (_contracts, _timesheets, _staffing, _milestones, _erp_feedback, _reference)
        for known in topic()
    }
)
"""Full type name, version included, to what is known of it."""
