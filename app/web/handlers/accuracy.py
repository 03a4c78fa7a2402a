"""How good forecasts were: what weeks were promised to be when they were turned, and what became of them."""

from __future__ import annotations

from aiohttp import web

from app.domain.accuracy import HORIZONS
from app.web.call import Call
from app.web.handlers.people import BY_ID, KIND, asked
from app.web.parameters import AS_OF, FROM, KNOWN_AT, WEEKS, choice, text

ID = text("id", "Only the group of this id.")
AHEAD = choice("weeks_ahead", [str(ahead) for ahead in HORIZONS], "Only forecasts frozen so many weeks ahead.")


async def accuracy(call: Call) -> web.Response:
    page, ahead = call.page(), call.get(AHEAD)
    rows, meta = await call.queries.accuracy(
        call.get(KIND) or "firm",
        page.after,
        page.limit + 1,
        (call.get(FROM), call.get(WEEKS)),
        call.get(AS_OF),
        call.get(KNOWN_AT),
        call.get(ID),
        None if ahead is None else int(ahead),
    )
    return await call.listing(page, rows, {**meta, **asked(call)}, BY_ID)
