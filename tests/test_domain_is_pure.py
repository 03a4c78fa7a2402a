"""No float and no clock in the domain.

Why: money in floats loses cents, and a domain that reads a clock gives another answer when it is replayed. Both have
happened to every system of this kind, and neither shows in an ordinary test.

How: every module under `app/domain` is parsed; a call of `float`, of a clock, a literal with a decimal point, a true
division and an import of a module that knows the time are findings.

Blind spot: what a name is bound to is not followed (`now = datetime.now` elsewhere, passed in, is not seen), nor does
it know types: `a / b` of two Decimals or Fractions is exact enough and is a finding all the same.

Escape: a line that ends with `# exact: <why>` is let pass; say why no float comes of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).resolve().parents[1] / "app" / "domain"
MODULES = sorted(DOMAIN.rglob("*.py"))
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
CLOCK_OWNERS = {"datetime", "date", "time"}
FORBIDDEN_IMPORTS = {"time", "random", "secrets", "uuid"}
ESCAPE = "# exact: "


def findings(source: str) -> list[str]:
    """`line: what` of everything in a module that could be a float or a clock."""
    lines = source.splitlines()
    return [f"{line}: {what}" for line, what in sorted(_found(ast.parse(source))) if ESCAPE not in lines[line - 1]]


def _found(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="float"):
                yield node.lineno, "float"
            case ast.Constant(value=float()):
                yield node.lineno, f"the float {node.value!r}"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield node.lineno, "a true division"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if (
                owner in CLOCK_OWNERS and name in CLOCKS
            ):
                yield node.lineno, f"{owner}.{name}()"
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=owner), attr=name)) if (
                owner in CLOCK_OWNERS and name in CLOCKS
            ):
                yield node.lineno, f"{owner}.{name}()"
            case ast.Import():
                yield from ((node.lineno, f"import {n.name}") for n in node.names if n.name in FORBIDDEN_IMPORTS)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in FORBIDDEN_IMPORTS:
                yield node.lineno, f"import from {module}"


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(DOMAIN)) for path in MODULES])
def test_a_module_of_the_domain_has_neither_float_nor_clock(path: Path) -> None:
    assert findings(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = float('1.1')",
        "def f(x: float) -> None: ...",
        "x = 1.5",
        "x = a / b",
        "x /= 2",
        "x = datetime.now()",
        "x = datetime.datetime.now(UTC)",
        "x = date.today()",
        "x = time.time()",
        "from time import monotonic",
        "import random",
    ],
)
def test_the_check_sees_what_it_is_for(source: str) -> None:
    assert len(findings(source)) == 1


@pytest.mark.parametrize(
    "source", ["x = a // b", "x = when.date()", "x = Decimal('1.1')", "x = a / b  # exact: Fractions"]
)
def test_the_check_lets_pass_what_is_exact(source: str) -> None:
    assert findings(source) == []
