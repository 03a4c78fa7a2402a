"""The page on events names what there is."""

from __future__ import annotations

from pathlib import Path

import orjson

from app.events.catalogue import TYPES
from app.events.derived import DERIVED
from app.events.reader import Reader
from app.events.refusal import REFUSALS

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()


def test_the_page_names_every_type_and_every_refusal() -> None:
    for name in (*TYPES, *DERIVED, *REFUSALS):
        assert f"`{name}`" in PAGE, name
    for code, meaning in REFUSALS.items():
        assert f"| `{code}` | {meaning} |" in PAGE


def test_the_page_lists_what_each_type_requires() -> None:
    for known in TYPES.values():
        row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{known.type}`" in line)
        required = [info.alias or name for name, info in known.model.model_fields.items() if info.is_required()]
        assert row.endswith(f"| {', '.join(required)} |"), row


def test_the_example_on_the_page_is_read() -> None:
    example = PAGE.split("```json\n")[1].split("\n```")[0].encode()
    assert orjson.loads(example)["type"] == "time.approved.v1"
    assert Reader().read(example).key == "time/TE-17"
