"""What workers ask of each other."""

from __future__ import annotations

from aiohttp import web

from app.web.call import Call
from app.web.problems import MALFORMED, Problem


async def ask(call: Call) -> web.Response:
    """This worker's share of an answer, from the slices it holds. Nobody else is asked for it, so no question goes
    round."""
    try:
        body = await call.queries.answer(await call.request.read())
    except ValueError as error:
        raise Problem(MALFORMED, f"{error}.", code="not_a_question") from error
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})
