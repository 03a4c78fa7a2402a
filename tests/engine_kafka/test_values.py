"""What a slice holds: versioned bytes in memory or on disk, of which the greatest version counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from app.engine.kafka.changelog import Load
from app.engine.kafka.ending import Unfit
from app.engine.kafka.records import VERSION_HEADER, changelog_key, changelog_record, stored_record, version_of
from app.engine.kafka.values import MemoryValues, RocksValues, SliceTables, Values, forget
from app.engine.kafka.view import View
from tables.controls import CONTROLS, new


class Record(NamedTuple):
    """As much of a record as a changelog's reader looks at."""

    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


Open = Callable[[], Values]


@pytest.fixture(params=["memory", "rocksdb"])
def values(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Values]:
    opened: Values = MemoryValues() if request.param == "memory" else RocksValues(tmp_path / "slice-0")
    yield opened
    opened.close()


def put(key: str, offset: int, said: str = "", agent: int = 2) -> Record:
    return Record(key.encode(), version_of(agent, offset) + (said or f"{offset}").encode())


def deleted(key: str, offset: int, agent: int = 2) -> Record:
    return Record(key.encode(), None, [(VERSION_HEADER, version_of(agent, offset))])


def held(values: Values, key: str) -> str | None:
    stored = values.get(key.encode())
    return None if stored is None else stored[16:].decode()


# -- the greatest version counts ----------------------------------------------------------------------------------


def test_the_greatest_version_stands_whatever_comes_last(values: Values) -> None:
    load = Load(values)
    load.take([put("t/a", 5), put("t/b", 6), put("t/a", 4)], 3)
    assert (held(values, "t/a"), held(values, "t/b")) == ("5", "6")
    assert load.repairs() == [(b"t/a", version_of(2, 5) + b"5", [])]


def test_of_one_version_the_last_record_stands(values: Values) -> None:
    # A batch that was sent twice, as its first delivery was not known of.
    load = Load(values)
    load.take([put("t/a", 5, "first"), put("t/a", 5, "again")], 2)
    assert held(values, "t/a") == "again"
    assert load.repairs() == []


def test_a_doubt_is_settled_by_a_greater_version_wherever_it_comes(values: Values) -> None:
    load = Load(values)
    load.take([put("t/a", 5), put("t/a", 4), put("t/a", 6), put("t/b", 9), put("t/b", 8)], 5)
    assert values.doubtful == {b"t/b"}
    load.take([put("t/b", 10)], 6)
    assert load.repairs() == []


def test_a_doubt_is_settled_when_the_repair_is_delivered(values: Values) -> None:
    Load(values).take([put("t/a", 5), put("t/a", 4)], 2)
    values.put([(b"t/a", version_of(2, 5) + b"5")], 3, {})
    assert values.doubtful == set()


def test_what_was_deleted_is_not_brought_back_by_what_is_older(values: Values) -> None:
    load = Load(values)
    load.take([put("t/a", 5), deleted("t/a", 7), put("t/a", 6)], 3)
    assert values.keys(b"t") == []
    assert load.repairs() == [(b"t/a", None, [(VERSION_HEADER, version_of(2, 7))])]


def test_what_was_deleted_comes_back_by_what_is_newer(values: Values) -> None:
    load = Load(values)
    load.take([deleted("t/a", 5), put("t/a", 6)], 2)
    assert (values.keys(b"t"), values.count(), load.repairs()) == ([b"a"], 1, [])


def test_the_greatest_version_of_each_agent_is_remembered(values: Values) -> None:
    Load(values).take([put("t/a", 5), put("u/a", 3, agent=1), put("t/b", 4), deleted("t/c", 9)], 4)
    assert values.tops == {b"02": version_of(2, 9), b"01": version_of(1, 3)}


@pytest.mark.parametrize("seed", range(5))
def test_any_stretches_come_to_what_the_whole_comes_to(seed: int, values: Values) -> None:
    dice = Random(seed)
    records = [
        (put if dice.random() < 0.9 else deleted)(f"t/{dice.choice('abcd')}", dice.randrange(30), agent=2)
        for _ in range(60)
    ]
    whole = MemoryValues()
    Load(whole).take(records, len(records))
    load, at = Load(values), 0
    while at < len(records):
        step = dice.randint(1, 20)
        load.take(records[at : at + step], min(at + step, len(records)))
        at += step
    for key in b"t/a", b"t/b", b"t/c", b"t/d":
        assert (values.get(key) or b"")[:16] == (whole.get(key) or b"")[:16]
    assert (values.doubtful, values.tops, values.position) == (whole.doubtful, whole.tops, 60)


