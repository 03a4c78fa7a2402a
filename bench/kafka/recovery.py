"""How fast tables come back after a start: Faust's own recovery and headrace's loader, over the same values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from app.engine.kafka.records import changelog_key, version_of
from app.engine.kafka.topics import changelog, changelog_name
from bench.kafka import keyed
from bench.kafka.cluster import Cluster, Pair
from bench.kafka.contest import Contestant, Run, rotated, run
from bench.kafka.environment import headrace
from bench.kafka.keyed import Sums, encode_sums
from bench.kafka.keyed_agent import SUMS
from bench.kafka.task import Task
from bench.measure import Row

ROUNDS: Final = 2
STOCK: Final = Contestant("stock", "Faust's recovery", partial(headrace, "recovery_faust"))
OURS: Final = Contestant("loader", "headrace's loader", partial(headrace, "recovery_headrace"), prefixed=True)
TITLE: Final = ("recovery", "keys/s, by round", "CPU µs per key", "× Faust", "peak MB", "verdict")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A changelog as one of the two writes it: its name, and the value under each key."""

    name: str
    ours: bool

    def pairs(self, keys: int) -> Iterator[Pair]:
        for number in range(keys):
            key = f"eng-{number:07d}"
            value = encode_sums(Sums(0, 12, 2_415, 1_234_567, 1_111_111))
            if self.ours:
                yield changelog_key(SUMS.name, key), version_of(0, 0) + value
            else:
                yield b'"%s"' % key.encode(), value  # Faust writes keys as JSON


def contest(cluster: Cluster, folder: Path, keys: int) -> list[Row]:
    runs: dict[str, list[Run]] = {STOCK.name: [], OURS.name: []}
    for number, contestant in rotated((STOCK, OURS), ROUNDS):
        name = f"bench-{contestant.key}-{number}"
        task = Task(
            cluster.address, f"{name}.timesheets", f"{name}.sums", cluster.partitions, keys, name, folder / name
        )
        _fill(cluster, task, contestant.prefixed)
        result = run(contestant, task)
        if result.events != keys and not result.trouble:
            result = replace(result, trouble=f"WRONG: {result.events:,} of {keys:,} keys")
        runs[contestant.name].append(result)
        cluster.drop(name)
    return list(_rows(runs))


def _fill(cluster: Cluster, task: Task, ours: bool) -> None:
    """The changelog, and one record in every partition of the topic that it is of."""
    shelf = Shelf(changelog_name(task.name) if ours else f"{task.name}-sums-changelog", ours)
    cluster.create([task.topic])
    cluster.create([shelf.name], changelog(shelf.name).config)
    cluster.fill(shelf.name, shelf.pairs(task.events))
    _, value = next(keyed.events(1))
    for partition in range(cluster.partitions):
        cluster.append(task.topic, partition, value)


def _rows(runs: dict[str, list[Run]]) -> Iterator[Row]:
    yield TITLE
    cost = {name: sum(run.cpu for run in its) / (sum(run.events for run in its) or 1) for name, its in runs.items()}
    for name, its in runs.items():
        trouble = "; ".join(sorted({run.trouble for run in its if run.trouble}))
        yield (
            name,
            " / ".join(f"{run.rate:,.0f}" for run in its),
            f"{cost[name] * 1e6:.1f}",
            f"{cost[STOCK.name] / cost[name]:.1f}" if cost[name] else "–",
            f"{max(run.memory for run in its):,}",
            trouble or "right",
        )
