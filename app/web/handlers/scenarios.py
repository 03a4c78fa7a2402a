"""What if: events that are worked out and not kept."""

from __future__ import annotations

from aiohttp import web

from app.web.call import Call
from app.web.handlers.contracts import known_at
from app.web.handlers.events import posted
from app.web.parameters import AS_OF, KNOWN_AT, text
from app.web.ports import Impossible
from app.web.problems import VALIDATION, Problem

CONTRACT = text("contract_id", "A contract to work out besides those that the events touch.")


async def scenario(call: Call) -> web.Response:
    """The figures of whatever the posted events touch, without them and with them."""
    submission = await posted(call)
    asked = (call.get(CONTRACT), call.get(AS_OF), call.get(KNOWN_AT))
    try:
        row, meta = await call.context.scenarios.work_out(submission.lines, submission.headers, *asked)
    except Impossible as impossible:
        raise Problem(
            VALIDATION, str(impossible), status=422, code=impossible.code, errors=impossible.errors
        ) from impossible
    return await call.table({**row, **known_at(call)}, meta)
