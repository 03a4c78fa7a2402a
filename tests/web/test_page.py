"""The page is served from the package, and nothing beside it."""

from __future__ import annotations

import pytest

from app.web.handlers.page import CONTENT_TYPES, ROOT
from tests.web.conftest import House


async def test_the_page_is_at_the_root(house: House) -> None:
    response = await house.get("/")
    assert (response.status, response.content_type) == (200, "text/html")
    assert await response.read() == (ROOT / "index.html").read_bytes()


async def test_every_file_of_the_page_is_served_as_what_it_is(house: House) -> None:
    for path in (path for path in ROOT.rglob("*") if path.is_file()):
        response = await house.get(f"/static/{path.relative_to(ROOT).as_posix()}")
        assert await response.read() == path.read_bytes()
        assert response.headers["Content-Type"] == CONTENT_TYPES.get(path.suffix, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fapp.py",
        "%2e%2e/app.py",
        "js/..%2f..%2fapp.py",
        "%2Fetc%2Fpasswd",
        "//etc/passwd",
        "none.js",
        "js",
        "%00",
        "a%00.js",
        "..%5Capp.py",
        "x" * 5_000,
    ],
)
async def test_nothing_outside_the_page_is_served(house: House, name: str) -> None:
    response = await house.get(f"/static/{name}")
    assert (response.status, response.content_type) == (404, "application/problem+json")
