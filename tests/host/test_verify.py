"""`verify` agrees with a sound store, whatever work is left in it, and names the key of a value that was changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.engine.runner import finish
from app.engine.store import Store
from app.main import open_host
from app.replay.verify import verify
from app.settings import Settings
from tables import Table
from tables.buckets import BUCKETS
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES
from tables.heads import HEADS
from tables.pages import PAGES
from tests.host.runs import firm, said


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
def test_a_store_with_work_left_agrees(tmp_path: Path, partitions: int, rounds: int) -> None:
    # Small batches leave some records in every topic: in intake, in the facts agent, with the contracts.
    settings = Settings.load(store=tmp_path / "store.sqlite", partitions=partitions, batch_size=60)
    with open_host(settings, clock=lambda: None) as host:
        for lines in (firm(events=400), firm(events=800, seed=4)):
            host.take(lines)
            for _ in range(rounds):
                finish(host.work())
        assert host.backlog() > 0
    with Store(settings.store, read_only=True) as store:
        assert finish(verify(store)).differences == []


def amount(value: Any) -> None:
    row = next(row for row in value.rows.values() if row.amount)
    row.amount += 1


def page(value: Any) -> None:
    lines = next(lines for lines in value.buckets.values() if lines)
    next(iter(lines.values())).totals[0] += 1


def minutes(value: Any) -> None:
    page = next(iter(value.pages.values()))
    page["L1"].totals = [n + 1 for n in page["L1"].totals]


def revision(value: Any) -> None:
    value.facts[0].revision += 1


def terms(value: Any) -> None:
    approved = value.facts["contract"][0]
    approved.data = msgspec.Raw(bytes(approved.data).replace(b'"client_id":"', b'"client_id":"X'))


@pytest.mark.parametrize(
    ("table", "spoil", "found_in"),
    [
        (BUCKETS, amount, {"ledger"}),
        (PAGES, page, {"sums"}),
        (HEADS, minutes, {"burn"}),
        (ENTITIES, revision, {"entities"}),
        (DOSSIERS, terms, {"dossiers"}),
    ],
)
def test_a_value_changed_by_hand_is_found_and_named(
    store: Path, table: Table[Any], spoil: Callable[[Any], None], found_in: set[str]
) -> None:
    key = tamper(store, table, spoil)
    verdict = said("verify", "--store", store, code=1)
    assert not verdict["agrees"]
    owner = key.partition("|")[0]
    assert found_in <= {found["table"] for found in verdict["differences"]}
    assert all(found["key"].startswith(owner) for found in verdict["differences"])


def tamper(path: Path, table: Table[Any], spoil: Callable[[Any], None]) -> str:
    """Change the first value of a table that can be, with nothing but SQLite; its key."""
    db = sqlite3.connect(path, isolation_level=None)
    for key, stored in db.execute(f'SELECT key, value FROM "{table.name}" ORDER BY key'):
        value = table.decode(stored)
        try:
            spoil(value)
        except (StopIteration, KeyError):
            continue
        db.execute(f'UPDATE "{table.name}" SET value=? WHERE key=?', (table.encode(value), key))
        db.close()
        return str(key)
    raise AssertionError(f"{table.name} holds nothing to tamper with")


def test_a_row_deleted_by_hand_is_found(store: Path) -> None:
    db = sqlite3.connect(store, isolation_level=None)
    (key,) = db.execute(f'SELECT min(key) FROM "{ENTITIES.name}"').fetchone()
    db.execute(f'DELETE FROM "{ENTITIES.name}" WHERE key=?', (key,))
    db.close()
    verdict = said("verify", "--store", store, code=1)
    assert verdict["differences"] == [{"table": "entities", "key": key, "what": "only in the replay"}]
