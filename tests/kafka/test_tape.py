"""The tape over a real broker: nothing is missed, wherever and whenever a reader goes on."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from agents.effects import BURN, DERIVED, READINESS, Statement
from app.engine.feed import Heard
from app.engine.host import Unavailable
from app.engine.kafka import topics
from app.engine.kafka.position import unword, word
from app.engine.kafka.records import statement_record
from app.engine.kafka.security import client_arguments
from app.engine.kafka.tape import Tape
from app.engine.statements import encode
from app.settings import Settings
from tests.kafka.broker import Broker, free_ports

PARTITIONS = 2
PLACES = PARTITIONS * len(DERIVED)
PATIENCE = 20.0
NOTHING_SECONDS = 0.3
"""How long a test waits to see that nothing comes."""


def statement(number: int, topic: str = BURN) -> Statement:
    latest = (1_774_000_000_000_000 + number, "/psa", f"e-{number}", "trace")
    return Statement(topic, f"{topic}.updated.v1", f"C-{number}", number, {"contract_id": f"C-{number}"}, latest)


class Deployment:
    """Derived topics of a group, and somebody who writes to them."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self.settings, self._producer = settings, producer

    async def say(self, *numbers: int, topic: str = BURN) -> None:
        """Deliver statements, one for each number, to the partitions in turn."""
        for number in numbers:
            wire = statement_record(statement(number, topic))
            place = self.settings.kafka_prefix + topic
            await self._producer.send(place, wire.value, wire.key, number % PARTITIONS, headers=wire.headers)
        await self._producer.flush()

    async def forget(self, number: int) -> None:
        place = self.settings.kafka_prefix + BURN
        await self._producer.send_and_wait(place, None, b"C-1", number % PARTITIONS)


@pytest.fixture
async def deployment(broker: Broker, group: str) -> AsyncIterator[Deployment]:
    settings = Settings.load(kafka_bootstrap=broker.address, kafka_group=group)
    client = await topics.admin(client_arguments(settings))
    wanted = [topic for topic in topics.product(group) if topic.name.removeprefix(f"{group}.") in DERIVED]
    await topics.create(client, wanted, PARTITIONS, 1)
    await client.close()
    producer = AIOKafkaProducer(bootstrap_servers=broker.address)
    await producer.start()
    yield Deployment(settings, producer)
    await producer.stop()


Open = Callable[..., Tape]


@pytest.fixture
async def opened(deployment: Deployment) -> AsyncIterator[Open]:
    """Tapes as different workers have them."""
    tapes: list[Tape] = []

    def open_tape(**options: Any) -> Tape:
        tapes.append(Tape(deployment.settings, PARTITIONS, **options))
        return tapes[-1]

    yield open_tape
    for tape in tapes:
        await tape.close()


async def take(reader: AsyncIterator[Heard], count: int) -> list[Heard]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(reader) for _ in range(count)]


def keys(heard: Sequence[Heard]) -> list[str]:
    return [one.key for one in heard]


def names(*numbers: int) -> list[str]:
    return [f"C-{number}" for number in numbers]


async def raises_lookup(asked: Awaitable[Any]) -> str:
    with pytest.raises(LookupError) as caught:
        await asked
    return str(caught.value)


async def test_a_statement_is_what_the_embedded_host_keeps_of_it_byte_for_byte(
    deployment: Deployment, opened: Open
) -> None:
    reader = await opened().subscribe(None, None)
    await deployment.say(4)
    [heard] = await take(reader, 1)
    assert heard.value == encode(statement(4))
    assert (heard.topic, heard.key, heard.type) == ("headrace.burn", "C-4", "burn.updated.v1")


async def test_a_new_reader_hears_what_comes_not_what_was(deployment: Deployment, opened: Open) -> None:
    await deployment.say(*range(20))
    tape = opened()
    first = await tape.subscribe(None, None)
    await deployment.say(20)
    assert keys(await take(first, 1)) == names(20)
    second = await tape.subscribe(None, None)
    await deployment.say(21)
    assert keys(await take(second, 1)) == names(21)
    assert keys(await take(first, 1)) == names(21)


async def test_only_the_topics_asked_for_are_told_and_the_position_moves_on_all_the_same(
    deployment: Deployment, opened: Open
) -> None:
    reader = await opened().subscribe(None, frozenset({"headrace.readiness"}))
    await deployment.say(*range(10))
    await deployment.say(10, topic=READINESS)
    [heard] = await take(reader, 1)
    assert heard.topic == "headrace.readiness"
    again = await opened().subscribe(heard.position, None)
    await deployment.say(11)
    assert len(unword(heard.position, PLACES)) == PLACES
    assert set(keys(await take(again, 1))) <= {*names(*range(10)), *names(11)}


