"""One agent on one partition: steps grow with what waits, nothing is acknowledged early, statements keep their pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError, NotEnoughReplicasError

from agents.effects import Batch, Effects, Record
from app.engine.kafka import pace
from app.engine.kafka.ending import Exit, Unfit
from app.engine.kafka.hooks import RecordBatch
from app.engine.kafka.job import Seat
from app.engine.kafka.lane import WAITING, Lane
from app.engine.kafka.pace import Pace
from app.engine.runner import Runner
from tests.engine_kafka.endings import ended
from tests.engine_kafka.steered import Raw


class Event:
    """What Faust hands to an agent: a record batch that is to be acknowledged."""

    def __init__(self, first: int, count: int) -> None:
        self.value = RecordBatch("t", 0, [Raw(first + step) for step in range(count)])
        self.acknowledged = False

    def ack(self) -> None:
        self.acknowledged = True


class Agent:
    """Notes the batches it is given; owes `owing` statements, one less with each batch that may state.

    Each record adds `lenient` to what may wait, which is said with an empty batch that has nothing else to state.
    """

    def __init__(self, owing: int = 0, lenient: int = 0) -> None:
        self.batches: list[tuple[int, bool]] = []  # (records, may state)
        self.owing, self.lenient, self.patient = owing, lenient, 0
        self.unsaid, self.settled = False, 0
        self.heard = asyncio.Event()

    async def run(self, batches: AsyncIterator[Batch]) -> AsyncIterator[Effects]:
        async for batch in batches:
            self.batches.append((len(batch.records), batch.publish))
            if batch.publish:
                self.owing = max(0, self.owing - 1)
            self.patient += self.lenient * len(batch.records)
            if batch.publish and not batch.records and not self.unsaid:
                self.patient = 0
                self.settled += 1
            self.unsaid = not batch.publish
            self.heard.set()
            yield Effects(batch, owing=self.owing + self.patient, patient=self.patient)


def read(records: Sequence[Any]) -> list[Record]:
    return [Record(record.offset, record.value) for record in records]


Deliver = Callable[[Lane, Effects, list[Any]], Any]


async def at_once(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
    pass


def lane_of(
    agent: Agent,
    deliver: Deliver = at_once,
    shared: Pace | None = None,
    *,
    states: bool = False,
    behind: int = -1,
    owing: bool = False,
) -> Lane:
    seat = Seat(2, "engagement", ("t",), lambda store: Runner(agent.run), read, states)
    lane = Lane(seat, "t", 0, Runner(agent.run), deliver, shared or Pace(), last=-1, behind=behind, owing=owing)
    lane.resume()
    return lane


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline
        await asyncio.sleep(0.002)


async def test_a_batch_is_acknowledged_after_its_effects_are_delivered() -> None:
    delivered = asyncio.Event()

    async def slowly(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
        await delivered.wait()

    agent, event = Agent(), Event(0, 3)
    lane = lane_of(agent, slowly)
    await lane.put(event)
    await until(lambda: lane.last == 2)
    assert (event.acknowledged, lane.delivered) == (False, -1)
    assert lane.busy_since is not None
    delivered.set()
    await until(lambda: event.acknowledged)
    assert lane.delivered == 2
    await until(lambda: lane.busy_since is None)
    await lane.stop()


async def test_what_came_meanwhile_is_one_step_of_bounded_size() -> None:
    gate = asyncio.Semaphore(0)

    async def gated(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
        await gate.acquire()

    agent = Agent()
    lane = lane_of(agent, gated)
    events = [Event(0, 10), Event(10, 4_000), Event(4_010, 6_000), Event(10_010, 1)]
    for event in events:
        await lane.put(event)
        await asyncio.sleep(0.01)
    for _ in events:
        gate.release()
    await until(lambda: events[-1].acknowledged)
    assert [count for count, _ in agent.batches] == [10, 10_000, 1]  # never more than RECORDS, unless one batch is
    await lane.stop()


async def test_a_full_lane_makes_its_topic_wait() -> None:
    held = asyncio.Event()

    async def holding(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
        await held.wait()

    lane = lane_of(Agent(), holding)
    await lane.put(Event(0, 1))
    await asyncio.sleep(0.01)  # under way; those that follow wait
    for number in range(WAITING):
        await lane.put(Event(1 + number, 1))
    putting = asyncio.create_task(lane.put(Event(1 + WAITING, 1)))
    await asyncio.sleep(0.02)
    assert not putting.done()
    held.set()
    await asyncio.wait_for(putting, 1)
    await lane.stop()


async def test_a_step_of_records_that_waits_is_enough() -> None:
    """So what waits stays within bounds, however large its batches are."""
    held = asyncio.Event()

    async def holding(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
        await held.wait()

    lane = lane_of(Agent(), holding)
    await lane.put(Event(0, 1))
    await asyncio.sleep(0.01)  # under way
    await lane.put(Event(1, pace.RECORDS))
    await lane.put(Event(1 + pace.RECORDS, 1))
    putting = asyncio.create_task(lane.put(Event(2 + pace.RECORDS, 1)))
    await asyncio.sleep(0.02)
    assert not putting.done()
    held.set()
    await asyncio.wait_for(putting, 5)
    await lane.stop()


async def test_a_lane_that_ends_lets_go_of_who_waits_for_room_in_it() -> None:
    """An agent reads many partitions, and hands each batch to its lane in turn: one that waited for a lane that was
    given away would read none of the others any more."""
    never = asyncio.Event()

    async def undelivered(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
        await never.wait()

    lane = lane_of(Agent(), undelivered)
    events = [Event(number, 1) for number in range(WAITING + 2)]
    for event in events[:-1]:
        await lane.put(event)
        await asyncio.sleep(0)  # the first is under way, all others wait
    waiting = asyncio.create_task(lane.put(events[-1]))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await lane.stop()
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(lane.put(Event(99, 1)), 1)  # what comes later does not wait either
    assert not any(event.acknowledged for event in events)


async def test_statements_are_paced_while_records_come_and_made_at_once_when_none_do() -> None:
    agent = Agent(owing=1)
    lane = lane_of(agent, states=True)
    began = monotonic()
    offset = 0
    while monotonic() - began < 10 * pace.BRISK_SECONDS:
        await lane.put(Event(offset, 1))
        offset += 1
        await asyncio.sleep(0.005)
    stated = sum(may for _, may in agent.batches)
    assert stated <= 12  # with the first record, and once each BRISK_SECONDS
    await until(lambda: agent.batches[-1] == (0, True))
    await lane.stop()


async def test_a_lane_that_is_far_behind_states_what_changed_once_no_more_comes() -> None:
    agent = Agent(owing=1)
    lane = lane_of(agent, states=True)
    await lane.put(Event(0, 1))
    await until(lambda: agent.batches == [(1, True)])
    await asyncio.sleep(2 * pace.BRISK_SECONDS)  # a small step would be stated by now
    many = pace.RECORDS // 2 + 1
    await lane.put(Event(1, many))
    await until(lambda: (many, False) in agent.batches)
    await until(lambda: agent.batches[-1] == (0, True))
    await lane.stop()


async def test_while_one_lane_is_far_behind_the_others_wait_with_what_they_would_state() -> None:
    """What facts takes in large steps reaches engagement in small ones: it would state each contract many times."""
    shared, agent = Pace(), Agent(owing=1_000)
    upstream, lane = lane_of(Agent(), shared=shared), lane_of(agent, shared=shared, states=True)
    await lane.put(Event(0, 1))
    await until(lambda: agent.batches == [(1, True)])
    many = pace.RECORDS // 2 + 1
    for number in range(40):
        event = Event(number * many, many)
        await upstream.put(event)
        await until(partial(getattr, event, "acknowledged"))
        await lane.put(Event(1 + number, 1))
        await asyncio.sleep(pace.BRISK_SECONDS / 5)
    await until(lambda: lane.delivered == 40)
    assert sum(may for _, may in agent.batches) <= 3  # one, and what a slow machine makes of a pause; else 8 or more
    await until(lambda: agent.batches[-1] == (0, True))  # it has caught up
    await lane.stop()
    await upstream.stop()


def test_who_stays_far_behind_states_in_the_end() -> None:
    shared = Pace()
    now = monotonic()
    shared.note(pace.RECORDS)
    assert shared.between(waiting=False) == pace.CATCH_UP_SECONDS
    assert shared.due(now, now - pace.CATCH_UP_SECONDS) == now + pace.REST_SECONDS  # behind or not, this is due
    assert shared.due(now, now) > now + 0.4  # the moment at which it has caught up, unless more comes


async def test_what_is_owed_after_a_load_is_stated_without_any_record() -> None:
    agent = Agent(owing=3)
    lane = lane_of(agent, states=True, owing=True)
    await until(lambda: agent.owing == 0)
    await asyncio.sleep(3 * pace.REST_SECONDS)
    assert agent.batches == [(0, True)] * 3  # and nothing more once nothing is owed
    await lane.stop()


async def test_what_may_wait_is_said_at_once_after_a_pause_and_together_after_that() -> None:
    agent = Agent(lenient=1)
    lane = lane_of(agent, states=True)
    began = monotonic()
    await lane.put(Event(0, 1))
    await until(lambda: agent.batches == [(1, True), (0, True)])
    for offset in range(1, 4):
        await lane.put(Event(offset, 1))
        await asyncio.sleep(2 * pace.REST_SECONDS)  # long enough for what may not wait
    await until(lambda: not agent.patient)
    assert monotonic() - began >= pace.PATIENT_SECONDS
    assert agent.batches[-1] == (0, True)
    await lane.stop()


async def test_what_may_wait_does_not_wait_for_ever() -> None:
    agent = Agent(lenient=1)
    lane = lane_of(agent, states=True)
    began, offset = monotonic(), 0
    while not agent.settled:
        assert monotonic() - began < pace.IMPATIENT_SECONDS + 5
        for _ in range(3):  # there are always records that wait
            await lane.put(Event(offset, 1))
            offset += 1
        await asyncio.sleep(0)
    await lane.stop()


async def test_a_lane_at_rest_states_nothing_of_its_own_accord() -> None:
    """While the group is rebalanced the slice may be given to another worker, which states what is owed then."""
    gate = asyncio.Semaphore(0)

    async def gated(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
        await gate.acquire()

    agent = Agent(owing=3)
    lane = lane_of(agent, gated, states=True, owing=True)
    await until(lambda: len(agent.batches) == 1)
    lane.rest()
    idle = asyncio.create_task(lane.idle())
    await asyncio.sleep(3 * pace.REST_SECONDS)
    assert not idle.done()  # a step is under way, and is waited for
    gate.release()
    await asyncio.wait_for(idle, 1)
    await asyncio.sleep(3 * pace.REST_SECONDS)
    assert len(agent.batches) == 1
    lane.resume()
    gate.release()
    await until(lambda: len(agent.batches) == 2)
    await lane.stop()


async def test_a_mixture_is_not_stated_before_what_it_includes_was_read_again() -> None:
    agent = Agent(owing=1)
    lane = lane_of(agent, states=True, behind=4, owing=True)
    await lane.put(Event(0, 4))
    await until(lambda: lane.delivered == 3)
    await asyncio.sleep(3 * pace.REST_SECONDS)
    assert agent.batches == [(4, False)]
    assert not lane.whole
    await lane.put(Event(4, 1))
    await until(lambda: lane.delivered == 4)
    assert lane.whole
    assert agent.batches[1] == (1, True)
    await lane.stop()


async def test_an_agent_that_states_nothing_is_left_alone_without_records() -> None:
    agent = Agent()
    lane = lane_of(agent)
    await asyncio.sleep(3 * pace.REST_SECONDS)
    assert agent.batches == []
    await lane.stop()


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (Unfit("the record for key 'C-1' of t has 9 bytes"), Exit.CONFIGURATION, "the record for key 'C-1'"),
        (NotEnoughReplicasError(), Exit.DELIVERY, "a record of engagement could not be delivered: NotEnoughReplicas"),
        (MessageSizeTooLargeError(), Exit.DELIVERY, "could not be delivered"),
        (OSError("gone"), Exit.DELIVERY, "could not be delivered: OSError('gone')"),
        (ValueError("bad"), Exit.AGENT, "engagement failed on t partition 0: ValueError('bad')"),
    ],
)
def test_whatever_fails_ends_the_process_before_anything_is_acknowledged(
    raised: Exception, code: Exit, said: str
) -> None:
    async def scenario() -> None:
        async def failing(lane: Lane, effects: Effects, fetched: list[Any]) -> None:
            raise raised

        event = Event(0, 1)
        lane = lane_of(Agent(), failing)
        await lane.put(event)
        await asyncio.sleep(5)

    found = ended(scenario)
    assert found.code == code
    assert said in found.said["reason"]
    assert (found.said["event"], found.said["level"], found.said["why"]) == ("worker.ended", "error", code.name.lower())
