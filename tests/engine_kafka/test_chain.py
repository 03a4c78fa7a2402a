"""Offsets follow a chain per partition: handed out in order, committed in order, whatever Faust would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from tests.engine_kafka.steered import GAPLESS, SOURCE, Steered, application, consumer_of, fetch, offsets

FIRST, SECOND = TP(SOURCE, 0), TP(SOURCE, 1)
Make = Callable[..., Any]


@pytest.fixture
async def reading(tmp_path: Path) -> Make:
    """A consumer over a log by partition, its flow running."""

    def make(log: dict[TP, list[int]], steered: Steered | None = None, committed: dict[TP, int] | None = None) -> Any:
        consumer = consumer_of(application(steered or Steered(), tmp_path), log)
        consumer._thread.committed.update(committed or {})
        consumer.resume_flow()
        return consumer

    return make


async def test_a_fetch_is_cut_into_batches_and_partitions_take_turns(reading: Make) -> None:
    consumer = reading({FIRST: [0, 1, 2, 3], SECOND: [0, 1]})
    found = await fetch(consumer)
    assert offsets(found) == [[0, 1, 2], [0, 1], [3]]  # three records a batch
    assert [message.tp for message in found] == [FIRST, SECOND, FIRST]
    assert [message.offset for message in found] == [2, 1, 3]  # acknowledged by the last of its records


async def test_what_is_committed_is_never_beyond_a_batch_that_is_not_acknowledged(reading: Make) -> None:
    consumer = reading({FIRST: list(range(9))})
    first, second, third = await fetch(consumer)
    third.ack(consumer)
    second.ack(consumer)
    await consumer.commit()
    assert consumer._thread.committed == {}  # stock Faust commits 9 here: nothing was committed before, so no gap shows
    first.ack(consumer)
    await consumer.commit()
    assert consumer._thread.committed == {FIRST: 9}


async def test_a_batch_acknowledged_twice_counts_once(reading: Make) -> None:
    consumer = reading({FIRST: list(range(6))})
    first, second = await fetch(consumer)
    first.ack(consumer)
    first.ack(consumer)
    await consumer.commit()
    assert consumer._thread.committed == {FIRST: 3}
    second.ack(consumer)
    await consumer.commit()
    assert consumer._thread.committed == {FIRST: 6}


async def test_offsets_that_hold_no_record_are_committed_over(reading: Make) -> None:
    # What ends a producer's transaction, and what compaction took, leave holes: 3 and 4 are one.
    consumer = reading({FIRST: [0, 1, 2, 5, 6]})
    seen = await fetch(consumer)
    assert offsets(seen) == [[0, 1, 2], [5, 6]]
    for message in seen:
        message.ack(consumer)
    await consumer.commit()
    assert consumer._thread.committed == {FIRST: 7}


async def test_a_hole_where_reading_begins_is_read_again_before_it_is_believed(reading: Make) -> None:
    consumer = reading({FIRST: [0, 1, 4]}, committed={FIRST: 2})
    found = [offsets(await fetch(consumer)) for _ in range(4)]
    assert found == [[], [], [], [[4]]]  # three times it may have been lost on its way


@pytest.mark.parametrize("kept", [[0, 1, 4, 5], [0, 1, 2, 4]], ids=["between batches", "inside a batch"])
async def test_a_hole_in_a_journal_is_read_again_even_while_reading_flows(reading: Make, kept: list[int]) -> None:
    journal = TP(GAPLESS, 0)
    steered = Steered()
    steered.max_records = 2
    consumer = reading({journal: kept}, steered)
    whole = [message for message in await fetch(consumer) if message.offset < kept[-1]]
    assert consumer._seek_first
    for message in whole:
        message.ack(consumer)
    await consumer.commit()
    for _ in range(2):
        assert await fetch(consumer) == []  # a fourth time would end the process: see `test_endings`


async def test_a_record_lost_on_its_way_here_is_fetched_again(reading: Make) -> None:
    consumer = reading({FIRST: list(range(6))})
    thread = consumer._thread
    await consumer.perform_seek()
    consumer._seek_first = False
    thread.positions[FIRST] = 3  # as if 0 to 2 had been fetched and dropped
    assert await fetch(consumer) == []
    assert offsets(await fetch(consumer)) == [[0, 1, 2], [3, 4, 5]]


async def test_reading_goes_on_at_what_is_committed_after_the_flow_restarted(reading: Make) -> None:
    consumer = reading({FIRST: list(range(9))})
    first, second, _ = await fetch(consumer)
    first.ack(consumer)
    await consumer.commit()
    consumer.stop_flow()
    consumer.resume_flow()
    assert offsets(await fetch(consumer)) == [[3, 4, 5], [6, 7, 8]]
    second.ack(consumer)  # of the time before: the record batch that is under way now is another one
    await consumer.commit()
    assert consumer._thread.committed[FIRST] <= 6


async def test_a_partition_that_was_never_committed_is_read_from_its_start_again(reading: Make) -> None:
    consumer = reading({FIRST: [4, 5]})  # older ones are deleted
    assert offsets(await fetch(consumer)) == [[4, 5]]
    consumer.resume_flow()
    assert offsets(await fetch(consumer)) == [[4, 5]]


async def test_what_was_read_before_a_restart_of_the_flow_is_not_handed_out(reading: Make) -> None:
    consumer = reading({FIRST: list(range(9))})
    got = []
    async for _, message in consumer.getmany(timeout=0.1):
        got.append(message)
        consumer.resume_flow()  # in the middle of a fetch
    assert offsets(got) == [[0, 1, 2]]
    assert offsets(await fetch(consumer)) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


async def test_nothing_is_handed_out_while_slices_are_not_held(reading: Make) -> None:
    steered = Steered()
    steered.holding = False
    consumer = reading({FIRST: [0, 1]}, steered)
    assert await fetch(consumer) == []
    steered.holding = True
    consumer.resume_flow()  # as the end of a recovery does
    assert offsets(await fetch(consumer)) == [[0, 1]]


async def test_records_before_the_committed_offset_are_left_out_of_a_batch(reading: Make) -> None:
    consumer = reading({FIRST: [0, 1, 2, 3]}, committed={FIRST: 2})
    await consumer.perform_seek()
    consumer._seek_first = False
    consumer._thread.positions[FIRST] = 0  # fetched before the position was set
    assert offsets(await fetch(consumer)) == [[2], [3]]


async def test_what_a_revocation_takes_is_forgotten(reading: Make) -> None:
    steered = Steered()
    consumer = reading({FIRST: [0, 1, 2]}, steered)
    (message,) = await fetch(consumer)
    message.ack(consumer)
    await consumer.on_partitions_revoked({FIRST})
    assert steered.told == ["revoked"]
    assert consumer._expected == {}
    assert FIRST not in consumer._chain
