"""Real workers on a real broker: any of them answers, takes events and tells the stream for all."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from itertools import islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import pytest

from app.engine.embedded import EmbeddedHost
from app.engine.figures import Figures
from app.engine.store import Store
from app.engine.topology import partition_of
from tables.controls import CONTROLS
from tests.host.runs import ROOT, TIMEOUT, arguments, firm, written
from tests.kafka.broker import Broker
from tests.kafka.deployments import Deployment

PARTITIONS = 4
PATIENCE = 40.0
SESSION_SECONDS = "3"
OF_THIS_DEPLOYMENT = frozenset({"state_version", "watermark", "stale", "partitions_answered", "partitions_total"})
AMOUNT = "approved.amount"
Answer = tuple[int, Any]


@contextmanager
def working(deployment: Deployment, folder: Path) -> Iterator[Asked]:
    """A worker without a supervisor, so that it stays away when it is killed."""
    command = arguments("worker", *deployment.words, "--port", 0, "--no-ticks", "--unsupervised", "--json")
    own = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    environment = {**own, "HEADRACE_KAFKA_SESSION_SECONDS": SESSION_SECONDS}
    folder.mkdir()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--store-dir", str(folder / "tables")],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with process:
        try:
            yield Asked(process, address(process))
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
                _wait(process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Return when it has ended; one that does not end in time is killed, and that is an error."""
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def address(process: subprocess.Popen[bytes]) -> str:
    """What the process says first: one JSON object over several lines."""
    assert process.stdout is not None
    text = b""
    while not text.endswith(b"}\n"):
        line = process.stdout.readline()
        assert line, "the worker ended; its log says why"
        text += line
    told: str = json.loads(text)["address"]
    return told.rstrip("/")


