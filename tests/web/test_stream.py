"""Statements reach every reader that keeps up, in order, and are resumed where a reader was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientError, ClientResponse

from app.web.ports import Statement, Unavailable
from app.web.sse import frame
from tests.web.conftest import House, Opening
from tests.web.fakes import Tape

PATIENCE = 5.0  # seconds a test waits for what must come; never a measure of speed


@dataclass
class Heard:
    event: str
    id: str | None
    data: Any


async def frames(response: ClientResponse) -> AsyncIterator[str]:
    """Blocks of a server-sent stream, comments too, until it ends."""
    block = ""
    async for line in response.content:
        block += line.decode()
        if line == b"\n":
            yield block
            block = ""


def parse(block: str) -> Heard | None:
    fields = dict(line.split(":", 1) for line in block.splitlines() if line and not line.startswith(":"))
    if "data" not in fields:
        return None
    return Heard(fields["event"].strip(), fields["id"].strip() if "id" in fields else None, json.loads(fields["data"]))


async def listen(response: ClientResponse, count: int) -> list[Heard]:
    """The next `count` events."""
    heard: list[Heard] = []
    async with asyncio.timeout(PATIENCE):
        async for block in frames(response):
            event = parse(block)
            if event:
                heard.append(event)
            if len(heard) == count:
                break
    return heard


async def follow(house: House, query: str = "", last: str | None = None) -> ClientResponse:
    headers = {} if last is None else {"Last-Event-ID": last}
    response: ClientResponse = await house.get(f"/v1/stream{query}", headers=headers)
    assert response.status == 200
    return response


async def until(house: House, readers: int) -> None:
    """Return when as many subscriptions are open."""
    async with asyncio.timeout(PATIENCE):
        await house.tape.until(readers)


async def cut_off(response: ClientResponse) -> None:
    """Read until the connection breaks: the answer has no proper end, so a browser comes back."""
    with pytest.raises(ClientError):
        await exhaust(response)


async def exhaust(response: ClientResponse) -> None:
    async with asyncio.timeout(PATIENCE):
        while await response.content.readany():
            pass


async def test_a_statement_is_an_event_with_its_position_and_json(house: House) -> None:
    response = await follow(house)
    house.tape.say("burn", "C-1")
    (heard,) = await listen(response, 1)
    assert (heard.event, heard.id) == ("burn.updated", "1")
    assert heard.data == {"type": "burn.updated.v1", "key": "C-1", "position": 1, "padding": ""}
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_new_reader_hears_what_comes_not_what_was(house: House) -> None:
    house.tape.say("burn", "before")
    response = await follow(house)
    house.tape.say("burn", "after")
    assert [heard.data["key"] for heard in await listen(response, 1)] == ["after"]


async def test_a_reader_resumes_where_it_was(house: House) -> None:
    for key in ("a", "b", "c"):
        house.tape.say("burn", key)
    response = await follow(house, last="1")
    house.tape.say("burn", "d")
    assert [heard.data["key"] for heard in await listen(response, 3)] == ["b", "c", "d"]


async def test_the_position_may_be_a_parameter_but_the_header_goes_first(house: House) -> None:
    for key in ("a", "b", "c"):
        house.tape.say("burn", key)
    assert (await listen(await follow(house, "?after=2"), 1))[0].data["key"] == "c"
    assert (await listen(await follow(house, "?after=2", last="0"), 1))[0].data["key"] == "a"


async def test_only_the_topics_asked_for_are_sent(house: House) -> None:
    response = await follow(house, "?topics=burn,readiness")
    for topic in ("burn", "burn.thresholds", "forecast.burn", "readiness", "burn"):
        house.tape.say(topic, "C-1")
    assert [heard.event for heard in await listen(response, 3)] == ["burn.updated", "readiness.updated", "burn.updated"]


async def test_a_position_that_is_gone_resets_the_reader(opened: Opening) -> None:
    house = await opened(tape=Tape(forgotten=2))
    for key in ("a", "b", "c"):
        house.tape.say("burn", key)
    for last in ("1", "99", "not-a-number", "-5", "١", "9" * 5_000):
        response = await follow(house, last=last)
        (reset,) = await listen(response, 1)
        assert (reset.event, reset.id) == ("reset", ""), "an empty id makes the reader forget its position"
        house.tape.say("burn", "live")
        assert (await listen(response, 1))[0].data["key"] == "live"
        response.close()


async def test_silence_is_broken_by_a_comment(opened: Opening) -> None:
    house = await opened(heartbeat_seconds=0.02)
    response = await follow(house)
    blocks = frames(response)
    async with asyncio.timeout(PATIENCE):
        assert (await anext(blocks)).startswith("retry: ")
        assert [await anext(blocks) for _ in range(3)] == [": alive\n\n"] * 3
    house.tape.say("burn", "C-1")
    assert (await listen(response, 1))[0].event == "burn.updated"


async def test_every_reader_hears_everything(house: House) -> None:
    responses = [await follow(house) for _ in range(5)]
    for number in range(300):
        house.tape.say("burn", str(number))
    for response in responses:
        assert [heard.id for heard in await listen(response, 300)] == [str(number) for number in range(1, 301)]


async def test_a_reader_that_left_is_forgotten(opened: Opening) -> None:
    house = await opened(heartbeat_seconds=0.02)
    response = await follow(house)
    await until(house, 1)
    response.close()
    await until(house, 0)


async def test_a_reader_that_does_not_read_is_cut_off_and_can_resume(opened: Opening) -> None:
    house = await opened(stream_queue=4, stream_patience_seconds=0.1)
    response = await follow(house)
    await until(house, 1)
    for number in range(200):  # 200 × 100 kB, more than the sockets' buffers hold
        house.tape.say("burn", str(number), padding=100_000)
    await until(house, 0)
    await cut_off(response)
    assert "headrace_http_readers_dropped_total 1" in await (await house.get("/metrics")).text()
    resumed = await follow(house, last="198")
    assert [heard.id for heard in await listen(resumed, 2)] == ["199", "200"]


async def test_a_long_backlog_is_not_mistaken_for_a_slow_reader(opened: Opening) -> None:
    house = await opened(stream_queue=4)
    for number in range(2_000):
        house.tape.say("burn", str(number))
    heard = await listen(await follow(house, last="0"), 2_000)
    assert heard[-1].id == "2000"


async def test_when_the_feed_ends_what_waits_is_sent(house: House) -> None:
    response = await follow(house)
    for number in range(10):
        house.tape.say("burn", str(number))
    house.tape.end()
    async with asyncio.timeout(PATIENCE):
        blocks = [block async for block in frames(response)]
    assert len([block for block in blocks if parse(block)]) == 10


async def test_a_feed_that_fails_ends_the_answer_and_is_logged(house: House, caplog: Any) -> None:
    response = await follow(house)
    house.tape.say("burn", "C-1")
    assert len(await listen(response, 1)) == 1
    house.tape.fail(KeyError("the feed's own defect"))
    await cut_off(response)
    assert "the feed's own defect" in caplog.text


async def test_a_feed_that_is_not_there_now_is_a_503_before_and_an_open_end_after(house: House, caplog: Any) -> None:
    response = await follow(house)
    house.tape.say("burn", "C-1")
    assert len(await listen(response, 1)) == 1
    house.tape.fail(Unavailable("no broker answers", retry_after=3))
    await cut_off(response)  # so the reader comes back
    refused = await house.get("/v1/stream")
    problem = await refused.json(content_type="application/problem+json")
    assert (refused.status, problem["detail"], refused.headers["Retry-After"]) == (503, "no broker answers", "3")
    assert caplog.text == "", "it is no defect"


async def test_readers_are_limited(opened: Opening) -> None:
    house = await opened(max_streams=1, heartbeat_seconds=0.02)
    first = await follow(house)
    refused = await house.get("/v1/stream")
    problem = await refused.json(content_type="application/problem+json")
    assert (refused.status, problem["type"], refused.headers["Retry-After"]) == (503, "/problems/busy", "5")
    first.close()
    await until(house, 0)
    assert (await house.get("/v1/stream")).status == 200


async def test_a_server_that_stops_ends_its_streams_at_once(opened: Opening) -> None:
    house = await opened()
    responses = [await follow(house) for _ in range(3)]
    async with asyncio.timeout(PATIENCE):
        stopping = asyncio.create_task(house.client.server.close())
        for response in responses:
            blocks = [block async for block in frames(response)]
            assert blocks == ["retry: 2000\n\n"]
        await stopping
    assert house.tape.readers == 0


async def test_a_reader_that_does_not_read_does_not_hold_up_the_server(opened: Opening) -> None:
    house = await opened(stream_queue=4, stream_patience_seconds=60)
    response = await follow(house)
    await until(house, 1)
    for number in range(200):
        house.tape.say("burn", str(number), padding=100_000)
    await asyncio.sleep(0.3)  # the buffers of the sockets fill, then nothing moves
    async with asyncio.timeout(PATIENCE):
        await house.client.server.close()
    assert house.tape.readers == 0
    await cut_off(response)


def test_a_value_of_several_lines_stays_one_event() -> None:
    statement = Statement("7", "headrace.burn", "C-1", "burn.updated.v1", b'{\n  "key": 1\r\n}')
    assert frame(statement) == b'event: burn.updated\nid: 7\ndata: {\ndata:   "key": 1\ndata: }\n\n'
