"""Folding facts once more, in memory and in no order of their own: what an answer *known at* an instant stands on."""

from __future__ import annotations

from collections.abc import Sequence

from agents.effects import Record
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from app.events.fact import Fact


def refold(shares: Sequence[tuple[str, Sequence[Fact]]], drained: Sequence[str]) -> MemoryHost:
    """Step each journal through its share of the facts, in this order, then work off those `drained`.

    What the facts agent sends comes behind what an agent is told directly, and not below its fences: its share is last.
    """
    host = MemoryHost(publish=False)
    for topic, share in shares:
        records = [Record(offset, _unplaced(fact, offset)) for offset, fact in enumerate(share)]
        if records:
            host.advance(topic, len(records))
            finish(host.step(topic, 0, records))
    finish(host.drain(drained))
    return host


def _unplaced(fact: Fact, offset: int) -> Fact:
    """The fact as if read from a log of its own."""
    return Fact(
        fact.type,
        fact.entity,
        fact.revision,
        fact.source,
        fact.id,
        fact.time,
        fact.recorded,
        fact.accepted,
        fact.correlation,
        fact.causation,
        "known",
        0,
        offset,
        fact.data,
    )