def test_repairs_make_the_last_record_the_one_that_counts(values: Values) -> None:
    records = [put("t/a", 5), deleted("t/b", 7), put("t/a", 4), put("t/b", 6), put("t/c", 1)]
    load = Load(values)
    load.take(records, len(records))
    last: dict[bytes, Record] = {}
    for record in [*records, *(Record(w.key or b"", w.value, w.headers) for w in load.repairs())]:
        last[record.key] = record  # what compaction keeps
    compacted = MemoryValues()
    Load(compacted).take(last.values(), 1)
    assert {key: values.get(key) for key in last} == {key: compacted.get(key) for key in last}


# -- stores -------------------------------------------------------------------------------------------------------


def test_keys_of_a_table_come_in_order_and_without_its_name(values: Values) -> None:
    values.put([(key, version_of(2, 1) + b"1") for key in (b"t/b", b"t/a/2", b"t/a/1", b"tt/x", b"s/y")], 5, {})
    assert values.keys(b"t") == [b"a/1", b"a/2", b"b"]
    assert values.keys(b"t", b"a/") == [b"a/1", b"a/2"]
    assert values.count() == 5


def test_tables_over_values_read_what_was_put(values: Values) -> None:
    key, value, _ = changelog_record(CONTROLS, "intake/x", new(), version_of(0, 4))
    assert key is not None
    assert value is not None
    values.put([(key, value), (changelog_key(CONTROLS.name, "gone"), version_of(0, 4))], 2, {})
    for tables in (SliceTables(values), View(values)):
        assert tables.get(CONTROLS, "intake/x") == new()
        assert tables.get(CONTROLS, "gone") is None
        assert list(tables.keys(CONTROLS)) == ["intake/x"]
        assert list(tables.scan(CONTROLS, "intake/")) == [("intake/x", new())]


def test_a_view_shows_what_was_there_until_the_batch_is_delivered(values: Values) -> None:
    key = changelog_key(CONTROLS.name, "a")
    view = View(values)
    view.begin([key])
    values.put([stored(key, 1)], 1, {})
    assert view.get(CONTROLS, "a") is None
    assert list(view.keys(CONTROLS)) == []
    view.finish([(CONTROLS, "a", new())])
    assert view.get(CONTROLS, "a") == new()
    view.begin([key])
    values.put([(key, version_of(0, 2))], 2, {})  # deleted
    assert list(view.scan(CONTROLS)) == [("a", new())]


def stored(key: bytes, offset: int) -> tuple[bytes, bytes]:
    return key, version_of(0, offset) + CONTROLS.encode(new())


def test_what_is_on_disk_is_there_after_the_process_is_gone(tmp_path: Path) -> None:
    first = RocksValues(tmp_path / "slice-3")
    Load(first).take([put("t/a", 5), deleted("t/b", 6), put("t/c", 9), put("t/c", 8)], 4)
    first.close()
    again = RocksValues(tmp_path / "slice-3")
    assert (again.position, again.tops) == (4, {b"02": version_of(2, 9)})
    assert (held(again, "t/a"), again.get(b"t/b"), again.keys(b"t")) == ("5", version_of(2, 6), [b"a", b"c"])
    # Who died before the repair was delivered owes it still: its position is behind the record that made it due.
    assert Load(again).repairs() == [stored_record(b"t/c", version_of(2, 9) + b"9")]
    again.close()


def test_a_folder_that_is_in_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    values = RocksValues(tmp_path / "slice-0")
    with pytest.raises(Unfit, match=r"slice-0 cannot be opened .*; stop what uses them, or remove the folder"):
        RocksValues(tmp_path / "slice-0")
    values.close()
    forget(tmp_path / "slice-0")
    assert RocksValues(tmp_path / "slice-0").position == 0


def test_values_name_the_tables_that_hold_anything(values: Values) -> None:
    # What another release kept is noticed by the names of its tables.
    assert values.tables() == set()
    Load(values).take([put("heads-v1/C-1", 1), put("heads-v1/C-2", 2), put("heads-v2/C-1", 3), put("a/b/c", 4)], 4)
    assert values.tables() == {b"a", b"heads-v1", b"heads-v2"}
