"""A worker that does not get on ends itself, whatever it is that it waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import (
    GroupLoadInProgressError,
    KafkaError,
    LeaderNotAvailableError,
    NotCoordinatorForGroupError,
)
from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchResponse_v3
from aiokafka.structs import TopicPartition

from app.engine.kafka import hooks
from app.engine.kafka.ending import Exit
from app.engine.kafka.lease import Lease
from app.engine.kafka.watch import STALL_SECONDS, Pulse, Waits, Watch
from tests.engine_kafka.endings import Ended, ended

A, B = ("firm.contracts", 0), ("firm.contracts", 1)

# -- records that wait --------------------------------------------------------------------------------------------


def test_what_waits_without_moving_is_told_with_its_time() -> None:
    waits = Waits()
    assert waits.longest({A: (3, 5), B: (7, 7)}, 100.0) == (A, 0.0)
    assert waits.longest({A: (3, 9), B: (7, 8)}, 130.0) == (A, 30.0)  # its end may go on: it does not


def test_what_moves_however_slowly_does_not_wait() -> None:
    waits = Waits()
    for second in range(100):
        assert waits.longest({A: (second, 1_000)}, float(second)) == (A, 0.0)


def test_what_was_worked_off_meanwhile_begins_to_wait_anew() -> None:
    waits = Waits()
    waits.longest({A: (3, 5)}, 0.0)
    assert waits.longest({A: (5, 5)}, 40.0) is None
    assert waits.longest({A: (5, 6)}, 50.0) == (A, 0.0)


def test_a_partition_that_went_elsewhere_waits_no_more() -> None:
    waits = Waits()
    waits.longest({A: (3, 5)}, 0.0)
    waits.longest({}, 40.0)
    assert waits.longest({A: (3, 5)}, 50.0) == (A, 0.0)


# -- a pulse ------------------------------------------------------------------------------------------------------


def test_a_worker_whose_event_loop_does_not_turn_ends() -> None:
    async def blocked() -> None:
        pulse = Pulse(second=0.01)
        pulse.start()
        pulse.beat(allowed=0.05)
        time.sleep(10)  # noqa: ASYNC251 - that is the case

    end = ended(blocked)
    assert end.code == Exit.STALLED
    assert "nothing was done for 0 s" in end.said["reason"]


def test_a_worker_that_waits_for_what_never_comes_while_it_starts_ends() -> None:
    async def waiting() -> None:
        Pulse(allowed=0.05, second=0.01).start()
        await asyncio.Event().wait()

    assert ended(waiting).code == Exit.STALLED


def test_a_worker_that_tells_of_itself_in_time_goes_on() -> None:
    async def beating() -> None:
        pulse = Pulse(allowed=0.5, second=0.01)
        pulse.start()
        for _ in range(20):
            await asyncio.sleep(0.05)  # 1 s in all, twice as long as it may be silent
            pulse.beat(allowed=0.5)

    assert ended(beating).code == 0


# -- a worker as a whole ------------------------------------------------------------------------------------------

AGO = STALL_SECONDS + 15


class Worker:
    """A host in which all is well, but for what a test says."""

    def __init__(self, **otherwise: Any) -> None:
        self.holding, self.partitions, self.owners = True, 2, {0: "http://a", 1: "http://b"}
        self.stepped = monotonic()
        self.lease = Lease(10.0, 18.0)
        self.lease.renew(monotonic(), rejoining=False)
        self.waiting: dict[tuple[str, int], tuple[int, int]] = {}
        self.busy: list[Any] = []
        self.left = False
        vars(self).update(otherwise)

    def lanes(self) -> list[Any]:
        return self.busy

    def places(self) -> dict[tuple[str, int], tuple[int, int]]:
        return self.waiting

    def crashed(self) -> str:
        return ""

    def outside(self) -> str:
        return ""

    def leave(self) -> None:
        self.left = True


def looked_at(worker: Worker) -> Ended:
    """What comes of one look at a worker that was looked at first long ago."""

    async def look() -> None:
        watch = Watch(cast("Any", worker), cast("Any", None), Pulse())
        watch._unread.longest(worker.places(), monotonic() - AGO)
        watch._left_out = monotonic() - AGO
        watch._check()

    return ended(look)


def lapsed() -> Lease:
    lease = Lease(10.0, 18.0)
    lease.renew(monotonic() - 10.0 - AGO, rejoining=False)
    return lease


def busy_lane() -> Any:
    seat = SimpleNamespace(name="facts")
    return SimpleNamespace(busy_since=monotonic() - AGO, seat=seat, partition=1)


def test_a_worker_in_which_all_is_well_goes_on() -> None:
    assert looked_at(Worker()).code == 0


@pytest.mark.parametrize(
    ("otherwise", "code", "reason"),
    [
        (lambda: {"lease": lapsed()}, Exit.LEASE, "no heartbeat was answered for"),
        (lambda: {"holding": False, "stepped": monotonic() - AGO}, Exit.STALLED, "the group has assigned nothing"),
        (lambda: {"waiting": {A: (94, 104)}}, Exit.STALLED, "10 records of firm.contracts partition 0 wait"),
        (lambda: {"owners": {0: "http://a"}}, Exit.AGENT, "the group has given slices [1] to nobody"),
        (lambda: {"busy": [busy_lane()]}, Exit.STALLED, "facts has waited for a delivery on slice 1 for 45 s"),
    ],
    ids=["no heartbeat", "no slices", "nothing read", "a slice is nobody's", "nothing delivered"],
)
def test_a_worker_that_does_not_get_on_ends_with_its_reason(
    otherwise: Callable[[], dict[str, Any]], code: Exit, reason: str
) -> None:
    end = looked_at(Worker(**otherwise()))
    assert end.code == code
    assert reason in end.said["reason"]


# -- a coordinator that waits -------------------------------------------------------------------------------------


def application(coordinator: Any, fetcher: Any = None) -> Any:
    consumer = SimpleNamespace(_coordinator=coordinator, _fetcher=fetcher)
    return SimpleNamespace(_consumer=SimpleNamespace(_thread=SimpleNamespace(_consumer=consumer)))


async def test_an_error_that_nobody_takes_note_of_is_told() -> None:
    """While partitions are given out nobody reads, and only who reads is told of what the coordinator met: it would
    wait for ever, without a heartbeat."""
    working = asyncio.create_task(asyncio.sleep(60))
    coordinator = SimpleNamespace(_pending_exception=None, _coordination_task=working)
    assert hooks.coordinating(application(coordinator)) == ""
    coordinator._pending_exception = KafkaError("FencedInstanceIdError")
    assert "FencedInstanceIdError" in hooks.coordinating(application(coordinator))
    working.cancel()


async def test_a_reader_whose_task_has_ended_is_told() -> None:
    """aiokafka's consumer would wait for its records for ever."""

    async def failing() -> None:
        raise KafkaError("Unexpected error during data retrieval")

    task = asyncio.create_task(failing())
    await asyncio.wait([task])
    found = hooks.coordinating(application(SimpleNamespace(), SimpleNamespace(_fetch_task=task)))
    assert "Unexpected error during data retrieval" in found


