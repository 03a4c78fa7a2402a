"""A time entry under the terms of its work date, before anybody asks what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .entities import Entity, Fields
from .terms import TIME_AND_MATERIALS, Terms

_NEEDED = ("contract_id", "resource_id", "work_date", "minutes")


@dataclass(frozen=True)
class Work:
    """One time entry as its contract sees it. `status` is approved, submitted or void; minutes are integers.

    `terms` are those of the work date, None where the contract is unknown. `billable` is what the entry says, if its
    line charges the role.
    """

    entry_id: str
    status: str
    day: date
    person: str
    line_id: str | None
    role: str
    worked: int
    billable: bool
    terms: Terms | None
    fields: Fields

    @property
    def approved(self) -> bool:
        return self.status == "approved"

    @property
    def submitted(self) -> bool:
        return self.status == "submitted"

    @property
    def line(self) -> Fields:
        return self.terms.line(self.line_id) if self.terms else {}

    @property
    def method(self) -> str:
        return self.terms.method(self.line_id) if self.terms else TIME_AND_MATERIALS

    @property
    def rounding(self) -> Fields:
        return (self.terms.fields.get("rounding") or {}) if self.terms else {}


def home_of(entity: Entity) -> str | None:
    """The contract a time entry belongs to now; none while a field it cannot live without is missing."""
    fields = entity.fields()
    if any(fields.get(name) is None for name in _NEEDED):
        return None
    return str(fields["contract_id"])


def work_of(entity: Entity, terms: Terms | None) -> Work:
    """The entry under `terms`, those of its work date."""
    fields = entity.fields()
    line_id = terms.line_of(fields.get("line_id")) if terms else fields.get("line_id")
    return Work(
        entry_id=entity.id,
        status=status_of(entity),
        day=date.fromisoformat(fields["work_date"]),
        person=fields["resource_id"],
        line_id=line_id,
        role=fields.get("role") or "",
        worked=fields["minutes"],
        billable=fields.get("billable") is not False and _chargeable(fields, terms, line_id),
        terms=terms,
        fields=fields,
    )


def status_of(entity: Entity) -> str:
    """approved, submitted, or void for what was rejected or reversed."""
    if entity.state == "corrected":
        return str(entity.current["data"].get("status") or "approved")
    return entity.state if entity.state in {"approved", "submitted"} else "void"


def _chargeable(fields: Fields, terms: Terms | None, line_id: str | None) -> bool:
    """A line that lists chargeable roles makes every other entry non-billable, one without a role included."""
    roles = terms.line(line_id).get("chargeable_roles") if terms else None
    return roles is None or fields.get("role") in roles
