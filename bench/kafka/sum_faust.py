"""Keyed sums in Faust as its documentation does it, tuned: records as models, one table write and one send per event.

Tuned: no chatter, 20 ms of linger, 256 KiB batches, Cython, uvloop. Run by `bench.kafka.sums`.
"""

from __future__ import annotations

import asyncio
import logging
import os

import faust
import uvloop
from faust.worker import Worker

from bench.kafka.task import Meter, Task

task = Task.given()
meter = Meter()
finished = asyncio.Event()

app = faust.App(
    task.name,
    broker=f"kafka://{task.bootstrap}",
    store="memory://",
    datadir=str(task.folder),
    topic_partitions=task.partitions,
    topic_replication_factor=1,
    table_standby_replicas=0,
    web_enabled=False,
    producer_linger=0.02,
    producer_max_batch_size=256 * 1024,
    cython_optimizations=True,
    worker_redirect_stdouts=False,
)


class Timesheet(faust.Record, serializer="json"):
    event_id: str
    engagement_id: str
    consultant_id: str
    task: str
    work_date: str
    minutes: int
    rate_cents: int
    currency: str
    billable: bool
    status: str
    ts: int
    rev: int


class Sums(faust.Record, serializer="json"):
    id: str
    n: int = 0
    minutes: int = 0
    amount: int = 0
    billable: int = 0


timesheets = app.topic(task.topic, key_type=str, value_type=Timesheet)
output = app.topic(task.output, key_type=str, value_type=Sums, partitions=task.partitions)
table = app.Table("sums", key_type=str, value_type=Sums, partitions=task.partitions)


@app.agent(timesheets)
async def add(stream: faust.StreamT[Timesheet]) -> None:
    async for event in stream:
        meter.begin()
        before = table.get(event.engagement_id) or Sums(id=event.engagement_id)
        amount = event.minutes * event.rate_cents
        after = Sums(
            id=event.engagement_id,
            n=before.n + 1,
            minutes=before.minutes + event.minutes,
            amount=before.amount + amount,
            billable=before.billable + (amount if event.billable else 0),
        )
        table[event.engagement_id] = after
        await output.send(key=event.engagement_id, value=after)
        meter.events += 1
        if meter.events == task.events:
            finished.set()


@app.task  # type: ignore[untyped-decorator]
async def answer() -> None:
    # The worker turned the root logger up for its spinner, which costs a sixth of the CPU.
    logging.disable(logging.WARNING)
    await finished.wait()
    await app.consumer.commit()
    await app.producer.flush()
    meter.answer(meter.events)
    os._exit(0)


if __name__ == "__main__":
    uvloop.install()
    Worker(app, loglevel="WARN", loop=asyncio.new_event_loop(), quiet=True).execute_from_commandline()
