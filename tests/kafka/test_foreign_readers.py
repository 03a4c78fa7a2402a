"""Clients that are not ours read what leaves: confluent-kafka, kcat, the CloudEvents SDK."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat

from agents.effects import DERIVED as TOPICS
from app.events.cloudevents import timestamp
from app.events.derived import DERIVED
from app.events.instant import micros
from tests.host.runs import firm, said, written
from tests.kafka.broker import Broker
from tests.kafka.deployments import Deployment, Found, rows

FORMAT = JSONFormat()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A firm's events in three parts, so that statements are made of it more than once."""
    lines = firm(events=1_500, conflict_ratio=0.02)
    folder = tmp_path_factory.mktemp("log")
    return [written(folder / f"{part}.jsonl", lines[part::3]) for part in range(3)]


@pytest.fixture(scope="module")
def deployment(broker: Broker, log: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The log, worked off part by part; documents for ERP are shown to another one besides."""
    made = Deployment(broker.address, "readers")
    made.make(2)
    with pytest.MonkeyPatch.context() as settings:
        settings.setenv("HEADRACE_ERP_ROUTES", '[{"target": "live"}, {"target": "trial", "mode": "shadow"}]')
        with made.worker(tmp_path_factory.mktemp("tables")):
            for part in log:
                made.publish(part)
                made.wait()
    return made


def said_of(record: Found) -> dict[str, str]:
    return {name: text.decode() for name, text in record.headers}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_cloudevents_sdk_reads_every_statement(deployment: Deployment, topic: str) -> None:
    found = deployment.records(topic)
    assert found
    for record in found:
        message = kafka.KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value or b"")
        event = kafka.from_binary(message, FORMAT)
        known = DERIVED[event.get_type()]
        assert known.topic == topic
        data = event.get_data()
        known.model.model_validate_json(orjson.dumps(data))
        assert event.get_source() == "/headrace"
        assert event.get_datacontenttype() == "application/json"
        assert event.get_subject() == (record.key or b"").decode()
        moment = event.get_time()
        assert moment is not None
        assert timestamp(micros(moment.isoformat())) == said_of(record)["ce_time"]
        assert moment.tzinfo is UTC or moment.utcoffset() == datetime.now(UTC).utcoffset()


@pytest.mark.parametrize("topic", TOPICS)
def test_one_id_is_one_payload(deployment: Deployment, topic: str) -> None:
    payloads: dict[str, set[bytes]] = {}
    for record in deployment.records(topic):
        payloads.setdefault(said_of(record)["ce_id"], set()).add(record.value or b"")
    assert {len(said) for said in payloads.values()} == {1}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_last_record_of_a_key_has_the_highest_state_version(deployment: Deployment, topic: str) -> None:
    highest: Counter[tuple[int, bytes]] = Counter()
    last: dict[tuple[int, bytes], int] = {}
    for record in deployment.records(topic):
        place = (record.partition, record.key or b"")
        last[place] = orjson.loads(record.value or b"")["state_version"]
        highest[place] = max(highest[place], last[place])
    assert last == dict(highest)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_key_stands_in_one_partition(deployment: Deployment, topic: str) -> None:
    places = {(record.key, record.partition) for record in deployment.records(topic)}
    assert len(places) == len({key for key, _ in places})


@pytest.mark.parametrize("topic", ["burn", "readiness"])
def test_the_latest_statements_are_those_of_the_embedded_host(
    deployment: Deployment, log: list[Path], tmp_path: Path, topic: str
) -> None:
    said("publish", *log, "--store", tmp_path / "store.sqlite")
    words = ("topics", "tail", topic, "-n", 0, "--latest")
    there = {row["subject"]: statement(row) for row in rows(*words, *deployment.words)}
    here = {row["subject"]: statement(row) for row in rows(*words, "--store", tmp_path / "store.sqlite")}
    assert there == here


def statement(row: dict[str, object]) -> object:
    """What a statement says, without what belongs to one deployment."""
    data = row["data"]
    assert isinstance(data, dict)
    said = {name: value for name, value in data.items() if name != "state_version"}
    return row["type"], row["time"], row.get("causationid"), said


def test_kcat_reads_keys_headers_and_values(deployment: Deployment) -> None:
    assert shutil.which("kcat"), "kcat is not installed (Debian: kcat)"
    command = ["kcat", "-C", "-b", deployment.address, "-t", f"{deployment.group}.readiness", "-e", "-q", "-J"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    found = [orjson.loads(line) for line in done.stdout.splitlines()]
    expected = deployment.records("readiness")
    assert len(found) == len(expected)
    by_place = {(record.partition, record.offset): record for record in expected}
    for one in found:
        record = by_place[one["partition"], one["offset"]]
        assert one["key"].encode() == record.key
        assert one["payload"].encode() == record.value
        assert dict(zip(one["headers"][::2], one["headers"][1::2], strict=True)) == said_of(record)


def test_a_compacted_topic_holds_one_latest_statement_per_key(broker: Broker, group: str, tmp_path: Path) -> None:
    compacted = Deployment(broker.address, group)
    compacted.make(1)
    # A segment closes when a record comes after it, and only closed ones are compacted.
    eager = {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "100"}
    for topic in ("burn", "readiness"):
        compacted.configure(topic, eager)
    lines = firm(events=400)
    with compacted.worker(tmp_path / "tables"):
        for part in range(4):
            compacted.publish(written(tmp_path / "part.jsonl", lines[part::4]))
            compacted.wait()
        before = {topic: latest(compacted.records(topic)) for topic in ("burn", "readiness")}
        deadline = time.monotonic() + 60
        number = 0
        while not all(is_compacted(compacted.records(topic)) for topic in before):
            assert time.monotonic() < deadline, "nothing was compacted"
            number += 1
            compacted.publish(written(tmp_path / "more.jsonl", [entry(number)]))
            compacted.wait()
    for topic, known in before.items():
        after = latest(compacted.records(topic))
        assert {key: value for key, value in after.items() if not key.startswith(b"elsewhere")} == known


def latest(found: list[Found]) -> dict[bytes, bytes]:
    return {record.key or b"": record.value or b"" for record in found}


def is_compacted(found: list[Found]) -> bool:
    """Whether every key stands once, but for that of the contract that closes segments."""
    keys = Counter(record.key for record in found if not (record.key or b"").startswith(b"elsewhere"))
    return set(keys.values()) == {1}


def entry(number: int) -> bytes:
    """Time on a contract that no other event names."""
    data = {
        "entry_id": f"X-{number}",
        "revision": 1,
        "contract_id": "elsewhere",
        "resource_id": "R-1",
        "work_date": "2026-06-01",
        "minutes": 60,
    }
    event = {
        "specversion": "1.0",
        "id": f"X-{number}.1",
        "source": "/test",
        "type": "time.approved.v1",
        "time": "2026-06-01T17:00:00Z",
        "data": data,
    }
    return orjson.dumps(event)
