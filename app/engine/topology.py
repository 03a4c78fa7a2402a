"""Which agent reads which journal, and which partition a record belongs to. The same for every host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from zlib import crc32

from agents.effects import DOCUMENTS, ENGAGEMENTS, EVERY, FACTS, PRACTICES, RESOURCES, Send
from agents.engagement import engagement
from agents.erp_gate import erp_gate
from agents.facts import facts
from agents.practice import practice
from agents.resource import resource
from app.domain.gate import OPEN, Rules
from app.domain.sla import NO_TARGETS
from app.domain.utilization import WINDOW, Window
from app.engine.runner import Runner
from tables import Store

# Journals that reference data is copied to, and which kinds of it; None: every kind. It is counted in the first.
_USERS_OF_REFERENCE: dict[str, frozenset[str] | None] = {
    ENGAGEMENTS: None,
    RESOURCES: frozenset({"holiday", "policy", "clock"}),
    PRACTICES: frozenset({"clock"}),
    DOCUMENTS: frozenset({"erp"}),
}

Readers = dict[str, Callable[[Store], Runner]]
"""What makes the agent that reads each journal, over the tables of a partition."""


def readers(window: Window = WINDOW, rules: Rules = OPEN, targets: Mapping[str, int] = NO_TARGETS) -> Readers:
    """All of them; `window` says which weeks are told of, `rules` how documents go to ERP, `targets` (`sla.targets`) by
    what the firm measures itself."""
    return {
        FACTS: lambda store: Runner(lambda batches: facts(batches, store)),
        ENGAGEMENTS: lambda store: Runner(lambda batches: engagement(batches, store, targets)),
        RESOURCES: lambda store: Runner(lambda batches: resource(batches, store, window)),
        PRACTICES: lambda store: Runner(lambda batches: practice(batches, store, window, targets)),
        DOCUMENTS: lambda store: Runner(lambda batches: erp_gate(batches, store, rules)),
    }


READERS = readers()


WORKED_OFF = (FACTS, RESOURCES, ENGAGEMENTS, PRACTICES, DOCUMENTS)
"""Journals in an order in which what agents tell each other comes before who it is told: facts, calendars, contracts,
groups and promises, documents."""

STATING = (ENGAGEMENTS, RESOURCES, PRACTICES, DOCUMENTS)
"""Journals whose agents publish statements, which a host may put off."""


def users_of(kind: str) -> list[str]:
    """Journals that reference data of this kind is copied to."""
    return [topic for topic, kinds in _USERS_OF_REFERENCE.items() if kinds is None or kind in kinds]


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: the same in every process and for ever."""
    return crc32(key.encode("utf-8", "surrogatepass")) % partitions


def addressed(sends: Iterable[Send], partitions: int) -> dict[tuple[str, int], list[Send]]:
    """What is to be appended to each partition of each journal, in order."""
    by_place: dict[tuple[str, int], list[Send]] = defaultdict(list)
    for send in sends:
        topic = send.topic
        if topic == EVERY:
            for user in users_of(send.value.kind):
                for partition in range(partitions):
                    by_place[user, partition].append(send)
        else:
            by_place[topic, partition_of(send.key, partitions) if partitions > 1 else 0].append(send)
    return by_place
