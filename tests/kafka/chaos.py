"""A fleet on a real broker, disturbed while it works, and the verdict on what it came to.

    python -m tests.kafka.chaos --faults 30 --seed 1 --workers 2

prints one line that begins with RESULT and ends with 0 if nothing differs from a run that nobody disturbed. The seed
decides which faults hit whom, and for how long; when exactly each hits is the machine's doing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from confluent_kafka import KafkaException, Producer

from agents.effects import BURN
from app.engine.kafka import topics
from app.engine.kafka.security import client_arguments
from app.engine.kafka.topics import changelog_name
from app.settings import Settings
from tests.chaos.runs import write_log
from tests.kafka.broker import Broker
from tests.kafka.feed import Feed
from tests.kafka.fleet import Fleet, Membership, Setup, Worker
from tests.kafka.truth import Cluster, Verdict, judge, settle

RATE = 3_000.0
"""Events a second, at most."""

START_SECONDS = 60.0
BACK_SECONDS = 60.0
"""So long workers may take until all of them hold slices again: a supervisor pauses 15 s at most."""

SETTLE_SECONDS, STILL_SECONDS = 900.0, 120.0
"""What is left is worked off for so long at most, and never without any progress for so long: a worker that does not
get on ends itself after 45 s, and its supervisor pauses 15 s at most."""

ORPHAN_SECONDS = 40.0
"""A child without a supervisor that lives longer than this does not end itself: it gives itself 25."""

LAST = 12
"""Lines of each worker's log that a failure shows."""

SHORT_FREEZE, LONG_FREEZE = (3.0, 8.0), (8.0, 25.0)
"""Seconds of a freeze; one in three is a long one. The session ends after 3."""


ALL: Mapping[str, int] = {
    "kill child": 8,
    "kill supervisor": 3,
    "freeze": 6,
    "terminate": 3,
    "join or leave": 4,
    "kill broker": 3,
    "kill all": 3,
    "write late": 2,
    "freeze broker": 2,
}
"""Every kind of fault, with its weight."""


def seed() -> int:
    """The seed of a test: HEADRACE_SEED, or 1."""
    return int(os.environ.get("HEADRACE_SEED", "1"))


def deck() -> Mapping[str, int]:
    """The faults of a test's run: all of them in their shares, or with HEADRACE_FAULTS=few one of each kind."""
    return dict.fromkeys(ALL, 1) if os.environ.get("HEADRACE_FAULTS") == "few" else ALL


@dataclass(frozen=True)
class Plan:
    """What a run is to be. `kinds` are the faults by weight."""

    faults: int = 20
    seed: int = 1
    workers: int = 2
    partitions: int = 4
    events: int = 30_000
    store: str = "memory"
    membership: Membership = Membership.SUPERVISOR
    kinds: Mapping[str, int] = field(default_factory=lambda: ALL)


