"""The trivial job, keyed sums, in everything that can do it: same broker, same records, same answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from bench.kafka import keyed
from bench.kafka.cluster import Cluster
from bench.kafka.contest import Contestant, Run, rotated, run
from bench.kafka.environment import foreign, headrace, streams
from bench.kafka.task import Task
from bench.measure import Row

FAUST: Final = "Faust, idiomatic, tuned"
CONTESTANTS: Final = (
    Contestant("faust", FAUST, partial(headrace, "sum_faust"), slow=True),
    Contestant("quix", "Quix Streams", partial(foreign, "sum_quix")),
    Contestant("bytewax", "Bytewax", partial(foreign, "sum_bytewax"), slow=True),
    Contestant("bare", "aiokafka, bare loop", partial(headrace, "sum_aiokafka")),
    Contestant("streams", "Kafka Streams", streams),
    Contestant("headrace", "headrace's Kafka host", partial(headrace, "sum_headrace"), prefixed=True),
)
ROUNDS: Final = 2
TITLE: Final = (
    "keyed sum",
    "events/s, by round",
    "CPU s per 100k",
    "events per CPU s",
    "× Faust",
    "peak MB",
    "statements per event",
    "verdict",
)


def contest(cluster: Cluster, folder: Path, events: int, contestants: Sequence[Contestant] = CONTESTANTS) -> list[Row]:
    """Everybody `ROUNDS` times; the slow ones on the first tenth of the records."""
    sizes = {False: events, True: max(events // 10, 1)}
    truth = {slow: keyed.truth(size) for slow, size in sizes.items()}
    cluster.create(map(_topic, sizes.values()))
    for size in sizes.values():
        cluster.fill(_topic(size), keyed.events(size))
    runs: dict[str, list[Run]] = defaultdict(list)
    for number, contestant in rotated(contestants, ROUNDS):
        task = _task(cluster, folder, contestant, number, sizes[contestant.slow])
        if contestant.prefixed:
            cluster.create([task.topic])
            cluster.fill(task.topic, keyed.events(task.events))
        else:
            cluster.create([task.output, task.changelog])
        runs[contestant.name].append(_judged(run(contestant, task), cluster, task, truth[contestant.slow]))
        cluster.drop(task.name)
    return list(rows(runs))


def _task(cluster: Cluster, folder: Path, contestant: Contestant, number: int, events: int) -> Task:
    name = f"bench-{contestant.key}-{number}"
    topic = f"{name}.timesheets" if contestant.prefixed else _topic(events)
    return Task(cluster.address, topic, f"{name}.sums", cluster.partitions, events, name, folder / name)


def _topic(events: int) -> str:
    return f"bench-timesheets-{events}"


def _judged(result: Run, cluster: Cluster, task: Task, truth: dict[keyed.Key, keyed.Sums]) -> Run:
    """The run with what it stated counted and compared."""
    if result.trouble:
        return result
    statements = cluster.records([task.output])
    wrong = keyed.differences(cluster.latest(task.output), truth)
    trouble = f"WRONG: {wrong:,} of {len(truth):,} keys" if wrong else ""
    return replace(result, statements=statements, trouble=trouble)


def rows(runs: Mapping[str, Sequence[Run]]) -> Iterator[Row]:
    """A row each; ratios are of CPU, which neighbours on the machine disturb less than the clock."""
    yield TITLE
    base = _per_cpu_second([run for run in runs.get(FAUST, ()) if run.events])
    for name, its in runs.items():
        ended = [run for run in its if run.events]
        trouble = "; ".join(sorted({run.trouble for run in its if run.trouble}))
        if not ended:
            yield (name, *["–"] * (len(TITLE) - 2), trouble)
            continue
        speed = _per_cpu_second(ended)
        yield (
            name,
            " / ".join(f"{run.rate:,.0f}" for run in its),
            f"{100_000 / speed:.2f}",
            f"{speed:,.0f}",
            f"{speed / base:.1f}" if base else "–",
            f"{max(run.memory for run in ended):,}",
            f"{sum(run.statements for run in ended) / sum(run.events for run in ended):.2f}",
            trouble or "right",
        )


def _per_cpu_second(runs: Sequence[Run]) -> float:
    cpu = sum(run.cpu for run in runs)
    return sum(run.events for run in runs) / cpu if cpu else 0.0
