"""How a worker ends: with which code, and with which sentence."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from faust.types import TP

from app.engine.kafka.ending import Exit
from app.supervisor import HOPELESS
from tests.engine_kafka.endings import ended
from tests.engine_kafka.steered import GAPLESS, SOURCE, Steered, application, consumer_of, fetch


def test_the_supervisor_knows_which_code_is_hopeless() -> None:
    assert HOPELESS == Exit.CONFIGURATION
    assert sorted(Exit) == list(range(70, 79))


@pytest.mark.parametrize("kept", [[0, 1, 4, 5], [0, 1, 2, 4]], ids=["between batches", "inside a batch"])
def test_a_journal_that_has_lost_records_is_not_read_over(kept: list[int]) -> None:
    async def scenario() -> None:
        journal, steered = TP(GAPLESS, 1), Steered()
        steered.max_records = 2
        with tempfile.TemporaryDirectory() as folder:
            consumer = consumer_of(application(steered, Path(folder)), {journal: kept})
            consumer.resume_flow()
            for _ in range(6):
                for message in await fetch(consumer):
                    message.ack(consumer)
                await consumer.commit()

    found = ended(scenario)
    assert found.code == Exit.CONFIGURATION
    lost = "from 2 to 3" if kept[2] == 4 else "from 3 to 3"
    assert f"{GAPLESS} partition 1 holds no records {lost}" in found.said["reason"]


def test_records_of_an_input_that_were_deleted_unread_are_no_gap() -> None:
    async def scenario() -> None:
        source = TP(SOURCE, 0)
        with tempfile.TemporaryDirectory() as folder:
            consumer = consumer_of(application(Steered(), Path(folder)), {source: [0, 1, 2]})
            consumer.resume_flow()
            await fetch(consumer)
            consumer._thread.held[source] = [7, 8]  # retention has taken what lay between
            await fetch(consumer)

    found = ended(scenario)
    assert found.code == Exit.CONFIGURATION
    assert f"{SOURCE} partition 0 begins at 7, but was read up to 3 only" in found.said["reason"]


def test_records_of_a_partition_without_a_position_end_the_process() -> None:
    async def scenario() -> None:
        source = TP(SOURCE, 0)
        with tempfile.TemporaryDirectory() as folder:
            consumer = consumer_of(application(Steered(), Path(folder)), {source: [0]})
            consumer.resume_flow()
            await consumer.perform_seek()
            consumer._seek_first = False
            consumer._expected.clear()
            await fetch(consumer)

    assert ended(scenario).code == Exit.POSITION
