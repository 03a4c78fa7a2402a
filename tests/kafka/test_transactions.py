"""Producers that write in transactions: what they took back is not read, and the marks they leave cost nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Producer

from app.engine.kafka.log import Log
from app.engine.kafka.snapshot import tables
from app.settings import Settings
from tables.controls import CONTROLS
from tests.chaos.runs import write_log
from tests.kafka.broker import Broker
from tests.kafka.fleet import Fleet, Setup

EVENTS = 900
IN_ONE = 3
TAKEN_BACK = 4
"""Every fourth transaction is aborted."""


def produce(address: str, topic: str, lines: Sequence[bytes]) -> int:
    """Write the lines in small transactions; how many of them stand in the end."""
    producer = Producer({"bootstrap.servers": address, "transactional.id": topic, "linger.ms": 0, "log_level": 0})
    producer.init_transactions(30)
    standing = 0
    for number, start in enumerate(range(0, len(lines), IN_ONE)):
        producer.begin_transaction()
        chunk = lines[start : start + IN_ONE]
        for line in chunk:
            producer.produce(topic, line, partition=0)
        producer.flush(30)
        if number % TAKEN_BACK:
            producer.commit_transaction(30)
            standing += len(chunk)
        else:
            producer.abort_transaction(30)
    return standing


async def counted(settings: Settings) -> Counter[str]:
    """Dispositions as the tables have them."""
    async with Log(settings) as log:
        found: Counter[str] = Counter()
        for store in await tables(log, settings):
            for _, control in store.scan(CONTROLS):
                found.update(control.counts)
    return found


def test_only_what_was_committed_is_taken_in(broker: Broker, group: str, tmp_path: Path) -> None:
    lines = write_log(tmp_path / "events.jsonl", EVENTS, seed=20_260_403).path.read_bytes().splitlines()
    fleet = Fleet(Setup(broker.address, group, 1, tmp_path))
    try:
        worker = fleet.join()
        deadline = time.monotonic() + 90
        while not any(line.get("event") == "slices.loaded" for line in worker.said()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        standing = produce(broker.address, f"{group}.contracts", lines)
        settings = Settings.load(kafka_bootstrap=broker.address, kafka_group=group)
        while (found := asyncio.run(counted(settings))).total() < standing:
            assert time.monotonic() < deadline, f"{found} of {standing}"
            time.sleep(0.5)
        assert fleet.stop() == [0]
        assert asyncio.run(counted(settings)).total() == standing
        assert [line for line in fleet.said() if line.get("level") == "error"] == []
    finally:
        fleet.end()
