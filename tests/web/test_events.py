"""Events come in by any of the forms CloudEvents and plain JSON have, and none is lost."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.problems import Problem
from app.web.submission import ACCEPTED, BATCH, EVENT, JSON, LINES, unpack
from tests.web.conftest import House, Opening

ONE = b'{"specversion":"1.0","id":"e-1","source":"/psa","type":"time.approved.v1","data":{"net":1.10}}'
BAD = b'{"source":"/psa"}'


async def post(house: House, body: bytes, media_type: str | None, **headers: str) -> tuple[int, dict[str, Any]]:
    typed = {"Content-Type": media_type} if media_type else {}
    response = await house.post("/v1/events", data=body, headers={**typed, **headers})
    return response.status, await response.json(content_type=None)


def lines(house: House) -> list[bytes]:
    return [line for line, _ in house.journal.kept]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (EVENT, ONE),
        (JSON, ONE),
        ("application/json; charset=UTF-8", b"\n " + ONE),
        ("APPLICATION/CloudEvents+JSON; charset=utf-8", ONE),
        (BATCH, b"[" + ONE + b"]"),
        (JSON, b" [" + ONE + b"] "),
        (LINES, ONE + b"\n"),
        (LINES, b"\r\n" + ONE),
    ],
)
async def test_one_event_is_accepted_in_every_form(house: House, media_type: str, body: bytes) -> None:
    status, answer = await post(house, body, media_type)
    assert (status, answer["accepted"], answer["refused"]) == (202, 1, 0)
    assert answer["results"] == [
        {
            "status": "accepted",
            "id": "e-1",
            "source": "/psa",
            "code": None,
            "detail": None,
            "pointer": None,
            "topic": None,
            "partition": 0,
            "offset": 0,
        }
    ]
    assert [line.strip() for line in lines(house)] == [ONE]


async def test_the_bytes_of_each_event_stay_as_they_came(house: House) -> None:
    events = [b'{"id": "1", "amount": 1.10}', b'{"id":"2","n":12345678901234567890.00}', '{"id":"ü","é":1}'.encode()]
    await post(house, b"[ " + b" ,\n".join(events) + b"]", BATCH)
    await post(house, b"\n".join(events), LINES)
    assert lines(house) == events + events


async def test_binary_mode_brings_its_attributes_in_headers(house: House) -> None:
    attributes = {
        "ce-specversion": "1.0",
        "CE-ID": "e-1",
        "ce-source": "/psa%20emea/%C3%BC",
        "ce-type": "time.approved.v1",
    }
    status, _ = await post(house, b'{"entry_id":"TE-1"}', JSON, **attributes)
    ((body, headers),) = house.journal.kept
    assert (status, body) == (202, b'{"entry_id":"TE-1"}')
    assert dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e-1",
        "ce_source": "/psa emea/ü".encode(),  # percent-encoded on the way
        "ce_type": b"time.approved.v1",
        "content-type": b"application/json",
    }


async def test_structured_mode_brings_no_headers(house: House) -> None:
    await post(house, ONE, EVENT, **{"ce-id": "another"})
    assert house.journal.kept == [(ONE, ())]


async def test_a_refused_single_event_is_a_problem_that_says_where_it_is_kept(house: House) -> None:
    status, problem = await post(house, BAD, EVENT)
    assert (status, problem["type"], problem["status"]) == (422, "/problems/validation-error", 422)
    assert (problem["code"], problem["pointer"]) == ("missing_field", "/id")
    assert problem["detail"] == "id is missing: give the event its id."
    assert problem["errors"] == [{"pointer": "/id", "code": "missing_field", "detail": problem["detail"]}]
    assert (problem["topic"], problem["offset"]) == ("dl", 0)
    assert lines(house) == [BAD]


async def test_a_single_event_that_is_no_json_is_kept_too(house: House) -> None:
    status, problem = await post(house, b"{oops", JSON)
    assert (status, problem["code"]) == (422, "not_json")
    assert lines(house) == [b"{oops"]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [(BATCH, b"[%s,%s,7,%s]" % (ONE, BAD, ONE)), (LINES, b"%s\n%s\n\n7\n%s" % (ONE, BAD, ONE))],
)
async def test_a_batch_says_what_became_of_each_event(house: House, media_type: str, body: bytes) -> None:
    status, answer = await post(house, body, media_type)
    assert (status, answer["accepted"], answer["refused"]) == (202, 2, 2)
    assert [result["status"] for result in answer["results"]] == ["accepted", "refused", "refused", "accepted"]
    assert lines(house) == [ONE, BAD, b"7", ONE]


@pytest.mark.parametrize("body", [b"[", b"[{]", b"[{}] x", b"{}", b"null", b"[\xff]", b'["\xff', b"[" * 100_000])
async def test_a_body_that_is_no_array_is_refused_as_a_whole(house: House, body: bytes) -> None:
    status, problem = await post(house, body, BATCH)
    assert (status, problem["type"], problem["code"]) == (400, "/problems/malformed-body", "malformed_json")
    assert house.journal.kept == []


@pytest.mark.parametrize(("media_type", "body"), [(BATCH, b"[]"), (JSON, b"[ ]")])
async def test_a_batch_without_events_is_refused(house: House, media_type: str, body: bytes) -> None:
    status, problem = await post(house, body, media_type)
    assert (status, problem["code"]) == (400, "empty_batch")


@pytest.mark.parametrize("media_type", ACCEPTED)
async def test_an_empty_body_is_refused(house: House, media_type: str) -> None:
    for body in (b"", b" \n\n"):
        status, problem = await post(house, body, media_type)
        assert (status, problem["code"]) == (400, "empty_body")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/json; charset=latin-1"])
async def test_another_content_type_is_told_those_there_are(house: House, media_type: str) -> None:
    response = await house.post("/v1/events", data=ONE, headers={"Content-Type": media_type})
    assert (response.status, response.content_type) == (415, "application/problem+json")
    assert response.headers["Accept-Post"] == ", ".join(ACCEPTED)
    assert house.journal.kept == []


async def test_no_content_type_is_none_of_them(house: House) -> None:
    response = await house.client.post("/v1/events", data=ONE, skip_auto_headers=("Content-Type",))
    assert response.status == 415


async def test_too_many_bytes_are_refused_before_they_are_read(opened: Opening) -> None:
    house = await opened(max_body_bytes=len(ONE))
    assert (await post(house, ONE, EVENT))[0] == 202
    status, problem = await post(house, ONE + b" ", EVENT)
    assert (status, problem["type"], problem["code"]) == (413, "/problems/too-large", "body_too_large")
    assert str(len(ONE)) in problem["detail"]


async def test_bytes_are_counted_unpacked(opened: Opening) -> None:
    house = await opened(max_body_bytes=1_000)
    packed = {"Content-Encoding": "gzip"}
    assert (await post(house, gzip.compress(ONE), EVENT, **packed))[0] == 202
    status, problem = await post(house, gzip.compress(b" " * 100_000), EVENT, **packed)  # about 130 bytes packed
    assert (status, problem["code"]) == (413, "body_too_large")
    assert lines(house) == [ONE]


async def test_a_body_packed_wrongly_is_refused(house: House) -> None:
    status, problem = await post(house, ONE, EVENT, **{"Content-Encoding": "gzip"})
    assert (status, problem["code"]) == (400, "malformed_encoding")


async def test_too_many_events_are_refused_as_a_whole(opened: Opening) -> None:
    house = await opened(max_events=2)
    assert (await post(house, b"\n".join([ONE] * 2), LINES))[0] == 202
    status, problem = await post(house, b"\n".join([ONE] * 3), LINES)
    assert (status, problem["code"]) == (413, "too_many_events")
    assert len(house.journal.kept) == 2


async def test_an_event_is_shown_as_it_came(house: House) -> None:
    response = await house.get("/v1/events", params={"source": "/psa/emea", "id": "e-1"})
    assert response.content_type == EVENT
    assert await response.json(content_type=EVENT) == house.firm.events["/psa/emea", "e-1"]


async def test_an_event_that_never_came_is_not_found(house: House) -> None:
    response = await house.get("/v1/events", params={"source": "/psa", "id": "e-1"})
    problem = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (404, "unknown_event")


async def test_an_event_is_asked_for_by_source_and_id(house: House) -> None:
    response = await house.get("/v1/events")
    problem = await response.json(content_type=None)
    assert [error["parameter"] for error in problem["errors"]] == ["source", "id"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_an_array_comes_apart_into_its_members(values: list[Any]) -> None:
    submission = unpack(BATCH, [], json.dumps(values).encode(), max_events=8)
    assert [json.loads(line) for line in submission.lines] == values


@given(st.binary(max_size=200), st.sampled_from(ACCEPTED))
def test_no_body_whatever_does_more_than_be_refused(body: bytes, media_type: str) -> None:
    try:
        submission = unpack(media_type, [], body, max_events=1_000)
    except Problem as problem:
        if problem.status != 400:
            raise
    else:
        assert submission.lines
