"""A worker that is asked to stop hands its slices over in seconds, whatever the group knows it by; one that is
orphaned stops by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.chaos.runs import write_log
from tests.kafka.broker import Broker
from tests.kafka.feed import Feed
from tests.kafka.fleet import Fleet, Membership, Setup, Worker
from tests.kafka.truth import Cluster, judge, settle

PARTITIONS = 4
EVENTS = 6_000
RATE = 1_000.0
SESSION_SECONDS = 30.0
"""Long, so that whoever waits for it to end would be seen to."""

HANDOVER_SECONDS = 12.0
"""It took 1.6 to 2.2 s, named or not, on two cores with twice the work they can do; an orphan was gone after 1 s."""


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Sequence[bytes]:
    return write_log(tmp_path_factory.mktemp("log") / "e.jsonl", EVENTS, seed=20_260_402).path.read_bytes().splitlines()


def loads(worker: Worker) -> list[int]:
    """How many slices the worker held after each time it took some over."""
    return [len(line["slices"] + line["kept"]) for line in worker.said() if line.get("event") == "slices.loaded"]


def until(true: Callable[[], bool], seconds: float = 40) -> float:
    """Wait until it is so; the seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.parametrize("membership", [Membership.SUPERVISOR, Membership.NONE], ids=["named", "nameless"])
def test_who_is_asked_to_stop_hands_over_in_seconds(
    broker: Broker, group: str, tmp_path: Path, lines: Sequence[bytes], membership: Membership
) -> None:
    fleet = Fleet(
        Setup(broker.address, group, PARTITIONS, tmp_path, membership=membership, session_seconds=SESSION_SECONDS)
    )
    try:
        stays, goes = fleet.join(), fleet.join()
        until(lambda: PARTITIONS // 2 in (*loads(stays)[-1:], *loads(goes)[-1:]))  # whoever came second has its half
        before = len(loads(stays))
        feed = Feed(broker.address, f"{group}.", PARTITIONS, lines, RATE)
        feed.start()
        feed.more(EVENTS // 2)
        time.sleep(1)  # in the middle of work
        began = time.monotonic()
        goes.terminate()
        assert goes.wait() == 0
        until(lambda: loads(stays)[before:][-1:] == [PARTITIONS])
        assert time.monotonic() - began < HANDOVER_SECONDS < SESSION_SECONDS
        feed.finish()
        fleet.forget(goes)
        cluster = Cluster(broker.address, group)
        assert settle(cluster, 60, quiet=1.5) == ""
        assert fleet.stop() == [0]
        assert judge(broker.address, group, PARTITIONS).problems == []
    finally:
        fleet.end()


def test_a_worker_whose_supervisor_is_killed_stops_in_good_order(broker: Broker, group: str, tmp_path: Path) -> None:
    fleet = Fleet(Setup(broker.address, group, PARTITIONS, tmp_path, session_seconds=SESSION_SECONDS))
    try:
        worker = fleet.join()
        until(lambda: loads(worker) == [PARTITIONS])
        fleet.kill_supervisor(worker)  # another one takes its place
        assert until(lambda: not fleet.lingering()) < HANDOVER_SECONDS
        until(lambda: loads(worker) == [PARTITIONS, PARTITIONS])
        assert fleet.stop() == [0]
    finally:
        fleet.end()


def test_who_comes_back_under_its_name_at_another_address_works_on(broker: Broker, group: str, tmp_path: Path) -> None:
    # The group gives a member that kept its name the assignment it had, with the address it had: the first one back
    # cannot go on with that, leaves, and the next is somebody new. The session is never waited for.
    setup = Setup(
        broker.address, group, PARTITIONS, tmp_path, membership=Membership.SLOT, session_seconds=SESSION_SECONDS
    )
    fleet = Fleet(setup)
    try:
        worker = fleet.join()
        until(lambda: loads(worker) == [PARTITIONS])
        orphan = worker.kill()
        assert orphan is not None
        os.kill(orphan, signal.SIGKILL)  # before it can leave the group
        worker.start()  # at another port
        assert until(lambda: loads(worker) == [PARTITIONS, PARTITIONS]) < SESSION_SECONDS
        assert 70 in {line.get("code") for line in worker.said() if line.get("event") == "worker.ended"}
        assert fleet.stop() == [0]
    finally:
        fleet.end()
