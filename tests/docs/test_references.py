"""What the documents name exists, and what exists to be used is named in them."""

from __future__ import annotations

import argparse
import re
import sqlite3
from pathlib import Path

import pytest
from pydantic import BaseModel

from agents.effects import DEAD_LETTERS
from app.cli import parser
from app.domain.readiness import RULES
from app.domain.reconciliation import CAUSES
from app.domain.sla import PROMISES
from app.engine.embedded import EmbeddedHost
from app.engine.kafka.ending import Exit
from app.engine.kafka.topics import product
from app.engine.queries import Queries
from app.engine.store import Store
from app.settings import Settings
from app.web.metrics import PREFIX, Traffic
from app.web.routes import ROUTES
from app.web.streams import Streams
from tables import TABLES
from tables.controls import DISPOSITIONS
from tests.docs.pages import DOCS, PAGES, ROOT, rows

OPERATIONS = DOCS / "operations.md"
KAFKA = DOCS / "kafka.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"https?://|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_in_prose_exists(page: Path) -> None:
    """Paths in code marks that begin with a folder of this repository; patterns with a `<` are names of a kind."""
    for path in re.findall(r"`((?:app|agents|tables|tests|docs|bench)/[\w./-]+)`", page.read_text()):
        assert (ROOT / path).exists() or (ROOT / f"{path}.py").exists(), path


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), {ROOT / "README.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = re.findall(r"\]\(([^)\s#]+\.md)\b", page.read_text())
        waiting |= {(page.parent / link).resolve() for link in links} - reached
    assert set(PAGES) <= reached


def test_every_page_has_one_title() -> None:
    for page in PAGES:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1, page.name


def test_the_operator_reads_every_setting_with_its_default() -> None:
    documented = {
        name: (default, meaning) for page in (OPERATIONS, KAFKA) for name, default, meaning in rows(page, "variable")
    }
    assert documented == {
        f"HEADRACE_{name.upper()}": (_text(field.default), field.description)
        for name, field in Settings.model_fields.items()
    }


def _text(default: object) -> str:
    return default.model_dump_json() if isinstance(default, BaseModel) else str(default)


def test_the_operator_reads_every_metric_with_its_type_and_labels(tmp_path: Path) -> None:
    """Labels are those of the samples; a family without samples shows none."""
    traffic = Traffic()
    traffic.count("/", "GET", 200, 0.1)
    with EmbeddedHost(Store(tmp_path / "store.sqlite"), lambda: 0) as host:
        host.take([b"not an event"])
        engine = Queries(host, lambda: 0.0).samples()
    http = [(m.name, m.type, m.help, m.samples) for m in (*traffic.metrics(), *Streams(1).metrics())]
    exported = {
        PREFIX + name: (kind, {label for of, _ in found for label in of}) for name, kind, _, found in [*engine, *http]
    }
    documented = {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels, _ in rows(OPERATIONS, "metric")}
    assert documented == exported


def test_the_operator_reads_every_way_in_which_a_worker_ends() -> None:
    assert {code for code, _, _ in rows(KAFKA, "worker's exit code")} == {str(code.value) for code in Exit}


def test_the_operator_reads_every_topic() -> None:
    """Dead letters are said to be the inputs' names with an ending, in one row."""
    documented = {name for cell, *_ in rows(KAFKA, "topics") for name in re.findall(r"[a-z][a-z.-]+[a-z]", cell)}
    for topic in product("headrace"):
        assert topic.name.removeprefix("headrace.").removesuffix(DEAD_LETTERS) in documented, topic.name


def test_the_operator_reads_every_command() -> None:
    [commands] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    assert {name for name, _ in rows(OPERATIONS, "command")} == set(commands.choices)


def test_the_operator_s_way_to_copy_a_store_gives_one_that_opens(tmp_path: Path) -> None:
    Store(tmp_path / "X.sqlite", partitions=3).close()
    [said] = re.findall(r'`sqlite3 X.sqlite "(.*?)"`', OPERATIONS.read_text())
    live = sqlite3.connect(tmp_path / "X.sqlite")
    live.execute(said.replace("copy.sqlite", str(tmp_path / "copy.sqlite")))
    live.close()
    with Store(tmp_path / "copy.sqlite", read_only=True) as copy:
        assert copy.partitions == 3


def test_the_http_guide_names_every_path() -> None:
    guide = (DOCS / "http.md").read_text()
    for route in ROUTES:
        assert f"`{route.path}`" in guide, route.path


def test_no_page_speaks_of_one_machine() -> None:
    for page in PAGES:
        assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|usr|mnt)/", page.read_text()), page.name


def test_readiness_lists_every_blocker_as_the_code_has_it() -> None:
    documented = {code: tuple(rest) for code, *rest in rows(DOCS / "readiness.md", "code")}
    assert documented == {code: (rule.tier, rule.scope, rule.owner, rule.fix) for code, rule in RULES.items()}


def test_the_glossary_has_every_disposition_and_every_table() -> None:
    words = {word for word, _ in rows(DOCS / "glossary.md", "word")}
    assert {name.replace("dead_lettered", "dead letter") for name in (*DISPOSITIONS, "parked")} <= words
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    for table in TABLES:
        assert f"`{table.name.rpartition('-v')[0]}`" in architecture, table.name


def test_the_glossary_explains_no_word_twice() -> None:
    words = [word for word, _ in rows(DOCS / "glossary.md", "word")]
    assert len(words) == len(set(words))


def test_every_decision_is_listed_and_says_what_enforces_it() -> None:
    pages = sorted(DOCS.glob("decisions/0*.md"))
    index = (DOCS / "decisions" / "README.md").read_text()
    for number, page in enumerate(pages, 1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number:04d} ")
        assert f"({page.name})" in index
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Enforced by**"):
            assert part in text, f"{page.name}: {part}"


def test_reconciliation_lists_every_cause_as_the_code_has_it() -> None:
    assert dict(rows(DOCS / "reconcile.md", "cause")) == dict(CAUSES)


def test_business_slas_are_listed_as_the_code_has_them() -> None:
    documented = {name: meaning for name, _, meaning in rows(DOCS / "slas.md", "sla")}
    assert documented == {name: promise.meaning for name, promise in PROMISES.items()}