# -- a coordinator that has just started ----------------------------------------------------------------------------


class Coordinator:
    """Answers a question about offsets as Kafka does while it reads up on its groups: an error, and no partition."""

    def __init__(self, codes: list[int]) -> None:
        self.codes = codes
        self.dead = 0

    async def _send_req(self, request: Any) -> Any:
        assert isinstance(request, OffsetFetchRequest)
        code = self.codes.pop(0)
        told = [("firm.contracts", [(0, 94, "", 0)])]
        return SimpleNamespace(topics=[] if code else told, error_code=code)

    def coordinator_dead(self) -> None:
        self.dead += 1


async def test_offsets_that_the_coordinator_does_not_tell_are_not_taken_for_none() -> None:
    """Error 14: the group is being loaded, 16: it is another broker's. Taken for none, everything would be read from
    the beginning of its topic."""
    coordinator = Coordinator([14, 16, 0])
    hooks._hear_refusals(coordinator)
    asked = OffsetFetchRequest("firm", [("firm.contracts", [0])])
    with pytest.raises(GroupLoadInProgressError):
        await coordinator._send_req(asked)
    assert coordinator.dead == 0
    with pytest.raises(NotCoordinatorForGroupError):
        await coordinator._send_req(asked)
    assert coordinator.dead == 1  # who it is now is to be asked
    assert (await coordinator._send_req(asked)).topics


async def test_what_the_group_has_committed_is_told_or_refused_never_left_out() -> None:
    class Client:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        async def find_coordinator(self, group: str) -> int:
            return 1

        async def _send_request(self, request: Any, node: int) -> Any:
            return self.answer

    told = SimpleNamespace(topics=[("firm.contracts", [(0, 94, "", 0), (1, -1, "", 0)])], error_code=0)
    assert await hooks.committed(Client(told), "firm") == {TopicPartition("firm.contracts", 0): 94}
    with pytest.raises(GroupLoadInProgressError):
        await hooks.committed(Client(SimpleNamespace(topics=[], error_code=14)), "firm")


def test_an_answer_about_offsets_tells_its_error_where_it_is_looked_for() -> None:
    names = [name for name, _ in zip(OffsetFetchResponse_v3.SCHEMA.names, range(9), strict=False)]
    assert names[-1] == "error_code"


# -- a leader that does not know all topics -------------------------------------------------------------------------


class Known:
    """What a leader knows of a cluster: so many partitions by topic."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.counts[topic])) if topic in self.counts else None


@pytest.mark.parametrize("cluster", [Known(contracts=4), Known(contracts=4, timesheets=2)])
def test_a_leader_that_does_not_know_every_partition_gives_out_none(cluster: Known) -> None:
    """Stock Faust leaves out what a broker that has just started does not know yet: nobody would read it."""
    app: Any = SimpleNamespace(conf=SimpleNamespace(topic_partitions=4), tables=None)
    member = SimpleNamespace(subscription=["contracts", "timesheets"])
    with pytest.raises(LeaderNotAvailableError, match=r"of timesheets (0|2) of 4 partitions are known"):
        hooks.Assignor(app)._perform_assignment(cluster, {"one": member})
