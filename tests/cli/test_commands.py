"""What each command says of a store: topics, the reasons for figures, exceptions, and a log that leads to it again."""

from __future__ import annotations

import json
import os
import sys
from base64 import b64decode
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE, Popen

import orjson
import pytest

from app.engine.explain import FIGURES
from app.events.derived import DERIVED
from app.events.refusal import REFUSALS
from app.replay.digest import FACT_TABLES
from app.simulation.scenario import DEFAULT_END
from tests.host.runs import ROOT, arguments, firm, headrace, refused, said, written


def rows(*words: object) -> list[dict[str, object]]:
    """What a command writes as JSON Lines."""
    done = headrace(*words)
    assert done.returncode == 0, done.stderr.decode()
    return [orjson.loads(line) for line in done.stdout.splitlines()]


def test_publish_counts_what_became_of_each_record(tmp_path: Path) -> None:
    good = firm(events=300)
    words = ("--store", tmp_path / "store.sqlite")
    first = said("publish", written(tmp_path / "log.jsonl", good), *words)["records"]
    assert (first["read"], first["dead_lettered"]) == (len(good), 0)
    again = said("publish", written(tmp_path / "bad.jsonl", [*good, b"{"]), *words)["records"]
    assert again["read"] == again["duplicate"] + again["stale"] + again["dead_lettered"] == len(good) + 1
    assert again["dead_lettered"] == 1


def test_publish_reads_standard_input(tmp_path: Path) -> None:
    done = headrace("publish", "-", "--json", "--store", tmp_path / "store.sqlite", stdin=b"\n".join(firm(events=50)))
    assert orjson.loads(done.stdout)["records"]["read"] == 51


def test_topics_are_listed_with_their_lag(store: Path, log: Path) -> None:
    listed = {row["topic"]: row for row in said("topics", "list", "--store", store)}
    inputs = ("contracts", "timesheets", "staffing", "milestones", "erp-feedback", "reference")
    assert sum(listed[topic]["records"] for topic in inputs) == len(log.read_bytes().splitlines())
    assert {listed[topic]["lag"] for topic in inputs} == {0}
    assert headrace("topics", "--store", store).stdout


@pytest.mark.parametrize(
    ("topic", "type_"), [("burn", "burn.updated.v1"), ("headrace.readiness", "readiness.updated.v1")]
)
def test_the_tail_of_a_topic_is_its_last_statements(store: Path, topic: str, type_: str) -> None:
    tail = rows("topics", "tail", topic, "-n", "7", "--store", store)
    assert len(tail) == 7
    for statement in tail:
        assert statement["type"] == type_
        DERIVED[type_].model.model_validate_json(orjson.dumps(statement["data"]))
    assert tail == rows("topics", "tail", topic, "-n", "0", "--store", store)[-7:]


def test_the_latest_statement_of_each_key_is_the_last_in_the_log(store: Path) -> None:
    latest = rows("topics", "tail", "burn", "--latest", "-n", "0", "--store", store)
    log = {statement["subject"]: statement for statement in rows("topics", "tail", "burn", "-n", "0", "--store", store)}
    assert {statement["subject"]: statement for statement in latest} == log


def test_an_input_topic_gives_the_bytes_as_they_came(store: Path, log: Path) -> None:
    done = headrace("topics", "tail", "contracts", "-n", "0", "--store", store)
    assert set(done.stdout.splitlines()) <= set(log.read_bytes().splitlines())


def test_a_topic_that_does_not_exist_is_refused_with_those_that_do(store: Path) -> None:
    sentence = refused(headrace("topics", "tail", "wine", "--store", store))
    assert "topic is 'wine'; read one of burn, " in sentence
    assert "name the topic to read" in refused(headrace("topics", "tail", "--store", store))


def test_exceptions_list_every_dead_letter_with_its_bytes(store: Path, log: Path) -> None:
    found = said("exceptions", "--store", store)
    lines = log.read_bytes().split(b"\n")
    assert found["exceptions"]
    assert {letter["code"] for letter in found["dead_letters"]} <= set(REFUSALS)
    assert all(b64decode(letter["value_base64"]) in lines for letter in found["dead_letters"])
    counted = said("topics", "list", "--store", store)
    assert len(found["dead_letters"]) == sum(r["records"] for r in counted if r["topic"].endswith(".dead-letters"))
    (no_text,) = [letter for letter in found["dead_letters"] if letter["value"] is None]
    assert b64decode(no_text["value_base64"]) == b"\xff\xfe"
    assert headrace("exceptions", "--store", store).returncode == 0


