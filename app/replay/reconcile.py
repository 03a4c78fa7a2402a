"""The engine's side of a reconciliation, read from the tables; the comparison; and the answer as JSON shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from agents.contracts import Contracts
from app.domain import calendar, reconciliation
from app.domain.ledger import STATUS_NAMES, WRITE_OFF, Claims
from app.domain.money import decimal
from app.domain.reconciliation import Drift, Engine, Entry, Held, Invoiced, Line, Version
from app.engine.figures import Figures
from tables import Store
from tables.exceptions import EXCEPTIONS
from tables.heads import Head

_EPOCH_DAY: Final = 719_163  # 1970-01-01
_DAY: Final = 86_400_000_000


class _Side(NamedTuple):
    entries: dict[str, Held]
    invoiced: dict[str, Invoiced]
    versions: dict[str, int]
    currencies: dict[str, str]


def engine_side(stores: Sequence[Store], refused: Iterable[str], today: int | None) -> Engine:
    """Every entry, what is invoiced, and the versions in force on `today`, of all contracts."""
    figures = Figures(stores)
    side = _Side({}, {}, {}, {})
    for contract_id in figures.ids():
        found = figures.of(contract_id)
        if found is not None:
            _add(side, contract_id, *found, today)
    return Engine(*side, list(refused), _disputed(stores))


def _add(side: _Side, contract_id: str, contracts: Contracts, head: Head, today: int | None) -> None:
    position = contracts.position(contract_id, head, today)
    if position.terms is not None:
        side.versions[contract_id] = position.terms.version
        side.currencies[contract_id] = position.terms.currency
    told: dict[str, Claims] = dict(head.unplaced)
    for page in sorted(head.pages):
        for start in position.book.page(page):
            bucket = position.book.bucket(start)
            told |= bucket.claims
            for name, row in bucket.rows.items():
                side.entries[name] = Held(
                    contract_id,
                    STATUS_NAMES[row.status],
                    row.day,
                    row.minutes,
                    row.billable,
                    row.amount,
                    row.revision,
                    f"{row.source}#{row.id}",
                    row.time // _DAY + _EPOCH_DAY,
                )
    for name, claims in told.items():
        papers = {paper: amount for paper, (amount, begins) in claims.items() if begins <= position.day}
        its = {paper: amount for paper, amount in papers.items() if not paper.startswith(WRITE_OFF)}
        if its:
            known = side.invoiced.get(name)
            total = sum(its.values()) + (known.amount if known else 0)
            side.invoiced[name] = Invoiced(contract_id, total, tuple(sorted(its)))


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
    lines = erp[0] if erp is not None else ()
    ageing = reconciliation.unacknowledged(engine, lines, today) if today is not None else []
    counted = Counter(drift.cause for drift in drifts)
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
        "causes": [
            {"cause": cause, "count": count, "meaning": reconciliation.CAUSES[cause]}
            for cause, count in counted.most_common()
        ],
        "drift": [_shown(drift) for drift in drifts],
        "unacknowledged": [{**one._asdict(), "amount": decimal(one.amount)} for one in ageing],
    }


def _shown(drift: Drift) -> dict[str, Any]:
    row = drift._asdict()
    row["behind"] = list(drift.behind)
    for side in ("engine", "other"):
        value = row[side]
        if value is not None and drift.field == "amount":
            row[side] = decimal(value)
        elif value is not None and drift.field == "work_date":
            row[side] = calendar.text_of(value)
    return row
