"""Deployments of a test's own: topics made, workers run, records looked at with a client that is not ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from agents.effects import INPUTS, JOURNALS
from app.engine.kafka.log import Log
from app.settings import Settings
from tests.host.runs import Worker, headrace, said, serving

SECONDS = 60


class Found(NamedTuple):
    """A record as confluent-kafka gives it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True)
class Deployment:
    """The topics of one group."""

    address: str
    group: str

    @property
    def words(self) -> tuple[str, ...]:
        return ("--kafka", self.address, "--group", self.group)

    @property
    def settings(self) -> Settings:
        return Settings.load(kafka_bootstrap=self.address, kafka_group=self.group)

    def make(self, partitions: int) -> None:
        said("topics", *self.words, "--create", "--partitions", partitions)

    def publish(self, *files: Path) -> dict[str, int]:
        found: dict[str, int] = said("publish", *self.words, *files)
        return found

    @contextmanager
    def worker(self, folder: Path) -> Iterator[Worker]:
        """A worker that is at work; it leaves the group when the block ends."""
        words = ("--port", 0, "--no-ticks", "--unsupervised", "--store-dir", folder)
        with serving("worker", *self.words, *words) as running:
            yield running

    def work_off(self, folder: Path) -> None:
        """Run a worker until nothing is left to do."""
        with self.worker(folder):
            self.wait()

    def wait(self) -> None:
        """Return once the group has acknowledged every record, and whoever was told has told it on."""
        deadline = time.monotonic() + SECONDS
        while asyncio.run(self._waiting()):
            assert time.monotonic() < deadline, "the group does not get done"
            time.sleep(0.2)

    async def _waiting(self) -> int:
        async with Log(self.settings) as log:
            places = await log.places([f"{self.group}.{name}" for name in (*INPUTS, *JOURNALS)])
            held, committed = await log.stretches(places), await log.committed()
        return sum(stretch.end - committed.get(place, 0) for place, stretch in held.items())

    def records(self, topic: str) -> list[Found]:
        """Everything a topic holds, by partition and offset; `topic` without the prefix."""
        return read(self.address, f"{self.group}.{topic}")

    def configure(self, topic: str, configs: Mapping[str, str]) -> None:
        admin: Any = import_module("confluent_kafka.admin")  # does not say what it exports
        entries = [
            admin.ConfigEntry(name, value, incremental_operation=admin.AlterConfigOpType.SET)
            for name, value in configs.items()
        ]
        resource = admin.ConfigResource(
            admin.ConfigResource.Type.TOPIC, f"{self.group}.{topic}", incremental_configs=entries
        )
        client = admin.AdminClient({"bootstrap.servers": self.address})
        client.incremental_alter_configs([resource])[resource].result(10)


def read(address: str, topic: str) -> list[Found]:
    """Everything a topic holds, by partition and offset."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "none", "fetch.wait.max.ms": 20})
    try:
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        ends: dict[int, int] = {}
        for partition in partitions:
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)
            if first < end:
                ends[partition] = end
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
        return sorted(_until(consumer, topic, ends), key=lambda record: record[:2])
    finally:
        consumer.close()


def _until(consumer: Consumer, topic: str, ends: dict[int, int]) -> Iterator[Found]:
    while ends:
        message: Any = consumer.poll(10)
        assert message is not None, f"nothing came from {topic} before {ends}"
        assert message.error() is None, message.error()
        yield Found(message.partition(), message.offset(), message.key(), message.value(), message.headers() or [])
        if message.offset() + 1 >= ends[message.partition()]:
            del ends[message.partition()]


def rows(*words: object) -> list[dict[str, object]]:
    """What a command writes as JSON Lines."""
    done = headrace(*words)
    assert done.returncode == 0, done.stderr.decode()
    return [orjson.loads(line) for line in done.stdout.splitlines()]
