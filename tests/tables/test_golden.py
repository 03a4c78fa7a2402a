"""Stored bytes are read for ever: golden values are added, never edited, and shapes only grow at their end.

A file holds one value of one table, `<table>-v<version>.<n>.json`, as the host stored it; beside it, in
`shapes.json`, stands every positional shape as far as it was ever written. A new field is added to the end of both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import orjson
import pytest

from app.domain.booked import Run
from app.domain.demand import Opening
from app.domain.ledger import WIDTH, Gone, Issue, Row, Spend, Sum, Was
from app.domain.utilization import WIDTH as WEEK_WIDTH
from app.domain.utilization import Booking, Worked
from app.events.fact import Fact
from app.events.home import Home
from app.events.journalled import Journalled
from app.events.measure import Measure
from app.events.plan import Plan
from app.events.posting import Draft, Halt, Moment, Reply, Resend
from app.events.share import Share, Weekly
from app.events.stint import Assigned, Stint
from app.events.wanted import Wanted
from tables import TABLES, Table
from tables.outbox import Heard, Resent, Sent, Turn
from tables.schedules import Held
from tables.shares import Given

_GOLDEN = Path(__file__).parent / "golden"
_FILES = sorted(_GOLDEN.glob("*-v*.json"))
_SHAPES: dict[str, list[str]] = orjson.loads((_GOLDEN / "shapes.json").read_bytes())
_BY_NAME = {table.name: table for table in TABLES}
_TOLD: tuple[type[msgspec.Struct], ...] = (Home, Stint, Assigned, Wanted, Share, Weekly, Reply, Resend, Halt, Moment)
"""What stands in journals only."""
_KEPT: tuple[type[msgspec.Struct], ...] = (
    Fact,
    Plan,
    Run,
    Row,
    Spend,
    Was,
    Sum,
    Issue,
    Gone,
    Worked,
    Booking,
    Held,
    Opening,
    Measure,
    Draft,
    Sent,
    Heard,
    Resent,
    Turn,
)
_WITHIN: tuple[type[msgspec.Struct], ...] = (*_TOLD, *_KEPT, Given)
_STORED: tuple[type[msgspec.Struct], ...] = (*_WITHIN, *(table.shape for table in TABLES))


def table_of(path: Path) -> Table[Any]:
    return _BY_NAME[path.name.split(".")[0]]


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_golden_bytes_decode(path: Path) -> None:
    table = table_of(path)
    value = table.decode(path.read_bytes())
    assert isinstance(value, table.shape)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.name)
def test_golden_values_keep_what_they_said(path: Path) -> None:
    # Written anew, a value is what it was, with whatever fields were appended since.
    table = table_of(path)
    again = table.encode(table.decode(path.read_bytes()))
    assert _begins_with(orjson.loads(again), orjson.loads(path.read_bytes()))


def _begins_with(new: Any, old: Any) -> bool:
    """Whether every list of `old` stands at the beginning of its counterpart in `new`."""
    if isinstance(old, list) and isinstance(new, list):
        return len(new) >= len(old) and all(map(_begins_with, new, old))
    if isinstance(old, dict) and isinstance(new, dict):
        return new.keys() == old.keys() and all(_begins_with(new[name], old[name]) for name in old)
    return bool(new == old)


def test_every_table_has_golden_bytes() -> None:
    assert {table_of(path).name for path in _FILES} == set(_BY_NAME)


def test_every_positional_shape_only_grows_at_its_end() -> None:
    shapes = {shape.__name__: shape for shape in _STORED}
    assert set(_SHAPES) == set(shapes)
    for name, known in _SHAPES.items():
        fields = msgspec.structs.fields(shapes[name])
        assert [field.name for field in fields][: len(known)] == known, f"{name} changed within what is stored"
        for field in fields[len(known) :]:
            assert not field.required, f"{name}.{field.name} needs a default: stored values do not have it"


def test_the_shapes_stand_as_they_are_written_now() -> None:
    # A field that is not listed is not guarded.
    for shape in _STORED:
        assert _SHAPES[shape.__name__] == list(shape.__struct_fields__)


def test_golden_bytes_hold_every_kind_of_value_within() -> None:
    # A shape that no golden value holds could change unseen.
    held: set[str] = set()
    for path in _FILES:
        _note(table_of(path).decode(path.read_bytes()), held)
    assert held >= {shape.__name__ for shape in _STORED} - {shape.__name__ for shape in _TOLD}


def _note(value: Any, held: set[str]) -> None:
    if isinstance(value, msgspec.Struct):
        held.add(type(value).__name__)
        for name in value.__struct_fields__:
            _note(getattr(value, name), held)
    elif isinstance(value, dict):
        for one in value.values():
            _note(one, held)
    elif isinstance(value, list | tuple):
        for one in value:
            _note(one, held)


def test_a_journal_keeps_its_golden_records() -> None:
    for path in sorted(_GOLDEN.glob("journal.*.json")):
        value = msgspec.json.decode(path.read_bytes(), type=Journalled)
        assert isinstance(value, get_args(Journalled))
        assert _begins_with(orjson.loads(msgspec.json.encode(value)), orjson.loads(path.read_bytes()))


def test_the_totals_of_a_stored_sum_have_the_positions_of_today() -> None:
    # Sums are added position by position, so another position makes another table.
    head = _BY_NAME["heads-v3"].decode((_GOLDEN / "heads-v3.1.json").read_bytes())
    assert {len(total.totals) for lines in head.pages.values() for total in lines.values()} == {WIDTH}


def test_the_figures_of_a_stored_share_have_the_positions_of_today() -> None:
    shares = _BY_NAME["shares-v1"].decode((_GOLDEN / "shares-v1.1.json").read_bytes())
    assert {len(given.figures) for given in shares.sums.values()} == {WEEK_WIDTH}


def test_no_stored_integer_is_bounded() -> None:
    # Micro-units of a large yen budget exceed 64 bits: they must come back as they went.
    table: Table[Any] = _BY_NAME["heads-v3"]
    value = table.decode((_GOLDEN / "heads-v3.1.json").read_bytes())
    value.documents["invoice/I-9"] = (10**24, 1)
    assert table.decode(table.encode(value)).documents["invoice/I-9"] == (10**24, 1)
