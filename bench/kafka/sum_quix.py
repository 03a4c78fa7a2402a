"""Keyed sums in Quix Streams: a stateful function over a dataframe. Run by `bench.kafka.sums`, apart."""

from __future__ import annotations

from typing import Any

from quixstreams import Application, State  # type: ignore[import-not-found]
from quixstreams.models import TopicConfig  # type: ignore[import-not-found]

from bench.kafka.task import Meter, Task

task = Task.given()
meter = Meter()
config = TopicConfig(num_partitions=task.partitions, replication_factor=1)

app = Application(
    broker_address=task.bootstrap,
    consumer_group=task.name,
    auto_offset_reset="earliest",
    state_dir=task.folder,
    commit_interval=2.8,
    use_changelog_topics=True,
    loglevel="WARNING",
    producer_extra_config={"linger.ms": 20},
)


def add(event: dict[str, Any], state: State) -> dict[str, Any]:
    meter.begin()
    sums = state.get("sums") or {"n": 0, "minutes": 0, "amount": 0, "billable": 0}
    amount = event["minutes"] * event["rate_cents"]
    sums["n"] += 1
    sums["minutes"] += event["minutes"]
    sums["amount"] += amount
    if event["billable"]:
        sums["billable"] += amount
    state.set("sums", sums)
    meter.events += 1
    if meter.events == task.events:
        app.stop()
    return {"id": event["engagement_id"], **sums}


if __name__ == "__main__":
    timesheets = app.topic(task.topic, value_deserializer="json", key_deserializer="bytes", config=config)
    output = app.topic(task.output, value_serializer="json", key_serializer="bytes", config=config)
    app.dataframe(timesheets).apply(add, stateful=True).to_topic(output)
    app.run()  # returns once what was sent is delivered and committed
    meter.answer(meter.events)
