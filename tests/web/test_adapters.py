"""`POST /v1/adapters/{name}`: verified, mapped, taken."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from pathlib import Path

from app.adapters.adapter import Instance
from tests.web.conftest import Opening

FIXTURES = Path(__file__).parents[1] / "adapters" / "fixtures"
JIRA = {"jira": Instance("main", "a secret", frozenset({"headrace-user"}), {"10002": "C-1"})}


def signed(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature": "sha256=" + hmac.new(b"a secret", body, sha256).hexdigest()}


async def test_a_signed_message_is_mapped_and_taken_without_a_token(opened: Opening) -> None:
    house = await opened(tokens={"a-token-that-may-write": "write"}, adapters=JIRA)
    body = (FIXTURES / "jira.worklog.json").read_bytes()
    async with house.post("/v1/adapters/jira", data=body, headers=signed(body)) as response:
        answer = await response.json()
    assert (response.status, answer["accepted"], answer["wants"], answer["dropped"]) == (202, 1, [], [])
    [(line, _)] = house.journal.kept
    assert json.loads(line)["type"] == "time.submitted.v1"


async def test_a_message_that_shows_no_secret_is_not_taken(opened: Opening) -> None:
    house = await opened(adapters=JIRA)
    async with house.post("/v1/adapters/jira", data=b"{}", headers={"X-Hub-Signature": "sha256=00"}) as response:
        assert (response.status, (await response.json())["code"]) == (401, "bad_signature")
    assert house.journal.kept == []


async def test_an_echo_is_answered_and_goes_no_further(opened: Opening) -> None:
    house = await opened(adapters=JIRA)
    body = (FIXTURES / "jira.echo.json").read_bytes()
    async with house.post("/v1/adapters/jira", data=body, headers=signed(body)) as response:
        assert "our own" in (await response.json())["dropped"][0]
    assert house.journal.kept == []


async def test_what_is_to_be_fetched_is_named(opened: Opening) -> None:
    house = await opened(adapters=JIRA)
    body = (FIXTURES / "jira.unknown_issue.json").read_bytes()
    async with house.post("/v1/adapters/jira", data=body, headers=signed(body)) as response:
        assert (await response.json())["wants"][0]["ids"] == ["10999"]


async def test_an_adapter_that_is_not_set_up_is_none(opened: Opening) -> None:
    house = await opened(adapters=JIRA)
    for name in ("netsuite", "nothing"):
        async with house.post(f"/v1/adapters/{name}", data=b"{}") as response:
            assert (response.status, (await response.json())["code"]) == (404, "unknown_adapter")


async def test_a_body_that_cannot_be_mapped_is_a_problem(opened: Opening) -> None:
    house = await opened(adapters=JIRA)
    async with house.post("/v1/adapters/jira", data=b"{}", headers=signed(b"{}")) as response:
        assert (response.status, (await response.json())["code"]) == (400, "unmapped")
