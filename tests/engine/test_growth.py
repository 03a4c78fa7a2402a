"""The work that an event makes grows neither with the age of its contract nor with the number of others.

Work is counted, not timed: values read, values written and their bytes, statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any, TypeVar

import orjson
import pytest

from agents.effects import BILLING, BURN, READINESS, THRESHOLDS, Record, Statement
from app.engine.memory import MemoryHost, MemoryStore
from app.engine.runner import finish
from tables import Table
from tables.heads import HEADS

V = TypeVar("V")

MONDAY = date(2023, 1, 2)
YEAR = 52  # weeks
SUM_BYTES = 450  # what a head holds of a quarter and line


class Counted(MemoryStore):
    """Tables in memory that count what is asked of them."""

    def __init__(self) -> None:
        super().__init__()
        self.work: Counter[str] = Counter()

    def get(self, table: Table[V], key: str) -> V | None:
        self.work["reads"] += 1
        return super().get(table, key)

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        self.work["scans"] += 1
        return super().scan(table, prefix)

    def write(self, writes: Iterable[tuple[Table[Any], str, Any]]) -> None:
        kept = list(writes)
        self.work["writes"] += len(kept)
        for table, _, value in kept:
            self.work["bytes of heads" if table is HEADS else "bytes"] += len(table.encode(value))
        super().write(kept)


class Firm:
    """A host that counts: `take` events, then ask what they cost. Statements are those about contracts."""

    def __init__(self) -> None:
        self.store = Counted()
        self._statements = 0
        self._host = MemoryHost(stores=[self.store], on_statement=self._hear)
        self._offset = 0

    def _hear(self, statement: Statement) -> None:
        self._statements += statement.topic in (BURN, THRESHOLDS, READINESS, BILLING)

    def take(self, *events: bytes) -> Counter[str]:
        before, said = self.store.work.copy(), self._statements
        records = [Record(self._offset + place, event) for place, event in enumerate(events)]
        self._offset += len(events)
        finish(self._host.take("inputs", records))
        return self.store.work - before + Counter(statements=self._statements - said)


def event(kind: str, name: str, **data: object) -> bytes:
    head = {"specversion": "1.0", "id": name, "source": "/test", "type": kind, "time": "2023-01-01T00:00:00Z"}
    return orjson.dumps({**head, "data": data})


def approval(contract_id: str, line: dict[str, Any], term: dict[str, str]) -> bytes:
    its = {"line_id": "L", "billing_method": "time_and_materials"} | line
    body = {"version": 1, "client_id": "K", "currency": "EUR", "effective_from": "2023-01-01", "lines": [its]}
    return event("contract.approved.v1", f"approval-{contract_id}", contract_id=contract_id, term=term, **body)


BASICS = (
    event("rate.set.v1", "r", rate_id="R", revision=1, amount="100", currency="EUR", effective_from="2023-01-01"),
    event("clock.ticked.v1", "t", on="2027-06-30"),  # later than any week that is told of with its person
)


def week_of(contract_id: str, number: int) -> list[bytes]:
    """Five days of two people, 1,000.00 a day each."""
    return [
        event(
            "time.approved.v1",
            f"{contract_id}-{number}-{day}-{person}",
            entry_id=f"{contract_id}-{number}-{day}-{person}",
            revision=1,
            contract_id=contract_id,
            resource_id=f"{contract_id}/{person}",
            work_date=str(MONDAY + timedelta(weeks=number, days=day)),
            minutes=600,
            role="engineer",
        )
        for day in range(5)
        for person in ("P-1", "P-2")
    ]


def of_year(firm: Firm, year: int) -> Counter[str]:
    """The work that the weeks of a year make, each of them a batch."""
    work: Counter[str] = Counter()
    for number in range(year * YEAR, (year + 1) * YEAR):
        work += firm.take(*week_of("C-1", number))
    return work


CONTRACTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "plain": ({}, {"from": "2023-01-01"}),
    "used up its budget": ({"budget": {"amount": "50000"}}, {"from": "2023-01-01"}),
    "over a cap that blocks": ({"cap": {"amount": "45500", "on_exceed": "block"}}, {"from": "2023-01-01"}),
    "over a cap that splits": ({"cap": {"minutes": 45_500, "on_exceed": "split"}}, {"from": "2023-01-01"}),
    "over a cap that warns": ({"cap": {"amount": "45500", "on_exceed": "warn"}}, {"from": "2023-01-01"}),
    "behind its term": ({}, {"from": "2023-01-01", "to": "2023-02-15"}),
}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_an_old_contract_makes_no_more_work_than_a_young_one(contract: str) -> None:
    firm = Firm()
    firm.take(*BASICS, approval("C-1", *CONTRACTS[contract]))
    _, young, _, old = (of_year(firm, number) for number in range(4))
    assert old["scans"] == young["scans"] == 0
    # Burn of contract and line, readiness, and where anything is ready a document for each period of the week; a new
    # one is stated with a batch of its own, and the rest with it.
    assert 3 * YEAR <= old["statements"] <= young["statements"] + 12
    # A week that a month's end cuts is two buckets; years have a few more of them or fewer.
    assert old["writes"] <= young["writes"] + 12
    assert old["reads"] <= young["reads"] * 1.02
    # … and names and offsets are longer numbers.
    assert old["bytes"] <= young["bytes"] * 1.05
    # A head holds one sum for each quarter: the only thing that grows. Two years are eight quarters.
    assert old["bytes of heads"] <= young["bytes of heads"] + YEAR * 8 * SUM_BYTES


def test_a_large_firm_makes_no_more_work_for_a_contract_than_a_small_one() -> None:
    work = []
    for others in (1, 200):
        firm = Firm()
        firm.take(*BASICS, *(approval(f"C-{number}", {}, {"from": "2023-01-01"}) for number in range(1, others + 2)))
        for number in range(2, others + 2):
            firm.take(*week_of(f"C-{number}", 0))
        work.append(of_year(firm, 0))
    small, large = work
    assert {name: large[name] for name in ("reads", "writes", "scans", "statements")} == {
        name: small[name] for name in ("reads", "writes", "scans", "statements")
    }
    assert large["bytes"] <= small["bytes"] * 1.02  # offsets are longer numbers
