"""Answers can be revalidated, compressed and asked for by HEAD."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from app.web.answers import accepts_gzip, matches
from tests.web.conftest import House, Opening
from tests.web.fakes import Firm, contract_row

PLAIN = {"Accept-Encoding": "identity"}


async def many(opened: Opening) -> House:
    """A firm whose contracts take more than 2 kB."""
    return await opened(Firm([contract_row(f"C-{number:03}") for number in range(50)]))


async def test_what_did_not_change_is_not_sent_again(house: House) -> None:
    first = await house.get("/v1/contracts")
    again = await house.get("/v1/contracts", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "private, max-age=0"


async def test_what_changed_is_sent_with_another_tag(house: House) -> None:
    first = await house.get("/v1/contracts")
    house.firm.state_version += 1
    again = await house.get("/v1/contracts", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 200
    assert again.headers["ETag"] != first.headers["ETag"]


async def test_a_tag_is_strong_and_each_form_of_a_body_has_its_own(opened: Opening) -> None:
    house = await many(opened)
    plain = await house.get("/v1/contracts", headers=PLAIN)
    packed = await house.get("/v1/contracts", headers={"Accept-Encoding": "gzip"})
    assert plain.headers["ETag"].startswith('"')
    assert plain.headers["ETag"] != packed.headers["ETag"]
    for tag in (plain.headers["ETag"], packed.headers["ETag"]):
        for encoding in ("identity", "gzip"):
            again = await house.get("/v1/contracts", headers={"If-None-Match": tag, "Accept-Encoding": encoding})
            assert again.status == 304


async def test_a_large_body_is_compressed_when_asked(opened: Opening) -> None:
    house = await many(opened)
    plain = await house.get("/v1/contracts", headers=PLAIN)
    reader, writer = await asyncio.open_connection(house.client.host, house.client.port)
    writer.write(b"GET /v1/contracts HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert b"Content-Encoding: gzip" in head
    assert gzip.decompress(body) == await plain.read()
    assert len(body) < len(await plain.read()) / 5
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == "Accept-Encoding"


async def test_a_small_body_is_sent_as_it_is(house: House) -> None:
    response = await house.get("/v1/overview", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize("path", ["/v1/contracts", "/v1/contracts/C-1/burn", "/healthz", "/metrics", "/openapi.json"])
async def test_head_is_get_without_the_body(house: House, path: str) -> None:
    head, get = await house.client.head(path, headers=PLAIN), await house.get(path, headers=PLAIN)
    assert (head.status, await head.read()) == (200, b"")
    if path != "/metrics":  # it counts the requests for itself
        assert head.headers["ETag"] == get.headers["ETag"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


@pytest.mark.parametrize(
    ("header", "matched"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"abc-gzip"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('"abcd"', False),
        ("", False),
    ],
)
def test_any_tag_of_the_body_matches(header: str, matched: bool) -> None:
    assert matches(header, "abc") is matched


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("br", False),
        ("", False),
    ],
)
def test_gzip_is_used_only_when_accepted(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
