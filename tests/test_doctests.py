"""Every example in a docstring of the product runs and gives what it shows."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import agents
import app
import tables

MODULES = sorted(
    found.name
    for package in (app, agents, tables)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not found.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_to_run() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [one for name in MODULES for one in finder.find(importlib.import_module(name)) if one.examples]
    assert len(examples) > 5
