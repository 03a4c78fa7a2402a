"""The import names `app`, `agents` and `tables` are this checkout's, and the distribution stays private.

Other wheels ship packages of these names (PyTables is `tables`, openai-agents is `agents`); installed beside headrace
they would be imported instead, or mixed in file by file.
"""

from __future__ import annotations

import importlib
from importlib.metadata import distributions, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("app", "agents", "tables")


@pytest.mark.parametrize("name", NAMES)
def test_an_import_name_is_this_checkout(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / name / "__init__.py"
    assert [Path(place).resolve() for place in module.__path__] == [ROOT / name]


@pytest.mark.parametrize("name", NAMES)
def test_no_other_distribution_brings_the_name(name: str) -> None:
    bringing = {
        found.name
        for found in distributions()
        if found.name != "headrace" and any(file.parts[0] in (name, f"{name}.py") for file in found.files or ())
    }
    assert bringing == set()


def test_the_distribution_is_not_for_upload() -> None:
    # A package index refuses every distribution with a classifier that begins so.
    assert "Private :: Do Not Upload" in metadata("headrace").get_all("Classifier", [])
