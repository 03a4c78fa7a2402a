"""A value that cannot be used is refused by name, with the value and what was expected."""

from __future__ import annotations

import pytest

from tests.web.conftest import House

BURN = "/v1/contracts/C-1/burn"


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (BURN, "as_of", "2026-02-29"),
        (BURN, "as_of", "2026-2-1"),
        (BURN, "as_of", "20260201"),
        (BURN, "as_of", "2026-W05-1"),
        (BURN, "as_of", "2026-02-01T00:00:00Z"),
        (BURN, "as_of", "٢٠٢٦-02-01"),
        (BURN, "as_of", ""),
        (BURN, "known_at", "2026-02-01"),
        (BURN, "known_at", "2026-02-01T00:00:00"),
        (BURN, "known_at", "2026-02-01T00:00:00 01:00"),  # a + that was not encoded
        (BURN, "known_at", "2026-02-01T25:00:00Z"),
        (BURN, "known_at", "0001-01-01T00:00:00+23:59"),
        (BURN, "known_at", "9999-12-31T23:59:59-23:59"),
        (BURN, "known_at", "1770000000000000"),
        ("/v1/contracts", "limit", "0"),
        ("/v1/contracts", "limit", "501"),
        ("/v1/contracts", "limit", "-1"),
        ("/v1/contracts", "limit", "5.0"),
        ("/v1/contracts", "limit", "five"),
        ("/v1/contracts", "limit", "9" * 5000),
        ("/v1/contracts", "status", "expired"),
        ("/v1/contracts", "client_id", ""),
        ("/v1/readiness", "state", "Ready"),
        ("/v1/contracts/C-1/entries", "period", "2026-13"),
        ("/v1/contracts/C-1/entries", "on", "2026-03"),
        ("/v1/stream", "topics", "burn,cash"),
        ("/v1/stream", "topics", ""),
        ("/v1/stream", "after", "-1"),
    ],
)
async def test_a_bad_value_is_named(house: House, path: str, name: str, value: str) -> None:
    response = await house.get(path, params={name: value})
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["type"], problem["code"]) == (
        400,
        "/problems/validation-error",
        "invalid_parameter",
    )
    assert problem["errors"][0]["parameter"] == name
    assert problem["errors"][0]["value"] == value
    assert problem["errors"][0]["detail"].startswith("expected ")
    assert house.firm.asked == []


async def test_an_unknown_parameter_is_refused_with_those_known(house: House) -> None:
    response = await house.get(f"{BURN}?asof=2026-02-01")
    problem = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (400, "unknown_parameter")
    assert problem["detail"] == "asof='2026-02-01': no such parameter; known here: as_of, known_at"


async def test_a_parameter_given_twice_is_refused(house: House) -> None:
    response = await house.get(f"{BURN}?as_of=2026-02-01&as_of=2026-02-02")
    problem = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (400, "repeated_parameter")


async def test_everything_wrong_is_told_at_once(house: House) -> None:
    response = await house.get(f"{BURN}?as_of=x&known_at=y&zone=z")
    problem = await response.json(content_type=None)
    assert [error["parameter"] for error in problem["errors"]] == ["as_of", "known_at", "zone"]


@pytest.mark.parametrize(
    ("written", "in_utc"),
    [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00Z"),
        ("2024-02-29T23:59:59.999999Z", "2024-02-29T23:59:59.999999Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
    ],
)
async def test_an_instant_comes_back_in_utc(house: House, written: str, in_utc: str) -> None:
    answer = await (await house.get(BURN, params={"known_at": written})).json()
    assert answer["known_at"] == in_utc