@dataclass
class Result:
    """What came of a run; `problems` is empty where nothing differs.

    `under_load` counts the faults that hit while events came in, `exits` the codes that children ended with before
    they were started again, `repaired` the keys that a loader wrote anew, `last` what each slot said last if not.
    """

    plan: Plan
    faults: Counter[str] = field(default_factory=Counter)
    under_load: int = 0
    exits: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    seconds: float = 0.0
    settled_seconds: float = 0.0
    stop_seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    last: dict[int, list[str]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.problems

    def line(self) -> str:
        plan = {name: value for name, value in vars(self.plan).items() if name != "kinds"}
        return "RESULT " + json.dumps({"verdict": "PASS" if self.passed else "FAIL", **vars(self), "plan": plan})


class Run:
    """One broker, one fleet, one firm's events."""

    def __init__(self, plan: Plan, data: Path, say: Callable[[str], None]) -> None:
        self.plan, self.say = plan, say
        self.dice = Random(plan.seed)
        self.deck: list[str] = []
        self.result = Result(plan)
        self.group = f"chaos-{uuid.uuid4().hex[:8]}"
        self.broker = Broker(data / "broker")
        log = write_log(data / "events.jsonl", plan.events, plan.seed)
        self.lines = log.path.read_bytes().splitlines()
        self.fleet = Fleet(
            Setup(self.broker.address, self.group, plan.partitions, data, plan.store, plan.membership),
        )
        self.feed = Feed(self.broker.address, f"{self.group}.", plan.partitions, self.lines, RATE)
        self.thaws: list[tuple[float, Worker]] = []
        self.began = time.monotonic()

    def carry_out(self) -> Result:
        """Disturb, wait, judge. Ends everything that it started, whatever happens."""
        try:
            self.broker.start()
            asyncio.run(make_topics(self.broker.address, self.group, self.plan.partitions))
            for _ in range(self.plan.workers):
                self.fleet.join()
            self.feed.start()
            self._disturb()
            self._conclude()
        except Exception as error:
            self.result.problems.append(f"the run itself failed: {error!r}")
            raise
        finally:
            self.feed.end()
            self.fleet.end()
            self.broker.stop()
            self._read_logs()
            self.result.seconds = round(time.monotonic() - self.began, 1)
        return self.result

    # -- faults -----------------------------------------------------------------------------------------------------

    def _disturb(self) -> None:
        """Each fault hits a little after a share of the events was let go."""
        plan = self.plan
        share = len(self.lines) // (plan.faults + 2)
        self.feed.more(share)
        self._wait_for_work()
        for number in range(plan.faults):
            self.feed.more(share)
            self._pause(self.dice.uniform(0.05, share / RATE + 0.3))
            kind = self._choose()
            self.say(f"{self._now():6.1f} {number + 1:3} {kind}")
            self.result.faults[kind] += 1
            self.result.under_load += self.feed.busy()
            _FAULTS[kind](self)
            self._pause(self.dice.uniform(0.5, 5.0))

    def _wait_for_work(self) -> None:
        """Return once the group has acknowledged something: before, there is nothing to disturb."""
        cluster = Cluster(self.broker.address, self.group)
        until = time.monotonic() + START_SECONDS
        while not self._committed(cluster):
            if time.monotonic() > until:
                raise RuntimeError(f"no worker acknowledged anything in {START_SECONDS:.0f} s")
            self._pause(0.5)

    @staticmethod
    def _committed(cluster: Cluster) -> bool:
        try:
            return bool(cluster.committed())
        except KafkaException:  # the group has no coordinator yet
            return False

    def _choose(self) -> str:
        """Every kind in its share and in any order, as cards are dealt: no run is without one of them for long."""
        if not self.deck:
            self.deck = [kind for kind, weight in self.plan.kinds.items() for _ in range(weight)]
            self.dice.shuffle(self.deck)
        return self.deck.pop()

    def _victim(self) -> Worker:
        """Any worker that is not frozen; where all are, one more joins, so that what they held is taken over."""
        awake = [worker for worker in self.fleet.workers.values() if worker.frozen is None]
        return self.dice.choice(awake) if awake else self.fleet.join()

    def _kill_child(self) -> None:
        self._victim().kill_child()

    def _kill_supervisor(self) -> None:
        self.fleet.kill_supervisor(self._victim())

    def _freeze(self) -> None:
        worker = self._victim()
        seconds = self.dice.uniform(*self.dice.choice((SHORT_FREEZE, SHORT_FREEZE, LONG_FREEZE)))
        if worker.freeze():
            self.thaws.append((time.monotonic() + seconds, worker))

    def _terminate(self) -> None:
        worker = self._victim()
        self._stop(worker)
        worker.start()

    def _stop(self, worker: Worker) -> None:
        """Stop a supervisor in good order; how long the slowest took is told."""
        began = time.monotonic()
        worker.terminate()
        code = worker.wait()
        if code not in (0, -signal.SIGTERM):  # a supervisor that has hardly begun has no child, and ends at once
            self.result.problems.append(f"a supervisor ended with {code} when it was asked to stop")
        self.result.stop_seconds = max(self.result.stop_seconds, round(time.monotonic() - began, 1))

    def _join_or_leave(self) -> None:
        if len(self.fleet.workers) <= 1 or (len(self.fleet.workers) <= self.plan.workers and self.dice.random() < 0.6):
            self.fleet.join()
            return
        worker = self._victim()
        self._stop(worker)
        self.fleet.forget(worker)

    def _kill_broker(self) -> None:
        self.broker.kill()
        self._pause(self.dice.choice((0.0, 2.0, 6.0, 12.0)))
        self.broker.start()

    def _freeze_broker(self) -> None:
        """Connections stay and nobody answers, for less or more than a session."""
        self.broker.pause()
        try:
            self._pause(self.dice.uniform(1.0, 10.0))
        finally:
            self.broker.resume()

    def _kill_all(self) -> None:
        """At once, all but those that are frozen: they are to wake up among others."""
        for worker in self.fleet.workers.values():
            if worker.frozen is None:
                worker.kill_child()

    def _write_late(self) -> None:
        """Write what a worker would that was stopped just before it sent, and woke up long after its lease: the value
        that a key of the changelog once had, and a statement that was newer once. The owner has to notice."""
        cluster = Cluster(self.broker.address, self.group)
        producer = Producer({"bootstrap.servers": self.broker.address, "log_level": 0})
        for topic in (changelog_name(self.group), cluster.prefix + BURN):
            records = cluster.read(topic)
            last = {one.key: one.value for one in records}
            if older := [one for one in records if one.value is not None and one.value != last[one.key]]:
                one = self.dice.choice(older)
                producer.produce(topic, one.value, one.key, one.partition, headers=list(one.headers))
        producer.flush(10)

    def _pause(self, seconds: float) -> None:
        """Let time pass; whoever was frozen long enough goes on, and no supervisor ends by itself."""
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            for _, worker in [one for one in self.thaws if one[0] <= now]:
                worker.thaw()
            self.thaws = [one for one in self.thaws if one[0] > now]
            for worker in self.fleet.workers.values():
                if (code := worker.ended()) is not None:
                    raise RuntimeError(f"the supervisor in slot {worker.slot} ended by itself with {code}")
            for pid, alone in self.fleet.lingering():
                if alone > ORPHAN_SECONDS:
                    raise RuntimeError(f"child {pid} lives on {alone:.0f} s after its supervisor was killed")
            if now >= until:
                return
            time.sleep(min(0.05, until - now))

    # -- the end ----------------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        self._pause(max([due - time.monotonic() for due, _ in self.thaws], default=0.0) + 0.1)
        self.feed.finish()
        began = time.monotonic()
        while not self._all_back() and time.monotonic() - began < BACK_SECONDS:
            self._pause(0.2)
        late = settle(Cluster(self.broker.address, self.group), SETTLE_SECONDS, still=STILL_SECONDS)
        self.result.settled_seconds = round(time.monotonic() - began, 1)
        self.say(f"{self._now():6.1f} {late or 'at rest'}")
        self._pause(0)
        self._stop_fleet()
        if late:
            self.result.problems.append(late)
        verdict: Verdict = judge(self.broker.address, self.group, self.plan.partitions)
        self.result.counts = verdict.counts
        self.result.problems += verdict.problems

    def _all_back(self) -> bool:
        """Whether every worker holds slices: one that comes back while the fleet is being stopped takes over what the
        others leave, states all of it once more, and is stopped before anybody reads that."""
        told = ("worker.ended", "worker.restarts", "slices.loaded")
        latest = [
            next((one["event"] for one in reversed(list(worker.said())) if one.get("event") in told), "")
            for worker in self.fleet.workers.values()
        ]
        return set(latest) <= {"slices.loaded"}

    def _stop_fleet(self) -> None:
        codes = self.fleet.stop()
        if set(codes) - {0}:
            self.result.problems.append(f"supervisors ended with {codes} when they were asked to stop")

    def _read_logs(self) -> None:
        for said in self.fleet.said():
            event = said.get("event")
            if event == "worker.restarts":
                self.result.exits[str(said["code"])] += 1
            elif event == "changelog.repaired":
                self.result.repaired += said["keys"]
            elif "text" in said or said.get("code") in (70, 71, 76, 77, 78):
                self.result.oddities.append(str(said.get("text") or f"{said['code']} {said['reason']}")[:300])
        self.result.oddities = self.result.oddities[:40]
        if not self.result.passed:
            for worker in [*self.fleet.gone, *self.fleet.workers.values()]:
                lines = worker.log.read_text(errors="replace").splitlines() if worker.log.exists() else []
                self.result.last[worker.slot] = [line[:400] for line in lines[-LAST:]]

    def _now(self) -> float:
        return time.monotonic() - self.began


_FAULTS: dict[str, Callable[[Run], None]] = {
    "kill child": Run._kill_child,
    "kill supervisor": Run._kill_supervisor,
    "freeze": Run._freeze,
    "terminate": Run._terminate,
    "join or leave": Run._join_or_leave,
    "kill broker": Run._kill_broker,
    "kill all": Run._kill_all,
    "write late": Run._write_late,
    "freeze broker": Run._freeze_broker,
}


async def make_topics(bootstrap: str, group: str, partitions: int) -> None:
    """The topics of a deployment, so that there is something to write to before a worker is up."""
    settings = Settings.load(kafka_bootstrap=bootstrap, kafka_group=group)
    client = await topics.admin(client_arguments(settings))
    try:
        await topics.create(client, topics.product(group), partitions, 1)
    finally:
        await client.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.kafka.chaos", description="Faults under load, and a verdict."
    )
    usual = Plan()
    for name in ("faults", "seed", "workers", "partitions", "events"):
        parser.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    parser.add_argument("--store", choices=("memory", "rocksdb"), default=usual.store)
    parser.add_argument("--membership", type=Membership, choices=list(Membership), default=usual.membership)
    parser.add_argument("--only", action="append", metavar="KIND", help=f"of {', '.join(usual.kinds)}; may be repeated")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for logs and the broker's data, which stay")
    asked = parser.parse_args()
    given: dict[str, Any] = {name: value for name, value in vars(asked).items() if name not in ("keep", "only")}
    if asked.only:
        given["kinds"] = dict.fromkeys(asked.only, 1)
    data = asked.keep or Path(tempfile.mkdtemp(prefix="headrace-chaos-"))
    data.mkdir(parents=True, exist_ok=True)
    result = Run(Plan(**given), data, lambda text: print(text, flush=True)).carry_out()
    print(result.line(), flush=True)
    if asked.keep is None and result.passed:
        shutil.rmtree(data)
    elif not result.passed:
        print(f"the workers' logs and the broker's data are in {data}", file=sys.stderr)
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
