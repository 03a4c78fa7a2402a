"""Small contracts and ledgers for tests, in the words of the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.domain import calendar
from app.domain.book import Book, Lines
from app.domain.burn import Position
from app.domain.ledger import APPROVED, Bucket, Claims, Row, merged, price_row, tally
from app.domain.rates import Card, RateBook, Rates, card_of
from app.domain.terms import Agreement
from app.events.fact import Fact
from app.events.reader import Reader
from tests.model.histories import envelope

day = calendar.number


def fact(kind: str, message_id: str = "m-1", /, *, at: int = 0, source: str | None = None, **data: Any) -> Fact:
    """An accepted event that happened `at` minutes after noon of 1 January 2026."""
    event = envelope(kind, data, message_id, datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=at))
    return Reader().read(orjson.dumps(event | ({"source": source} if source else {}))).fact


def approved(message_id: str = "c-1", version: int = 1, **data: Any) -> Fact:
    """C-1 in euros from 1 January 2026 with one line for time and materials, unless `data` says otherwise."""
    whole: dict[str, Any] = {
        "contract_id": "C-1",
        "version": version,
        "client_id": "CL-1",
        "currency": "EUR",
        "effective_from": "2026-01-01",
        "term": {"from": "2026-01-01"},
        "lines": [line()],
    }
    return fact("contract.approved", message_id, **(whole | data))


def line(line_id: str = "L-1", **data: Any) -> dict[str, Any]:
    return {"line_id": line_id, "billing_method": "time_and_materials"} | data


def amended(version: int, effective_from: str, kind: str = "replacement", **data: Any) -> Fact:
    whole: dict[str, Any] = {"contract_id": "C-1", "version": version, "amendment_id": f"A-{version}", "kind": kind}
    return fact("contract.amended", f"a-{version}", effective_from=effective_from, **(whole | data))


def card(rate_id: str, amount: str, **data: Any) -> Card:
    """A rate in euros from 1 January 2026, unless `data` says otherwise."""
    whole: dict[str, Any] = {
        "rate_id": rate_id,
        "revision": 1,
        "amount": amount,
        "currency": "EUR",
        "effective_from": "2026-01-01",
    }
    made = card_of([fact("rate.set", rate_id, **(whole | data))])
    assert made is not None
    return made


def rates(*cards: Card) -> Rates:
    """The rates of C-1: its own, and those of the firm."""
    own = RateBook(one for one in cards if one.contract_id is not None)
    return Rates("C-1", own, RateBook(one for one in cards if one.contract_id is None))


def worked(work_date: str, minutes: int, **fields: Any) -> Row:
    """An approved, billable entry of P-1 without role or line, unless `fields` say otherwise; not priced yet."""
    whole: dict[str, Any] = {
        "n": 1,
        "status": APPROVED,
        "day": day(work_date),
        "resource_id": "P-1",
        "minutes": minutes,
        "billable": True,
        "role": None,
        "line_id": None,
        "rate_override": None,
        "revision": 1,
        "source": "/psa",
        "id": f"m-{work_date}-{minutes}",
        "time": 1,
    }
    return Row(**(whole | fields))


def priced(row: Row, agreement: Agreement, by: Rates) -> Row:
    price_row(row, agreement.on(row.day), by)
    return row


def book(rows: Mapping[str, Row], claims: Mapping[str, Claims] | None = None) -> Book:
    """A ledger of priced rows by entry id; `claims` by `time/<id>`."""
    buckets: dict[int, Bucket] = {}
    for entry, row in rows.items():
        bucket = buckets.setdefault(calendar.bucket_of(row.day), Bucket(-1, {}, {}, {}, {}))
        bucket.rows[entry] = row
        if claims and f"time/{entry}" in claims:
            bucket.claims[f"time/{entry}"] = claims[f"time/{entry}"]
    pages: dict[int, dict[int, Lines]] = {}
    for start, bucket in buckets.items():
        sums = tally(bucket, start, calendar.BEGINNING, calendar.FOREVER, calendar.FOREVER)
        pages.setdefault(calendar.page_of(start), {})[start] = sums
    heads = {number: _by_line(list(page.values())) for number, page in pages.items()}
    return Book(heads, pages.__getitem__, buckets.__getitem__)


def _by_line(pages: Sequence[Lines]) -> Lines:
    names = {name for lines in pages for name in lines}
    return {name: merged([lines[name] for lines in pages if name in lines]) for name in names}


def position(
    agreement: Agreement,
    rows: Mapping[str, Row],
    as_of: str,
    *,
    by: Rates | None = None,
    claims: Mapping[str, Claims] | None = None,
    holidays: Collection[str] = (),
) -> Position:
    """Where C-1 stands; its rows are priced by `by`, by default 60.00 an hour."""
    by = by or rates(card("R-1", "60"))
    ledger = book({entry: priced(row, agreement, by) for entry, row in rows.items()}, claims)
    return Position("C-1", agreement, ledger, day(as_of), {day(one) for one in holidays})
