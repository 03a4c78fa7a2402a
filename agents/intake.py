"""Intake: what came in as bytes becomes facts in the journals, or a dead letter that says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agents.effects import ENGAGEMENTS, EVERY, FACTS, RESOURCES, Batch, DeadLetter, Effects, Record, Send
from app.events.reader import Reader
from app.events.refusal import Refusal
from tables import Store
from tables.controls import CONTROLS, Control, new

_TOPICS = {"facts": FACTS, "engagements": ENGAGEMENTS, "resources": RESOURCES, "every": EVERY}


async def intake(batches: AsyncIterator[Batch], store: Store, reader: Reader) -> AsyncIterator[Effects]:
    """Validate each record and send it to the journal of its entity.

    A batch that was delivered before is sent again, as its sends may have been lost; readers know the copies by their
    origin. Only its dead letters are counted once.
    """
    async for batch in batches:
        key = _key(batch.topic, batch.partition)
        control = store.get(CONTROLS, key) or new()
        effects = Effects(batch)
        for record in batch.records:
            _take(record, batch, control, reader, effects)
        control.fence = max(control.fence, batch.records[-1].offset)
        effects.writes.append((CONTROLS, key, control))
        yield effects


def reached(store: Store, topic: str, partition: int) -> int:
    """The last offset of an input partition that was taken in; -1 before any."""
    control = store.get(CONTROLS, _key(topic, partition))
    return -1 if control is None else control.fence


def _key(topic: str, partition: int) -> str:
    return f"intake/{topic}/{partition}"


def _take(record: Record, batch: Batch, control: Control, reader: Reader, effects: Effects) -> None:
    origin = (batch.topic, batch.partition, record.offset)
    try:
        taken = reader.read(record.value, record.headers, accepted=record.accepted, origin=origin)
    except Refusal as refusal:
        effects.dead_letters.append(
            DeadLetter(*origin, record.value, record.headers, refusal.code, refusal.message, refusal.pointer),
        )
        if record.offset > control.fence:
            control.counts["dead_lettered"] += 1
        return
    effects.sends.append(Send(_TOPICS[taken.journal], taken.key, taken.fact))
