"""What subcontractors were promised: committed until they invoice it (domain rule R21)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from app.domain.book import Book
from app.domain.burn import Commitment, Position, row
from app.domain.ledger import Bucket
from app.domain.money import MICRO
from app.domain.terms import Agreement
from app.events.reader import Reader
from tests.model.histories import envelope


def position(lines: Sequence[str], commitments: Sequence[Commitment]) -> Position:
    approved = {
        "contract_id": "C",
        "version": 1,
        "client_id": "K",
        "currency": "EUR",
        "effective_from": "2026-01-01",
        "term": {"from": "2026-01-01"},
        "lines": [{"line_id": line, "billing_method": "time_and_materials"} for line in lines],
    }
    event = envelope("contract.approved", approved, "m-1", datetime(2026, 1, 1, tzinfo=UTC))
    book = Book({}, lambda page: {}, lambda start: Bucket(-1, {}, {}, {}, {}))
    return Position("C", Agreement([Reader().read(orjson.dumps(event)).fact]), book, 739_800, commitments=commitments)


def committed(where: Position, line: str | None) -> str:
    figure: str = row(where, line)["committed"]
    return figure


def test_commitments_add_up_on_the_contract_and_stay_apart_by_line() -> None:
    # 3,040.00 on L1 (32 h at 95.00) and 100.00 on no line of two: the contract's alone.
    where = position(["L1", "L2"], [Commitment("L1", 3_040 * MICRO, "EUR"), Commitment(None, 100 * MICRO, "EUR")])
    assert [committed(where, line) for line in (None, "L1", "L2")] == ["3140.00", "3040.00", "0.00"]


def test_a_commitment_without_a_line_belongs_to_the_only_line() -> None:
    where = position(["L1"], [Commitment(None, 100 * MICRO, "EUR")])
    assert committed(where, "L1") == "100.00"


def test_a_commitment_in_another_currency_is_not_added_to_the_contracts() -> None:
    where = position(["L1"], [Commitment("L1", 100 * MICRO, "USD")])
    assert committed(where, None) == "0.00"
