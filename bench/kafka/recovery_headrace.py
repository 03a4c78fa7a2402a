"""Recovery of a table by headrace's Kafka host: from assignment to last value. Run by `bench.kafka.recovery`."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator

import uvloop

from agents.effects import Batch, Effects
from app.engine.kafka.host import KafkaHost
from app.engine.runner import Runner
from bench.kafka.keyed_agent import SUMS
from bench.kafka.sum_headrace import job, settings_of
from bench.kafka.task import Meter, Task


class Recovering(KafkaHost):
    """A host that takes the time of its first load."""

    meter = Meter()

    async def load(self, partitions: set[int]) -> None:
        self.meter.begin()
        await super().load(partitions)
        self.meter.stop()


async def _look(batches: AsyncIterator[Batch]) -> AsyncIterator[Effects]:
    """An agent that changes nothing, so that what is counted is what was loaded."""
    async for batch in batches:
        yield Effects(batch)


async def main() -> None:
    task = Task.given()
    its = job(task, Meter())
    seat = its.seats[0]._replace(make=lambda store: Runner(_look))
    host = Recovering(settings_of(task), its._replace(seats=(seat,)), "http://127.0.0.1:0")
    gc.freeze()
    await host.start()
    while not host.ready()[0]:  # noqa: ASYNC110 - the host tells whoever asks, as a load balancer does
        await asyncio.sleep(0.1)
    host.meter.answer(sum(len(list(tables.keys(SUMS))) for tables in host.tables.values()))
    os._exit(0)


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main())
