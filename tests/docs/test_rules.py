"""Every rule has a row, a place and a test that exists."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.docs.pages import DOCS, ROOT, rows

RULES = rows(DOCS / "rules.md", "rule")


@cache
def functions(path: str) -> frozenset[str]:
    """The names of a module's top-level functions."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_rule_has_one_row_in_order() -> None:
    assert [row[0] for row in RULES] == [f"R{number}" for number in range(1, 52)]


@pytest.mark.parametrize("row", RULES, ids=lambda row: row[0])
def test_a_rule_lives_somewhere_and_has_tests_that_exist(row: list[str]) -> None:
    _, says, where, tests = row
    assert says
    assert (ROOT / where).exists(), where
    named = [one.split("::") for one in tests.split()]
    assert named
    for path, test in named:
        assert test in functions(path), f"{path} has no {test}"
