"""Answers about contracts: flat, complete, and by any id."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

import pytest

from tests.web.conftest import House, Opening
from tests.web.fakes import STRANGE_ID, Firm, contract_row

META = {
    "as_of",
    "watermark",
    "stale",
    "partitions_answered",
    "partitions_total",
    "engine_version",
    "state_version",
}


async def test_burn_is_the_contracts_row_with_the_rows_of_its_lines(house: House) -> None:
    response = await house.get("/v1/contracts/C-1/burn")
    answer = await response.json()
    assert response.status == 200
    assert answer["approved"]["amount"] == "90.00"
    assert (answer["contract_id"], answer["line_id"]) == ("C-1", None)
    assert [line["line_id"] for line in answer["lines"]] == ["L-1", "L-2"]
    assert answer["known_at"] is None
    assert answer.keys() >= META


async def test_the_rows_own_version_stands_before_the_tables(house: House) -> None:
    answer = await (await house.get("/v1/contracts/C-1/burn")).json()
    assert answer["state_version"] == 17  # the row's; the table is at 41
    assert (await (await house.get("/v1/overview")).json())["state_version"] == 41


async def test_as_of_and_known_at_are_passed_on_and_repeated(house: House) -> None:
    asked = {"as_of": "2026-02-28", "known_at": "2026-03-01T00:00:00.5+01:00"}
    answer = await (await house.get("/v1/contracts/C-1/burn", params=asked)).json()
    # 2026-02-28T23:00:00.5Z = 20512 days × 86400 s + 82800.5 s after 1970-01-01
    assert house.firm.asked == [(date(2026, 2, 28), (20512 * 86400 + 82800) * 1_000_000 + 500_000)]
    assert answer["as_of"] == "2026-02-28"
    assert answer["known_at"] == "2026-02-28T23:00:00.500Z"


@pytest.mark.parametrize(
    "path",
    ["", "/burn", "/readiness", "/forecast", "/revenue", "/entries", "/daily", "/explain?figure=approved.amount"],
    ids=lambda path: path or "contract",
)
async def test_an_unknown_contract_is_not_found(house: House, path: str) -> None:
    response = await house.get(f"/v1/contracts/C-404{path}")
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["code"], problem["type"]) == (404, "unknown_contract", "/problems/not-found")
    assert "C-404" in problem["detail"]


@pytest.mark.parametrize(
    "path",
    ["", "/burn", "/readiness", "/forecast", "/revenue", "/entries", "/daily", "/explain?figure=approved.amount"],
)
async def test_every_answer_about_a_contract_says_how_current_it_is(house: House, path: str) -> None:
    response = await house.get(f"/v1/contracts/C-1{path}")
    assert response.status == 200
    assert (await response.json()).keys() >= META


@pytest.mark.parametrize(
    "contract_id",
    [
        STRANGE_ID,
        "a/b",
        "/",
        "100%",
        "%2F",
        "{x}",
        "+",
        "a b",
        "ΣΩ🜚",
        "?q=1",
        "#",
        "a&b=c",
        "..a",
        "\\",
        '"',
        "a;b",
        "%",
    ],
)
async def test_a_contract_id_may_hold_any_character(opened: Opening, contract_id: str) -> None:
    house = await opened(Firm([contract_row(contract_id)]))
    response = await house.get(f"/v1/contracts/{quote(contract_id, safe='')}/burn")
    assert response.status == 200
    assert (await response.json())["contract_id"] == contract_id


async def test_an_unknown_figure_is_told_with_those_there_are(house: House) -> None:
    response = await house.get("/v1/contracts/C-1/explain?figure=profit")
    problem = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (400, "invalid_parameter")
    assert problem["detail"] == "figure='profit': there is no such figure; there are approved.amount"


async def test_an_explanation_needs_a_figure(house: House) -> None:
    response = await house.get("/v1/contracts/C-1/explain")
    problem = await response.json(content_type=None)
    assert (response.status, problem["code"], problem["errors"][0]["parameter"]) == (400, "missing_parameter", "figure")


async def test_contracts_are_filtered_by_status_and_client(house: House) -> None:
    closed = await (await house.get("/v1/contracts?status=closed")).json()
    of_acme = await (await house.get("/v1/contracts?client_id=ACME")).json()
    assert [row["contract_id"] for row in closed["items"]] == ["C-2"]
    assert [row["contract_id"] for row in of_acme["items"]] == [STRANGE_ID, "C-1"]


async def test_the_burn_list_holds_the_contracts_burn_rows(house: House) -> None:
    burns = await (await house.get("/v1/burn")).json()
    contracts = await (await house.get("/v1/contracts")).json()
    assert burns["items"] == [row["burn"] for row in contracts["items"]]


async def test_readiness_is_listed_by_state(house: House) -> None:
    ready = await (await house.get("/v1/readiness?state=ready")).json()
    held = await (await house.get("/v1/readiness?state=held")).json()
    assert (len(ready["items"]), held["items"]) == (3, [])


async def test_entries_are_filtered_by_status_month_and_day(house: House) -> None:
    path = "/v1/contracts/C-1/entries"
    submitted = await (await house.get(f"{path}?status=submitted&period=2026-03")).json()
    of_a_day = await (await house.get(f"{path}?on=2026-03-02")).json()
    assert [row["entry_id"] for row in submitted["items"]] == ["TE-4", "TE-5"]
    assert [row["entry_id"] for row in of_a_day["items"]] == ["TE-2"]


async def test_tables_in_recovery_say_when_to_ask_again(house: House) -> None:
    house.firm.recovering = True
    response = await house.get("/v1/contracts")
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["type"], response.headers["Retry-After"]) == (503, "/problems/recovering", "7")
    assert problem["detail"] == "Partition 3 is being recovered, 40 % done."
