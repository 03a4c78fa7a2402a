"""Which agent reads which journal, and which partition a record belongs to. The same for every host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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


def addressed(sends: Iterable[Send], partitions: int) -> Iterator[tuple[str, int, Send]]:
    """(journal, partition, record) of every copy of every record."""
    for send in sends:
        if send.topic == EVERY:
            for topic in _USERS_OF_REFERENCE:
                for partition in range(partitions):
                    yield topic, partition, send
        else:
            yield send.topic, partition_of(send.key, partitions) if partitions > 1 else 0, send
