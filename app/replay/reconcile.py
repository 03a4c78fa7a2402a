"""The engine's side of a reconciliation, read from the tables of all partitions; the comparison with extracts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from app.domain import calendar, reconciliation
from app.domain.reconciliation import Drift, Engine, Entry, Line, Version
from app.engine import reconciled
from app.engine.figures import Figures
from tables import Store
from tables.exceptions import EXCEPTIONS


def engine_side(
    stores: Sequence[Store], refused: Iterable[str], today: int | None, figured: Collection[str] = ()
) -> Engine:
    """Every entry, what is invoiced, and the versions in force on `today`, of all contracts; of those `figured`,
    revenue and cost, too."""
    figures = Figures(stores)
    side = reconciled.fresh()
    for contract_id in figures.ids():
        found = figures.of(contract_id)
        if found is not None:
            contracts, head = found
            reconciled.add(side, contracts, contract_id, head, today, margin=contract_id in figured)
    known = side.entries, side.invoiced, side.versions, side.currencies
    return Engine(*known, list(refused), _disputed(stores), side.margins)


def _disputed(stores: Sequence[Store]) -> set[str]:
    return {raised.subject for store in stores for _, raised in store.scan(EXCEPTIONS)}


def compare(
    engine: Engine,
    psa: tuple[Sequence[Entry], Sequence[Version]] | None,
    erp: tuple[Sequence[Line], Sequence[Version]] | None,
    today: int | None,
) -> dict[str, Any]:
    """Drift of each kind with its causes, and the ageing of what is approved and did not come back."""
    drifts: list[Drift] = []
    if psa is not None:
        drifts += reconciliation.entries(engine, psa[0], complete=bool(psa[0]))
        drifts += reconciliation.versions(engine, "psa", psa[1])
    if erp is not None:
        drifts += reconciliation.invoiced(engine, erp[0], complete=bool(erp[0]))
        drifts += reconciliation.versions(engine, "erp", erp[1])
    for system, told in (("psa", psa), ("erp", erp)):
        drifts += list(reconciliation.margins(engine, system, told[1] if told is not None else (), drifts))
    lines = erp[0] if erp is not None else ()
    ageing = reconciliation.unacknowledged(engine, lines, today) if today is not None else []
    rows = [reconciled.shown(drift) for drift in drifts]
    return {
        "as_of": calendar.text_of(today) if today is not None else None,
        "agrees": not drifts,
        "compared": {
            "engine_entries": len(engine.entries),
            "psa_entries": len(psa[0]) if psa else None,
            "engine_invoiced": sum(1 for one in engine.invoiced.values() if one.amount),
            "erp_lines": len(erp[0]) if erp else None,
            "versions": sum(len(side[1]) for side in (psa, erp) if side),
        },
        "causes": reconciled.causes(rows),
        "drift": rows,
        "unacknowledged": reconciled.ageing(ageing),
    }
