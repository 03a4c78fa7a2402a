"""The harness's own hands on the broker: make topics, fill them, read them to their end, ask how far a group is.

It speaks through confluent-kafka, which no contestant of ours uses, so no client judges itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
)
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]

from app.engine.topology import partition_of

SECONDS: Final = 30
NO_CONFIG: Final[Mapping[str, str]] = MappingProxyType({})

Pair = tuple[bytes | None, bytes]


class Cluster:
    def __init__(self, address: str, partitions: int) -> None:
        self.address, self.partitions = address, partitions
        self._client: dict[str, Any] = {"bootstrap.servers": address, "log_level": 0}
        self._admin = AdminClient(self._client)

    def create(self, names: Iterable[str], config: Mapping[str, str] = NO_CONFIG) -> None:
        """Make topics and wait until the broker shows them."""
        wanted = [NewTopic(name, self.partitions, 1, config=dict(config)) for name in names]
        for made in self._admin.create_topics(wanted).values():
            made.result(SECONDS)
        missing = {topic.topic for topic in wanted}
        deadline = time.monotonic() + SECONDS
        while missing := missing - set(self.topics()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"topics {sorted(missing)} were made but are not shown after {SECONDS} s")
            time.sleep(0.05)

    def topics(self) -> dict[str, int]:
        """Every topic and its number of partitions."""
        return {name: len(topic.partitions) for name, topic in self._admin.list_topics(timeout=SECONDS).topics.items()}

    def drop(self, prefix: str) -> None:
        """Delete what a run left behind, so that the disk does not fill and the next is not slowed."""
        left = [name for name in self.topics() if name.startswith(prefix)]
        if left:
            for gone in self._admin.delete_topics(left).values():
                gone.result(SECONDS)

    def producer(self, **options: Any) -> Producer:
        return Producer({**self._client, "acks": "all", "queue.buffering.max.messages": 1_000_000, **options})

    def fill(self, topic: str, pairs: Iterable[Pair]) -> int:
        """Append records, each in the partition of its key, and return how many there were."""
        producer = self.producer(**{"linger.ms": 20, "batch.size": 512 * 1024})
        count = 0
        for key, value in pairs:
            place = partition_of((key or b"").decode(), self.partitions)
            while True:
                try:
                    producer.produce(topic, value, key, place)
                    break
                except BufferError:
                    producer.poll(0.1)
            count += 1
            if count % 1_000 == 0:
                producer.poll(0)
        if producer.flush(SECONDS):
            raise TimeoutError(f"{topic} did not take {count:,} records within {SECONDS} s of the last")
        return count

    def append(self, topic: str, partition: int, value: bytes) -> None:
        """One record to a partition."""
        producer = self.producer()
        producer.produce(topic, value, partition=partition)
        if producer.flush(SECONDS):
            raise TimeoutError(f"{topic} did not take a record within {SECONDS} s")

    def ends(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """Behind the last record of every partition."""
        places = [Place(topic, partition) for topic in topics for partition in range(self.partitions)]
        last = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(dict.fromkeys(places, last))
        return {(place.topic, place.partition): found.result(SECONDS).offset for place, found in asked.items()}

    def records(self, topics: Iterable[str]) -> int:
        """How many records there are, while nothing was compacted away."""
        return sum(self.ends(topics).values())

    def behind(self, group: str, topics: Sequence[str]) -> int:
        """Records of the topics that the group has not committed yet."""
        ends = self.ends(topics)
        asked = [ConsumerGroupTopicPartitions(group, [Place(*place) for place in ends])]
        try:
            places = self._admin.list_consumer_group_offsets(asked)[group].result(SECONDS).topic_partitions
        except KafkaException:  # the group is not known yet
            return sum(ends.values())
        done = {(place.topic, place.partition): max(place.offset, 0) for place in places}
        return sum(end - done.get(place, 0) for place, end in ends.items())

    def joined(self, group: str, members: int) -> None:
        """Return once the group has so many members and all of them know what they read."""
        deadline = time.monotonic() + SECONDS
        while True:
            told = self._admin.describe_consumer_groups([group])[group].result(SECONDS)
            if len(told.members) == members and told.state == ConsumerGroupState.STABLE:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"group {group} has {len(told.members)} members ({told.state}), {members} wanted")
            time.sleep(0.2)

    def reader(self, topics: Sequence[str], offset: int = OFFSET_BEGINNING) -> Consumer:
        """A consumer without a group, at the beginning of every partition or where told."""
        consumer = Consumer({**self._client, "group.id": uuid.uuid4().hex, "enable.auto.commit": False})
        consumer.assign([Place(topic, p, offset) for topic in topics for p in range(self.partitions)])
        return consumer

    def read(self, topics: Sequence[str]) -> Iterator[Any]:
        """Every record up to the ends that the topics have now."""
        left = {place: end for place, end in self.ends(topics).items() if end}
        consumer = self.reader(topics)
        deadline = time.monotonic() + SECONDS
        try:
            while left:
                for message in consumer.consume(10_000, 1.0):
                    if message.error():
                        raise KafkaException(message.error())
                    yield message
                    deadline = time.monotonic() + SECONDS
                places = consumer.position([Place(*place) for place in left])
                left = {
                    (p.topic, p.partition): left[p.topic, p.partition]
                    for p in places
                    if p.offset < left[p.topic, p.partition]
                }
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no record for {SECONDS} s, though {left} are not read to their ends")
        finally:
            consumer.close()

    def latest(self, topic: str) -> dict[bytes, bytes]:
        """The last value of every key."""
        return {message.key(): message.value() for message in self.read([topic])}
