"""Recovery of a table by Faust itself: from the assignment to the last value. Run by `bench.kafka.recovery`."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

import faust
import uvloop
from faust.worker import Worker

from bench.kafka.task import Meter, Task

task = Task.given()
meter = Meter()
recovered = asyncio.Event()

app = faust.App(
    task.name,
    broker=f"kafka://{task.bootstrap}",
    store="memory://",
    datadir=str(task.folder),
    topic_partitions=task.partitions,
    topic_replication_factor=1,
    table_standby_replicas=0,
    web_enabled=False,
    cython_optimizations=True,
    worker_redirect_stdouts=False,
)
source = app.topic(task.topic, key_type=bytes, value_type=bytes)
table = app.Table("sums", key_type=str, partitions=task.partitions)


@app.agent(source)
async def use(stream: Any) -> None:
    """Somebody reads the topic, so its partitions are assigned, and those of the table with them."""
    async for _ in stream:
        pass


@app.on_partitions_assigned.connect
async def begin(*_: Any, **__: Any) -> None:
    meter.begin()


@table.on_recover
async def stop() -> None:
    meter.stop()
    recovered.set()


@app.task  # type: ignore[untyped-decorator]
async def answer() -> None:
    logging.disable(logging.WARNING)
    await recovered.wait()
    meter.answer(len(table))
    os._exit(0)


if __name__ == "__main__":
    uvloop.install()
    Worker(app, loglevel="WARN", loop=asyncio.new_event_loop(), quiet=True).execute_from_commandline()
