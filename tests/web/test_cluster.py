"""Any worker answers for any key, as one that held everything would; what is missing is said, and never made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.effects import ENGAGEMENTS, Record
from app.engine.embedded import EmbeddedHost
from app.engine.host import Letters
from app.engine.letters import StoredLetters
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from app.engine.store import Store
from app.engine.topology import partition_of
from app.events.reader import Reader
from app.main import tick
from app.simulation.firm import simulate
from app.simulation.scenario import Scenario
from tests.web.cluster import NoLetters, Share, Worker, introduced, started

PARTITIONS = 4
SHARES = ((0,), (1, 3), (2,))
ASK = "/internal/v1/ask"
TOKEN = "a-token-of-all-workers"


def lines() -> list[bytes]:
    """A small firm with everything that goes wrong on the way, and a day."""
    scenario = Scenario(
        seed=5,
        events=1_200,
        contracts=12,
        late_ratio=0.05,
        duplicate_ratio=0.03,
        disorder=30,
        malformed_ratio=0.02,
        conflict_ratio=0.05,
    )
    return [*simulate(scenario), tick("2026-03-31", "UTC")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHost]:
    path: Path = tmp_path_factory.mktemp("cluster") / "store.sqlite"
    with EmbeddedHost(Store(path, partitions=PARTITIONS), lambda: 1_774_000_000_000_000) as host:
        host.append(lines())
        asyncio.run(host.drain())
        yield host


def share_of(host: EmbeddedHost, numbers: tuple[int, ...], *, first: bool) -> Share:
    tables = {number: host.tables[number] for number in numbers}
    counted = (host.processed, host.stated) if first else (0, 0)
    return Share(PARTITIONS, {**tables}, host.lag(), host.written(), *counted)


Starting = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def starting() -> AsyncIterator[Starting]:
    """Start a worker; it stops with the test."""
    running: list[Worker] = []

    async def start(share: Share, letters: Letters | None = None, **options: Any) -> Worker:
        running.append(await started(share, letters or NoLetters(), **options))
        return running[-1]

    yield start
    for worker in running:
        await worker.stop()


@pytest.fixture
async def alone(whole: EmbeddedHost, starting: Starting) -> Worker:
    """One worker that holds everything."""
    return await starting(share_of(whole, tuple(range(PARTITIONS)), first=True), StoredLetters(whole.store))


@pytest.fixture
async def workers(whole: EmbeddedHost, starting: Starting) -> list[Worker]:
    """Three workers that hold everything between them."""
    shares = [share_of(whole, numbers, first=place == 0) for place, numbers in enumerate(SHARES)]
    found = [await starting(share, StoredLetters(whole.store)) for share in shares]
    introduced(found)
    return found


async def contracts(worker: Worker) -> list[str]:
    _, body, _ = await worker.get("/v1/contracts?limit=500")
    return [row["contract_id"] for row in body["items"]]


async def questions(alone: Worker) -> list[str]:
    """Every list, page by page, and everything about every contract."""
    asked = [
        "/v1/overview",
        "/v1/slas",
        "/v1/gate",
        "/v1/gate/shadow",
        "/v1/burn",
        "/v1/contracts?status=active",
        "/v1/contracts/nobody/burn",
    ]
    for path in (
        "/v1/contracts",
        "/v1/readiness",
        "/v1/readiness/unlocks",
        "/v1/documents",
        "/v1/reconciliation",
        "/v1/exceptions",
        "/v1/dead-letters",
    ):
        page = f"{path}?limit=5"
        while page:
            asked.append(page)
            _, body, _ = await alone.get(page)
            page = f"{path}?limit=5&cursor={body['next']}" if body["next"] else ""
    asked += await people(alone)
    for contract_id in await contracts(alone):
        of = f"/v1/contracts/{quote(contract_id, safe='')}"
        asked += [of + tail for tail in ABOUT]
    return asked + await evidence(alone)


async def people(alone: Worker) -> list[str]:
    """Every list of people, groups and demand; some people, a week of each; as of today, another day, an instant."""
    asked = ["/v1/resources/nobody", "/v1/roles/nothing", "/v1/utilization", "/v1/utilization?kind=region"]
    asked += [f"/v1/{path}?limit=3" for path in ("resources", "roles", "practices", "demand", "alerts")]
    asked += ["/v1/roles?as_of=2026-02-11", "/v1/practices?weeks=2&known_at=2026-02-11T00:00:00Z"]
    asked += [f"/v1/{path}?known_at=2026-02-11T00:00:00Z&limit=3" for path in ("resources", "demand", "alerts")]
    asked += ["/v1/alerts?kind=bench", "/v1/alerts?as_of=2026-02-11&kind=roll_off", "/v1/resources?as_of=2026-02-11"]
    asked += ["/v1/demand?as_of=2026-02-11&weeks=3", "/v1/utilization?from=2020-W53&weeks=4"]
    asked += [
        f"/v1/forecast/accuracy{query}"
        for query in ("", "?kind=practice", "?kind=role&as_of=2026-02-11", "?known_at=2026-02-11T00:00:00Z")
    ]
    _, body, _ = await alone.get("/v1/resources?limit=500&weeks=1")
    assert len(body["items"]) > 5
    for row in body["items"][:6]:
        of = f"/v1/resources/{quote(row['resource_id'], safe='')}"
        asked += [of, f"{of}?from=2026-W05&weeks=6&as_of=2026-02-11", f"{of}?known_at=2026-02-11T00:00:00Z&weeks=3"]
        asked += [f"{of}/weeks/2026-W07", f"{of}/weeks/2026-W07?known_at=2026-02-11T00:00:00Z"]
    return asked


ABOUT = (
    "",
    "/burn",
    "/burn?as_of=2026-01-15",
    "/burn?known_at=2026-02-01T00:00:00Z",
    "/readiness",
    "/forecast",
    "/revenue",
    "/forecast?known_at=2026-02-01T00:00:00Z",
    "/readiness?known_at=2026-02-01T00:00:00Z",
    "/documents",
    "/documents?known_at=2026-02-01T00:00:00Z",
    "/daily",
    "/entries?limit=10",
    "/explain?figure=approved.amount",
    "/explain?figure=approved.amount&known_at=2026-02-01T00:00:00Z",
    "/explain?figure=charm",
)


async def evidence(alone: Worker) -> list[str]:
    """Events behind entries and terms, some that are held by each slice, and one that never came."""
    said = [("/psa", "never-came")]
    for contract_id in (await contracts(alone))[:4]:
        of = f"/v1/contracts/{quote(contract_id, safe='')}"
        _, entries, _ = await alone.get(f"{of}/entries?limit=5")
        said += [(row["source"], row["event_id"]) for row in entries["items"]]
        _, contract, _ = await alone.get(of)
        said += [(row["source"], row["event_id"]) for row in contract["versions"]]
    return [f"/v1/events?source={quote(source, safe='')}&id={quote(name, safe='')}" for source, name in said]


@pytest.mark.parametrize("place", range(len(SHARES)))
async def test_every_answer_of_any_worker_is_that_of_one_that_holds_everything(
    alone: Worker, workers: list[Worker], place: int
) -> None:
    asked = await questions(alone)
    assert len(asked) > 150
    for path in asked:
        status, body, headers = await alone.get(path)
        found_status, found, found_headers = await workers[place].get(path)
        assert (found_status, found) == (status, body), path
        assert found_headers.get("ETag") == headers.get("ETag"), path
        assert found_headers.get("Link") == headers.get("Link"), path


async def test_the_contest_is_a_fair_one(alone: Worker, workers: list[Worker]) -> None:
    """Every slice has contracts, and the lists are not empty."""
    assert {partition_of(contract_id, PARTITIONS) for contract_id in await contracts(alone)} == set(range(PARTITIONS))
    for path in ("/v1/exceptions", "/v1/dead-letters"):
        assert (await workers[0].get(path))[1]["items"], path


async def test_streams_tell_of_every_slice_and_every_worker(alone: Worker, workers: list[Worker]) -> None:
    _, expected, _ = await alone.get("/v1/streams")
    _, found, _ = await workers[2].get("/v1/streams")
    assert {**found, "hosts": None} == {**expected, "hosts": None}
    assert sorted(host["slices"] for host in found["hosts"]) == [[0], [1, 3], [2]]


async def test_metrics_are_each_worker_s_own(alone: Worker, workers: list[Worker]) -> None:
    totals = []
    for worker in (alone, *workers):
        _, text, _ = await worker.get("/metrics")
        [line] = [line for line in text.splitlines() if line.startswith("headrace_table_entries")]
        totals.append(int(line.split()[-1]))
    assert totals[0] == sum(totals[1:])


# -- somebody is missing --------------------------------------------------------------------------------------------


def away(worker: Worker) -> set[int]:
    """The worker recovers: it listens, but holds nothing yet."""
    gone = set(worker.share.tables)
    worker.share.tables = {}
    return gone


@pytest.fixture(params=["down", "recovering"])
async def missing(request: pytest.FixtureRequest, workers: list[Worker]) -> tuple[Worker, set[int]]:
    """(a worker that is asked, the slices that nobody answers for)."""
    other = workers[1]
    gone = set(other.share.tables)
    if request.param == "down":
        await other.stop()
    else:
        away(other)
    return workers[0], gone


async def test_keys_of_a_missing_worker_are_unavailable_and_others_are_not(
    alone: Worker, missing: tuple[Worker, set[int]]
) -> None:
    asked, gone = missing
    for contract_id in await contracts(alone):
        for tail in ABOUT[:3]:
            path = f"/v1/contracts/{quote(contract_id, safe='')}{tail}"
            status, body, headers = await asked.get(path)
            if partition_of(contract_id, PARTITIONS) in gone:
                assert (status, body["type"]) == (503, "/problems/recovering"), path
                assert headers["Retry-After"] == "2"
                assert f"partition {partition_of(contract_id, PARTITIONS)} of 4" in body["detail"]
            else:
                assert (status, body) == (200, (await alone.get(path))[1]), path


async def test_a_contract_that_nobody_can_look_for_is_not_called_unknown(missing: tuple[Worker, set[int]]) -> None:
    asked, gone = missing
    names = {partition_of(name, PARTITIONS): name for name in map(str, range(100))}
    statuses = {number: (await asked.get(f"/v1/contracts/{name}"))[0] for number, name in names.items()}
    assert statuses == {number: 503 if number in gone else 404 for number in range(PARTITIONS)}


async def test_a_list_without_everybody_says_so(alone: Worker, missing: tuple[Worker, set[int]]) -> None:
    asked, gone = missing
    for path in ("/v1/contracts", "/v1/readiness", "/v1/exceptions", "/v1/overview", "/v1/streams"):
        status, body, _ = await asked.get(path)
        assert status == 200
        assert (body["partitions_answered"], body["partitions_total"]) == (PARTITIONS - len(gone), PARTITIONS), path
    here = [one for one in await contracts(alone) if partition_of(one, PARTITIONS) not in gone]
    assert await contracts(asked) == here


async def test_figures_known_at_an_instant_need_every_slice_that_keeps_what_they_rest_on(
    alone: Worker, missing: tuple[Worker, set[int]]
) -> None:
    """Time entries lie where their own ids lead: of a contract with some hundred, on every slice."""
    asked, gone = missing
    [contract_id, *_] = [one for one in await contracts(alone) if partition_of(one, PARTITIONS) not in gone]
    status, body, _ = await asked.get(f"/v1/contracts/{contract_id}/burn?known_at=2026-06-01T00:00:00Z")
    assert (status, body["code"]) == (503, "recovering")


async def test_an_event_that_may_lie_where_nobody_answers_is_not_called_unknown(
    alone: Worker, missing: tuple[Worker, set[int]]
) -> None:
    asked, _ = missing
    statuses = {(await asked.get(path))[0] for path in await evidence(alone)}
    assert statuses == {200, 503}


async def test_where_nobody_answers_a_list_is_unavailable_too(workers: list[Worker]) -> None:
    for worker in workers:
        away(worker)
    for path in ("/v1/contracts", "/v1/overview"):
        status, body, headers = await workers[0].get(path)
        assert (status, body["code"], headers["Retry-After"]) == (503, "recovering", "2")


async def test_a_worker_that_does_not_answer_in_time_is_missing(
    whole: EmbeddedHost, starting: Starting, aiohttp_server: Callable[..., Awaitable[TestServer]]
) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    stuck = web.Application()
    stuck.router.add_post(ASK, hang)
    server = await aiohttp_server(stuck)
    worker = await starting(share_of(whole, (0, 1), first=True), seconds=0.1)
    worker.share.owners = dict.fromkeys((2, 3), str(server.make_url("")))
    _, body, _ = await worker.get("/v1/overview")
    assert body["partitions_answered"] == 2


async def test_an_answer_that_is_none_is_no_part(
    whole: EmbeddedHost, starting: Starting, aiohttp_server: Callable[..., Awaitable[TestServer]]
) -> None:
    async def babble(_: web.Request) -> web.Response:
        return web.json_response({"frame": 7})

    strange = web.Application()
    strange.router.add_post(ASK, babble)
    worker = await starting(share_of(whole, (0, 1), first=True))
    worker.share.owners = dict.fromkeys((2, 3), str((await aiohttp_server(strange)).make_url("")))
    _, body, _ = await worker.get("/v1/overview")
    assert body["partitions_answered"] == 2


# -- who asks whom --------------------------------------------------------------------------------------------------


async def asks(worker: Worker) -> int:
    """How often others have asked the worker."""
    _, text, _ = await worker.get("/metrics")
    counted = [line for line in text.splitlines() if line.startswith("headrace_http_requests_total") and ASK in line]
    return sum(int(line.split()[-1]) for line in counted)


async def test_two_workers_that_each_take_the_other_for_the_owner_do_not_ask_in_circles(
    whole: EmbeddedHost, starting: Starting
) -> None:
    one, other = [await starting(share_of(whole, (), first=False)) for _ in range(2)]
    one.share.owners = dict.fromkeys(range(PARTITIONS), other.share.address)
    other.share.owners = dict.fromkeys(range(PARTITIONS), one.share.address)
    assert (await one.get("/v1/contracts/C-0001"))[0] == 503
    assert (await asks(one), await asks(other)) == (0, 1)


async def test_a_worker_that_takes_itself_for_the_owner_of_what_it_does_not_hold_asks_nobody(
    whole: EmbeddedHost, starting: Starting
) -> None:
    worker = await starting(share_of(whole, (), first=False))
    worker.share.owners = dict.fromkeys(range(PARTITIONS), worker.share.address)
    assert (await worker.get("/v1/contracts"))[0] == 503
    assert await asks(worker) == 0


async def test_what_is_held_here_is_answered_here_whoever_is_said_to_own_it(
    alone: Worker, workers: list[Worker]
) -> None:
    worker = workers[1]
    worker.share.owners = dict.fromkeys(range(PARTITIONS), "http://127.0.0.1:9")
    for contract_id in await contracts(alone):
        status, _, _ = await worker.get(f"/v1/contracts/{contract_id}")
        assert status == (200 if partition_of(contract_id, PARTITIONS) in worker.share.tables else 503)


async def test_a_key_costs_one_question_and_a_list_one_for_each_other_worker(
    alone: Worker, workers: list[Worker]
) -> None:
    [contract_id, *_] = [one for one in await contracts(alone) if partition_of(one, PARTITIONS) == 3]
    await workers[0].get(f"/v1/contracts/{contract_id}")
    assert [await asks(worker) for worker in workers] == [0, 1, 0]
    await workers[0].get("/v1/overview")
    assert [await asks(worker) for worker in workers] == [0, 2, 1]


async def test_workers_show_each_other_their_token(whole: EmbeddedHost, starting: Starting) -> None:
    tokens = {TOKEN: "read"}
    found = [await starting(share_of(whole, numbers, first=False), tokens=tokens) for numbers in SHARES]
    introduced(found)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    _, body, _ = await found[0].get("/v1/overview", headers=bearer)
    assert body["partitions_answered"] == PARTITIONS
    async with found[0].client.post(ASK, json={"name": "frame", "slices": [0], "arguments": {}}) as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (b"{", "the body is no question"),
        (b'{"name": "frame"}', "the body is no question"),
        (b'{"name": "rumours", "slices": [], "arguments": {}}', "question is 'rumours': ask one of contract, "),
    ],
)
async def test_what_is_no_question_is_refused(workers: list[Worker], question: bytes, reason: str) -> None:
    async with workers[0].client.post(ASK, data=question) as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (400, "not_a_question")
    assert problem["detail"].startswith(reason)


# -- while things change --------------------------------------------------------------------------------------------


def folded(*events: bytes) -> MemoryHost:
    host = MemoryHost(2)
    finish(host.take("log", [Record(offset, event) for offset, event in enumerate(events)]))
    return host


async def test_for_a_moment_after_midnight_all_slices_answer_as_of_the_day_they_all_have_reached(
    starting: Starting,
) -> None:
    """A tick is read slice by slice: here one is in April already, the other still in March."""
    host = folded(*lines()[:-1], tick("2026-03-31", "UTC"))
    april = Reader().read(tick("2026-04-01", "UTC"), ()).fact
    host.advance(ENGAGEMENTS, 1)
    finish(host.step(ENGAGEMENTS, 0, [Record(1_000_000, april)]))
    pair = [await starting(Share(2, {number: host.stores[number]})) for number in range(2)]
    introduced(pair)
    _, body, _ = await pair[0].get("/v1/contracts")
    assert body["as_of"] == "2026-03-31"
    assert {row["burn"]["as_of"] for row in body["items"]} == {"2026-03-31"}
    apart = {
        (await worker.get(f"/v1/contracts/{row['contract_id']}"))[1]["as_of"]
        for row in body["items"]
        for worker in pair
    }
    assert apart == {"2026-03-31", "2026-04-01"}, "a contract's own answer has its own slice's day"


async def test_a_slice_that_came_back_is_read_anew(starting: Starting) -> None:
    before, after = folded(*lines()[:200]), folded(*lines())
    worker = await starting(Share(2, {0: before.stores[0], 1: before.stores[1]}))
    _, early, _ = await worker.get("/v1/overview")
    worker.share.tables = {0: after.stores[0], 1: after.stores[1]}
    _, late, _ = await worker.get("/v1/overview")
    fresh = await starting(Share(2, {0: after.stores[0], 1: after.stores[1]}))
    assert late == (await fresh.get("/v1/overview"))[1] != early


def said(of: str, **data: Any) -> bytes:
    event = {"specversion": "1.0", "id": f"late/{of}", "source": "/late", "type": of, "time": "2026-04-01T08:00:00Z"}
    return orjson.dumps({**event, "data": data})


@pytest.mark.parametrize(
    "late",
    [
        said(
            "time.approved.v1",
            entry_id="TE-late",
            revision=1,
            contract_id="C-0001",
            resource_id="P-late",
            work_date="2026-03-30",
            minutes=90,
        ),
        said(
            "contract.amended.v1",
            contract_id="C-0001",
            version=900,
            amendment_id="A-late",
            kind="replacement",
            effective_from="2020-01-01",
            name="Another name",
        ),
        said(
            "rate.set.v1",
            rate_id="R-late",
            revision=1,
            amount="1.00",
            currency="EUR",
            effective_from="2020-01-01",
            contract_id="C-0001",
        ),
        said(
            "rate.set.v1",
            rate_id="R-role",
            revision=1,
            amount="2.00",
            currency="USD",
            effective_from="2026-02-01",
            role="Senior Consultant",
        ),
        said("holiday.set.v1", holiday_id="H-late", revision=1, date="2026-04-02"),
        tick("2026-04-30", "UTC"),
    ],
    ids=["time", "terms", "rate", "role's rate", "holiday", "day"],
)
async def test_an_answer_is_never_older_than_the_last_batch(tmp_path: Path, starting: Starting, late: bytes) -> None:
    """Everything that is kept between questions is asked for first, then one event changes it."""
    with EmbeddedHost(Store(tmp_path / "store.sqlite", partitions=2), lambda: 0) as host:
        host.append(lines())
        await host.drain()
        worker = await starting(Share(2, {**host.tables}, listeners=host.listeners))
        asked = ["/v1/overview", "/v1/contracts", "/v1/events?source=/late&id=late/time.approved.v1"]
        asked += [f"/v1/contracts/{name}{tail}" for name in await contracts(worker) for tail in ("", *ABOUT)]
        before = [(await worker.get(path))[:2] for path in asked]
        host.append([late])
        await host.drain()
        fresh = await starting(Share(2, {**host.tables}))
        after = [(await fresh.get(path))[:2] for path in asked]
        assert [(await worker.get(path))[:2] for path in asked] == after != before
