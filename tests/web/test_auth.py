"""Who may ask: whoever has a token where there are tokens, else only callers close by."""

from __future__ import annotations

import pytest

from app.web.settings import WebSettings
from tests.web.conftest import House, Opening

READER, WRITER = "r" * 32, "w" * 32
TOKENS = {READER: "read", WRITER: "write"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def post(house: House, token: str) -> int:
    headers = {"Content-Type": "application/cloudevents+json", **bearer(token)}
    response = await house.post("/v1/events", data=b'{"id":"e-1","source":"/psa"}', headers=headers)
    return int(response.status)


async def test_a_token_reads_and_only_a_writing_one_writes(opened: Opening) -> None:
    house = await opened(tokens=TOKENS)
    assert (await house.get("/v1/contracts", headers=bearer(READER))).status == 200
    assert (await house.get("/v1/contracts", headers=bearer(WRITER))).status == 200
    assert await post(house, READER) == 403
    assert await post(house, WRITER) == 202
    assert len(house.journal.kept) == 1


@pytest.mark.parametrize(
    "path", ["/v1/contracts", "/v1/stream", "/metrics", "/v1/events?source=a&id=b", "/v1/overview"]
)
async def test_without_the_token_nothing_is_told(opened: Opening, path: str) -> None:
    house = await opened(tokens=TOKENS)
    response = await house.get(path)
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["type"]) == (401, "/problems/unauthenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="headrace"'


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic cjpy", f"Bearer {READER[:-1]}", f"Bearer {READER}x", "Bearer \xff", READER]
)
async def test_a_wrong_token_is_refused(opened: Opening, header: str) -> None:
    house = await opened(tokens=TOKENS)
    response = await house.get("/v1/contracts", headers={"Authorization": header})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_reading_token_is_told_what_it_lacks(opened: Opening) -> None:
    house = await opened(tokens=TOKENS)
    response = await house.post("/v1/events", data=b"{}", headers=bearer(READER))
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/problems/forbidden"])
async def test_health_and_documents_are_open(opened: Opening, path: str) -> None:
    for settings in ({"tokens": TOKENS}, {"open_networks": ()}):
        house = await opened(**settings)
        assert (await house.get(path)).status == 200


async def test_without_tokens_a_caller_from_elsewhere_is_refused(opened: Opening) -> None:
    house = await opened(open_networks=("10.0.0.0/8",))  # the test calls from 127.0.0.1
    response = await house.get("/v1/contracts")
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["code"]) == (403, "caller_not_local")
    assert "127.0.0.1" in problem["detail"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("books.example", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
    ],
)
async def test_without_tokens_no_foreign_name_is_answered(opened: Opening, host: str, status: int) -> None:
    house = await opened(open_hosts=("localhost", "books.example"))
    assert (await house.get("/v1/contracts", headers={"Host": host})).status == status


async def test_with_a_token_the_name_and_the_network_do_not_matter(opened: Opening) -> None:
    house = await opened(tokens=TOKENS, open_networks=())
    response = await house.get("/v1/contracts", headers={**bearer(READER), "Host": "books.example"})
    assert response.status == 200


def test_a_short_token_is_no_setting() -> None:
    with pytest.raises(ValueError, match="at least 16 characters"):
        WebSettings(tokens={"secret": "read"})


def test_tokens_are_not_shown() -> None:
    assert READER not in repr(WebSettings(tokens=TOKENS))
