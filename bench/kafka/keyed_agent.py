"""Keyed sums as an agent of headrace: what the product's host and the bare loop both run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from agents.effects import Batch, Effects, Record, Statement
from bench.kafka.keyed import Sums, Timesheet, decode_events
from tables import Store, Table

OUTPUT: Final = "sums"
SUMS: Final[Table[Sums]] = Table("sums", 1, Sums)


def read(records: Sequence[Any]) -> list[Record]:
    """Records as they were fetched; all of a batch are decoded at once."""
    events = decode_events(b"[" + b",".join([record.value for record in records]) + b"]")
    return [Record(record.offset, event) for record, event in zip(records, events, strict=True)]


async def add_up(batches: AsyncIterator[Batch], store: Store) -> AsyncIterator[Effects]:
    """One write and one statement for every key that a batch touches."""
    async for batch in batches:
        touched: dict[str, tuple[Sums, Timesheet]] = {}
        for record in batch.records:
            event: Timesheet = record.value
            key = event.engagement_id
            known = touched.get(key)
            sums = known[0] if known else store.get(SUMS, key) or Sums()
            sums.add(event, record.offset)
            touched[key] = sums, event
        effects = Effects(batch)
        effects.writes = [(SUMS, key, sums) for key, (sums, _) in touched.items()]
        effects.statements = [_statement(key, *last) for key, last in touched.items()]
        yield effects


def _statement(key: str, sums: Sums, event: Timesheet) -> Statement:
    payload = {
        "id": key,
        "n": sums.n,
        "minutes": sums.minutes,
        "amount": sums.amount,
        "billable": sums.billable,
    }
    latest = (event.ts * 1_000, "/bench", event.event_id, "")
    return Statement(OUTPUT, "sums.updated.v1", key, sums.last, payload, latest)
