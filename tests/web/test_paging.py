"""Lists come in pages that meet exactly."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from yarl import URL

from tests.web.conftest import House, Opening
from tests.web.fakes import Firm, contract_row

LISTS = [
    "/v1/contracts",
    "/v1/burn",
    "/v1/readiness",
    "/v1/exceptions",
    "/v1/dead-letters",
    "/v1/contracts/C-1/entries",
]


async def pages(house: House, path: str, limit: int) -> list[list[Any]]:
    """All pages of a list, each asked for with the cursor of the one before."""
    found, cursor = [], None
    while True:
        asked = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
        answer = await (await house.get(path, params=asked)).json()
        found.append(answer["items"])
        cursor = answer["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
@pytest.mark.parametrize("path", LISTS)
async def test_pages_together_are_the_list(house: House, path: str, limit: int) -> None:
    whole = (await pages(house, path, 500))[0]
    found = await pages(house, path, limit)
    assert [item for page in found for item in page] == whole
    assert all(len(page) == limit for page in found[:-1])
    assert found[-1], "the last page is not empty"


async def test_a_page_holds_50_items_unless_asked(opened: Opening) -> None:
    house = await opened(Firm([contract_row(f"C-{number:03}") for number in range(60)]))
    answer = await (await house.get("/v1/contracts")).json()
    assert len(answer["items"]) == 50


async def test_the_next_page_is_linked(house: House) -> None:
    response = await house.get("/v1/contracts?limit=1&client_id=ACME")
    answer = await response.json()
    link = response.links["next"]["url"]
    assert link.query == {"limit": "1", "client_id": "ACME", "cursor": answer["next"]}
    following = await (await house.get(link.relative())).json()
    assert [row["contract_id"] for row in following["items"]] == ["C-1"]
    assert following["next"] is None


async def test_the_link_keeps_a_slash_in_an_id(opened: Opening) -> None:
    house = await opened(Firm([contract_row("a/b")]))
    response = await house.get(URL("/v1/contracts/a%2Fb/entries?limit=2", encoded=True))
    assert response.links["next"]["url"].raw_path == "/v1/contracts/a%2Fb/entries"
    assert (await house.get(response.links["next"]["url"].relative())).status == 200


async def test_the_last_page_links_nowhere(house: House) -> None:
    assert "Link" not in (await house.get("/v1/contracts")).headers


async def test_a_contract_that_comes_between_pages_moves_none(opened: Opening) -> None:
    house = await opened(Firm([contract_row("B"), contract_row("D"), contract_row("F")]))
    first = await (await house.get("/v1/contracts?limit=2")).json()
    house.firm._contracts = {key: contract_row(key) for key in "ABCDEF"}
    second = await (await house.get("/v1/contracts", params={"limit": "2", "cursor": first["next"]})).json()
    assert [row["contract_id"] for row in first["items"]] == ["B", "D"]
    assert [row["contract_id"] for row in second["items"]] == ["E", "F"]


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["x", "%%%", "ä", encoded("{"), encoded("[]"), encoded('{"after":"C-1"}'), encoded('{"of":{},"after":7}'), "C-1"],
)
async def test_a_cursor_nobody_gave_is_refused(house: House, cursor: str) -> None:
    response = await house.get("/v1/contracts", params={"cursor": cursor})
    problem = await response.json(content_type=None)
    assert (response.status, problem["errors"][0]["parameter"]) == (400, "cursor")


async def test_a_cursor_of_another_list_or_filter_is_refused(house: House) -> None:
    cursor = (await (await house.get("/v1/contracts?limit=1")).json())["next"]
    for path, others in (("/v1/burn", {}), ("/v1/contracts", {"status": "active"})):
        response = await house.get(path, params={"cursor": cursor, **others})
        problem = await response.json(content_type=None)
        assert response.status == 400
        assert "belongs to another list or other filters" in problem["detail"]


async def test_the_limit_may_change_between_pages(house: House) -> None:
    cursor = (await (await house.get("/v1/contracts?limit=1")).json())["next"]
    rest = await (await house.get("/v1/contracts", params={"cursor": cursor, "limit": "500"})).json()
    assert [row["contract_id"] for row in rest["items"]] == ["C-1", "C-2"]
