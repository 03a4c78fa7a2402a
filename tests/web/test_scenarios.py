"""A scenario answers what publishing its events would, and publishes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.engine.embedded import EmbeddedHost
from app.engine.figures import Figures
from app.engine.letters import StoredLetters
from app.engine.store import Store
from app.engine.workforce import Workforce
from app.main import tick
from tests.web.cluster import Share, Worker, introduced, started

AS_OF = "2026-03-31"
DAY = 739_706
PARTITIONS = 4
LINES = {"Content-Type": "application/x-ndjson"}
Row = dict[str, Any]


def event(number: int, type_: str, time: str = "2026-03-02T09:00:00Z", **data: Any) -> bytes:
    said = {"specversion": "1.0", "id": f"e-{number}", "source": "/test", "type": f"{type_}.v1", "time": time}
    return orjson.dumps({**said, "data": data if "version" in data else {"revision": 1, **data}})


def contract(number: int, contract_id: str, **more: Any) -> bytes:
    lines = [
        {"line_id": "L1", "billing_method": "time_and_materials", "budget": {"minutes": 6000, "amount": "9000.00"}}
    ]
    terms = {"client_id": "N", "currency": "EUR", "effective_from": "2026-03-01", "term": {"from": "2026-03-01"}}
    told: Row = {"contract_id": contract_id, "version": 1, "lines": lines, **terms, **more}
    return event(number, "contract.approved", **told)


def time(number: int, entry_id: str, contract_id: str, minutes: int, revision: int = 1, **more: Any) -> bytes:
    said = {"entry_id": entry_id, "contract_id": contract_id, "minutes": minutes, "revision": revision}
    return event(number, "time.approved", **{"resource_id": "ADA", "work_date": "2026-03-03", **said, **more})


FIRM = [
    contract(1, "A"),
    contract(2, "B"),
    event(3, "rate.set", rate_id="R", amount="60.00", currency="EUR", effective_from="2026-01-01"),
    time(4, "E-1", "A", 120),
    time(5, "E-2", "A", 60, line_id="L1"),
    time(6, "E-3", "B", 30, resource_id="BEN"),
    event(7, "resource.upserted", resource_id="ADA", effective_from="2026-01-01", weekly_minutes=2400, revision=1),
    event(
        8,
        "assignment.booked",
        assignment_id="S-1",
        resource_id="ADA",
        contract_id="A",
        minutes_per_week=1200,
        **{"from": "2026-03-30", "to": "2026-05-31"},
    ),
    event(
        9, "invoice.issued", invoice_id="I-1", contract_id="B", lines=[{"kind": "time", "id": "E-3", "amount": "30.00"}]
    ),
    tick(AS_OF, "UTC"),
]
DEARER = event(
    90, "rate.set", rate_id="R-A", contract_id="A", amount="90.00", currency="EUR", effective_from="2026-03-01"
)
SCENARIOS: Mapping[str, Sequence[bytes]] = {
    "a rate of one contract": [DEARER],
    "a rate of the firm": [
        event(90, "rate.set", rate_id="R", revision=2, amount="75.00", currency="EUR", effective_from="2026-01-01")
    ],
    "an entry that moves to another contract": [time(90, "E-1", "B", 120, revision=2)],
    "an entry that comes back smaller after its invoice": [time(90, "E-3", "B", 15, revision=2, resource_id="BEN")],
    "an amendment": [
        event(
            90,
            "contract.amended",
            contract_id="A",
            version=2,
            amendment_id="AM",
            kind="additive",
            effective_from="2026-03-01",
            lines=[{"line_id": "L1", "budget": {"minutes": -5900, "amount": "0"}}],
        )
    ],
    "a contract that there is not yet": [contract(90, "NEW"), time(91, "E-9", "NEW", 600, resource_id="BEN")],
    "leave of somebody who is booked": [
        event(90, "leave.approved", leave_id="V", resource_id="ADA", **{"from": "2026-04-06", "to": "2026-04-17"})
    ],
    "somebody else is booked": [
        event(
            90,
            "assignment.changed",
            assignment_id="S-1",
            revision=2,
            resource_id="BEN",
            contract_id="B",
            minutes_per_week=600,
            **{"from": "2026-04-06", "to": "2026-04-19"},
        )
    ],
    "a holiday": [event(90, "holiday.set", holiday_id="H", date="2026-04-06")],
}


def hosted(folder: Path, lines: Sequence[bytes]) -> EmbeddedHost:
    host = EmbeddedHost(Store(folder / "store.sqlite", partitions=PARTITIONS), lambda: 1_773_000_000_000_000)
    host.append(lines)
    asyncio.run(host.drain())
    return host


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedHost:
    return hosted(tmp_path_factory.mktemp("live"), FIRM)


def share_of(host: EmbeddedHost, numbers: Sequence[int]) -> Share:
    return Share(PARTITIONS, {number: host.tables[number] for number in numbers}, host.lag(), host.written())


@pytest.fixture
async def workers(live: EmbeddedHost) -> AsyncIterator[list[Worker]]:
    """One that holds everything, and two that share it."""
    letters = StoredLetters(live.store)
    alone = await started(share_of(live, range(PARTITIONS)), letters)
    pair = [await started(share_of(live, numbers), letters) for numbers in ((0, 3), (1, 2))]
    introduced(pair)
    yield [alone, *pair]
    for worker in (alone, *pair):
        await worker.stop()


async def asked(worker: Worker, lines: Sequence[bytes], query: str = "") -> Row:
    status, body, _ = await worker.post(f"/v1/scenarios{query}", data=b"\n".join(lines), headers=LINES)
    assert status == 200, body
    found: Row = body
    return found


def rows(host: EmbeddedHost, contract_id: str) -> Row:
    """What the tables say of a contract; how often a document was stated is no figure."""
    figures = Figures([host.tables[number] for number in range(PARTITIONS)])
    return unrevised(
        {
            "burn": figures.burn(contract_id, DAY),
            "readiness": figures.readiness(contract_id, DAY),
            "forecast": figures.forecast(contract_id, DAY),
            "revenue": figures.revenue(contract_id, DAY),
            "documents": figures.documents(contract_id, DAY),
        }
    )


def unrevised(told: Row) -> Row:
    documents = [{name: value for name, value in row.items() if name != "revision"} for row in told["documents"]]
    return {**told, "documents": documents}


def weeks(host: EmbeddedHost, resource_id: str, first: int, count: int) -> list[Row]:
    workforce = Workforce([host.tables[number] for number in range(PARTITIONS)])
    mondays = [first + 7 * place for place in range(count)]
    return [row.payload for row in workforce.weeks(resource_id, DAY, mondays)]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_says_what_would_be_so_had_its_events_been_published(
    name: str, workers: list[Worker], live: EmbeddedHost, tmp_path: Path
) -> None:
    told = await asked(workers[0], SCENARIOS[name])
    published = await asyncio.to_thread(hosted, tmp_path, [*FIRM, *SCENARIOS[name]])
    assert told["contracts"] or told["resources"]
    with published:
        for one in told["contracts"]:
            assert unrevised(one["before"]) == rows(live, one["contract_id"])
            assert unrevised(one["after"]) == rows(published, one["contract_id"])
        for one in told["resources"]:
            first, count = 739_649, len(one["after"]["weeks"])  # Monday 2 February 2026, eight weeks before as-of
            assert one["before"]["weeks"] == weeks(live, one["resource_id"], first, len(one["before"]["weeks"]))
            assert one["after"]["weeks"] == weeks(published, one["resource_id"], first, count)
        for contract_id in {"A", "B"} - {one["contract_id"] for one in told["contracts"]}:
            assert rows(published, contract_id) == rows(live, contract_id), "it was touched, and nobody said so"


@pytest.mark.parametrize("name", SCENARIOS)
async def test_any_worker_works_it_out(name: str, workers: list[Worker]) -> None:
    alone, *pair = [await asked(worker, SCENARIOS[name]) for worker in workers]
    assert pair == [alone, alone]


async def test_nothing_is_kept_of_a_scenario(workers: list[Worker], live: EmbeddedHost) -> None:
    before = rows(live, "A"), live.written()
    await asked(workers[0], [DEARER])
    assert (rows(live, "A"), live.written()) == before


async def test_what_changes_is_named_with_the_difference(workers: list[Worker]) -> None:
    # 180 minutes at 60.00 are 180.00; at 90.00 they are 270.00, 90.00 more.
    told = await asked(workers[0], [DEARER])
    [one] = told["contracts"]
    changes = {(change["row"], change["key"], change["figure"]): change for change in one["changes"]}
    amount = changes["burn", None, "approved.amount"]
    assert (amount["before"], amount["after"], amount["difference"]) == ("180.00", "270.00", "90.00")
    assert changes["readiness", None, "ready_amount"]["difference"] == "90.00"
    assert changes["documents", "A/2026-03/time/1", "total"]["after"] == "270.00"
    assert ("burn", None, "approved.billable_minutes") not in changes
    assert (told["events"], told["as_of"]) == (1, AS_OF)


async def test_what_comes_to_be_has_nothing_before_it(workers: list[Worker]) -> None:
    told = await asked(workers[0], SCENARIOS["a contract that there is not yet"])
    [one] = [one for one in told["contracts"] if one["contract_id"] == "NEW"]
    assert one["before"]["burn"][0]["status"] == "unknown"
    document = next(change for change in one["changes"] if change["figure"] == "total")
    # 10 hours at 60.00
    assert (document["before"], document["after"], document["difference"]) == (None, "600.00", "600.00")


async def test_a_day_and_an_instant_may_be_asked_for(workers: list[Worker]) -> None:
    earlier = await asked(workers[0], [DEARER], "?as_of=2026-03-02")
    assert earlier["contracts"][0]["after"]["burn"][0]["approved"]["amount"] == "0.00", "no work was done by then"
    unknown = await asked(workers[0], [contract(90, "NEW"), DEARER], "?known_at=2026-01-01T00:00:00Z")
    of_a = next(one for one in unknown["contracts"] if one["contract_id"] == "A")
    assert of_a["before"]["burn"][0]["status"] == "unknown", "nothing had been accepted by then"


async def test_a_contract_that_no_event_touches_may_be_asked_for(workers: list[Worker]) -> None:
    told = await asked(workers[0], [DEARER], "?contract_id=B")
    assert [(one["contract_id"], one["changes"] == []) for one in told["contracts"]] == [("A", False), ("B", True)]


@pytest.mark.parametrize(
    ("line", "code", "pointer"),
    [
        (event(90, "time.approved", entry_id="E-1"), "missing_field", "/1/data/contract_id"),
        (b'{"no":"event"}', "not_an_event", "/1"),
        (tick("2026-04-01", "UTC"), "not_in_a_scenario", "/1"),
    ],
)
async def test_a_scenario_with_an_event_that_cannot_be_is_refused_whole(
    workers: list[Worker], line: bytes, code: str, pointer: str
) -> None:
    status, body, _ = await workers[0].post("/v1/scenarios", data=b"\n".join([DEARER, line]), headers=LINES)
    assert (status, body["code"]) == (422, code)
    assert [(error["event"], error["code"]) for error in body["errors"]] == [(1, code)]
    assert body["errors"][0]["pointer"].startswith(pointer)


async def test_a_scenario_that_touches_too_much_is_refused(workers: list[Worker]) -> None:
    lines = [contract(100 + number, f"N-{number}") for number in range(51)]
    status, body, _ = await workers[0].post("/v1/scenarios", data=b"\n".join(lines), headers=LINES)
    assert (status, body["code"]) == (422, "too_wide")
    assert "headrace replay --what-if" in body["detail"]


async def test_without_a_day_one_must_be_named(tmp_path: Path) -> None:
    host = await asyncio.to_thread(hosted, tmp_path, FIRM[:-1])
    with host:
        worker = await started(share_of(host, range(PARTITIONS)), StoredLetters(host.store))
        status, body, _ = await worker.post("/v1/scenarios", data=DEARER, headers=LINES)
        assert (status, body["code"]) == (422, "no_today")
        assert (await asked(worker, [DEARER], f"?as_of={AS_OF}"))["as_of"] == AS_OF
        await worker.stop()
