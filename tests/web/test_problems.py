"""Every error is a problem document."""

from __future__ import annotations

import logging

import pytest

from app.web.problems import KINDS
from tests.web.conftest import House

MEDIA_TYPE = "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v2/contracts", "/v1/contracts/", "/v1/contracts/C-1/burn/more", "/static/"]
)
async def test_an_unknown_path_is_a_problem(house: House, path: str) -> None:
    response = await house.get(path)
    problem = await response.json(content_type=MEDIA_TYPE)
    assert response.status == problem["status"] == 404
    assert (problem["type"], problem["code"], problem["instance"]) == ("/problems/not-found", "not_found", path)
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/contracts", "GET, HEAD"),
        ("PUT", "/v1/events", "GET, HEAD, POST"),
        ("POST", "/", "GET, HEAD"),
        ("HEAD", "/v1/stream", "GET"),
        ("PATCH", "/healthz", "GET, HEAD"),
    ],
)
async def test_another_method_is_a_problem_that_lists_the_methods(
    house: House, method: str, path: str, allowed: str
) -> None:
    response = await house.client.request(method, path)
    assert (response.status, response.content_type, response.headers["Allow"]) == (405, MEDIA_TYPE, allowed)


async def test_a_defect_tells_nothing_but_where_to_look(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.firm.broken = True
    with caplog.at_level(logging.ERROR, "app.web"):
        response = await house.get("/v1/overview")
    text = await response.text()
    problem = await response.json(content_type=MEDIA_TYPE)
    assert (response.status, problem["type"]) == (500, "/problems/internal-error")
    assert "hunter2" not in text
    assert "RuntimeError" not in text
    assert problem["correlation_id"] in caplog.text
    assert "hunter2" in caplog.text


async def test_every_problem_has_a_page_that_explains_it(house: House) -> None:
    for kind in KINDS.values():
        row = await (await house.get(kind.uri)).json()
        assert (row["type"], row["status"]) == (kind.uri, kind.status)
        assert row["meaning"]
    assert (await house.get("/problems/none-such")).status == 404


@pytest.mark.parametrize("path", ["/v1/contracts", "/v1/nothing", "/", "/metrics"])
async def test_every_answer_tells_the_browser_what_it_may_do(house: House, path: str) -> None:
    headers = (await house.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["Server"] == "headrace"
