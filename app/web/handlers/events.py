"""Events: posted ones in, and any one that came as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from aiohttp import hdrs, web

from app.web import answers
from app.web.call import Call
from app.web.parameters import text
from app.web.ports import Receipt
from app.web.problems import MALFORMED, NOT_FOUND, TOO_LARGE, VALIDATION, Problem
from app.web.submission import EVENT, Submission, unpack

SOURCE = text("source", "The event's `source`.", required=True)
ID = text("id", "The event's `id`.", required=True)


async def event(call: Call) -> web.Response:
    """One event by its identity. It is evidence, so nothing is added to it."""
    source, event_id = call.must(SOURCE), call.must(ID)
    row = await call.queries.event(source, event_id)
    if row is None:
        raise Problem(NOT_FOUND, f"No event {event_id!r} of {source!r} has come.", code="unknown_event")
    return await answers.answer(call.request, orjson.dumps(row), EVENT)


async def post_events(call: Call) -> web.Response:
    """Take events. 202 says that they are kept, not that they are counted yet."""
    submission = await posted(call)
    receipts = await call.context.intake.accept(submission.lines, submission.headers)
    if submission.alone and receipts[0].status == "refused":
        raise refused(receipts[0])
    return web.Response(
        body=orjson.dumps(_summary(receipts)),
        status=202,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def posted(call: Call) -> Submission:
    """The events of the body. Raises Problem for a body that is none, or too large."""
    settings = call.context.settings
    body = await body_of(call.request, settings.max_body_bytes)
    return unpack(media_type_of(call.request), call.request.headers.items(), body, settings.max_events)


def refused(receipt: Receipt) -> Problem:
    """The refusal of a single event: why, where in the event, and where the event is kept."""
    error = {"pointer": receipt.pointer, "code": receipt.code, "detail": receipt.detail}
    kept = {name: getattr(receipt, name) for name in ("id", "source", "topic", "partition", "offset")}
    return Problem(
        VALIDATION,
        receipt.detail or "The event was refused.",
        status=422,
        code=receipt.code,
        pointer=receipt.pointer,
        errors=[error],
        **kept,
    )


def _summary(receipts: Sequence[Receipt]) -> dict[str, object]:
    accepted = sum(receipt.status == "accepted" for receipt in receipts)
    return {
        "accepted": accepted,
        "refused": len(receipts) - accepted,
        "results": [asdict(receipt) for receipt in receipts],
    }


def media_type_of(request: web.Request) -> str:
    """The content type in lower case without parameters; empty if there is none, or in another charset than UTF-8."""
    if hdrs.CONTENT_TYPE not in request.headers:
        return ""
    charset = (request.charset or "utf-8").lower()
    return request.content_type if charset in ("utf-8", "utf8", "us-ascii") else f"{request.content_type} in {charset}"


async def body_of(request: web.Request, max_bytes: int) -> bytes:
    """The body, decompressed. Raises Problem when it is too large, or does not come as announced."""
    if (request.content_length or 0) > max_bytes:
        detail = f"{request.content_length} bytes: this server takes {max_bytes} at once. Send the events in parts."
        raise Problem(TOO_LARGE, detail, code="body_too_large")
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError) as error:
        detail = "The body broke off, or is not encoded as Content-Encoding and Transfer-Encoding say."
        raise Problem(MALFORMED, detail, code="malformed_encoding") from error
