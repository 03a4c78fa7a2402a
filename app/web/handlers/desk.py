"""What somebody should look at: open exceptions, and records that were refused."""

from __future__ import annotations

from aiohttp import web

from app.web.call import Call, place_of


async def exceptions(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.exceptions(page.after, page.limit + 1)
    return await call.listing(page, rows, meta, place_of("cursor", "exception_id"))


async def dead_letters(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.dead_letters(page.after, page.limit + 1)
    return await call.listing(page, rows, meta, place_of("cursor"))
