"""A quarter end on Kafka: while ERP is closed nothing leaves, whoever is killed; then each document does, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from agents.effects import BILLING
from app.domain.documents import WITHDRAWN
from app.engine.figures import Figures
from app.engine.kafka.log import Log
from app.engine.kafka.snapshot import tables
from app.settings import Settings
from tables import Store
from tables.outbox import OUTBOX
from tests.chaos.quarter_end import CONTRACTS, LOTS, told
from tests.kafka.broker import Broker
from tests.kafka.feed import Feed
from tests.kafka.fleet import Fleet, Membership, Setup
from tests.kafka.test_agreement import make_topics
from tests.kafka.truth import Cluster, settle

PARTITIONS = 4
LIMITS = (("HEADRACE_ERP_LIMITS", '{"*": {"per_minute": 1200, "burst": 10}}'),)
"""Twenty a second, five in each slice: two hours are not to be had here, seconds are."""


class Left(NamedTuple):
    key: str
    revision: int
    type: str
    id: str
    total: str | None


@pytest.fixture
def fleet(broker: Broker, group: str, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(Setup(broker.address, group, PARTITIONS, tmp_path, "memory", Membership.SUPERVISOR, settings=LIMITS))
    for _ in range(2):
        fleet.join()
    yield fleet
    fleet.end()


def send(broker: Broker, group: str, lots: Sequence[Sequence[bytes]]) -> None:
    feed = Feed(broker.address, f"{group}.", PARTITIONS, [line for lot in lots for line in lot], 20_000.0)
    feed.start()
    feed.finish()


def left(cluster: Cluster) -> list[Left]:
    """What left for ERP, each slice in its order."""
    found = []
    for one in cluster.read(cluster.prefix + BILLING):
        headers = dict(one.headers)
        data = orjson.loads(one.value or b"{}")
        kind, name = headers["ce_type"].decode(), headers["ce_id"].decode()
        found.append(Left((one.key or b"").decode(), data["revision"], kind, name, data.get("total")))
    return found


async def stores(settings: Settings) -> Sequence[Store]:
    async with Log(settings) as log:
        return await tables(log, settings)


def test_every_document_leaves_once_in_its_last_revision_after_erp_opened(
    broker: Broker, fleet: Fleet, group: str
) -> None:
    settings = Settings.load(kafka_bootstrap=broker.address, kafka_group=group)
    asyncio.run(make_topics(settings))
    cluster = Cluster(broker.address, group)
    send(broker, group, LOTS[:3])
    assert settle(cluster, 120, quiet=3) == ""
    before = left(cluster)
    assert len({one.key for one in before}) == 3 * CONTRACTS
    send(broker, group, LOTS[3:4])
    assert settle(cluster, 60, quiet=2) == ""
    send(broker, group, LOTS[4:20])
    assert fleet.workers[0].kill_child()
    send(broker, group, LOTS[20:-1])
    assert settle(cluster, 180, quiet=4) == ""
    # Nothing left meanwhile, but what the killed worker's successor says once more: it has the id that it had.
    assert {one.id for one in left(cluster)} == {one.id for one in before}
    send(broker, group, LOTS[-1:])
    assert settle(cluster, 120, quiet=4) == ""
    assert set(fleet.stop()) == {0}
    after, known = left(cluster), {one.id for one in before}
    fresh = [one for one in after if one.id not in known]
    assert max(Counter(one.key for one in fresh).values()) == 1
    found = asyncio.run(stores(settings))
    last = {one.key: one for one in after if one.type != WITHDRAWN}
    over = {one.key for one in after if one.type == WITHDRAWN}
    figures = Figures(found)
    live = {row["document_key"]: row["total"] for key in figures.ids() for row in figures.documents(key, None)}
    assert {key: one.total for key, one in last.items() if key not in over} == live
    waited = {
        key: row.waited // 1_000_000 for store in found for key, row in store.scan(OUTBOX) if row.sent and row.waited
    }
    print(told(waited))
    assert waited.keys() >= {one.key for one in fresh} - over
