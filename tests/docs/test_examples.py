"""What the documents show is what headrace does: their commands are run, their examples folded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agents.effects import Record
from app.domain.utilization import WINDOW
from app.engine.accuracy import cells_of, ledger_of, record_rows, score_rows
from app.engine.explain import explain
from app.engine.figures import Figures
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from app.engine.workforce import Workforce, group_rows
from tests.docs.pages import DOCS, ROOT, Example, Fence, examples, fences

WORKED = [
    pytest.param(example, id=f"{name}-{example.line}")
    for name in ("burn", "readiness", "documents", "fees", "forecast", "fx", "utilization", "accuracy", "explain")
    for example in examples(DOCS / f"{name}.md")
]


@pytest.mark.parametrize("example", WORKED)
def test_an_example_comes_to_what_the_page_says(example: Example) -> None:
    refused: list[str] = []
    host = MemoryHost(publish=False, on_dead_letter=lambda letter: refused.append(letter.message))
    finish(host.take("page", [Record(offset, line) for offset, line in enumerate(example.events)]))
    assert refused == []
    figures, as_of = Figures(host.stores), date.fromisoformat(example.expected["as_of"]).toordinal()
    for contract_id, said in example.expected.get("burn", {}).items():
        assert _shown(figures.burn(contract_id, as_of)[0], said) == said
    for contract_id, said in example.expected.get("readiness", {}).items():
        assert _shown(figures.readiness(contract_id, as_of), said) == said
    for contract_id, said in example.expected.get("forecast", {}).items():
        assert _shown(figures.forecast(contract_id, as_of), said) == said
    for asked, said in example.expected.get("explained", {}).items():
        contract_id, figure = asked.split(" ")
        contracts, head = figures.of(contract_id) or pytest.fail(contract_id)
        assert _shown(explain(contracts, head, contract_id, figure, None, as_of), said) == said
    for contract_id, said in example.expected.get("revenue", {}).items():
        assert _shown(figures.revenue(contract_id, as_of), said) == said
    if "documents" in example.expected:
        live = {row["document_key"]: row for name in figures.ids() for row in figures.documents(name, as_of)}
        assert live.keys() == example.expected["documents"].keys()
        assert _shown(live, example.expected["documents"]) == example.expected["documents"]
    found = _weeks(Workforce(host.stores), as_of)
    told = {
        row.payload["resource_id"]: row.payload for row in Workforce(host.stores).alerts(as_of, WINDOW.mondays(as_of))
    }
    for resource_id, said in example.expected.get("alerts", {}).items():
        assert _shown(told[resource_id], said) == said
    for key, said in {**example.expected.get("weeks", {}), **example.expected.get("gaps", {})}.items():
        assert _shown(found[key], said) == said
    scores = _scores(host, as_of)
    for key, said in {**example.expected.get("scored", {}), **example.expected.get("records", {})}.items():
        assert _shown(scores[key], said) == said


def _scores(host: MemoryHost, as_of: int) -> dict[str, Any]:
    """How forecasts were, by `kind/id/week` and `kind/id`; in each by weeks ahead, then by kind."""
    cells = cells_of(host.stores, as_of)
    ledger = ledger_of(host.stores, cells)
    rows = [row for _, _, row in score_rows(ledger, cells, as_of, ("role", "practice"))]
    rows += [row for _, row in record_rows(ledger, cells, as_of, ("role", "practice"))]
    return {
        "/".join([*row["subject"].values(), *([row["week"]] if "week" in row else [])]): {
            **row,
            **{
                str(one["weeks_ahead"]): {**one, **{kind["booking"]: kind for kind in one["kinds"]}}
                for one in row["forecasts"]
            },
        }
        for row in rows
    }


def _weeks(force: Workforce, as_of: int) -> dict[str, Any]:
    """Weeks by `kind/id/week`, gaps by `role/practice/week`."""
    mondays = list(WINDOW.mondays(as_of))
    people, totals = force.everybody(as_of, mondays)
    rows = [row.payload for its in people.values() for row in its]
    rows += [row.payload for _, row in group_rows(totals, as_of, mondays, ("role", "practice"))]
    gaps = [row.payload for row in force.gaps(as_of, mondays)]
    return {
        **{f"{row['subject']['kind']}/{row['subject']['id']}/{row['week']}": row for row in rows},
        **{f"{gap['role']}/{gap['practice'] or ''}/{gap['week']}": gap for gap in gaps},
    }


def _shown(value: Any, said: Any) -> Any:
    """`value` cut down to the fields that the page speaks of; lists keep every item."""
    if isinstance(said, dict):
        return {name: _shown(value[name], part) for name, part in said.items()}
    if isinstance(said, list) and said and isinstance(said[0], dict):
        return [_shown(item, said[min(place, len(said) - 1)]) for place, item in enumerate(value)]
    return value


def test_every_page_of_figures_has_examples() -> None:
    assert len(WORKED) >= 6


def test_the_tutorial_answers_as_it_says(tmp_path: Path) -> None:
    for fence in fences(DOCS / "tutorial.md"):
        if fence.language == "sh":
            _run(fence.text, tmp_path)
        else:
            for command, answer in _commands(fence):
                assert _like(_run(command, tmp_path), answer), f"tutorial.md:{fence.line}: {command}"


def test_the_first_steps_of_the_readme_work(tmp_path: Path) -> None:
    steps = next(fence.text for fence in fences(ROOT / "README.md") if fence.language == "sh")
    said = _run(steps, tmp_path)
    assert "verified: 3,000 journal records" in said
    assert "approved.amount of C-0002 as of 2026-06-30" in said
    assert '"type":"readiness.updated.v1"' in said
    assert {"burn.jsonl", "readiness.jsonl", "summary.json"} <= {path.name for path in (tmp_path / "result").iterdir()}


def test_the_readme_shows_the_demo_as_it_looks(tmp_path: Path) -> None:
    """Its figures follow the simulated firm and are not compared."""
    demo = next(fence for fence in fences(ROOT / "README.md") if fence.language == "console")
    [(command, answer)] = _commands(demo)
    assert _like(_without_figures(_run(command, tmp_path)), _without_figures(answer))


def test_every_command_the_makefile_is_said_to_have_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        assert set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


def _commands(fence: Fence) -> list[tuple[str, str]]:
    """(command, answer) of a console block; a command begins with `$ `."""
    parts = re.split(r"^\$ (.*)\n", fence.text, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def _run(command: str, folder: Path) -> str:
    """What `command` prints, as in a terminal of 120 columns; fails with what it said where it does."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "120", "LC_ALL": "C.UTF-8"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**kept, **own},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def _like(printed: str, shown: str) -> bool:
    """Whether `printed` is what is `shown`: a `…` stands for anything, blanks at the ends of lines for nothing."""
    pattern = ".*?".join(re.escape(part) for part in _trimmed(shown).split("…"))
    if re.fullmatch(pattern, _trimmed(printed), re.DOTALL):
        return True
    print(printed)
    return False


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())


def _without_figures(text: str) -> str:
    return re.sub(r"[\d.,]*\d|█+| {2,}|━+", " ", text)
