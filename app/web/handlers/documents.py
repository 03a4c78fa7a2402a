"""Descriptions of the interfaces for people and generators."""

from __future__ import annotations

from importlib import resources

from aiohttp import web

from app.web import answers
from app.web.call import Call
from app.web.problems import KINDS, NOT_FOUND, Problem


async def openapi(call: Call) -> web.Response:
    return await answers.answer(call.request, call.context.openapi, "application/json")


async def asyncapi(call: Call) -> web.Response:
    """The topics and their messages, as the catalogue's models generate them."""
    document = resources.files("app.events") / "schemas" / "asyncapi.json"
    if not document.is_file():
        raise Problem(NOT_FOUND, "The AsyncAPI document is not part of this installation.")
    return await answers.answer(call.request, document.read_bytes(), "application/json")


async def problem(call: Call) -> web.Response:
    """What a problem's `type` points to."""
    kind = KINDS.get(call.name("name"))
    if kind is None:
        raise Problem(NOT_FOUND, f"No such problem: {call.name('name')!r}. There are {', '.join(sorted(KINDS))}.")
    row = {"type": kind.uri, "title": kind.title, "status": kind.status, "meaning": kind.meaning}
    return await answers.json(call.request, row)
