"""The same input comes to the same on every host: the embedded one, and Kafka however many workers share the slices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from agents.effects import DERIVED
from app.engine.figures import Figures
from app.engine.kafka import topics
from app.engine.kafka.log import Log
from app.engine.kafka.security import client_arguments
from app.engine.kafka.snapshot import tables
from app.engine.workforce import Workforce
from app.main import open_host
from app.replay.digest import (
    FACT_TABLES,
    LEDGER_TABLES,
    Digest,
    fact_pairs,
    figure_pairs,
    ledger_pairs,
    replicas_agree,
    week_pairs,
)
from app.settings import Settings
from tables import Store
from tables.controls import CONTROLS
from tests.chaos.runs import differences, in_force, timeless, write_log
from tests.kafka.broker import Broker
from tests.kafka.feed import Feed
from tests.kafka.fleet import Fleet, Membership, Setup
from tests.kafka.truth import Cluster, Said, comparable, judge, settle

EVENTS = 8_000
SEED = 20_260_326
PARTITIONS = 4
RATE = 20_000.0


class State(NamedTuple):
    """What an input came to: a digest per table, and the latest statement per key of every derived topic."""

    digests: dict[str, str]
    said: dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Sequence[bytes]:
    """A firm's events in disorder, with duplicates, conflicts and records that cannot be read."""
    return write_log(tmp_path_factory.mktemp("log") / "events.jsonl", EVENTS, SEED).path.read_bytes().splitlines()


@pytest.fixture(scope="module")
def embedded(lines: Sequence[bytes], tmp_path_factory: pytest.TempPathFactory) -> State:
    """What the embedded host makes of them, all in one slice."""
    with open_host(Settings.load(store=tmp_path_factory.mktemp("store") / "s.sqlite", partitions=1)) as host:
        host.append(lines)
        asyncio.run(host.drain())
        said = {}
        for topic in DERIVED:
            for key, value in host.store.latest(topic):
                event = orjson.loads(value)
                said[topic, key] = comparable(event, orjson.dumps(event["data"]))
        return State(digests(list(host.tables.values())), timeless(in_force(said)))


def digests(stores: Sequence[Store]) -> dict[str, str]:
    """Of every table of facts, of what prices and sums make of them, and of all figures of today."""
    assert replicas_agree(stores)
    today = max(control.today for store in stores for _, control in store.scan(CONTROLS, "engagement/"))
    found = {table: digest(fact_pairs(stores, table)) for table in FACT_TABLES}
    found.update({table: digest(ledger_pairs(stores, table)) for table in LEDGER_TABLES})
    found["figures"] = digest((f"{kind} {key}", value) for kind, (key, value) in figure_pairs(Figures(stores), today))
    found["weeks"] = digest(week_pairs(Workforce(stores), today))
    return found


def digest(pairs: Iterable[tuple[str, bytes]]) -> str:
    made = Digest()
    for key, value in pairs:
        made.add(key, value)
    return f"{made.rows} rows, {made.hex()}"


@pytest.fixture
def fleet(request: pytest.FixtureRequest, broker: Broker, group: str, tmp_path: Path) -> Iterator[Fleet]:
    workers, store = request.param
    fleet = Fleet(Setup(broker.address, group, PARTITIONS, tmp_path, store, Membership.SUPERVISOR))
    for _ in range(workers):
        fleet.join()
    yield fleet
    fleet.end()


@pytest.mark.parametrize(
    "fleet", [(1, "rocksdb"), (2, "memory"), (4, "memory")], indirect=True, ids="{0[0]}-{0[1]}".format
)
def test_any_number_of_workers_comes_to_what_the_embedded_host_comes_to(
    broker: Broker, fleet: Fleet, group: str, lines: Sequence[bytes], embedded: State
) -> None:
    settings = Settings.load(kafka_bootstrap=broker.address, kafka_group=group)
    asyncio.run(make_topics(settings))
    feed = Feed(broker.address, f"{group}.", PARTITIONS, lines, RATE)
    feed.start()
    feed.finish()
    cluster = Cluster(broker.address, group)
    assert settle(cluster, 90, quiet=2) == ""
    shares = [line["slices"] for line in fleet.said() if line.get("event") == "slices.loaded"]
    assert set(fleet.stop()) == {0}
    assert sorted({p for share in shares for p in share}) == list(range(PARTITIONS))
    found = asyncio.run(state(settings, cluster))
    assert found.digests == embedded.digests
    assert differences(found.said, embedded.said) == []
    assert judge(broker.address, group, PARTITIONS).problems == []


async def make_topics(settings: Settings) -> None:
    client = await topics.admin(client_arguments(settings))
    try:
        await topics.create(client, topics.product(settings.kafka_group), PARTITIONS, 1)
    finally:
        await client.close()


async def state(settings: Settings, cluster: Cluster) -> State:
    said = Said()
    for topic in DERIVED:
        for one in cluster.read(cluster.prefix + topic):
            said.take(topic, one)
    async with Log(settings) as log:
        return State(digests(await tables(log, settings)), timeless(in_force(said.last)))
