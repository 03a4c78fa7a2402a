"""The figures the rules give for a set of events, recomputed from nothing each time.

It shares no line with the engine: two independent readings of the same rules can only agree where both are right, or
where both made the same mistake. It is slow on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from . import accuracy, alerts, demand, utilization
from .burn import burn_row
from .documents import document_rows
from .dossier import Archive, WorkingDays, last_tick
from .entities import Event, gather, instant, known_since
from .forecast import forecast_row
from .readiness import books, readiness_row
from .revenue import hinted
from .staff import people, places


@dataclass(frozen=True)
class Figures:
    """`burn` by (contract, line), line None being the whole contract; `readiness` by contract.

    Rows hold the payload fields of `burn.updated` and `readiness.updated`; `forecast` by contract those of
    `burn.forecast_updated`, `revenue` by contract, line and period those of `revenue.hinted`, `documents` by key those
    of `billing.proposed` and `billing.adjusted` without the revision. `parked` counts the
    entities at a contract nobody has approved. `books` has, by contract, where the money of its approved, billable,
    priced entries stands: what is `earned` is all the others together.
    """

    burn: dict[tuple[str, str | None], dict[str, Any]]
    readiness: dict[str, dict[str, Any]]
    parked: int
    forecast: dict[str, dict[str, Any]]
    revenue: dict[tuple[str, str | None, str], dict[str, Any]]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    books: dict[str, dict[str, Fraction]] = field(default_factory=dict, compare=False)


def recompute(events: Sequence[Event], as_of: date | None, known_at: str | None = None) -> Figures:
    """Every burn and readiness row of `events`, in whatever order and however often they come.

    Without `as_of` the greatest tick of the clock is today. With `known_at` only what was known at that instant, itself
    included, exists. Raises ValueError where neither a day nor a tick is given.
    """
    known, today = _known(events, as_of, known_at)
    archive = Archive(known)
    working_days = WorkingDays(today, archive.holidays())
    burn: dict[tuple[str, str | None], dict[str, Any]] = {}
    readiness = {}
    forecast = {}
    revenue: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    documents: dict[str, dict[str, Any]] = {}
    balances = {}
    for contract_id in archive.contract_ids:
        dossier = archive.dossier(contract_id, today)
        for line_id in [None, *sorted(dossier.named_lines)]:
            burn[contract_id, line_id] = burn_row(dossier, line_id, working_days)
        readiness[contract_id] = readiness_row(dossier)
        hints, earned = hinted(dossier)
        forecast[contract_id] = forecast_row(dossier, working_days, earned)
        revenue |= {(contract_id, row["line_id"], row["period"]): row for row in hints}
        documents |= document_rows(dossier)
        balances[contract_id] = books(dossier)
    return Figures(burn, readiness, archive.parked(), forecast, revenue, documents, balances)


@dataclass(frozen=True)
class Staffing:
    """`weeks` by (kind of subject, id, week), `gaps` by (role, practice, week) and `alerts` by person.

    Rows hold the payload fields of `utilization.week_updated`, `demand.gap_updated` and `resource.alert_updated`,
    minutes as decimal strings.
    Subjects are of one kind more than statements have: regions, and the firm.
    """

    weeks: dict[utilization.Key, dict[str, Any]]
    gaps: dict[demand.Key, dict[str, Any]]
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)


def recompute_staffing(events: Sequence[Event], as_of: date | None, known_at: str | None = None) -> Staffing:
    """Every week of everybody, as `recompute` does it for contracts."""
    known, today = _known(events, as_of, known_at)
    entities = gather(known)
    staff = people(entities)
    return Staffing(
        utilization.utilization_rows(staff, places(entities), today),
        demand.demand_rows(entities, staff, today),
        alerts.alert_rows(staff, today),
    )


@dataclass(frozen=True)
class Honesty:
    """`scored` by (kind of subject, id, week), `records` by (kind of subject, id): the payload fields of
    `forecast.scored` and `forecast.accuracy_updated`, minutes as decimal strings. The id of the firm is empty."""

    scored: dict[tuple[str, str, str], dict[str, Any]]
    records: dict[tuple[str, str], dict[str, Any]]


def recompute_accuracy(events: Sequence[Event], as_of: date | None, known_at: str | None = None) -> Honesty:
    """How forecasts were and what became of them, as `recompute` does it for contracts."""
    known, today = _known(events, as_of, known_at)
    return Honesty(
        *accuracy.accuracy_rows(known, today, lambda moment: [one for one in known if known_since(one) <= moment])
    )


def _known(events: Sequence[Event], as_of: date | None, known_at: str | None) -> tuple[list[Event], date]:
    known = [event for event in events if known_at is None or known_since(event) <= instant(known_at)]
    today = as_of or last_tick(known)
    if today is None:
        raise ValueError("no day to compute for: pass as_of, or events with a clock.ticked among them")
    return known, today
