"""Golden bytes are added, never edited: what was once accepted is accepted for ever, and is the same fact."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import orjson
import pytest
from pydantic import BaseModel

from app.events.catalogue import TYPES
from app.events.fact import Fact
from app.events.reader import Reader
from tests.events.golden_files import events


@pytest.mark.parametrize("path", events(), ids=lambda path: path.stem)
def test_golden_bytes_are_the_fact_beside_them(path: Path) -> None:
    expected = orjson.loads(path.with_suffix(".fact.json").read_bytes())
    read = Reader().read(path.read_bytes(), origin=(expected["topic"], expected["partition"], expected["offset"]))
    # time 2026-03-09T17:00:00.25Z is 1,773,075,600.25 s; recorded 18:00:04+01:00 is 17:00:04Z; accepted one later.
    assert (read.journal, read.key) == (expected.pop("journal"), expected.pop("key"))
    assert orjson.loads(bytes(read.fact.data)) == expected.pop("data")
    assert {name: getattr(read.fact, name) for name in Fact.__struct_fields__ if name != "data"} == expected


@pytest.mark.parametrize("path", events(), ids=lambda path: path.stem)
def test_normal_bytes_pass_through_as_they_came(path: Path) -> None:
    value = path.read_bytes().rstrip(b"\n")
    assert b'"data":' + bytes(Reader().read(value).fact.data) + b"}" == value[value.index(b'"data":') :]


@pytest.mark.parametrize("path", events(), ids=lambda path: path.stem)
def test_a_fact_survives_the_journal(path: Path) -> None:
    fact = Reader().read(path.read_bytes()).fact
    stored = msgspec.json.encode(fact)
    assert msgspec.json.encode(msgspec.json.decode(stored, type=Fact)) == stored


def test_every_type_has_golden_bytes_that_use_all_of_its_fields() -> None:
    sent: dict[str, set[str]] = {}
    for path in events():
        event = orjson.loads(path.read_bytes())
        sent.setdefault(event["type"], set()).update(_paths(event["data"]))
    assert set(sent) == set(TYPES)
    for known in TYPES.values():
        missing = _fields(known.model) - sent[known.type]
        assert not missing, f"{known.type} has no golden value for {sorted(missing)}"


def _paths(tree: Any, at: str = "") -> set[str]:
    if isinstance(tree, list):
        return set().union(*(_paths(item, at) for item in tree))
    if not isinstance(tree, dict):
        return {at}
    return {at}.union(*(_paths(child, f"{at}/{name}") for name, child in tree.items()))


def _fields(model: type[BaseModel], at: str = "") -> set[str]:
    found: set[str] = set()
    for name, info in model.model_fields.items():
        here = f"{at}/{info.alias or name}"
        found.add(here)
        for inner in _models(info.annotation):
            # A cleared object shows none of its fields: the null of `contract.amended` stands for them.
            if not (model.__name__ == "ContractAmended" and here == "/tax"):
                found |= _fields(inner, here)
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
