"""Laws of documents over time: keys are used once, what was said stays said, and no hour is in two places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from agents.effects import BILLING, Record, Statement
from app.domain.documents import WITHDRAWN
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from tests.engine.noise import noisy, tick
from tests.engine.runs import fold, histories, lines
from tests.model.features import ALL
from tests.model.histories import Event, as_of_days, history, repeated, troubled
from tests.model.oracle import recompute

Row = dict[str, Any]
_TODAY = date(2026, 4, 7)
_ERA = (date(2026, 2, 16), date(2026, 4, 3))


def firm(seed: int, size: int) -> list[Event]:
    """A firm in its natural order, with work, fees and milestones that are invoiced, credited, voided and moved."""
    features = frozenset({"documents", "retainer", "retainage", "holds", "writeoffs"})
    return history(seed, size, features=features, era=_ERA, unknown=False)


def told_one_by_one(log: Sequence[bytes]) -> Iterator[tuple[MemoryHost, list[Statement]]]:
    """The host after each line, and what it said of documents."""
    heard: list[Statement] = []
    host = MemoryHost(on_statement=heard.append)
    finish(host.take("log", [Record(0, lines([tick(_TODAY)])[0])]))
    for number, line in enumerate(log, 1):
        heard.clear()
        finish(host.take("log", [Record(number, line)]))
        yield host, [one for one in heard if one.topic == BILLING]


@pytest.mark.parametrize("seed", histories(8))
def test_a_key_that_an_invoice_took_is_never_proposed_again(seed: int) -> None:
    # Messages come as they are said, some twice; a day and a claim may be taken back by the invoice itself, and a
    # milestone by who accepted it: of those nothing is asked here.
    events = [one for one in firm(16_000_000 + seed, 120) if one["type"].split(".")[0] != "milestone"]
    taken: dict[str, str] = {}
    for _, said in told_one_by_one(lines(repeated(dated_once(events), Random(seed)))):
        for one in said:
            if one.type == WITHDRAWN and one.payload["reason"] == "invoiced":
                taken.setdefault(one.key, one.payload["invoice_id"])
            elif one.type != WITHDRAWN and "/fee/" not in one.key:
                assert one.key not in taken, f"{one.key} was taken by {taken[one.key]}"


def dated_once(events: Sequence[Event]) -> list[Event]:
    """Invoices whose later revisions keep the day of the first: an invoice that moves to another day was not sent."""
    first: dict[str, Any] = {}
    result = []
    for event in events:
        data = event["data"]
        if event["type"].startswith("invoice.") and "credit_id" not in data:
            day = first.setdefault(data["invoice_id"], data.get("invoiced_on"))
            data = {name: value for name, value in data.items() if name != "invoiced_on"}
            event = {**event, "data": data if day is None else {**data, "invoiced_on": day}}
        result.append(event)
    return result


@pytest.mark.parametrize("seed", histories(8))
def test_a_revision_says_one_thing_and_never_falls(seed: int) -> None:
    last: dict[str, Statement] = {}
    for _, said in told_one_by_one(lines(repeated(firm(17_000_000 + seed, 100), Random(seed)))):
        for one in said:
            before = last.get(one.key)
            if before is not None:
                assert one.version > before.version, one.key
                assert one.payload["revision"] >= before.payload["revision"], one.key
                if one.payload["revision"] == before.payload["revision"]:
                    assert (one.type, undated(one.payload)) == (before.type, undated(before.payload)), one.key
            last[one.key] = one


def undated(payload: Any) -> Row:
    return {name: value for name, value in payload.items() if name != "as_of"}


@pytest.mark.parametrize("seed", histories(6))
def test_acknowledgements_however_often_they_come_change_no_document(seed: int) -> None:
    # An ERP may say yes, no, and both twice, of what stands and of what never did. Without a policy about it, no
    # amount follows from that.
    rng = Random(seed)
    events = troubled(history(18_000_000 + seed, 90, features=ALL - {"checks"}), rng)
    day = rng.choice(as_of_days(events)).toordinal()
    plain = documents(fold(lines(events)).figures, day)
    answers = [answer(key, number, rng) for number, key in enumerate([*sorted(plain), "C-1/2026-03/time/9"])]
    mixed = repeated([*events, *answers], rng)
    rng.shuffle(mixed)
    told = documents(fold(lines(mixed), partitions=2, cut=7).figures, day)
    assert {key: unanswered(row) for key, row in told.items()} == {key: unanswered(row) for key, row in plain.items()}
    assert all(row["acknowledged"] for row in told.values())


def answer(key: str, number: int, rng: Random) -> Event:
    said = {
        "document_key": key,
        "revision": rng.randint(1, 3),
        "contract_id": key.partition("/")[0],
        "target": rng.choice(("s4", "netsuite")),
        "status": rng.choice(("accepted", "rejected")),
    }
    moment = "2026-04-05T09:00:00Z"
    return {
        "specversion": "1.0",
        "id": f"answer-{number}",
        "source": "/erp",
        "type": "erp.acknowledged.v1",
        "time": moment,
        "recordedtime": moment,
        "acceptedtime": moment,
        "data": said,
    }


def documents(figures: Any, day: int) -> dict[str, Row]:
    return {row["document_key"]: row for contract_id in figures.ids() for row in figures.documents(contract_id, day)}


def unanswered(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("acknowledged", "revision")}


@pytest.mark.parametrize("seed", histories(6))
def test_every_earned_hour_is_in_one_document_or_one_other_place(seed: int) -> None:
    # The law of conservation with the documents of the engine for what is ready and to be adjusted, and the books of
    # the model for the rest. What stops a contract is blocked, and in no document.
    rng = Random(seed)
    events = troubled(history(19_000_000 + seed, 110, features=ALL - {"checks"}), rng)
    day = rng.choice(as_of_days(events))
    found = documents(
        fold(noisy(lines(events), rng, []), partitions=2, cut=rng.choice((1, 9, 1000))).figures, day.toordinal()
    )
    for contract_id, books in recompute(events, day).books.items():
        mine = [row for key, row in found.items() if key.startswith(f"{contract_id}/")]
        ready = sum_of(line["amount"] for row in mine for line in row.get("lines", ()) if line["kind"] == "time")
        assert ready == books["ready"], contract_id
        rest = sum(books[side] for side in ("invoiced", "adjustment", "blocked", "over_cap", "retained", "written_off"))
        assert books["earned"] == rest + ready + books["by_fee"], contract_id


def sum_of(amounts: Any) -> Fraction:
    return sum((Fraction(amount) for amount in amounts), Fraction(0))