@pytest.mark.parametrize("kept", [2, 1_000])
async def test_a_reader_that_goes_from_worker_to_worker_misses_nothing(
    deployment: Deployment, opened: Open, kept: int
) -> None:
    """Tapes that keep little send it to the brokers, those that keep much do not; each partition stays in order."""
    dice = random.Random(kept)
    tapes = [opened(kept=kept) for _ in range(3)]
    reader = await tapes[0].subscribe(None, None)
    await deployment.say(*range(60))
    heard: list[Heard] = []
    while len(heard) < 60:
        heard += await take(reader, min(dice.randrange(1, 9), 60 - len(heard)))
        await reader.aclose()
        reader = await dice.choice(tapes).subscribe(heard[-1].position, None)
    assert sorted(keys(heard)) == sorted(names(*range(60)))
    for partition in range(PARTITIONS):
        mine = [key for key in keys(heard) if int(key[2:]) % PARTITIONS == partition]
        assert mine == names(*range(partition, 60, PARTITIONS))


async def test_a_slow_reader_hears_everything_from_the_brokers(deployment: Deployment, opened: Open) -> None:
    tape = opened(kept=3)
    slow, quick = await tape.subscribe(None, None), await tape.subscribe(None, None)
    await deployment.say(0)
    assert keys(await take(slow, 1)) == names(0)
    await deployment.say(*range(1, 50))
    assert len(await take(quick, 50)) == 50
    assert sorted(keys(await take(slow, 49))) == sorted(names(*range(1, 50)))
    await deployment.say(50)
    assert keys(await take(slow, 1)) == names(50)


async def test_a_position_too_far_back_is_not_held(deployment: Deployment, opened: Open) -> None:
    await deployment.say(*range(30))
    tape = opened(catch_up=29)
    assert "30 statements back" in await raises_lookup(tape.subscribe(word([0] * PLACES), None))
    reader = await opened(catch_up=30).subscribe(word([0] * PLACES), None)
    assert sorted(keys(await take(reader, 30))) == sorted(names(*range(30)))


async def test_a_position_that_was_never_reached_is_none(deployment: Deployment, opened: Open) -> None:
    await deployment.say(*range(4))
    tape = opened()
    assert "never reached" in await raises_lookup(tape.subscribe(word([3] + [0] * (PLACES - 1)), None))
    await tape.subscribe(word([2] + [0] * (PLACES - 1)), None)


@pytest.mark.parametrize("position", ["17", "k", "kAAAA", "k!", "", "k" + "A" * 5_000, "kgA"])
async def test_what_is_no_position_of_this_deployment_is_none(opened: Open, position: str) -> None:
    assert "read the tables again" in await raises_lookup(opened().subscribe(position, None))


async def test_a_position_ahead_of_a_worker_that_reads_slower_is_a_good_one(
    deployment: Deployment, opened: Open
) -> None:
    """It asks the brokers before it calls a position wrong."""
    ahead = await opened().subscribe(None, None)
    behind = opened()
    await behind.subscribe(None, None)
    await deployment.say(*range(10))
    position = (await take(ahead, 10))[-1].position
    reader = await behind.subscribe(position, None)
    await deployment.say(10)
    assert keys(await take(reader, 1)) == names(10)


async def test_deletions_are_no_statements(deployment: Deployment, opened: Open) -> None:
    reader = await opened().subscribe(None, None)
    await deployment.forget(0)
    await deployment.say(2)
    assert keys(await take(reader, 1)) == names(2)


async def test_without_readers_nothing_is_read(deployment: Deployment, opened: Open) -> None:
    tape = opened(linger=0.05)
    reader = await tape.subscribe(None, None)
    await deployment.say(0)
    [heard] = await take(reader, 1)
    await reader.aclose()
    await asyncio.sleep(NOTHING_SECONDS)
    assert not tape.running
    await deployment.say(1, 2)
    again = await tape.subscribe(heard.position, None)
    assert sorted(keys(await take(again, 2))) == names(1, 2)


async def test_a_reader_waits_while_nothing_comes(opened: Open) -> None:
    reader = await opened().subscribe(None, None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(NOTHING_SECONDS):
            await anext(reader)


async def test_where_no_broker_answers_the_stream_is_unavailable(group: str) -> None:
    nowhere = f"127.0.0.1:{free_ports(1)[0]}"
    tape = Tape(Settings.load(kafka_bootstrap=nowhere, kafka_group=group), PARTITIONS)
    with pytest.raises(Unavailable, match="cannot be read"):
        await tape.subscribe(None, None)
    await tape.close()


async def test_a_tape_that_is_closed_sends_readers_elsewhere(deployment: Deployment, opened: Open) -> None:
    tape = opened()
    reader = await tape.subscribe(None, None)
    await tape.close()
    with pytest.raises(Unavailable, match="go on at another"):
        await take(reader, 1)
    with pytest.raises(Unavailable, match="go on at another"):
        await tape.subscribe(None, None)


def test_a_word_says_its_offsets_and_is_empty_where_it_would_be_too_long() -> None:
    dice = random.Random(1)
    for _ in range(200):
        offsets = [dice.randrange(1 << dice.randrange(1, 62)) for _ in range(dice.randrange(1, 40))]
        assert unword(word(offsets), len(offsets)) == offsets
    assert word([1 << 40] * 1_000) == ""
    assert json.dumps(word([0] * 8)) == '"kAAAAAAAAAAA"'
