"""The trivial job, keyed sums: its events, the fold that headrace and the bare loop share, and the truth.

Amounts are minutes × cents an hour: whole numbers, so that every language and every order comes to the same sums.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import msgspec
import orjson

KEYS = 5_000
SKEW = 0.8  # Zipf: the key of rank r is drawn in proportion to 1 ÷ r^SKEW
SEED = 7

Key = bytes


class Timesheet(msgspec.Struct, gc=False):
    """One event; all of its fields are checked, though the sums need four."""

    event_id: str
    engagement_id: str
    consultant_id: str
    task: str
    work_date: str
    minutes: int
    rate_cents: int
    currency: str
    billable: bool
    status: str
    ts: int
    rev: int


class Sums(msgspec.Struct, gc=False):
    """What the events of a key come to up to the record at offset `last`; it is the stored value and the statement."""

    last: int = -1
    n: int = 0
    minutes: int = 0
    amount: int = 0
    billable: int = 0

    def add(self, event: Timesheet, offset: int) -> None:
        """Count the event, unless the sums include it."""
        if offset <= self.last:
            return
        amount = event.minutes * event.rate_cents
        self.last = offset
        self.n += 1
        self.minutes += event.minutes
        self.amount += amount
        if event.billable:
            self.billable += amount


decode_events = msgspec.json.Decoder(list[Timesheet]).decode
decode_sums = msgspec.json.Decoder(Sums).decode
encode_sums = msgspec.json.Encoder().encode


def events(count: int) -> Iterator[tuple[Key, bytes]]:
    """Key and value of the first `count` events; the same for ever."""
    dice = random.Random(SEED)
    weights = [1 / rank**SKEW for rank in range(1, KEYS + 1)]
    number = 0
    while True:
        for key in dice.choices(range(KEYS), weights=weights, k=min(count, 10_000)):
            if number == count:
                return
            yield b"eng-%05d" % key, _event(number, key, dice)
            number += 1


def _event(number: int, key: int, dice: random.Random) -> bytes:
    """About 230 bytes of JSON."""
    return orjson.dumps(
        {
            "event_id": f"ts-{number:09d}",
            "engagement_id": f"eng-{key:05d}",
            "consultant_id": f"con-{dice.randrange(800):04d}",
            "task": "delivery",
            "work_date": f"2025-10-{1 + number % 28:02d}",
            "minutes": dice.randrange(1, 33) * 15,
            "rate_cents": dice.randrange(8_000, 32_000),
            "currency": "EUR",
            "billable": dice.random() < 0.8,
            "status": "approved",
            "ts": 1_760_000_000_000 + number,
            "rev": 1,
        }
    )


def truth(count: int) -> dict[Key, Sums]:
    """What the first `count` events come to; `last` counts events, as offsets are the topic's affair."""
    sums: dict[Key, Sums] = {}
    source = events(count)
    while rows := list(islice(source, 10_000)):
        values = decode_events(b"[" + b",".join(value for _, value in rows) + b"]")
        for (key, _), event in zip(rows, values, strict=True):
            known = sums.setdefault(key, Sums())
            known.add(event, known.last + 1)
    return sums


def differences(said: dict[Key, bytes], wanted: dict[Key, Sums]) -> int:
    """Keys whose last statement, JSON with the names of `Sums`, is not what `wanted` says; missing and odd ones too."""
    wrong = len(said.keys() - wanted.keys())
    for key, sums in wanted.items():
        value = orjson.loads(said.get(key, b"{}"))
        if any(value.get(name) != getattr(sums, name) for name in ("n", "minutes", "amount", "billable")):
            wrong += 1
    return wrong