def test_a_replay_of_the_export_gives_the_digests_that_verify_finds(store: Path, tmp_path: Path) -> None:
    verdict = said("verify", "--store", store)
    exported = said("export", "--store", store, "--out", tmp_path / "log.jsonl")
    assert exported["events"] == len((tmp_path / "log.jsonl").read_bytes().splitlines()) == verdict["records"]
    summary = said("replay", tmp_path / "log.jsonl", "--out", tmp_path / "out")
    assert summary["as_of"] == DEFAULT_END.isoformat()
    assert summary["records"]["dead_lettered"] == 0
    for table in ("burn", "readiness", *FACT_TABLES):
        assert summary["digests"][table] == verdict["digests"][table], table


def test_an_export_to_standard_output_is_the_same(store: Path, tmp_path: Path) -> None:
    said("export", "--store", store, "--out", tmp_path / "log.jsonl")
    assert headrace("export", "--store", store).stdout == (tmp_path / "log.jsonl").read_bytes()


def test_an_export_names_the_file_it_cannot_write(store: Path) -> None:
    sentence = refused(headrace("export", "--store", store, "--out", "/absent/log.jsonl"))
    assert "cannot write /absent/log.jsonl: No such file or directory; name another file with --out" in sentence


def test_the_order_of_store_and_export_does_not_matter(store: Path, tmp_path: Path) -> None:
    said("export", "--store", store, "--out", tmp_path / "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_bytes().splitlines()
    other = tmp_path / "other.sqlite"
    said("publish", written(tmp_path / "reversed.jsonl", lines[::-1]), "--store", other)
    there, here = said("verify", "--store", other), said("verify", "--store", store)
    assert there["agrees"]
    facts = {name: here["digests"][name] for name in ("burn", "readiness", *FACT_TABLES)}
    assert {name: there["digests"][name] for name in facts} == facts


@pytest.mark.parametrize(
    "figure",
    [
        *sorted(FIGURES),
        "ready_amount",
        "adjustment_amount",
        "budget.amount",
        "exhaustion.working_on",
        "unbilled.amount",
    ],
)
def test_every_figure_is_explained_and_agrees(store: Path, figure: str) -> None:
    answer = said("explain", busiest(store), figure, "--store", store)
    assert answer["agrees"]
    assert answer["value"] == answer["recomputed"]


def busiest(store: Path) -> str:
    """The contract with the greatest amount used."""
    statements = rows("topics", "tail", "burn", "--latest", "-n", "0", "--store", store)
    data = [s["data"] for s in statements if isinstance(s["data"], dict) and s["data"]["line_id"] is None]
    contract = max(data, key=lambda row: Decimal(row["approved"]["amount"]))
    return str(contract["contract_id"])


def test_an_explanation_names_events_that_add_up(store: Path) -> None:
    answer = said("explain", busiest(store), "approved.billable_minutes", "--store", store)
    statement = next(
        s["data"]
        for s in rows("topics", "tail", "burn", "--latest", "-n", "0", "--store", store)
        if s["subject"] == answer["contract_id"]
    )
    assert isinstance(statement, dict)
    assert answer["value"] == statement["approved"]["billable_minutes"]
    assert answer["steps_total"] >= len(answer["steps"]) > 0
    assert all(step["event_id"] and step["source"] for step in answer["steps"])


def test_an_explanation_for_people_is_a_table(store: Path) -> None:
    done = headrace("explain", busiest(store), "--store", store, environment={"COLUMNS": "240"})
    assert done.returncode == 0
    assert "(agrees)" in done.stdout.decode()


def test_what_cannot_be_explained_is_said(store: Path) -> None:
    assert "no event in the store names contract 'C-NONE'" in refused(headrace("explain", "C-NONE", "--store", store))
    assert "approved.amount" in refused(headrace("explain", busiest(store), "approved.wine", "--store", store))


def test_a_reader_that_goes_away_is_no_error(store: Path) -> None:
    argv = arguments("export", "--store", store)
    with Popen(argv, cwd=ROOT, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_simulations_of_one_seed_are_equal(tmp_path: Path) -> None:
    first = headrace("simulate", "--events", "300", "--seed", "5").stdout
    assert said("simulate", "--events", "300", "--seed", "5", "--out", tmp_path / "log.jsonl")["events"] == 300
    assert (tmp_path / "log.jsonl").read_bytes() == first
    assert headrace("simulate", "--events", "300", "--seed", "6").stdout != first


def test_the_documents_in_the_package_are_those_of_the_models() -> None:
    assert json.loads(headrace("schema", "--json").stdout) == {"differs": []}


def test_the_version_and_the_help_are_there() -> None:
    assert headrace("--version").stdout.startswith(b"headrace ")
    for command in ("demo", "worker", "publish", "simulate", "replay", "verify", "export", "topics", "explain"):
        assert headrace(command, "--help").returncode == 0


def test_the_console_script_is_the_command() -> None:
    script = os.path.join(os.path.dirname(sys.executable), "headrace")
    with Popen([script, "--version"], stdout=PIPE) as process:
        assert process.communicate()[0] == headrace("--version").stdout
