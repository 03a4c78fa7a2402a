"""Acting on exceptions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import House, Opening


async def test_one_exception_is_found_by_its_id(house: House) -> None:
    async with house.get("/v1/exceptions/X-2") as response:
        assert response.status == 200
        assert (await response.json())["exception_id"] == "X-2"
    async with house.get("/v1/exceptions/nothing%2Flike%2Fit") as response:
        assert response.status == 404


async def test_groups_are_a_list_of_their_own(house: House) -> None:
    async with house.get("/v1/exceptions/groups") as response:
        assert (await response.json())["items"] == [{"fingerprint": "f", "count": 3}]


async def test_an_action_says_who_acts(house: House) -> None:
    async with house.post("/v1/exceptions/X-1/claim", json={"by": "ana"}) as response:
        assert response.status == 202
        assert await response.json() == {"exception_id": "X-1", "done": True, "action": "claim"}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("X-1/claim", {}, 400, "missing_field"),
        ("X-1/claim", {"by": "ana", "revision": 0}, 409, "case_moved_on"),
        ("X-1/burn", {"by": "ana"}, 404, "unknown_action"),
        ("X-9/claim", {"by": "ana"}, 404, "unknown_exception"),
        ("groups/none/claim", {"by": "ana"}, 404, "not_found"),
    ],
)
async def test_what_cannot_be_done_is_a_problem(
    house: House, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    async with house.post(f"/v1/exceptions/{path}", json=body) as response:
        assert (response.status, (await response.json())["code"]) == (status, code)


async def test_a_body_that_is_no_json_is_a_problem(house: House) -> None:
    async with house.post("/v1/exceptions/X-1/claim", data=b"{") as response:
        assert response.status == 400


async def test_a_group_is_acted_on_at_once(house: House) -> None:
    async with house.post("/v1/exceptions/groups/f/resolve", json={"by": "ana"}) as response:
        body = await response.json()
    assert (body["done"], body["rejected"]) == (2, 0)


async def test_who_may_only_read_may_not_act(opened: Opening) -> None:
    house = await opened(tokens={"only-reading-is-allowed": "read"})
    headers = {"Authorization": "Bearer only-reading-is-allowed"}
    async with house.post("/v1/exceptions/X-1/claim", json={"by": "ana"}, headers=headers) as response:
        assert response.status == 403
