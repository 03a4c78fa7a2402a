"""What an operator, or somebody by mistake, does to topics: with a client that is not ours."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

_admin: Any = import_module("confluent_kafka.admin")  # does not say what it exports
SECONDS = 15


class Damage:
    """Changes to the topics of one broker; each returns when it is done."""

    def __init__(self, address: str) -> None:
        self._client = _admin.AdminClient({"bootstrap.servers": address, "log_level": 0})

    def configure(self, topic: str, configs: Mapping[str, str]) -> None:
        """Set settings of a topic; the others stay."""
        entries = [
            _admin.ConfigEntry(name, value, incremental_operation=_admin.AlterConfigOpType.SET)
            for name, value in configs.items()
        ]
        resource = _admin.ConfigResource(_admin.ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        self._client.incremental_alter_configs([resource])[resource].result(SECONDS)

    def delete(self, topic: str) -> None:
        """Delete a topic and wait until it is gone from the metadata."""
        self._client.delete_topics([topic])[topic].result(SECONDS)
        until = time.monotonic() + SECONDS
        while topic in self._client.list_topics(timeout=SECONDS).topics:
            assert time.monotonic() < until, f"{topic} is still there"
            time.sleep(0.1)

    def make(self, topic: str, partitions: int, configs: Mapping[str, str]) -> None:
        """Make a topic; where one of that name is still on its way out, as soon as it is gone."""
        until = time.monotonic() + SECONDS
        while True:
            try:
                new = _admin.NewTopic(topic, partitions, 1, config=dict(configs))
                self._client.create_topics([new])[topic].result(SECONDS)
            except KafkaException as error:
                if error.args[0] != KafkaError.TOPIC_ALREADY_EXISTS or time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return

    def widen(self, topic: str, partitions: int) -> None:
        """Give a topic more partitions."""
        self._client.create_partitions([_admin.NewPartitions(topic, partitions)])[topic].result(SECONDS)

    def cut(self, topic: str, partition: int, before: int) -> None:
        """Delete the records before an offset."""
        place = TopicPartition(topic, partition, before)
        self._client.delete_records([place])[place].result(SECONDS)

    def members(self, group: str) -> int:
        """How many members a group has; one that ended without a word is missed after its session."""
        return len(self._client.describe_consumer_groups([group])[group].result(SECONDS).members)

    def move(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Say that a group, which must have no members, has read a partition up to an offset."""
        moved = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition, offset)])
        self._client.alter_consumer_group_offsets([moved])[group].result(SECONDS)

    def forget(self, group: str) -> None:
        """Delete a group with everything it has acknowledged; it must have no members."""
        until = time.monotonic() + 60
        while True:
            try:
                self._client.delete_consumer_groups([group])[group].result(SECONDS)
            except KafkaException as error:
                if error.args[0] != KafkaError.NON_EMPTY_GROUP or time.monotonic() > until:
                    raise
                time.sleep(0.5)
            else:
                return
