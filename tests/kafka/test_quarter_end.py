"""A quarter end on Kafka: while ERP is closed nothing leaves, whoever is killed; then each document does, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from agents.effects import BILLING, DOCUMENTS
from app.domain.documents import WITHDRAWN
from app.domain.gate import PULSE
from app.engine.figures import Figures
from app.engine.kafka.log import Log
from app.engine.kafka.records import decode_journal
from app.engine.kafka.snapshot import tables
from app.settings import Settings
from tables import Store
from tables.outbox import OUTBOX
from tests.chaos.quarter_end import CONTRACTS, LOTS, note_drafts, told
from tests.kafka.broker import Broker
from tests.kafka.feed import Feed
from tests.kafka.fleet import Fleet, Membership, Setup
from tests.kafka.test_agreement import make_topics
from tests.kafka.truth import Cluster, settle

PARTITIONS = 4
PER_SECOND, BURST = 8, 4
LIMITS = (("HEADRACE_ERP_LIMITS", f'{{"*": {{"per_minute": {60 * PER_SECOND}, "burst": {BURST}}}}}'),)
"""Eight a second, two in each slice: two hours are not to be had here, seconds are."""
QUIET = 4.0
"""Seconds without anything new before ERP opens, while all that came waits."""


class Left(NamedTuple):
    key: str
    revision: int
    type: str
    id: str
    total: str | None
    slice: int
    at: int  # milliseconds


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
        key = (one.key or b"").decode()
        found.append(Left(key, data["revision"], kind, name, data.get("total"), one.partition, one.timestamp))
    return found


def queued(cluster: Cluster) -> dict[str, list[str]]:
    """The documents of each contract in the order in which they were first stated after ERP had closed."""
    slices: dict[int, list[Any]] = {}
    for one in cluster.read(cluster.prefix + DOCUMENTS):
        slices.setdefault(one.partition, []).append(decode_journal(one.value or b""))
    found: dict[str, list[str]] = {}
    for its in slices.values():
        note_drafts(its, found)
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
    assert settle(cluster, 180, quiet=QUIET) == ""
    # Nothing left meanwhile, but what the killed worker's successor says once more: it has the id that it had.
    assert {one.id for one in left(cluster)} == {one.id for one in before}
    send(broker, group, LOTS[-1:])
    assert settle(cluster, 120, quiet=4) == ""
    feedback = [one.timestamp for one in cluster.read(f"{cluster.prefix}erp-feedback")]
    closed, opened = min(feedback), max(feedback)
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
    # All that was there while nothing moved any more had waited so long; nobody longer than from the closing on.
    assert min(waited[key] for key in {one.key for one in fresh} - over) >= int(QUIET) - 1
    assert max(waited.values()) <= (max(one.at for one in fresh) - closed) / 1_000 + 1
    # In each slice one leaves at once and then two a second: the last of so many not before they all can have.
    for p in range(PARTITIONS):
        its = [one.at for one in fresh if one.slice == p]
        assert len(its) >= 10
        assert max(its) - opened >= 1_000 * (len(its) - BURST // PARTITIONS) * PARTITIONS / PER_SECOND - PULSE // 1_000
    left_by_contract: dict[str, list[str]] = {}
    for one in fresh:
        left_by_contract.setdefault(one.key.split("/")[0], []).append(one.key)
    began = queued(cluster)
    assert left_by_contract == {
        name: [key for key in began[name] if key in its] for name, its in left_by_contract.items()
    }
