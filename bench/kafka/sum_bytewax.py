"""Keyed sums in Bytewax: a stateful map with recovery on. Run by `bench.kafka.sums`, apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import bytewax.operators as op  # type: ignore[import-not-found]
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource  # type: ignore[import-not-found]
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]
from bytewax.recovery import RecoveryConfig, init_db_dir  # type: ignore[import-not-found]
from bytewax.testing import cluster_main  # type: ignore[import-not-found]

from bench.kafka.task import Meter, Task

task = Task.given()
meter = Meter()

Sums = dict[str, int]


def read(message: Any) -> tuple[str, dict[str, Any]]:
    meter.begin()
    return message.key.decode(), orjson.loads(message.value)


def add(sums: Sums | None, event: dict[str, Any]) -> tuple[Sums, Sums]:
    before = sums or {"n": 0, "minutes": 0, "amount": 0, "billable": 0}
    amount = event["minutes"] * event["rate_cents"]
    after = {
        "n": before["n"] + 1,
        "minutes": before["minutes"] + event["minutes"],
        "amount": before["amount"] + amount,
        "billable": before["billable"] + (amount if event["billable"] else 0),
    }
    meter.events += 1
    return after, after


def message_of(keyed: tuple[str, Sums]) -> Any:
    key, sums = keyed
    return KafkaSinkMessage(key.encode(), orjson.dumps({"id": key, **sums}))


def main() -> None:
    flow = Dataflow("sums")
    # It reads to the end that the topic has now and stops.
    messages = op.input("timesheets", flow, KafkaSource([task.bootstrap], [task.topic], tail=False, batch_size=1000))
    sums = op.stateful_map("add", op.map("read", messages, read), add)
    sink = KafkaSink([task.bootstrap], task.output, add_config={"linger.ms": "20"})
    op.output("sums", op.map("message", sums, message_of), sink)
    init_db_dir(task.folder, 1)
    cluster_main(flow, [], 0, epoch_interval=timedelta(seconds=2.8), recovery_config=RecoveryConfig(task.folder))
    meter.answer(meter.events)


if __name__ == "__main__":
    main()
