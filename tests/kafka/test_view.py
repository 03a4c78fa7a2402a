"""What answers see of a slice while agents and the producer are at work on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.engine.kafka.records import changelog_record, version_of
from app.engine.kafka.values import MemoryValues, RocksValues, SliceTables, Values
from app.engine.kafka.view import View
from tables import Table
from tables.heads import HEADS, Head, new
from tables.reference import REFERENCE

Write = tuple[Table[Any], str, Any]


@pytest.fixture(params=["memory", "rocksdb"])
def values(request: pytest.FixtureRequest, tmp_path: Path) -> Values:
    return MemoryValues() if request.param == "memory" else RocksValues(tmp_path / "slice")


def deliver(values: Values, writes: Sequence[Write]) -> None:
    """Let some writes come into the values, as the producer does once their records stand in the changelog: of what is
    deleted the version stays."""
    version = version_of(2, 0)
    wires = [changelog_record(*write, version) for write in writes]
    values.put([(wire.key or b"", wire.value or version) for wire in wires], 0, {})


def keys(writes: Sequence[Write]) -> list[bytes]:
    return [changelog_record(*write, version_of(2, 0)).key or b"" for write in writes]


def head(touched: int) -> Head:
    found = new()
    found.touched = touched
    return found


def shown(view: View) -> dict[str, int]:
    return {key: found.touched for key, found in view.scan(HEADS)}


def test_a_batch_shows_as_a_whole_or_not_at_all(values: Values) -> None:
    """One key changes, one is new, one goes; they come in one by one, and every moment between looks like before."""
    view = View(values)
    before: list[Write] = [(HEADS, "changes", head(1)), (HEADS, "goes", head(1)), (HEADS, "stays", head(1))]
    deliver(values, before)
    batch: list[Write] = [(HEADS, "changes", head(2)), (HEADS, "comes", head(2)), (HEADS, "goes", None)]
    view.begin(keys(batch))
    for write in batch:
        deliver(values, [write])
        assert shown(view) == {"changes": 1, "goes": 1, "stays": 1}
        assert list(view.keys(HEADS)) == ["changes", "goes", "stays"]
        assert view.get(HEADS, "comes") is None
        found = view.get(HEADS, "changes")
        assert found is not None
        assert found.touched == 1
    view.finish(batch)
    assert shown(view) == {"changes": 2, "comes": 2, "stays": 1}
    found = view.get(HEADS, "changes")
    assert found is not None
    assert found.touched == 2
    assert view.get(HEADS, "goes") is None


def test_what_an_agent_changes_in_its_hands_is_not_seen(values: Values) -> None:
    deliver(values, [(HEADS, "C", head(1))])
    agent, view = SliceTables(values), View(values)
    seen = view.get(HEADS, "C")
    held = agent.get(HEADS, "C")
    assert held is not None
    held.touched = 2
    assert shown(view) == {"C": 1}
    assert seen is not None
    assert seen.touched == 1


def test_two_batches_under_way_end_each_for_itself(values: Values) -> None:
    view = View(values)
    one: list[Write] = [(HEADS, "one", head(1))]
    other: list[Write] = [(HEADS, "other", head(1))]
    view.begin(keys(one))
    view.begin(keys(other))
    deliver(values, [*one, *other])
    view.finish(other)
    assert shown(view) == {"other": 1}
    view.finish(one)
    assert shown(view) == {"one": 1, "other": 1}


def test_keys_of_one_table_are_not_those_of_another(values: Values) -> None:
    view = View(values)
    batch: list[Write] = [(HEADS, "C", head(1))]
    view.begin(keys(batch))
    deliver(values, batch)
    assert list(view.keys(REFERENCE)) == []
    view.finish(batch)
    assert list(view.keys(REFERENCE)) == []
    assert [key for key, _ in view.scan(HEADS, "C")] == ["C"]
    assert list(view.scan(HEADS, "D")) == []
