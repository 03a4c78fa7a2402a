"""Running the worker of `tests.chaos.worker` as a process, killing it, and reading what its store came to."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from signal import SIGKILL
from time import monotonic, sleep
from typing import Any

import msgspec
import orjson

from agents.effects import ACCURACY, BILLING, DEMAND, DERIVED, UTILIZATION
from app.domain.documents import WITHDRAWN
from app.engine.embedded import STATEMENTS
from app.engine.queries import Queries
from app.engine.store import Store
from app.main import open_host, tick
from app.settings import Settings
from app.simulation.firm import simulate
from app.simulation.scenario import DEFAULT_END, Scenario
from tables import TABLES
from tables.measures import Measures
from tables.outbox import HALTS, MOMENTS, OUTBOX, QUOTAS, WINDOWS
from tables.plans import Booked
from tables.proposals import PROPOSALS, STANDINGS
from tables.shares import Shares
from tests.engine.runs import silent

ROOT = Path(__file__).resolve().parents[2]
TICKS = 10
WEEKLY = (UTILIZATION, DEMAND, ACCURACY)
"""Topics whose keys are weeks."""
HISTORY = (PROPOSALS, STANDINGS, OUTBOX, WINDOWS, HALTS, QUOTAS, MOMENTS)
"""Tables of what was stated of documents and when: with other batches it is another history of the same documents."""
STARTING = 1.0
"""Seconds within which a worker that is killed while it starts dies; more than it takes to import everything."""
LINGER = 0.1
"""A worker that has come far enough lives up to so many seconds longer, so that a kill may hit any step of its work."""


@dataclass(frozen=True)
class Log:
    """A file of events. A worker takes a `chunk` of its lines at once."""

    path: Path
    lines: int

    @property
    def chunk(self) -> int:
        return self.lines // 20


def write_log(path: Path, events: int, seed: int) -> Log:
    """Write a firm's events in disorder, with everything that goes wrong on the way.

    In the first half ten business days begin. In the second, events come contract by contract, and no day begins: what
    is lost of a contract there nothing later makes good.
    """
    scenario = Scenario(
        seed=seed,
        events=events - TICKS,
        contracts=max(10, events // 2_500),
        late_ratio=0.05,
        duplicate_ratio=0.03,
        disorder=30,
        malformed_ratio=0.01,
        conflict_ratio=0.01,
    )
    lines = list(simulate(scenario))
    half = len(lines) // 2
    first, second = lines[:half], sorted(lines[half:], key=_contract)
    for number in range(TICKS):
        on = DEFAULT_END - timedelta(weeks=4 * (TICKS - 1 - number))
        first.insert((number + 1) * half // (TICKS + 1), tick(on.isoformat(), "UTC"))
    path.write_bytes(b"\n".join([*first, *second, b""]))
    return Log(path, len(lines) + TICKS)


def _contract(line: bytes) -> bytes:
    found = re.search(rb'"contract_id": ?"([^"]*)"', line)
    return found[1] if found else b""


def started(store: Path, log: Log) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.chaos.worker", str(store), str(log.path), str(log.chunk)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def run_to_the_end(store: Path, log: Log) -> None:
    with started(store, log) as worker:
        worker.communicate()
    assert worker.returncode == 0


def run_with_kills(store: Path, log: Log, kills: int, seed: int) -> int:
    """Kill the worker at `kills` moments spread over the log, then let it finish. How many kills found it at work.

    A kill is aimed at a number of acknowledged records, so a slow machine is hit where a fast one is. Every fifth
    hits a worker that is only starting.
    """
    dice = Random(seed)
    at_work = 0
    for number, aim in enumerate(sorted(dice.randrange(log.lines * 2 // 3) for _ in range(kills))):
        with started(store, log) as worker:
            if number % 5 == 4:
                sleep(dice.uniform(0, STARTING))
            else:
                _wait_for(worker, aim)
                sleep(dice.uniform(0, LINGER))
            worker.kill()
            said, _ = worker.communicate()
        assert worker.returncode == -SIGKILL
        at_work += b"idle" not in said
    run_to_the_end(store, log)
    return at_work


def _wait_for(worker: subprocess.Popen[bytes], aim: int) -> None:
    assert worker.stdout is not None
    for said in worker.stdout:
        if said == b"idle\n" or int(said) >= aim:
            return


@dataclass
class Outcome:
    """What a store holds, without offsets, fences and versions (which a crash may move)."""

    counts: dict[str, int]
    values: dict[tuple[str, int, str], Any]
    latest: dict[tuple[str, str], Any]
    payloads_of_id: dict[str, set[bytes]]


def outcome(path: Path) -> Outcome:
    with open_host(Settings.load(store=path)) as host:
        assert host.backlog() == 0
        counts = Queries(host, monotonic).counts()
    with Store(path, read_only=True) as store:
        return Outcome(counts, dict(_values(store)), in_force(dict(_latest(store))), _payloads_of_id(store))


def _values(store: Store) -> Iterator[tuple[tuple[str, int, str], Any]]:
    """Every stored value by (table, partition, key), without what counts journal offsets."""
    for partition in range(store.partitions):
        tables = store.tables(partition)
        for table in TABLES:
            if table in HISTORY:
                continue
            for key, value in tables.scan(table):
                yield (table.name, partition, key), _without_offsets(value)


def _without_offsets(value: Any) -> Any:
    """The value without journal offsets, and without what it remembers of their order: a head keeps claims on what was
    not here when the invoice came, though they are with the entity by now. What people send is numbered by a journal.
    """
    for field in ("fence", "touched", "ticked"):
        if hasattr(value, field):
            setattr(value, field, 0)
    if hasattr(value, "unplaced"):
        value.unplaced = {}
    if isinstance(value, Booked):
        value.plan.number = 0
    if isinstance(value, Shares):
        for given in value.sums.values():
            given.number = 0
    if isinstance(value, Measures):
        value.told.number = 0
    return msgspec.json.decode(msgspec.json.encode(value))


def in_force(said: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The latest statements that still say something, without what is a matter of when ticks and batches came together:
    weeks that have left the window since, documents that were withdrawn, how often a document was revised and on which
    day it was last said (one that ERP has is not said again while ERP is closed), and periods in which nothing was
    earned."""
    today = max((one["data"]["as_of"] for (topic, _), one in said.items() if topic in WEEKLY), default="")
    return {
        place: _unrevised(one) if place[0] == BILLING else one
        for place, one in said.items()
        if one["type"] != WITHDRAWN
        and not silent(place, one["data"])
        and (place[0] not in WEEKLY or one["data"]["as_of"] == today)
    }


def timeless(said: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Statements but those that stand on the moments at which records were accepted: brokers stamp each run anew."""
    return {place: one for place, one in said.items() if place[0] != ACCURACY}


def _unrevised(said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "data": {name: value for name, value in said["data"].items() if name not in ("revision", "as_of")}}


def _latest(store: Store) -> Iterator[tuple[tuple[str, str], Any]]:
    """Every latest statement by (topic, key), without version and id."""
    for topic in DERIVED:
        for key, value in store.latest(topic):
            said = orjson.loads(value)
            del said["data"]["state_version"], said["id"]
            yield (topic, key), said


def _payloads_of_id(store: Store) -> dict[str, set[bytes]]:
    payloads: dict[str, set[bytes]] = {}
    for _, letter in store.letters(STATEMENTS, 0):
        payloads.setdefault(orjson.loads(letter.value)["id"], set()).add(letter.value)
    return payloads


def differences(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> list[Any]:
    """Up to ten keys under which two mappings differ."""
    return [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)][:10]
