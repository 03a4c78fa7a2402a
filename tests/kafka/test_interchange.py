"""What goes into a deployment comes out again: published, replayed, exported and verified from outside."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from base64 import b64decode
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from agents.effects import DERIVED, INPUTS
from app.engine.kafka.publisher import NOWHERE, Publisher
from app.engine.kafka.records import changelog_json, changelog_version, parse_changelog_key, parse_version, version_of
from app.engine.topology import partition_of
from app.events.cloudevents import timestamp
from app.events.instant import micros
from app.events.reader import Reader
from tables.entities import ENTITIES
from tests.host.runs import ROOT, firm, headrace, refused, said, written
from tests.kafka.broker import Broker
from tests.kafka.deployments import Deployment, Found, read, rows

PARTITIONS = 3
BAD = [b"\xff\xfe", b"{", b'{"type":"time.approved.v1"}', b"[]"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A faulty firm's events: repeated, disordered, malformed, contradicting."""
    lines = firm(events=1_500, malformed_ratio=0.02, duplicate_ratio=0.03, conflict_ratio=0.01, disorder=20)
    return written(tmp_path_factory.mktemp("log") / "log.jsonl", [*lines, *BAD])


@pytest.fixture(scope="module")
def deployment(broker: Broker, log: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The log, published and worked off; nobody is at work any more."""
    made = Deployment(broker.address, "interchange")
    made.make(PARTITIONS)
    made.publish(log)
    made.work_off(tmp_path_factory.mktemp("tables"))
    return made


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def parquet(path: Path) -> list[dict[str, Any]]:
    reader: Any = import_module("pyarrow.parquet")  # has no types
    found: list[dict[str, Any]] = reader.read_table(path).to_pylist()
    return found


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((folder / "summary.json").read_bytes())
    return found


# -- in -----------------------------------------------------------------------------------------------------------


def test_publish_delivers_every_line_and_says_how_many(broker: Broker, group: str, log: Path) -> None:
    fresh = Deployment(broker.address, group)
    fresh.make(2)
    counts = fresh.publish(log, log)
    lines = [line for line in lines_of(log) if line]
    letters = said("replay", log, "--out", log.parent / "out")["records"]["dead_lettered"]
    assert (counts["published"], counts["unreadable"], counts["too_large"]) == (2 * len(lines), 2 * letters, 0)
    found = [record for topic in INPUTS for record in fresh.records(topic)]
    assert Counter(record.value for record in found) == Counter(lines + lines)
    assert {dict(record.headers)["content-type"] for record in found} == {b"application/cloudevents+json"}


def test_an_event_stands_where_its_entity_belongs(deployment: Deployment) -> None:
    reader = Reader()
    for record in deployment.records("timesheets"):
        if record.key is not None and record.value is not None:
            assert record.key.decode() == reader.read(record.value).key
            assert record.partition == partition_of(record.key.decode(), PARTITIONS)


def test_what_cannot_be_read_ends_as_a_dead_letter_byte_for_byte(deployment: Deployment) -> None:
    kept = [record.value for topic in INPUTS for record in deployment.records(f"{topic}.dead-letters")]
    assert set(BAD) <= set(kept)


async def test_a_receipt_says_where_the_brokers_have_it(broker: Broker, group: str) -> None:
    fresh = Deployment(broker.address, group)
    await asyncio.to_thread(fresh.make, 2)
    lines = [*firm(events=60), b"{", b" " * 2_000_000]
    async with Publisher(fresh.settings, Reader()) as publisher:
        taken = await publisher.take(lines)
        again = await publisher.take(lines[:1])
    found = {
        (topic, record.partition, record.offset): record.value for topic in INPUTS for record in fresh.records(topic)
    }
    for line, one in zip(lines[:-1], taken[:-1], strict=True):
        assert found[one.topic, one.partition, one.offset] == line
        assert (one.accepted is None) == (one.refusal is not None) == (line == b"{")
    assert (again[0].topic, again[0].partition) == (taken[0].topic, taken[0].partition)
    # A broker takes records of up to 1,048,588 bytes unless it is told otherwise: the last is kept nowhere.
    assert taken[-1].offset == NOWHERE
    assert taken[-1].refusal is not None
    assert taken[-1].refusal.code == "too_large"


async def test_one_record_too_large_takes_no_other_along(broker: Broker, group: str) -> None:
    # The topic takes less than a batch of ours holds, so the broker refuses a batch for the one record in it.
    fresh = Deployment(broker.address, group)
    await asyncio.to_thread(fresh.make, 1)
    fresh.configure("reference", {"max.message.bytes": "2000"})
    lines = [b'{"n":%d}' % n for n in range(50)]
    lines[25] = b'{"n":"' + b"x" * 3_000 + b'"}'
    async with Publisher(fresh.settings, Reader()) as publisher:
        taken = await publisher.take(lines)
    assert [number for number, one in enumerate(taken) if one.offset == NOWHERE] == [25]
    assert {record.value for record in fresh.records("reference")} == set(lines) - {lines[25]}


def test_publish_says_which_event_the_brokers_would_not_keep(broker: Broker, group: str, tmp_path: Path) -> None:
    fresh = Deployment(broker.address, group)
    fresh.make(1)
    file = written(tmp_path / "log.jsonl", [*firm(events=20), b'{"n":"' + b"x" * 2_000_000 + b'"}'])
    done = headrace("publish", *fresh.words, file, "--json")
    assert done.returncode == 1
    assert orjson.loads(done.stdout)["too_large"] == 1
    assert b"not published" in done.stderr
    assert b"takes no record of 2000008 bytes" in done.stderr


# -- replay -------------------------------------------------------------------------------------------------------


def test_a_replay_of_the_journals_writes_what_a_replay_of_the_file_writes(
    deployment: Deployment, log: Path, tmp_path: Path
) -> None:
    said("replay", "--from-kafka", deployment.address, "--group", deployment.group, "--out", tmp_path / "there")
    said("replay", log, "--out", tmp_path / "here")
    for name in ("burn.jsonl", "readiness.jsonl", "utilization.jsonl", "documents.jsonl"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name
    there, here = summary(tmp_path / "there"), summary(tmp_path / "here")
    for name in ("as_of", "digests", "engine_version", "later", "rows", "watermark"):
        assert there[name] == here[name], name
    # Which of two messages about one revision is the stale one depends on the order; that each is counted does not.
    counted = ("read", "dead_lettered", "parked")
    assert [there["records"][name] for name in counted] == [here["records"][name] for name in counted]
    assert there["records"]["read"] == sum(count for name, count in there["records"].items() if name != "read")
    letters = [
        Counter(
            (row["code"], row["value_base64"]) for row in map(orjson.loads, lines_of(folder / "dead_letters.jsonl"))
        )
        for folder in (tmp_path / "there", tmp_path / "here")
    ]
    assert letters[0] == letters[1]


def test_a_dead_letter_of_a_replay_says_where_it_stood(deployment: Deployment, tmp_path: Path) -> None:
    said("replay", "--from-kafka", deployment.address, "--group", deployment.group, "--out", tmp_path)
    places = {
        (f"{deployment.group}.{topic}", record.partition, record.offset): record.value
        for topic in INPUTS
        for record in deployment.records(topic)
    }
    for row in map(orjson.loads, lines_of(tmp_path / "dead_letters.jsonl")):
        assert places[row["topic"], row["partition"], row["offset"]] == b64decode(row["value_base64"])
        assert row["line"] is None


@pytest.mark.parametrize("as_of", ["2026-01-31", "2026-06-26"])
def test_a_replay_is_of_the_day_asked_for(deployment: Deployment, log: Path, tmp_path: Path, as_of: str) -> None:
    words = ("--from-kafka", deployment.address, "--group", deployment.group)
    there = said("replay", *words, "--as-of", as_of, "--out", tmp_path / "there")
    here = said("replay", log, "--as-of", as_of, "--out", tmp_path / "here")
    assert (there["as_of"], there["digests"]) == (as_of, here["digests"])


def test_known_at_counts_from_the_moment_the_brokers_took_an_event_in(deployment: Deployment, tmp_path: Path) -> None:
    said("export", *deployment.words, "--out", tmp_path / "log.jsonl")
    accepted = sorted(orjson.loads(line)["acceptedtime"] for line in lines_of(tmp_path / "log.jsonl"))
    words = ("--from-kafka", deployment.address, "--group", deployment.group)
    middle = accepted[len(accepted) // 2]
    there = said("replay", *words, "--known-at", middle, "--as-of", "2026-06-26", "--out", tmp_path / "there")
    here = said(
        "replay", tmp_path / "log.jsonl", "--known-at", middle, "--as-of", "2026-06-26", "--out", tmp_path / "x"
    )
    assert there["later"] == sum(moment > middle for moment in accepted)
    assert (there["later"], there["digests"]) == (here["later"], here["digests"])
    before = timestamp(micros(accepted[0]) - 1)
    none = said("replay", *words, "--known-at", before, "--as-of", "2026-06-26", "--out", tmp_path / "none")
    assert (none["later"], none["rows"]["burn"]) == (len(accepted), 0)


def test_a_scenario_is_folded_on_top(deployment: Deployment, log: Path, tmp_path: Path) -> None:
    scenario = written(tmp_path / "scenario.jsonl", [*firm(events=200, seed=11), b"{"])
    words = ("--from-kafka", deployment.address, "--group", deployment.group)
    there = said("replay", *words, "--what-if", scenario, "--out", tmp_path / "there")
    here = said("replay", log, "--what-if", scenario, "--out", tmp_path / "here")
    assert there["digests"] == here["digests"]
    assert there["records"]["read"] == here["records"]["read"]
    assert there["what_if"] == "scenario.jsonl"
    last = orjson.loads(lines_of(tmp_path / "there" / "dead_letters.jsonl")[-1])
    assert (last["topic"], last["line"]) == ("scenario.jsonl", len(lines_of(scenario)))


# -- export -------------------------------------------------------------------------------------------------------


def test_an_export_leads_an_embedded_store_to_the_same_state(deployment: Deployment, tmp_path: Path) -> None:
    exported = said("export", *deployment.words, "--out", tmp_path / "log.jsonl")
    verdict = said("verify", *deployment.words)
    assert exported["events"] == len(lines_of(tmp_path / "log.jsonl")) == verdict["records"]
    said("publish", tmp_path / "log.jsonl", "--store", tmp_path / "store.sqlite")
    assert said("verify", "--store", tmp_path / "store.sqlite")["digests"] == verdict["digests"]
    assert headrace("export", *deployment.words).stdout == (tmp_path / "log.jsonl").read_bytes()


def test_reference_data_is_exported_once_though_every_partition_has_it(deployment: Deployment, tmp_path: Path) -> None:
    said("export", *deployment.words, "--out", tmp_path / "log.jsonl")
    events = [orjson.loads(line) for line in lines_of(tmp_path / "log.jsonl")]
    ticks = [event for event in events if event["type"] == "clock.ticked.v1"]
    assert len(ticks) == 1  # one was published
    copies = [
        record for record in deployment.records("journal.engagements") if b"clock.ticked" in (record.value or b"")
    ]
    assert len(copies) == PARTITIONS


@pytest.mark.parametrize("source", ["deployment", "store"])
def test_parquet_has_a_row_for_each_line_of_the_export(
    deployment: Deployment, tmp_path: Path, source: str, log: Path
) -> None:
    words: tuple[object, ...] = deployment.words
    if source == "store":
        said("publish", log, "--store", tmp_path / "store.sqlite")
        words = ("--store", tmp_path / "store.sqlite")
    said("export", *words, "--out", tmp_path / "log.jsonl")
    said("export", *words, "--out", tmp_path / "log.parquet", "--format", "parquet")
    found = parquet(tmp_path / "log.parquet")
    events = [orjson.loads(line) for line in lines_of(tmp_path / "log.jsonl")]
    assert len(found) == len(events)
    for row, event in zip(found, events, strict=True):
        for name in ("source", "id", "type", "correlationid", "causationid"):
            assert row[name] == event.get(name)
        for name in ("time", "recordedtime", "acceptedtime"):
            assert micros(row[name].isoformat()) == micros(event[name])
        assert orjson.loads(row["data"]) == event["data"]
        assert row["subject"].startswith(event["type"].partition(".")[0] + "/")
        assert row["topic"] in INPUTS
    places = [(row["topic"], row["partition"], row["offset"]) for row in found]
    assert len(set(places)) == len(places)


def test_parquet_needs_its_library_and_says_so(deployment: Deployment, tmp_path: Path) -> None:
    without = "import sys; sys.modules['pyarrow'] = None; from app.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ("export", *deployment.words, "--format", "parquet", "--out", str(tmp_path / "log.parquet"))
    done = subprocess.run([sys.executable, "-c", without, *words], cwd=ROOT, capture_output=True, check=False)
    assert "install headrace[parquet]" in refused(done)


# -- reconcile ----------------------------------------------------------------------------------------------------


def test_a_deployment_is_compared_with_extracts_as_a_store_is(
    deployment: Deployment, log: Path, tmp_path: Path
) -> None:
    """An entry that nobody sent is missing in both, and every other of the firm is missing in the extract."""
    extract = tmp_path / "psa.csv"
    extract.write_text("entry_id,contract_id,status,minutes\nTE-nobody,C-0001,approved,60\n")
    store = tmp_path / "store.sqlite"
    assert headrace("publish", log, "--store", store).returncode == 0
    there = said("reconcile", *deployment.words, "--psa", extract, "--as-of", "2026-03-31", code=1)
    here = said("reconcile", "--store", store, "--psa", extract, "--as-of", "2026-03-31", code=1)
    assert {one["cause"] for one in there["causes"]} == {"never_arrived", "not_in_psa"}
    assert there == here


# -- verify -------------------------------------------------------------------------------------------------------


def test_the_tables_in_the_changelog_are_what_the_journals_lead_to(deployment: Deployment, log: Path) -> None:
    verdict = said("verify", *deployment.words)
    assert verdict["agrees"]
    summary = said("replay", log, "--out", log.parent / "verified")
    assert verdict["digests"]["entities"] == summary["digests"]["entities"]
    assert verdict["rows"]["burn"] == summary["rows"]["burn"] > 0


def produce(deployment: Deployment, record: Found, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": deployment.address})
    topic = f"{deployment.group}-tables-changelog"
    producer.produce(topic, value, record.key, record.partition)
    assert producer.flush(10) == 0


def an_entity(deployment: Deployment) -> tuple[Found, str]:
    """The last changelog record of some entity, and its key."""
    last = {record.key: record for record in read(deployment.address, f"{deployment.group}-tables-changelog")}
    for name in sorted(name for name in last if name is not None):
        table, key = parse_changelog_key(name)
        if table == ENTITIES.name:
            return last[name], key
    raise AssertionError("the changelog holds no entity")


def spoilt(value: bytes, steps: int) -> bytes:
    """The value with another revision, under a version so many offsets later."""
    agent, offset = parse_version(changelog_version(value, ()))
    entity = ENTITIES.decode(changelog_json(value))
    entity.facts[0].revision += 1
    return version_of(agent, offset + steps) + ENTITIES.encode(entity)


def test_a_value_that_is_not_what_the_journals_say_is_found_and_named(deployment: Deployment) -> None:
    record, key = an_entity(deployment)
    assert record.value is not None
    produce(deployment, record, spoilt(record.value, +1))
    verdict = said("verify", *deployment.words, code=1)
    assert [(one["table"], one["key"], one["what"]) for one in verdict["differences"]] == [("entities", key, "differs")]
    agent, offset = parse_version(changelog_version(record.value, ()))
    produce(deployment, record, version_of(agent, offset + 2) + changelog_json(record.value))
    assert said("verify", *deployment.words)["agrees"]


def test_of_two_values_the_one_of_the_greater_version_counts(deployment: Deployment) -> None:
    # A worker that was replaced and does not know it yet may write behind its successor.
    record, _ = an_entity(deployment)
    assert record.value is not None
    produce(deployment, record, spoilt(record.value, -1))
    assert said("verify", *deployment.words)["agrees"]
    produce(deployment, record, record.value)


def test_verify_agrees_while_records_come_in(broker: Broker, group: str, tmp_path: Path) -> None:
    busy = Deployment(broker.address, group)
    busy.make(2)
    files = [written(tmp_path / f"{seed}.jsonl", firm(events=700, seed=seed)) for seed in range(4)]
    busy.publish(files[0])
    with busy.worker(tmp_path / "tables"):
        feeding = threading.Thread(target=lambda: [busy.publish(file) for file in files[1:]])
        feeding.start()
        looks = 0
        while feeding.is_alive() or not looks:
            assert said("verify", *busy.words)["agrees"]
            looks += 1
        feeding.join()
        busy.wait()
    assert said("verify", *busy.words)["records"] == sum(len(lines_of(file)) for file in files)


def test_what_nobody_worked_off_yet_is_no_difference(broker: Broker, group: str, log: Path) -> None:
    idle = Deployment(broker.address, group)
    idle.make(1)
    idle.publish(log)
    assert said("verify", *idle.words)["records"] == 0


def test_a_difference_counts_only_once_everything_was_worked_off(broker: Broker, group: str, tmp_path: Path) -> None:
    stuck = Deployment(broker.address, group)
    stuck.make(1)
    stuck.publish(written(tmp_path / "log.jsonl", firm(events=60)))
    stuck.work_off(tmp_path / "tables")
    record, _ = an_entity(stuck)
    assert record.value is not None
    produce(stuck, record, spoilt(record.value, +1))
    assert not said("verify", *stuck.words, code=1)["agrees"]
    stuck.publish(written(tmp_path / "more.jsonl", [b"{"]))
    sentence = refused(headrace("verify", *stuck.words, "--wait", 1))
    assert "differ, but that says nothing while records come in (1 are not worked off)" in sentence


# -- topics -------------------------------------------------------------------------------------------------------


def test_topics_are_listed_with_what_the_group_has_left_to_do(deployment: Deployment, log: Path) -> None:
    listed = said("topics", *deployment.words)
    assert {row["partition"] for row in listed} == set(range(PARTITIONS))
    own = [row for row in listed if row["topic"].removeprefix("interchange.") in INPUTS]
    assert sum(row["records"] for row in own) == len(lines_of(log))
    assert {row["lag"] for row in own} <= {0, None}  # None: nothing ever stood there
    assert {f"interchange.{name}" for name in DERIVED} <= {row["topic"] for row in listed}
    assert "interchange-tables-changelog" in {row["topic"] for row in listed}


def test_the_tail_of_a_derived_topic_is_statements(deployment: Deployment) -> None:
    tail = rows("topics", "tail", "readiness", *deployment.words, "-n", 5)
    assert [row["type"] for row in tail] == ["readiness.updated.v1"] * 5
    latest = rows("topics", "tail", "readiness", *deployment.words, "-n", 0, "--latest")
    assert [row["subject"] for row in latest] == sorted({str(row["subject"]) for row in latest})
    assert tail[-1] in rows("topics", "tail", "readiness", *deployment.words, "-n", 0)


def test_topics_are_made_once(broker: Broker, group: str) -> None:
    fresh = Deployment(broker.address, group)
    words = ("topics", *fresh.words, "--create", "--partitions", 2)
    assert f"{group}.timesheets" in said(*words)["made"]
    assert said(*words)["made"] == []


# -- misuse -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("replay", "--from-kafka", "B", "--out", "out", "log.jsonl"), "replay either files or a deployment"),
        (("replay", "--from-kafka", "B", "--out", "out", "--workers", "2"), "--workers is for files"),
        (("replay", "--out", "out"), "name the files to replay, or a deployment with --from-kafka"),
        (("publish", "--kafka", "B", "--token", "x" * 16, "-"), "--token goes with --url"),
        (("publish", "--kafka", "B", "-"), "there is no topic nobody."),
        (("verify", "--kafka", "B"), "there is no topic nobody."),
        (("export", "--kafka", "B"), "there is no topic nobody."),
        (("export", "--kafka", "B", "--format", "parquet"), "there is no topic nobody."),
        (("topics", "tail", "--kafka", "B"), "name the topic to read"),
        (("topics", "tail", "wine", "--kafka", "B"), "topic is 'wine'; read one of burn"),
        (("topics", "--create"), "name the brokers of a deployment with --kafka"),
        (("verify", "--kafka", "127.0.0.1:9"), "no broker answers at 127.0.0.1:9"),
        (("verify", "--group", "elsewhere"), "--group 'elsewhere' is that of a deployment on Kafka"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(broker: Broker, words: tuple[str, ...], part: str) -> None:
    given = [broker.address if word == "B" else word for word in words]
    done = headrace(*given, environment={"HEADRACE_KAFKA_GROUP": "nobody"})
    assert part in refused(done)


def test_parquet_is_not_written_to_the_terminal(deployment: Deployment) -> None:
    sentence = refused(headrace("export", *deployment.words, "--format", "parquet"))
    assert "name a file with --out" in sentence
