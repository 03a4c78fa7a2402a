"""What has been published once is valid for ever; what is not in the form of the catalogue is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from app.events.derived import DERIVED
from tests.events.golden_files import GOLDEN

PATHS = sorted((GOLDEN / "derived").glob("*.json"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_golden_statements_are_valid(path: Path) -> None:
    event = orjson.loads(path.read_bytes())
    model = DERIVED[event["type"]].model
    statement = model.model_validate_json(orjson.dumps(event["data"]))
    assert orjson.loads(statement.model_dump_json(exclude_unset=True)) == event["data"]


@pytest.mark.parametrize("type_", DERIVED)
def test_every_field_of_a_statement_is_in_one_of_its_golden_ones(type_: str) -> None:
    golden = [event["data"] for path in PATHS if (event := orjson.loads(path.read_bytes()))["type"] == type_]
    assert set(DERIVED[type_].model.model_fields) == {name for data in golden for name in data}


def test_every_derived_type_has_a_golden_statement() -> None:
    assert {path.stem for path in PATHS} >= set(DERIVED)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expenses", -12.35),
        ("expenses", "-12.345678"),
        ("expenses", "1e3"),
        ("unpriced_minutes", "0"),
        ("unpriced_minutes", 0.0),
        ("as_of", "09.03.2026"),
        ("ratio", {"minutes": "0.56", "amount": None}),
        ("thresholds", {"minutes": [60], "amount": []}),
        ("status", "expired"),
        ("by_period", {"2026-13": {"minutes": 0, "amount": "0.00"}}),
        ("per_week", {"minutes": "2287.505", "amount": "4593.44"}),
        ("state_version", None),
    ],
)
def test_a_statement_in_another_form_is_not_valid(field: str, value: Any) -> None:
    data = orjson.loads((GOLDEN / "derived" / "burn.updated.v1.json").read_bytes())["data"]
    with pytest.raises(ValidationError) as caught:
        DERIVED["burn.updated.v1"].model.model_validate_json(orjson.dumps({**data, field: value}))
    assert all(error["loc"][0] == field for error in caught.value.errors())


def test_a_statement_may_say_more() -> None:
    data = orjson.loads((GOLDEN / "derived" / "burn.updated.v1.json").read_bytes())["data"]
    DERIVED["burn.updated.v1"].model.model_validate_json(orjson.dumps({**data, "margin_ratio": "0.3361"}))
