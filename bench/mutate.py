"""Mutation testing of the domain: change one thing in a module, run its tests, see whether any of them notices.

`python -m bench.mutate app/domain/fx.py …` prints every mutant that no test kills; `--sample` takes so many of each
module, drawn by `--seed`. A mutant lives in a forked process that imports the changed module instead of the file, so
nothing on disk changes. Tests stop at the first failure: the module's own first, then those of `tests/domain` that
import it, then what else is about it (`BESIDE`), then the laws and the comparison with the model. One that takes longer
than `--patience` times the tests of the untouched module is killed too. The record, with a judgement of every survivor,
is docs/mutation.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.util
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
_MODEL = "tests/engine/test_agrees_with_the_model.py::test_"
LAWS = (
    "tests/engine/test_adjustments.py",
    "tests/engine/test_retainers.py",
    "tests/engine/test_laws.py",
    _MODEL + "a_history_in_its_natural_order",
    _MODEL + "a_history_with_one_rule_of_commerce",
    _MODEL + "time_and_estimates_that_are_recorded_late",
)
_PEOPLE = ("engine/test_agrees_about_people.py",)
_FORECASTS = ("engine/test_agrees_about_forecasts.py", "engine/test_frozen_forecasts.py")
BESIDE = {
    "accuracy": _FORECASTS,
    "activation": ("engine/test_erp_project.py",),
    "alerts": _PEOPLE,
    "availability": _PEOPLE,
    "booked": ("engine/test_booked_plan.py",),
    "casework": ("engine/test_desk.py",),
    "checks": ("domain/test_policy.py", "engine/test_demanded.py"),
    "demand": (*_PEOPLE, *_FORECASTS),
    "demanded": ("engine/test_demanded.py",),
    "documents": ("engine/test_billing_schedule.py", "engine/test_documents.py", "engine/test_document_stories.py"),
    "futures": ("engine/test_futures.py",),
    "gate": ("engine/test_erp_gate.py",),
    "masters": ("domain/test_policy.py", "engine/test_policy.py"),
    "reconciliation": ("engine/test_reconciliation.py",),
    "sla": ("engine/test_promises.py",),
    "utilization": _PEOPLE,
}
"""Tests in `tests` that are about a module of the domain without importing it."""
LONG = 900.0
"""Seconds that laws may take: where they end at all, they end long before."""
HISTORIES = "2"
"""On how many histories each law is tried: a mutant that survives all of them is one to look at, not one to run."""


class Mutant(NamedTuple):
    """One change: the line it is on, what it does, and the source with it."""

    line: int
    change: str
    source: str


Tests = Sequence[Sequence[str]]
"""Groups of tests: a later one is only read where all before pass."""

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_Undo = Callable[[], None]


def mutants(source: str) -> Iterator[Mutant]:
    """Every change of a module, in the order of its lines; annotations, decorators and texts are left alone."""
    tree = ast.parse(source)
    for node in _changeable(tree):
        for change, undo in _changes(node):
            yield Mutant(getattr(node, "lineno", 0), change, ast.unparse(tree))
            undo()


def _changeable(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "type_params"):
            continue
        if isinstance(node, ast.ClassDef) and name == "keywords":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, (ast.Import, ast.ImportFrom)):
                yield child
                yield from _changeable(child)


def _changes(node: ast.AST) -> Iterator[tuple[str, _Undo]]:
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            if (other := _COMPARED.get(type(op))) is not None:
                yield from _replaced(node.ops, place, other(), f"{type(op).__name__} → {other.__name__}")
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        if (calculated := _CALCULATED.get(type(node.op))) is not None:
            yield from _set(node, "op", calculated(), f"{type(node.op).__name__} → {calculated.__name__}")
    elif isinstance(node, ast.BoolOp):
        swapped = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield from _set(node, "op", swapped(), f"{type(node.op).__name__} → {swapped.__name__}")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _set(node, "op", ast.UAdd(), "minus → plus")
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield from _set(node, "test", ast.UnaryOp(ast.Not(), node.test), "condition → not condition")
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield from _set(node, "value", node.value + 1, f"{node.value} → {node.value + 1}")
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield from _set(node, "value", not node.value, f"{node.value} → {not node.value}")
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _CALLED:
        yield from _set(node, "id", _CALLED[node.id], f"{node.id} → {_CALLED[node.id]}")
    elif isinstance(node, ast.comprehension):
        for place, test in enumerate(node.ifs):
            yield from _replaced(node.ifs, place, ast.UnaryOp(ast.Not(), test), "filter → not filter")


def _set(node: Any, name: str, value: Any, change: str) -> Iterator[tuple[str, _Undo]]:
    before = getattr(node, name)
    setattr(node, name, value)
    yield change, lambda: setattr(node, name, before)


def _replaced(values: list[Any], place: int, value: Any, change: str) -> Iterator[tuple[str, _Undo]]:
    before, values[place] = values[place], value
    yield change, lambda: values.__setitem__(place, before)


class _Changed(MetaPathFinder, Loader):
    """Imports one module from a changed source."""

    def __init__(self, name: str, source: str, path: Path) -> None:
        self._name, self._source, self._path = name, source, path

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)


def survives(module: Path, source: str, tests: Tests, patience: float) -> bool:
    """Whether all `tests` pass, within `patience` seconds, while `module` has this source."""
    child = os.fork()
    if child == 0:
        os._exit(_run(module, source, tests))
    until = time.monotonic() + patience
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def _run(module: Path, source: str, tests: Tests) -> int:
    name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
    sys.meta_path.insert(0, _Changed(name, source, module))
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--tb=no", "--no-header"]
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    with contextlib.suppress(BaseException):
        return int(any(pytest.main([*arguments, *group]) for group in tests))
    return 1


def tests_of(module: Path) -> Tests:
    """The module's own tests, then those of the domain that import it, then what else is about it."""
    folder = ROOT / "tests" / "domain"
    own = folder / f"test_{module.stem}.py"
    users = [path for path in sorted(folder.glob("test_*.py")) if f"domain.{module.stem} import" in path.read_text()]
    groups = [[own] if own.exists() else [], [path for path in users if path != own]]
    groups += [[ROOT / "tests" / name] for name in BESIDE.get(module.stem, ())]
    return [[str(path.relative_to(ROOT)) for path in group] for group in groups if group]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="+", type=lambda text: Path(text).resolve())
    parser.add_argument("--sample", type=int, default=0, help="at most so many mutants of a module; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=5)
    parser.add_argument("--out", type=Path, help="append a line of JSON for every mutant")
    chosen = parser.parse_args()
    os.chdir(ROOT)
    os.environ.setdefault("HEADRACE_HISTORIES", HISTORIES)
    for name in ("hypothesis", "msgspec", "orjson", "pydantic"):
        importlib.import_module(name)  # once, and not in every child
    for module in chosen.modules:
        source, tests = module.read_text(), tests_of(module)
        begun = time.monotonic()
        if not survives(module, source, tests, 3600):
            raise SystemExit(f"the tests of {module.name} fail without any change: mend them first")
        patience = 10 + chosen.patience * (time.monotonic() - begun)
        every = list(mutants(source))
        drawn = every
        if chosen.sample and len(every) > chosen.sample:
            drawn = sorted(random.Random(chosen.seed).sample(every, chosen.sample))
        killed = 0
        for one in drawn:
            alive = survives(module, one.source, tests, patience) and survives(module, one.source, [LAWS], LONG)
            killed += not alive
            if alive:
                print(f"{module.name}:{one.line} {one.change}", flush=True)
            if chosen.out is not None:
                with chosen.out.open("a") as out:
                    record = {"module": module.name, "line": one.line, "change": one.change, "survived": alive}
                    out.write(json.dumps(record) + "\n")
        print(f"{module.name}: {len(every)} mutants, {len(drawn)} tried, {killed} killed", flush=True)


if __name__ == "__main__":
    main()
