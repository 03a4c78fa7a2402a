"""What the tables of one slice say about the firm's promises (`app.domain.sla`): moments read from facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from agents.contracts import Contracts
from app.domain import calendar, sla
from app.domain.burn import Position
from app.domain.ledger import APPROVED, PENDING_MINUTES, READY_ENTRIES, SUBMITTED, Claims, Row, claimed
from app.domain.resolution import counting, current
from app.domain.sla import Told, Work
from app.domain.unbilled import is_ready
from app.events.fact import Fact
from tables import Store, invoices
from tables.dossiers import CONTRACT, DOSSIERS
from tables.heads import Head
from tables.invoices import INVOICES

Papers = Mapping[str, int]
"""The moment of the earliest event of each invoice (`invoice/<id>`) of a contract."""


def of_contract(contracts: Contracts, contract_id: str, head: Head, day: int | None, since: int) -> sla.Measures:
    """What one contract adds, from its dossier, its invoices, and its entries of the window or still open."""
    position = contracts.position(contract_id, head, day)
    papers = {f"invoice/{name}": said for name, said in _invoices(contracts.store, contract_id)}
    issued = {paper: min(fact.time for fact in said) for paper, (said, _) in papers.items()}
    invoiced = [
        (issued[paper], credited or current(said).type == "invoice.voided.v1")
        for paper, (said, credited) in papers.items()
    ]
    told = _told(contracts.store, contract_id, position, invoiced)
    return sla.of_contract(told, _work(position, issued, since), since)


def _invoices(store: Store, contract_id: str) -> Iterator[tuple[str, tuple[list[Fact], bool]]]:
    prefix = invoices.key(contract_id, "")
    for key, invoice in store.scan(INVOICES, prefix):
        if invoice.facts:
            yield key.removeprefix(prefix), (invoice.facts, bool(invoice.credits))


def _told(store: Store, contract_id: str, position: Position, invoiced: list[tuple[int, bool]]) -> Told:
    dossier = store.get(DOSSIERS, contract_id)
    facts: Mapping[str, list[Fact]] = dossier.facts if dossier else {}
    said = counting(facts[CONTRACT]) if CONTRACT in facts else []
    return Told(
        contract_id,
        min((fact.time for fact in said if fact.type == "contract.approved.v1"), default=None),
        [(fact.revision, fact.time) for fact in said if fact.type == "contract.amended.v1"],
        [_answer(fact) for key, its in facts.items() if key.startswith("erp/") for fact in its],
        invoiced,
        [its[0].time for key, its in facts.items() if key.startswith("dispute/")],
        _first_work(position),
    )


def _answer(fact: Fact) -> tuple[int, bool, int]:
    said: dict[str, Any] = msgspec.json.decode(fact.data)
    return fact.time, said["status"] == "accepted", said.get("contract_version") or 0


def _first_work(position: Position) -> int | None:
    for page in sorted(position.book.pages):
        for start in sorted(position.book.page(page)):
            if rows := position.book.bucket(start).rows:
                return min(row.time for row in rows.values())
    return None


def _work(position: Position, issued: Papers, since: int) -> Iterator[Work]:
    """Billable entries whose line bills by time: those of the window, and from earlier quarters those still open."""
    first = calendar.page_of(max(calendar.BEGINNING, since // sla.DAY + sla.EPOCH_DAY))
    for page in sorted(position.book.pages):
        sums = position.book.pages[page].values()
        if page < first and not any(s.totals[READY_ENTRIES] or s.totals[PENDING_MINUTES] for s in sums):
            continue
        low, high = calendar.page_start(page), min(calendar.page_start(page + 1) - 1, position.day)
        for entry, row, claims in position.book.rows(low, high):
            if row.billable and row.by_time and row.status in (APPROVED, SUBMITTED):
                yield _entry(position, entry, row, claims, issued)


def _entry(position: Position, entry: str, row: Row, claims: Claims | None, issued: Papers) -> Work:
    papers = [issued[paper] for paper in claims or () if paper in issued]
    billed = min(papers, default=None) if claimed(claims, position.day) else None
    waits = billed is not None or is_ready(row, claims, position.day)
    return Work(entry, row.status == APPROVED, row.amount is not None and waits, row.day, row.time, billed)
