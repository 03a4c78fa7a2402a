"""Which agent reads which journal, and which partition a record belongs to. The same for every host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from zlib import crc32

from agents.effects import ENGAGEMENTS, EVERY, FACTS, RESOURCES, Send
from agents.engagement import engagement
from agents.facts import facts
from agents.resource import resource
from app.engine.runner import Runner
from tables import Store

# Journals that reference data is copied to.
_USERS_OF_REFERENCE = (ENGAGEMENTS,)

READERS: dict[str, Callable[[Store], Runner]] = {
    FACTS: lambda store: Runner(lambda batches: facts(batches, store)),
    ENGAGEMENTS: lambda store: Runner(lambda batches: engagement(batches, store)),
    RESOURCES: lambda store: Runner(lambda batches: resource(batches, store)),
}


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: the same in every process and for ever."""
    return crc32(key.encode("utf-8", "surrogatepass")) % partitions


def addressed(sends: Iterable[Send], partitions: int) -> dict[tuple[str, int], list[Send]]:
    """What is to be appended to each partition of each journal, in order."""
    by_place: dict[tuple[str, int], list[Send]] = defaultdict(list)
    for send in sends:
        topic = send.topic
        if topic == EVERY:
            for user in _USERS_OF_REFERENCE:
                for partition in range(partitions):
                    by_place[user, partition].append(send)
        else:
            by_place[topic, partition_of(send.key, partitions) if partitions > 1 else 0].append(send)
    return by_place
