"""Keyed sums on headrace's Kafka host: a job of one agent, with every guard that the product's own job has.

The clocks stop when the last effect is delivered; the host commits a quarter of a second later at the most.
Run by `bench.kafka.sums`.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import uvloop

from agents.effects import Effects, Record
from app.engine.kafka.host import KafkaHost
from app.engine.kafka.job import Job, Seat
from app.engine.kafka.topics import changelog, changelog_name, derived, source
from app.engine.runner import Runner
from app.settings import Settings
from bench.kafka.keyed_agent import OUTPUT, add_up, read
from bench.kafka.task import Meter, Task
from tables import Store


def job(task: Task, meter: Meter) -> Job:
    """The job of one agent. The task's topic begins with its name, as every topic of a group does."""
    group, topic = task.name, task.topic.removeprefix(f"{task.name}.")

    def adding(store: Store) -> Runner:
        return Runner(partial(add_up, store=store))

    def reading(records: Sequence[Any]) -> list[Record]:
        meter.begin()
        return read(records)

    topics = source(f"{group}.{topic}"), derived(f"{group}.{OUTPUT}"), changelog(changelog_name(group))
    return Job(group, (Seat(0, "sums", (topic,), adding, reading),), topics, frozenset())


def settings_of(task: Task) -> Settings:
    return Settings.load(
        kafka_bootstrap=task.bootstrap,
        kafka_group=task.name,
        kafka_partitions=task.partitions,
        kafka_data_dir=task.folder,
    )


async def main() -> None:
    task, meter = Task.given(), Meter()
    host = KafkaHost(settings_of(task), job(task, meter), "http://127.0.0.1:0")

    def delivered(effects: Effects) -> None:
        meter.events += len(effects.batch.records)
        if meter.events == task.events:
            meter.answer(meter.events)
            os._exit(0)

    host.listeners.append(delivered)
    gc.freeze()
    await host.prepare()
    await host.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main())
