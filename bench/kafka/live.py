"""A worker that lives: how long an event takes to show at half of the load it can bear, and who takes over when."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.kafka.cluster import Cluster
from bench.kafka.contest import Run
from bench.kafka.firm import FIRMS, Firm, Stage, Story, Stuck, measured
from bench.kafka.probe import Probes, Target, quantile
from bench.measure import Row

ROUNDS: Final = 2
PROBE_SECONDS: Final = 10.0
WARM_SECONDS: Final = 2.0
KEPT_EVENTS: Final = 2_000
"""What the group of a fail-over knows already."""

STEADY_RATE: Final = 200.0
SESSION_SECONDS: Final = 6.0
TAKE_OVER_SECONDS: Final = 45.0

WORK_TITLE: Final = (
    "real job",
    "events",
    "events/s, by round",
    "CPU s per 100k",
    "events per CPU s",
    "× Faust",
    "peak MB",
    "verdict",
)
LATENCY_TITLE: Final = ("append to statement", "events/s fed", "p50 ms", "p99 ms", "greatest ms", "verdict")
FAILOVER_TITLE: Final = ("SIGKILL of one of two", "session s", "first slice s", "last slice s", "verdict")


class Bench:
    """The real job on one broker; every group has topics of its own, filled with the same records."""

    def __init__(self, cluster: Cluster, folder: Path, small: int, large: int) -> None:
        self.cluster, self.folder = cluster, folder
        self.small, self.large = Story.of(small), Story.of(large)
        self._latencies: list[Row] = []

    def work(self) -> list[Row]:
        """Both firms over the small story, in turn; ours over the large one, too, and over what is time in it."""
        runs: dict[tuple[Firm, int], list[Run]] = {}
        for number in range(ROUNDS):
            for firm in FIRMS if number % 2 == 0 else reversed(FIRMS):
                its = runs.setdefault((firm, self.small.events), [])
                rate = sum(run.rate for run in its) / (len(its) or 1)
                its.append(self._run(firm, self.small, number, rate))
        ours, alone = FIRMS[-1], replace(FIRMS[-1], name=f"{FIRMS[-1].name}, time alone")
        runs[ours, self.large.events] = [self._run(ours, self.large, ROUNDS, 0.0)]
        entries = self.large.time_alone()
        runs[alone, entries.events] = [self._run(alone, entries, ROUNDS + 1, 0.0)]
        return list(_work_rows(runs))

    def latency(self) -> list[Row]:
        """What the last rounds of `work` measured while their workers still lived."""
        return [LATENCY_TITLE, *self._latencies]

    def failover(self) -> list[Row]:
        return [FAILOVER_TITLE, *(self._failover(firm) for firm in FIRMS)]

    def _run(self, firm: Firm, story: Story, number: int, known_rate: float) -> Run:
        """One worker over the story; with a rate known from a round before, then fed live at half of it."""
        stage = Stage(firm, self.cluster, f"bench-{firm.key}-{number}", self.folder)
        try:
            run = measured(stage, story)
            if known_rate and not run.trouble:
                self._latencies.append(self._fed(stage, story.aims, (known_rate + run.rate) / 2 / 2))
            return run
        finally:
            stage.close()

    def _fed(self, stage: Stage, aims: Sequence[Target], rate: float) -> Row:
        probes = Probes(self.cluster, stage.group, aims)
        probes.feed(rate, PROBE_SECONDS)
        probes.finish()
        seconds = probes.latencies()
        verdict = f"WRONG: {probes.lost:,} of {len(probes.slices):,} never stated" if probes.lost else "all stated"
        shown = (quantile(seconds, 0.5), quantile(seconds, 0.99), quantile(seconds, 1.0))
        return (stage.firm.name, f"{rate:,.0f}", *(f"{value * 1000:,.0f}" for value in shown), verdict)

    def _failover(self, firm: Firm) -> Row:
        stage = Stage(firm, self.cluster, f"bench-{firm.key}-failover", self.folder)
        story = Story.of(KEPT_EVENTS)
        session = dict.fromkeys(("BENCH_SESSION_SECONDS", "HEADRACE_KAFKA_SESSION_SECONDS"), f"{SESSION_SECONDS:g}")
        try:
            stage.prepare()
            stage.fill(story.topics)
            first = stage.start(**session)
            stage.settle()
            stage.start(**session)
            self.cluster.joined(stage.group, 2)
            stage.settle()
            probes = Probes(self.cluster, stage.group, story.aims)
            probes.feed(STEADY_RATE, WARM_SECONDS)
            killed = time.time()
            os.killpg(first.pid, signal.SIGKILL)
            probes.feed(STEADY_RATE, TAKE_OVER_SECONDS / 3)
            probes.finish(TAKE_OVER_SECONDS)
        except (Stuck, TimeoutError) as stuck:
            return (firm.name, f"{SESSION_SECONDS:g}", "–", "–", f"failed: {stuck}")
        finally:
            stage.close()
        after = [heard - killed for heard in probes.first_after(killed).values()]
        silent = len(set(probes.slices.values())) - len(after)
        verdict = f"WRONG: {silent} slices silent, {probes.lost:,} probes never stated" if probes.lost else "all stated"
        bounds = (f"{min(after):.1f}", f"{max(after):.1f}") if after else ("–", "–")
        return (firm.name, f"{SESSION_SECONDS:g}", *bounds, verdict)


def _work_rows(runs: dict[tuple[Firm, int], list[Run]]) -> Iterator[Row]:
    """Ratios are of CPU, which neighbours on the machine disturb less than the clock."""
    yield WORK_TITLE
    costs = {place: _cost(its) for place, its in runs.items()}
    base = next(iter(costs.values()))
    for (firm, events), its in runs.items():
        cost = costs[firm, events]
        trouble = "; ".join(sorted({run.trouble for run in its if run.trouble}))
        yield (
            firm.name,
            f"{events:,}",
            " / ".join(f"{run.rate:,.0f}" for run in its),
            f"{cost * 100_000:.2f}",
            f"{1 / cost:,.0f}" if cost else "–",
            f"{base / cost:.1f}" if cost else "–",
            f"{max(run.memory for run in its):,}",
            trouble or "right",
        )


def _cost(runs: Sequence[Run]) -> float:
    """CPU seconds per event."""
    events = sum(run.events for run in runs)
    return sum(run.cpu for run in runs) / events if events else 0.0
