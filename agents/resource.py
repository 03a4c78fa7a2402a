"""Resource: what is known of people and their leave, kept message by message."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agents.custody import Custody, raise_conflicts
from agents.effects import Batch, Effects
from tables import Store
from tables.bookings import BOOKINGS


async def resource(batches: AsyncIterator[Batch], store: Store) -> AsyncIterator[Effects]:
    async for batch in batches:
        effects = Effects(batch)
        custody = Custody(store, BOOKINGS, f"resource/{batch.partition}")
        for record in batch.records:
            custody.keep(record.offset, record.value)
        for key, entity in custody.touched.items():
            effects.writes.append((BOOKINGS, key, entity))
            raise_conflicts(effects, key, entity.facts, entity.fence)
        effects.writes.append(custody.closing(batch.records[-1].offset))
        yield effects
