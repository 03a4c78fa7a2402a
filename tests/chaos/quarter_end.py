"""A simulated quarter end: ERP closes, ten times the usual work comes in, ERP opens and takes so much a minute.

As a program it is a worker that may be killed at any moment: it goes on where its store ends.

    python -m tests.chaos.quarter_end STORE

Time is compressed: the moments that documents wait for are handed in as soon as somebody waits for one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson

from agents.effects import BILLING, DOCUMENTS, INPUTS
from app.domain.gate import MINUTE, SECOND, Limit, Rules
from app.engine.embedded import STATEMENTS, EmbeddedHost
from app.engine.store import Store
from app.events.fact import Fact
from app.events.posting import Draft
from tables.outbox import MOMENT, MOMENTS, OUTBOX
from tests.engine.test_policy import event

CONTRACTS = 24
USUAL, BURST = 4, 40
"""Time entries of a contract in the month, and on the day on which ERP is closed: ten times as many."""
CLOSED = 120 * MINUTE
LIMITS = Rules((), {"*": Limit(per_minute=30, burst=5)})
NOON = 1_790_000_000 * SECOND
MORNING = NOON - 240 * MINUTE


class Delivered(NamedTuple):
    """A statement about a document as a consumer of the topic has it."""

    contract_id: str
    key: str
    revision: int
    type: str
    id: str


def events() -> Iterator[list[dict[str, Any]]]:
    """Lot by lot; with the closing and the opening of the window each a lot of its own."""
    yield [event("rate.set", rate_id="R", amount="60.00", currency="EUR", effective_from="2026-01-01")]
    yield [_contract(number) for number in range(CONTRACTS)]
    yield [_entry(number, place) for place in range(USUAL) for number in range(CONTRACTS)]
    yield [_window("closed", 1)]
    for place in range(USUAL, USUAL + BURST):
        yield [_entry(number, place) for number in range(CONTRACTS)]
        if place == BURST // 2:
            # ERP has invoiced what it had before it closed, of every fourth contract; and one milestone is taken back.
            yield [_invoice(number) for number in range(0, CONTRACTS, 4)]
            yield [_milestone(number, "accepted", 1) for number in range(3)]
    yield [_milestone(2, "rejected", 2)]
    yield [_window("opened", 2)]


def _contract(number: int) -> dict[str, Any]:
    return event(
        "contract.approved",
        contract_id=f"C-{number:02d}",
        version=1,
        client_id="K",
        currency="EUR",
        legal_entity_id="LE",
        effective_from="2026-01-01",
        term={"from": "2026-01-01"},
        lines=[{"line_id": "L", "billing_method": "time_and_materials"}],
    )


def _entry(number: int, place: int) -> dict[str, Any]:
    """One hour, 60.00; the days lie in three months, so a contract has three documents."""
    on = f"2026-0{1 + place % 3}-{1 + place % 28:02d}"
    return event(
        "time.approved",
        entry_id=f"E-{number}-{place}",
        contract_id=f"C-{number:02d}",
        resource_id="P",
        work_date=on,
        minutes=60,
    )


def _invoice(number: int) -> dict[str, Any]:
    lines = [{"kind": "time", "id": f"E-{number}-{place}", "amount": "60.00"} for place in (0, 3)]
    return event(
        "invoice.issued", invoice_id=f"I-{number}", contract_id=f"C-{number:02d}", invoiced_on="2026-03-31", lines=lines
    )


def _milestone(number: int, what: str, revision: int) -> dict[str, Any]:
    said = {"milestone_id": f"M-{number}", "contract_id": f"C-{number:02d}", "amount": "500.00", "revision": revision}
    return event(f"milestone.{what}", **said, accepted_on="2026-03-30")


def _window(what: str, revision: int) -> dict[str, Any]:
    return event(f"erp.window.{what}", window_id="Q1", target="erp", revision=revision)


LOTS = [[orjson.dumps(one) for one in lot] for lot in events()]


def opened(path: Path) -> EmbeddedHost:
    return EmbeddedHost(Store(path, partitions=2), lambda: None, batch_size=50, rules=LIMITS)


async def run(host: EmbeddedHost) -> None:
    """Everything that is missing, then every moment that documents wait for, until none does."""
    missing = list(LOTS)
    durable = sum(host.store.end(topic, p) for topic in INPUTS for p in range(host.store.partitions))
    while missing and durable >= len(missing[0]):
        durable -= len(missing.pop(0))
    for lot in missing:
        if b"erp.window.closed" in lot[0]:
            await _let_leave(host)
        host.take(lot[durable:])
        durable = 0
        await host.drain()
        await _hand_in(host, MORNING if lot in LOTS[:3] else NOON + CLOSED if lot is LOTS[-1] else NOON)
        print("lot", flush=True)
    await host.drain()
    await _hand_in(host, NOON + CLOSED)
    await _let_leave(host)


async def _let_leave(host: EmbeddedHost) -> None:
    while host.dues:
        await _hand_in(host, min(host.dues.values()))
        print("moment", flush=True)


async def _hand_in(host: EmbeddedHost, at: int) -> None:
    """The moment, or the latest that anybody heard of."""
    known = [moment.at for tables in host.tables.values() if (moment := tables.get(MOMENTS, MOMENT)) is not None]
    host.hand_in(max(at, *known, MORNING))
    await host.drain()


def delivered(path: Path) -> list[Delivered]:
    """What left for ERP, in the order in which it did."""
    with Store(path, read_only=True) as store:
        found = []
        for _, letter in store.letters(STATEMENTS, 0):
            if dict(letter.headers)["topic"] == BILLING.encode():
                said = orjson.loads(letter.value)
                data = said["data"]
                found.append(Delivered(data["contract_id"], letter.key, data["revision"], said["type"], said["id"]))
        return found


def waits(path: Path) -> dict[str, int]:
    """How long each document that ERP has had waited when it left last, in seconds."""
    with Store(path, read_only=True) as store:
        return {
            key: row.waited // SECOND
            for p in range(store.partitions)
            for key, row in store.tables(p).scan(OUTBOX)
            if row.sent is not None and row.waited
        }


def queued(path: Path) -> dict[str, list[str]]:
    """The documents of each contract in the order in which they were first stated after ERP had closed."""
    found: dict[str, list[str]] = {}
    with Store(path, read_only=True) as store:
        for p in range(store.partitions):
            its = [record.value for record in store.read(DOCUMENTS, p, 0, store.end(DOCUMENTS, p))]
            note_drafts(its, found)
    return found


def note_drafts(journal: Sequence[Any], found: dict[str, list[str]]) -> None:
    """Add which documents one slice's journal says anything new of once the window is closed, as they come."""
    closed = False
    said: dict[str, str] = {}  # what ERP has of each document
    for one in journal:
        closed = closed or (isinstance(one, Fact) and "closed" in one.type)
        if isinstance(one, Draft) and not closed:
            said[one.key] = one.content
        elif isinstance(one, Draft) and said.get(one.key) != one.content:
            its = found.setdefault(one.contract_id, [])
            if one.key not in its:
                its.append(one.key)


def moments(path: Path) -> list[list[int]]:
    """When the documents of each slice left last, in microseconds, in order."""
    with Store(path, read_only=True) as store:
        rows = [[row for _, row in store.tables(p).scan(OUTBOX)] for p in range(store.partitions)]
    return [sorted(row.sent.at for row in its if row.sent is not None and row.waited) for its in rows]


def told(waited: dict[str, int]) -> str:
    """Who waited how long: one line for each contract."""
    by_contract: dict[str, list[int]] = {}
    for key, seconds in waited.items():
        by_contract.setdefault(key.split("/")[0], []).append(seconds)
    lines = ["contract  documents  shortest  median  longest (s)"]
    for contract, its in sorted(by_contract.items()):
        lines.append(f"{contract:8}  {len(its):9}  {min(its):8}  {median(its):6.0f}  {max(its):7}")
    return "\n".join(lines)


if __name__ == "__main__":
    with opened(Path(sys.argv[1])) as worker:
        asyncio.run(run(worker))
        print("idle", flush=True)
        sys.stdin.read()
