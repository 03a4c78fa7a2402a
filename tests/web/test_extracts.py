"""`POST /v1/extracts/{system}`: an extract as it is, taken whole or not at all."""

from __future__ import annotations

from typing import Any

import orjson

from app.events.reader import Reader
from tests.web.conftest import House, Opening

AT = {"taken_at": "2026-03-31T02:00:00.5Z"}
CSV = {"Content-Type": "text/csv"}
LINES = {"Content-Type": "application/x-ndjson; charset=utf-8"}
PSA = "entry_id,contract_id,status,work_date,minutes,amount,revision\r\nE-1,C,approved,2026-03-02,60,60.00,1\r\n"
# 2026-03-31T02:00:00Z, in seconds since 1970: 20,543 days and two hours.
NUMBER = 20_543 * 86_400 + 7_200


def kept(house: House) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line, _ in house.journal.kept]


async def test_csv_of_the_psa_becomes_the_events_that_keep_it(house: House) -> None:
    async with house.post("/v1/extracts/psa", params={**AT, "name": "psa.csv"}, data=PSA, headers=CSV) as response:
        answer = await response.json()
    assert (response.status, answer) == (
        202,
        {"system": "psa", "number": NUMBER, "entries": 1, "lines": 0, "accepted": 2, "refused": 0},
    )
    listed, taken = kept(house)
    assert [one["type"] for one in (listed, taken)] == ["extract.listed.v1", "extract.taken.v1"]
    assert listed["data"]["entries"] == [
        {
            "entry_id": "E-1",
            "status": "approved",
            "work_date": "2026-03-02",
            "minutes": 60,
            "amount": "60.00",
            "revision": 1,
            "row": "psa.csv:2",
        }
    ]
    assert (taken["data"]["name"], taken["data"]["revision"]) == ("psa.csv", NUMBER)
    for line, _ in house.journal.kept:
        Reader().read(line)  # nothing of it is refused


async def test_lines_of_the_erp_are_exact_whatever_ends_them(house: House) -> None:
    body = '{"kind":"time","id":"E-1","contract_id":"C","amount":60.10}\r\n\r\n{"contract_id":"C","contract_version":2}'
    async with house.post("/v1/extracts/erp", params=AT, data=body, headers=LINES) as response:
        assert (response.status, (await response.json())["lines"]) == (202, 1)
    listed, taken = kept(house)
    assert listed["data"]["lines"] == [{"kind": "time", "id": "E-1", "amount": "60.10", "row": "erp.jsonl:1"}]
    assert listed["data"]["contract_version"] == 2
    assert taken["data"]["name"] == "erp.jsonl"


async def test_the_same_posted_again_is_the_same_events(house: House) -> None:
    for _ in range(2):
        async with house.post("/v1/extracts/psa", params=AT, data=PSA, headers=CSV) as response:
            assert response.status == 202
    events = kept(house)
    assert events[:2] == events[2:]


async def test_one_row_that_cannot_be_read_keeps_all_of_it_out(house: House) -> None:
    body = PSA + "E-2,C,approved,2026-03-02,an hour,60.00,1\r\n"
    async with house.post("/v1/extracts/psa", params=AT, data=body, headers=CSV) as response:
        problem = await response.json()
    assert (response.status, problem["code"]) == (422, "bad_row")
    assert problem["detail"] == "psa.csv:3: minutes is 'an hour', not a whole number. Nothing of it was taken."
    async with house.post("/v1/extracts/psa", params=AT, data="entry_id\r\nE-1\r\n", headers=CSV) as response:
        assert "names its contract_id" in (await response.json())["detail"]
    async with house.post("/v1/extracts/psa", params=AT, data=b"entry_id\n\xff", headers=CSV) as response:
        assert (response.status, (await response.json())["code"]) == (400, "malformed_encoding")
    assert house.journal.kept == []


async def test_what_is_no_extract_is_told(house: House) -> None:
    for place, params, headers, status in (
        ("/v1/extracts/crm", AT, CSV, 404),
        ("/v1/extracts/psa", {}, CSV, 400),
        ("/v1/extracts/psa", {"taken_at": "yesterday"}, CSV, 400),
        ("/v1/extracts/psa", AT, {"Content-Type": "application/json"}, 415),
    ):
        async with house.post(place, params=params, data=PSA, headers=headers) as response:
            assert response.status == status, place
    assert house.journal.kept == []


async def test_an_empty_extract_says_that_there_is_nothing(house: House) -> None:
    async with house.post("/v1/extracts/psa", params=AT, data="entry_id,contract_id\n", headers=CSV) as response:
        assert (await response.json())["accepted"] == 1
    [taken] = kept(house)
    assert (taken["type"], taken["data"]["entries"]) == ("extract.taken.v1", 0)


async def test_who_may_only_read_posts_none(opened: Opening) -> None:
    house = await opened(tokens={"a-token-that-may-read": "read"})
    headers = {**CSV, "Authorization": "Bearer a-token-that-may-read"}
    async with house.post("/v1/extracts/psa", params=AT, data=PSA, headers=headers) as response:
        assert response.status == 403
