"""What the tables of one slice say about the firm's promises (`app.domain.sla`): moments read from facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from agents.contracts import Contracts
from app.domain import calendar, sla
from app.domain.burn import Position
from app.domain.ledger import APPROVED, PENDING_MINUTES, READY_ENTRIES, SUBMITTED, Claims, Row, claimed, settled
from app.domain.resolution import counting, current
from app.domain.sla import Told, Work
from app.domain.unbilled import is_ready
from app.events.fact import Fact
from tables import Store, invoices
from tables.dossiers import CONTRACT, DOSSIERS
from tables.heads import Head
from tables.invoices import INVOICES, Invoice


class Paper(NamedTuple):
    """An invoice: the moment of its earliest event, and whether it was voided or credited."""

    issued: int
    wrong: bool


Papers = Mapping[str, Paper]
"""The invoices of a contract, by what claims call them (`invoice/<id>`)."""


def of_contract(contracts: Contracts, contract_id: str, head: Head, day: int | None, since: int) -> sla.Measures:
    """What one contract adds, from its dossier, its invoices, and its entries of the window or still open."""
    position = contracts.position(contract_id, head, day)
    papers = dict(papers_of(contracts.store, contract_id))
    work = (of_page(position, page, papers, since) for page in position.book.pages)
    return sla.total([of_terms(contracts.store, position, papers, since), *work])


def papers_of(store: Store, contract_id: str) -> Iterator[tuple[str, Paper]]:
    """Every invoice of a contract that anything was said of."""
    prefix = invoices.key(contract_id, "")
    for key, invoice in store.scan(INVOICES, prefix):
        if (paper := paper_of(invoice)) is not None:
            yield f"invoice/{key.removeprefix(prefix)}", paper


def paper_of(invoice: Invoice) -> Paper | None:
    """None of one that only a credit names."""
    if not invoice.facts:
        return None
    issued = min(fact.time for fact in invoice.facts)
    return Paper(issued, bool(invoice.credits) or current(invoice.facts).type == "invoice.voided.v1")


def of_terms(store: Store, position: Position, papers: Papers, since: int) -> sla.Measures:
    """What a contract adds by what it was told, without its work."""
    dossier = store.get(DOSSIERS, position.contract_id)
    facts: Mapping[str, list[Fact]] = dossier.facts if dossier else {}
    said = counting(facts[CONTRACT]) if CONTRACT in facts else []
    told = Told(
        position.contract_id,
        min((fact.time for fact in said if fact.type == "contract.approved.v1"), default=None),
        [(fact.revision, fact.time) for fact in said if fact.type == "contract.amended.v1"],
        [_answer(fact) for key, its in facts.items() if key.startswith("erp/") for fact in its],
        list(papers.values()),
        [its[0].time for key, its in facts.items() if key.startswith("dispute/")],
        _first_work(position),
    )
    return sla.of_contract(told, (), since)


def _answer(fact: Fact) -> tuple[int, bool, int]:
    said: dict[str, Any] = msgspec.json.decode(fact.data)
    return fact.time, said["status"] == "accepted", said.get("contract_version") or 0


def _first_work(position: Position) -> int | None:
    for page in sorted(position.book.pages):
        for start in sorted(position.book.page(page)):
            if rows := position.book.bucket(start).rows:
                return min(row.time for row in rows.values())
    return None


def of_page(position: Position, page: int, papers: Papers, since: int) -> sla.Measures:
    """What the work of a quarter adds: of one before the window, only what is open still."""
    sums = position.book.pages.get(page, {}).values()
    if page < first_page(since) and not any(s.totals[READY_ENTRIES] or s.totals[PENDING_MINUTES] for s in sums):
        return sla.fresh()
    return sla.of_work(_work(position, calendar.page_start(page), calendar.page_end(page), papers), since)


def first_page(since: int) -> int:
    """The quarter in which the window begins."""
    return calendar.page_of(max(calendar.BEGINNING, since // sla.DAY + sla.EPOCH_DAY))


def of_bucket(position: Position, start: int, papers: Papers, since: int) -> sla.Measures:
    """What the work of a bucket adds, of a quarter that is not before the window."""
    end = min(calendar.week_start(start) + 6, calendar.month_end(start))
    return sla.of_work(_work(position, start, end, papers), since)


def _work(position: Position, low: int, high: int, papers: Papers) -> Iterable[Work]:
    """Billable entries of work dates in [low, high] whose line bills by time."""
    for entry, row, claims in position.book.rows(low, min(high, position.day)):
        if row.billable and row.by_time and row.status in (APPROVED, SUBMITTED):
            yield _entry(position, entry, row, claims, papers)


def _entry(position: Position, entry: str, row: Row, claims: Claims | None, papers: Papers) -> Work:
    issued = [papers[paper].issued for paper in claims or () if paper in papers]
    invoiced = claimed(claims, position.day) or settled((row.amount or 0) - row.drawn_amount, claims, position.day)
    billed = min(issued, default=None) if invoiced else None
    waits = billed is not None or is_ready(row, claims, position.day)
    return Work(entry, row.status == APPROVED, row.amount is not None and waits, row.day, row.time, billed)
