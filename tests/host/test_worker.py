"""A real `headrace worker`: events posted to it are kept, refusals are said, and statements come out of its stream."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import orjson
import pytest

from tests.host.runs import TIMEOUT, Worker, firm, headrace, said, worker, written

PATIENCE = 20.0
"""Seconds within which a worker must have done what it was told; never a measure of speed."""


@pytest.fixture
def running(store: Path) -> Iterator[Worker]:
    with worker(store) as running:
        yield running


def get(running: Worker, path: str) -> Any:
    with urllib.request.urlopen(running.address + path, timeout=PATIENCE) as answer:
        return json.load(answer)


def post(running: Worker, body: bytes, media_type: str = "application/cloudevents+json") -> tuple[int, Any]:
    request = urllib.request.Request(running.address + "/v1/events", body, {"Content-Type": media_type})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def time_event(entry_id: str, minutes: object = 90, contract_id: str = "C-NEW", revision: int = 1) -> bytes:
    data = {
        "entry_id": entry_id,
        "revision": revision,
        "contract_id": contract_id,
        "resource_id": "R-0001",
        "work_date": "2026-06-24",
        "minutes": minutes,
    }
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{entry_id}.{revision}",
            "source": "/test",
            "type": "time.approved.v1",
            "time": "2026-06-24T18:00:00Z",
            "data": data,
        }
    )


def settled(running: Worker, contract_id: str, minutes: int) -> bool:
    """Whether the contract comes to show so many minutes while a test is patient."""
    until = monotonic() + PATIENCE
    while monotonic() < until:
        if _billable_minutes(running, contract_id) == minutes:
            return True
        sleep(0.05)
    return False


def _billable_minutes(running: Worker, contract_id: str) -> int | None:
    """None while nobody named the contract."""
    try:
        row = get(running, f"/v1/contracts/{contract_id}/burn?as_of=2026-06-30")
    except urllib.error.HTTPError:
        return None
    minutes: int = row["approved"]["billable_minutes"]
    return minutes


def test_a_posted_event_is_counted(running: Worker) -> None:
    status, answer = post(running, time_event("TE-NEW-1"))
    assert (status, answer["accepted"], answer["refused"]) == (202, 1, 0)
    (receipt,) = answer["results"]
    assert (receipt["status"], receipt["id"], receipt["topic"]) == ("accepted", "TE-NEW-1.1", "headrace.timesheets")
    assert settled(running, "C-NEW", 90)


def test_a_batch_keeps_what_is_good_and_says_what_is_not(running: Worker) -> None:
    body = b"[%s,%s,%s]" % (time_event("TE-NEW-1"), time_event("TE-NEW-2", "ninety"), time_event("TE-NEW-3", 30))
    status, answer = post(running, body, "application/cloudevents-batch+json")
    assert (status, answer["accepted"], answer["refused"]) == (202, 2, 1)
    assert [result["status"] for result in answer["results"]] == ["accepted", "refused", "accepted"]
    assert (answer["results"][1]["code"], answer["results"][1]["pointer"]) == ("bad_type", "/data/minutes")
    assert settled(running, "C-NEW", 90 + 30)


def test_a_refused_event_is_a_422_and_a_dead_letter_with_its_bytes(running: Worker, store: Path) -> None:
    bad = time_event("TE-NEW-1", 2_000)
    status, problem = post(running, bad)
    assert (status, problem["code"], problem["pointer"]) == (422, "out_of_range", "/data/minutes")
    until = monotonic() + PATIENCE
    while not (letters := get(running, "/v1/dead-letters")["items"]) and monotonic() < until:
        sleep(0.05)
    assert [letter["value"] for letter in letters] == [bad.decode()]
    assert running.stop() == 0
    assert [letter["value"] for letter in said("exceptions", "--store", store)["dead_letters"]] == [bad.decode()]


@contextmanager
def listening(running: Worker, topics: str, last: str | None = None) -> Iterator[HTTPResponse]:
    headers = {"Last-Event-ID": last} if last is not None else {}
    request = urllib.request.Request(f"{running.address}/v1/stream?topics={topics}", headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as stream:
        yield stream


def events(stream: HTTPResponse) -> Iterator[dict[str, str]]:
    """Server-sent events as they come: their fields by name."""
    fields: dict[str, str] = {}
    for raw in stream:
        line = raw.decode().rstrip("\n")
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.lstrip()
        elif not line and "data" in fields:
            yield fields
            fields = {}


def of_contract(stream: HTTPResponse, contract_id: str) -> tuple[str, Any]:
    """(event id, payload) of the next statement about a contract."""
    for event in events(stream):
        payload = json.loads(event["data"])["data"]
        if payload["contract_id"] == contract_id:
            return event["id"], payload
    raise AssertionError("the stream ended")


def test_the_stream_gives_the_statement_that_a_posted_event_causes(running: Worker) -> None:
    with listening(running, "burn") as stream:
        post(running, time_event("TE-NEW-1"))
        place, payload = of_contract(stream, "C-NEW")
    assert payload["approved"]["billable_minutes"] == 90
    post(running, time_event("TE-NEW-1", 60, revision=2))
    with listening(running, "burn", last=place) as stream:  # what was said meanwhile is not missed
        _, payload = of_contract(stream, "C-NEW")
    assert payload["approved"]["billable_minutes"] == 60


def test_files_are_published_to_a_running_worker(running: Worker, tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", [time_event(f"TE-NEW-{n}", 6) for n in range(2_500)])
    assert said("publish", log, "--url", running.address) == {"accepted": 2_500, "refused": 0}
    assert settled(running, "C-NEW", 2_500 * 6)
    assert said("publish", written(tmp_path / "bad.jsonl", [b"{"]), "--url", running.address) == {
        "accepted": 0,
        "refused": 1,
    }


def test_what_was_accepted_survives_a_kill(running: Worker, store: Path) -> None:
    status, _ = post(running, time_event("TE-NEW-1"))
    running.process.kill()  # at once: the event is kept, though perhaps not counted yet
    running.process.wait(TIMEOUT)
    assert status == 202
    with worker(store) as again:
        assert settled(again, "C-NEW", 90)


def test_readers_see_a_running_worker_whole(running: Worker, store: Path, tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", firm(events=3_000, seed=9))
    said("publish", log, "--url", running.address)
    assert said("verify", "--store", store)["agrees"]  # most likely with work left


def test_a_worker_ends_when_asked_and_leaves_one_file(running: Worker, store: Path) -> None:
    assert get(running, "/healthz")
    begun = monotonic()
    assert running.stop() == 0
    assert monotonic() - begun < 3.0
    assert not Path(f"{store}-wal").exists()
    assert headrace("verify", "--store", store).returncode == 0


def test_a_worker_with_an_open_stream_ends_when_asked(running: Worker) -> None:
    with listening(running, "burn"):
        begun = monotonic()
        assert running.stop() == 0
        assert monotonic() - begun < 3.0
