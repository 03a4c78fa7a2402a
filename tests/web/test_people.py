"""Answers about people, their weeks, and the groups they are in."""

from __future__ import annotations

from datetime import date
from urllib.parse import quote

import pytest

from tests.web.conftest import House
from tests.web.fakes import STRANGE_ID
from tests.web.test_contracts import META

W11 = date(2026, 3, 9).toordinal()
LISTS = [
    "/v1/resources",
    "/v1/roles",
    "/v1/practices",
    "/v1/utilization",
    "/v1/demand",
    "/v1/alerts",
    "/v1/forecast/accuracy",
]
ABOUT = ["/v1/resources/P-1", "/v1/resources/P-1/weeks/2026-W11", "/v1/roles/cloud", "/v1/practices/cloud"]


@pytest.mark.parametrize("path", [*LISTS, *ABOUT])
async def test_every_answer_says_how_current_it_is(house: House, path: str) -> None:
    response = await house.get(path)
    assert response.status == 200
    assert (await response.json()).keys() >= META


@pytest.mark.parametrize("path", LISTS)
async def test_lists_go_on_where_they_stopped(house: House, path: str) -> None:
    kind = {"kind": "role"} if path == "/v1/utilization" else {}
    whole = (await (await house.get(path, params=kind)).json())["items"]
    first = await (await house.get(path, params={**kind, "limit": "2"})).json()
    rest = await (await house.get(path, params={**kind, "cursor": first["next"]})).json()
    assert [*first["items"], *rest["items"]] == whole
    assert len(whole) == 3
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ({}, (None, None)),
        ({"from": "2026-W11"}, (W11, None)),
        ({"from": "2026-03-15", "weeks": "4"}, (W11, 4)),  # a Sunday is in the week before
        ({"from": "2026-W53", "weeks": "1"}, (date(2026, 12, 28).toordinal(), 1)),
    ],
)
@pytest.mark.parametrize(
    "path",
    ["/v1/resources", "/v1/resources/P-1", "/v1/roles", "/v1/roles/cloud", "/v1/demand", "/v1/forecast/accuracy"],
)
async def test_weeks_are_asked_for_by_the_first_and_their_number(
    house: House, path: str, asked: dict[str, str], span: tuple[int | None, int | None]
) -> None:
    assert (await house.get(path, params=asked)).status == 200
    assert house.firm.spans == [span]


@pytest.mark.parametrize(
    "asked", [{"from": "2025-W53"}, {"from": "W11"}, {"from": "2026-02-30"}, {"weeks": "0"}, {"weeks": "106"}]
)
async def test_weeks_that_there_are_not_are_refused(house: House, asked: dict[str, str]) -> None:
    response = await house.get("/v1/resources/P-1", params=asked)
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["code"]) == (400, "invalid_parameter")
    assert next(iter(asked)) in problem["detail"]


async def test_a_week_in_the_path_is_one_the_year_has(house: House) -> None:
    assert (await house.get("/v1/resources/P-1/weeks/2026-W53")).status == 200
    response = await house.get("/v1/resources/P-1/weeks/2025-W53")
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["code"]) == (400, "invalid_parameter")
    assert "2025-W53" in problem["detail"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/resources/nobody", "unknown_resource"),
        ("/v1/resources/nobody/weeks/2026-W11", "unknown_resource"),
        ("/v1/roles/nothing", "unknown_role"),
        ("/v1/practices/nothing", "unknown_practice"),
    ],
)
async def test_what_nobody_named_is_not_found(house: House, path: str, code: str) -> None:
    response = await house.get(path)
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["code"]) == (404, code)


@pytest.mark.parametrize(
    "path", ["/v1/resources/{}", "/v1/resources/{}/weeks/2026-W11", "/v1/roles/{}", "/v1/practices/{}"]
)
async def test_any_id_can_be_asked_for(house: House, path: str) -> None:
    response = await house.get(path.format(quote(STRANGE_ID, safe="")))
    assert response.status == 200


async def test_as_of_and_known_at_are_passed_on_and_repeated(house: House) -> None:
    asked = {"as_of": "2026-02-28", "known_at": "2026-02-28T23:00:00Z"}
    answer = await (await house.get("/v1/resources/P-1", params=asked)).json()
    assert house.firm.asked == [(date(2026, 2, 28), (20512 * 86400 + 82800) * 1_000_000)]
    assert (answer["as_of"], answer["known_at"]) == ("2026-02-28", "2026-02-28T23:00:00Z")
    listed = await (await house.get("/v1/roles", params={"as_of": "2026-02-28"})).json()
    assert (listed["as_of"], listed["known_at"]) == ("2026-02-28", None)


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_is_answered_as_of_a_day_and_as_known_at_an_instant(house: House, path: str) -> None:
    asked = {"as_of": "2026-02-28", "known_at": "2026-02-28T23:00:00Z"}
    answer = await (await house.get(path, params=asked)).json()
    assert house.firm.asked == [(date(2026, 2, 28), (20512 * 86400 + 82800) * 1_000_000)]
    assert (answer["as_of"], answer["known_at"]) == ("2026-02-28", "2026-02-28T23:00:00Z")


async def test_alerts_are_asked_for_by_kind(house: House) -> None:
    ends = await (await house.get("/v1/alerts", params={"kind": "roll_off"})).json()
    assert len(ends["items"]) == 3
    assert (await (await house.get("/v1/alerts", params={"kind": "bench"})).json())["items"] == []
    assert (await house.get("/v1/alerts", params={"kind": "idle"})).status == 400


async def test_filters_are_passed_on(house: House) -> None:
    people = await (await house.get("/v1/resources", params={"role": "analyst"})).json()
    assert [row["resource_id"] for row in people["items"]] == ["P-2"]
    demand = await (await house.get("/v1/demand", params={"practice": "data"})).json()
    assert [row["practice"] for row in demand["items"]] == ["data"]
    firm = await (await house.get("/v1/utilization")).json()
    assert [row["id"] for row in firm["items"]] == ["firm"]
    refused = await house.get("/v1/utilization", params={"kind": "team"})
    assert refused.status == 400


async def test_people_can_be_revalidated(house: House) -> None:
    tag = (await house.get("/v1/resources")).headers["ETag"]
    assert (await house.get("/v1/resources", headers={"If-None-Match": tag})).status == 304


async def test_forecasts_may_be_asked_for_by_group_and_by_how_far_ahead(house: House) -> None:
    one = await (await house.get("/v1/forecast/accuracy", params={"id": "cloud", "weeks_ahead": "4"})).json()
    assert [(row["id"], row["ahead"]) for row in one["items"]] == [("cloud", 4)]
    refused = await house.get("/v1/forecast/accuracy", params={"weeks_ahead": "3"})
    assert (refused.status, (await refused.json(content_type="application/problem+json"))["code"]) == (
        400,
        "invalid_parameter",
    )
