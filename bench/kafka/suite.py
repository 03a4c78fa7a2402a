"""Everything that is measured on Kafka, on one broker that is started for it and ended with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.kafka import recovery, sums
from bench.kafka.cluster import Cluster
from bench.kafka.live import Bench
from bench.measure import Row
from tests.kafka.broker import Broker

PARTITIONS: Final = 4


def run(events: int, folder: Path) -> Iterator[tuple[str, list[Row]]]:
    """(title, rows) of each table. The keyed sum gets half of `events`; a million of them take under ten minutes."""
    home = folder / "kafka"
    shutil.rmtree(home, ignore_errors=True)
    broker = Broker(home / "broker")
    broker.start()
    try:
        cluster = Cluster(broker.address, PARTITIONS)
        runs = home / "runs"
        yield "Kafka: keyed sum", sums.contest(cluster, runs, max(events // 2, 1_000))
        yield "Kafka: recovery", recovery.contest(cluster, runs, max(events // 5, 1_000))
        bench = Bench(cluster, runs, small=max(events // 50, 1_000), large=max(events // 10, 2_000))
        yield "Kafka: real job", bench.work()
        yield "Kafka: latency at half of capacity", bench.latency()
        yield "Kafka: fail-over", bench.failover()
    finally:
        broker.stop()