class Asked:
    """A running worker as a client sees it."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process, self.address = process, address

    def get(self, path: str) -> Answer:
        return self._answer(urllib.request.Request(self.address + path))

    def post(self, *lines: bytes) -> Answer:
        headers = {"Content-Type": "application/x-ndjson" if len(lines) > 1 else "application/cloudevents+json"}
        return self._answer(urllib.request.Request(self.address + "/v1/events", b"\n".join(lines), headers))

    def act(self, path: str, said: dict[str, Any]) -> Answer:
        headers = {"Content-Type": "application/json"}
        return self._answer(urllib.request.Request(self.address + path, json.dumps(said).encode(), headers))

    def _answer(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    @contextmanager
    def listening(self, last: str = "") -> Iterator[HTTPResponse]:
        headers = {"Last-Event-ID": last} if last else {}
        request = urllib.request.Request(f"{self.address}/v1/stream?topics=burn", headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            assert response.readline().startswith(b"retry:")  # the subscription stands
            yield response

    def contracts(self) -> list[str]:
        return [row["contract_id"] for row in self.get("/v1/contracts?limit=500")[1]["items"]]

    def whole(self, records: int = 0) -> bool:
        """Every partition answers, nothing waits, and so many records have been counted."""
        status, body = self.get("/v1/overview")
        done = status == 200 and body["partitions_answered"] == PARTITIONS and not body["stale"]
        return bool(done and body["health"]["records"]["read"] >= records)


def until(what: Callable[[], Any], reason: str) -> Any:
    """What `what` finds, once it finds something."""
    deadline = monotonic() + PATIENCE
    while not (found := what()):
        assert monotonic() < deadline, reason
        sleep(0.05)
    return found


def heard(stream: HTTPResponse) -> Iterator[tuple[str, str, Any]]:
    """(name, id, data) of server-sent events as they come."""
    fields: dict[str, str] = {}
    for raw in stream:
        line = raw.decode().rstrip("\n")
        if line and not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif not line and "data" in fields:
            yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
            fields = {}


def of_contract(stream: HTTPResponse, contract_id: str) -> tuple[str, int]:
    """(id of the event, approved minutes) of the next statement about the contract itself."""
    for _, place, event in heard(stream):
        if event["data"]["contract_id"] == contract_id and event["data"]["line_id"] is None:
            return place, event["data"]["approved"]["billable_minutes"]
    raise AssertionError("the stream ended")


def entry(name: str, contract_id: str, minutes: int = 90, revision: int = 1) -> bytes:
    data = {
        "entry_id": name,
        "revision": revision,
        "contract_id": contract_id,
        "resource_id": "P-1",
        "work_date": "2026-02-02",
        "minutes": minutes,
    }
    event = {
        "specversion": "1.0",
        "id": f"{name}/{revision}",
        "source": "/test",
        "type": "time.approved.v1",
        "time": f"2026-02-02T{8 + revision:02}:00:00Z",
    }
    return json.dumps({**event, "data": data}).encode()


def minutes(worker: Asked, contract_id: str) -> int | None:
    status, body = worker.get(f"/v1/contracts/{contract_id}/burn")
    return body["approved"]["billable_minutes"] if status == 200 else None


@pytest.fixture(scope="module")
def log() -> list[bytes]:
    return firm(events=1_500, seed=11, contracts=16, duplicate_ratio=0.03, malformed_ratio=0.01, conflict_ratio=0.03)


def deployed(broker: Broker, folder: Path, log: list[bytes]) -> Deployment:
    """Topics of a group of its own, with the log in them."""
    found = Deployment(broker.address, f"reads-{uuid.uuid4().hex[:8]}")
    found.make(PARTITIONS)
    found.publish(written(folder / "log.jsonl", log))
    return found


@contextmanager
def two_of(deployment: Deployment, folder: Path, records: int) -> Iterator[tuple[Asked, Asked]]:
    """Two workers that have two partitions each, with everything counted."""
    with working(deployment, folder / "one") as one, working(deployment, folder / "other") as other:
        until(lambda: shares(one) == [2, 2], "the group does not share its partitions out")
        until(lambda: one.whole(records) and other.whole(records), "the group does not get done")
        yield one, other


@pytest.fixture(scope="module")
def pair(broker: Broker, tmp_path_factory: pytest.TempPathFactory, log: list[bytes]) -> Iterator[tuple[Asked, Asked]]:
    """Two workers that all tests share which add to what there is, each under names of its own."""
    folder = tmp_path_factory.mktemp("reads")
    with two_of(deployed(broker, folder, log), folder, len(log)) as found:
        yield found


def shares(worker: Asked) -> list[int]:
    status, body = worker.get("/v1/streams")
    return [len(host["slices"]) for host in body["hosts"]] if status == 200 else []


def questions(worker: Asked) -> list[str]:
    asked = ["/v1/overview", "/v1/contracts", "/v1/burn", "/v1/readiness", "/v1/exceptions", "/v1/dead-letters"]
    tails = ("", "/burn", "/burn?as_of=2026-01-15", "/readiness", "/daily", "/entries", f"/explain?figure={AMOUNT}")
    for contract_id in worker.contracts():
        asked += [f"/v1/contracts/{quote(contract_id, safe='')}{tail}" for tail in tails]
    for row in worker.get(asked[6] + "/entries")[1]["items"]:
        asked.append(f"/v1/events?source={quote(row['source'], safe='')}&id={quote(row['event_id'], safe='')}")
    return [*asked, "/v1/readiness/unlocks", "/v1/exceptions/groups", "/v1/slas"]


async def embedded(path: Path, log: list[bytes]) -> dict[str, list[Any]]:
    """Burn rows of every contract from the embedded host, after the same events."""
    with EmbeddedHost(Store(path, partitions=1), lambda: None) as host:
        host.append(log)
        await host.drain()
        figures = Figures([host.tables[0]])
        [control] = [one for _, one in host.tables[0].scan(CONTROLS, "engagement/")]
        return {contract_id: figures.burn(contract_id, control.today) for contract_id in figures.ids()}


def test_both_workers_answer_everything_alike(pair: tuple[Asked, Asked]) -> None:
    one, other = pair
    asked = questions(one)
    assert {partition_of(name, PARTITIONS) for name in one.contracts()} == set(range(PARTITIONS))
    for path in asked:
        found = one.get(path)
        assert found[0] == 200, (path, found)
        assert other.get(path) == found, path


def test_figures_are_those_of_the_embedded_host(pair: tuple[Asked, Asked], log: list[bytes], tmp_path: Path) -> None:
    expected = asyncio.run(embedded(tmp_path / "embedded.sqlite", log))
    for worker in pair:
        assert set(worker.contracts()) >= set(expected)
        for contract_id, rows in expected.items():
            _, body = worker.get(f"/v1/contracts/{quote(contract_id, safe='')}/burn")
            found = [{name: body[name] for name in rows[0]}, *body["lines"]]
            assert found == rows, contract_id


def test_an_event_posted_to_one_worker_is_counted_at_the_other(pair: tuple[Asked, Asked]) -> None:
    one, other = pair
    names = [f"C-new-{number}" for number in range(6)]
    status, said = one.post(*(entry(f"TE-{name}", name) for name in names), b"not an event")
    assert status == 202
    assert (said["accepted"], said["refused"]) == (6, 1)
    assert {receipt["partition"] for receipt in said["results"]} <= set(range(PARTITIONS))
    assert all(isinstance(receipt["offset"], int) for receipt in said["results"])
    until(lambda: all(minutes(other, name) == 90 for name in names), "they are not counted")
    known = "2099-01-01T00:00:00Z"  # everything: folded anew from facts that both workers keep
    for name in names:
        status, body = other.get(f"/v1/contracts/{name}/burn?known_at={known}")
        assert status == 200, body
        assert body["approved"]["billable_minutes"] == 90


def test_refused_records_come_page_by_page_from_any_worker(pair: tuple[Asked, Asked]) -> None:
    one, other = pair
    for number in range(7):
        one.post(b"broken %d" % number)

    def letters(worker: Asked, limit: int) -> list[Any]:
        found, path = [], f"/v1/dead-letters?limit={limit}"
        while path:
            _, body = worker.get(path)
            found += body["items"]
            path = f"/v1/dead-letters?limit={limit}&cursor={body['next']}" if body["next"] else ""
        return found

    def posted() -> list[Any]:
        return [letter for letter in letters(one, 500) if letter["value"].startswith("broken")]

    until(lambda: len(posted()) == 7, "the refused records do not show")
    assert letters(other, 3) == letters(one, 500)
    assert {letter["code"] for letter in posted()} == {"not_json"}


def test_what_is_done_at_the_desk_of_one_worker_is_seen_at_another(pair: tuple[Asked, Asked]) -> None:
    """A refused entry is claimed here and corrected there; it is counted, and its case is closed, at both."""
    one, other = pair
    bad = json.loads(entry("TE-desk", "C-desk"))
    one.post(json.dumps({**bad, "data": {**bad["data"], "minutes": "an hour"}}).encode())

    def listed(worker: Asked, status: str) -> list[Any]:
        _, body = worker.get(f"/v1/exceptions?kind=dead_letter&code=bad_type&status={status}&limit=500")
        return [row for row in body.get("items", ()) if "TE-desk" in row["value"]]

    [row] = until(lambda: listed(one, "open"), "the refused record is not at the desk")
    path = f"/v1/exceptions/{quote(row['exception_id'], safe='')}"
    assert one.act(f"{path}/claim", {"by": "ana"})[0] == 202
    [claimed] = until(lambda: listed(other, "claimed"), "the claim is not seen at the other worker")
    assert (claimed["claimed_by"], claimed["revision"]) == ("ana", 1)
    status, done = other.act(f"{path}/resolve", {"by": "bo", "revision": 1, "event": {**bad, "id": "TE-desk/again"}})
    assert (status, done["how"]) == (202, "corrected")
    until(lambda: minutes(one, "C-desk") == 90, "the corrected entry is not counted")
    [resolved] = until(lambda: listed(one, "resolved"), "the case is not closed at the first worker")
    assert resolved["resolution"]["by"] == "bo"
    _, event = one.get("/v1/events?source=%2Ftest&id=TE-desk%2Fagain")
    assert event["causationid"] == "TE-desk/1"


def test_what_erp_refused_is_sent_again_from_the_desk_of_any_worker(pair: tuple[Asked, Asked]) -> None:
    """A document leaves, is refused, is sent again where nobody has its contract, perhaps, and is accepted."""
    one, other = pair
    key = "C-erp/2026-02/time/1"
    terms = {"contract_id": "C-erp", "version": 1, "client_id": "K", "currency": "EUR", "term": {"from": "2026-01-01"}}
    lines = [{"line_id": "L", "billing_method": "time_and_materials"}]
    rate = {"rate_id": "R-erp", "contract_id": "C-erp", "amount": "60.00", "currency": "EUR"}
    one.post(
        said_of("contract.approved", {**terms, "effective_from": "2026-01-01", "lines": lines}),
        said_of("rate.set", {**rate, "revision": 1, "effective_from": "2026-01-01"}),
        entry("TE-erp", "C-erp"),
    )

    def delivery(worker: Asked) -> dict[str, Any]:
        status, body = worker.get(f"/v1/documents/{quote(key, safe='')}")
        found: dict[str, Any] = (body.get("delivery") or {}) if status == 200 else {}
        return found

    sent = until(lambda: (found := delivery(other)).get("state") == "sent" and found, "the document does not leave")
    answer = {"document_key": key, "contract_id": "C-erp", "target": "sap", "revision": sent["revision"]}
    other.post(said_of("erp.acknowledged", {**answer, "status": "rejected", "reason": "no such customer"}))
    name = quote(f"document/sap/{key}/{sent['revision']}", safe="")
    until(lambda: one.get(f"/v1/exceptions/{name}")[0] == 200, "the refused document is not at the desk")
    status, done = one.act(f"/v1/exceptions/{name}/resend", {"by": "ana"})
    assert (status, done["document_key"]) == (202, key)
    again = until(
        lambda: (found := delivery(other)).get("attempts", 0) > sent["attempts"] and found, "it does not leave"
    )
    assert (again["state"], again["revision"]) == ("sent", sent["revision"])
    _, row = other.get(f"/v1/exceptions/{name}")
    assert (row["status"], row["resent"]["by"]) == ("resent", "ana")
    one.post(said_of("erp.acknowledged", {**answer, "status": "accepted", "erp_id": "SAP-1"}, minute=1))
    until(lambda: other.get(f"/v1/exceptions/{name}")[0] == 404, "what is accepted is at the desk still")
    _, found = other.get("/v1/exceptions?kind=conflict&limit=500")
    assert [row for row in found["items"] if "C-erp" in row["subject"]] == []


def said_of(kind: str, data: dict[str, Any], minute: int = 0) -> bytes:
    """An event of `/test`, of that minute of noon; two of one kind differ in it."""
    head = {"specversion": "1.0", "id": f"{kind}/{minute}", "source": "/test", "type": f"{kind}.v1"}
    return json.dumps({**head, "time": f"2026-02-03T12:{minute:02}:00Z", "data": data}).encode()


def test_the_stream_of_one_worker_goes_on_at_another(pair: tuple[Asked, Asked]) -> None:
    """Contracts of every partition, so statements of both workers."""
    one, other = pair
    names = {partition_of(f"C-{number}", PARTITIONS): f"C-{number}" for number in range(100, 140)}
    for name in names.values():
        with one.listening() as stream:
            other.post(entry(f"TE-{name}", name))
            place, counted = of_contract(stream, name)
        assert counted == 90
        one.post(entry(f"TE-{name}", name, minutes=60, revision=2))
        with other.listening(last=place) as stream:  # what was said meanwhile is not missed
            assert of_contract(stream, name)[1] == 60
    with one.listening(last="never-heard-of") as stream:
        other.post(entry("TE-last", "C-100", minutes=30))
        assert next(iter(heard(stream)))[0] == "reset"


def test_statements_are_those_of_the_tables(pair: tuple[Asked, Asked]) -> None:
    one, other = pair
    names = [f"C-said-{number}" for number in range(8)]
    with one.listening() as stream:
        other.post(*(entry(f"TE-{name}", name) for name in names))
        told = (event["data"] for _, _, event in heard(stream))
        said = list(islice((data for data in told if data["contract_id"] in names), len(names)))
    assert sorted(data["contract_id"] for data in said) == names
    for data in said:
        _, body = other.get(f"/v1/contracts/{data['contract_id']}/burn")
        shown = {name: body[name] for name in data if name in body and name not in OF_THIS_DEPLOYMENT}
        assert shown == {name: data[name] for name in shown}
        assert len(shown) > 10


def test_what_a_killed_worker_had_is_unavailable_until_another_has_it(
    broker: Broker, tmp_path: Path, log: list[bytes]
) -> None:
    """Never a wrong figure in between: 503, or the right one. And who joins is asked once it has loaded."""
    deployment = deployed(broker, tmp_path, log)
    with two_of(deployment, tmp_path, len(log)) as (one, other):
        before = {name: minutes(one, name) for name in one.contracts()}
        other.process.kill()
        other.process.wait(TIMEOUT)
        statuses, answered = set(), set()
        deadline = monotonic() + PATIENCE
        while not one.whole(len(log)):
            assert monotonic() < deadline, "nobody takes over"
            statuses |= {checked(one, name, expected) for name, expected in before.items()}
            answered.add(checked_list(one, set(before)))
        assert statuses == {200, 503}
        assert 2 in answered
        assert {name: minutes(one, name) for name in one.contracts()} == before
        with working(deployment, tmp_path / "third") as third:
            until(lambda: shares(one) == [2, 2], "the third gets nothing")
            until(lambda: third.whole(len(log)), "the third does not answer for all")
            assert third.get("/readyz")[0] == 200
            assert {name: minutes(third, name) for name in third.contracts()} == before


def checked(worker: Asked, contract_id: str, expected: int | None) -> int:
    """The status of an answer about the contract, which must be right or none."""
    status, body = worker.get(f"/v1/contracts/{quote(contract_id, safe='')}/burn")
    if status == 200:
        assert body["approved"]["billable_minutes"] == expected, contract_id
    else:
        assert body["code"] == "recovering", body
    return status


def checked_list(worker: Asked, contracts: set[str]) -> int:
    """How many partitions the list of contracts is made from; it holds theirs and no others."""
    status, body = worker.get("/v1/contracts?limit=500")
    if status != 200:
        assert body["code"] == "recovering", body
        return 0
    found = {row["contract_id"] for row in body["items"]}
    assert found == contracts if body["partitions_answered"] == PARTITIONS else found < contracts
    return int(body["partitions_answered"])


def test_a_worker_that_was_frozen_never_shows_what_was_true_before(
    broker: Broker, tmp_path: Path, log: list[bytes]
) -> None:
    """Meanwhile another one has its partitions, and has counted an hour more: then it says that, or nothing."""
    deployment = deployed(broker, tmp_path, log)
    with two_of(deployment, tmp_path, len(log)) as (one, frozen):
        names = one.contracts()
        before = {name: minutes(frozen, name) or 0 for name in names}
        os.kill(frozen.process.pid, signal.SIGSTOP)
        until(lambda: one.whole(len(log)), "nobody takes over")
        status, said = one.post(*(entry(f"TE-late-{name}", name, minutes=60) for name in names))
        assert (status, said["accepted"]) == (202, len(names)), said
        until(lambda: all(minutes(one, name) == before[name] + 60 for name in names), "they are not counted")
        os.kill(frozen.process.pid, signal.SIGCONT)
        seen = []
        deadline = monotonic() + 6.0
        while monotonic() < deadline and frozen.process.poll() is None:
            for name in names:
                with suppress(OSError):  # it ends itself while it is asked
                    status, body = frozen.get(f"/v1/contracts/{name}/burn")
                    seen.append(status)
                    if status == 200:
                        assert body["approved"]["billable_minutes"] == before[name] + 60, name
        assert seen


def test_streams_list_what_is_derived_from_every_partition(pair: tuple[Asked, Asked]) -> None:
    """Where derived topics end only the broker knows: workers ask it every few seconds."""

    def derived() -> set[tuple[str, int]]:
        rows = pair[0].get("/v1/streams")[1]["topics"]
        return {(row["topic"], row["partition"]) for row in rows if row["topic"].endswith((".burn", ".readiness"))}

    until(lambda: {p for topic, p in derived() if topic.endswith(".burn")} == set(range(PARTITIONS)), "burn is missing")
    rows = [row for row in pair[0].get("/v1/streams")[1]["topics"] if row["topic"].endswith(".burn")]
    assert all(row["end_offset"] > 0 and row["lag"] == 0 for row in rows)
