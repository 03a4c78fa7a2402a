"""How the server and its streams do."""

from __future__ import annotations

from aiohttp import web

from app.web import answers
from app.web.call import Call
from app.web.metrics import CONTENT_TYPE, render
from app.web.ports import Unavailable


async def streams(call: Call) -> web.Response:
    return await call.table(*await call.queries.streams())


async def slas(call: Call) -> web.Response:
    """What the firm promised itself, and how it does."""
    rows, meta = await call.queries.promises()
    return await call.table({"items": rows}, meta)


async def healthz(call: Call) -> web.Response:
    """The process runs and answers; it says nothing of the tables."""
    return await answers.json(call.request, {"status": "ok"}, {"Cache-Control": "no-store"})


async def readyz(call: Call) -> web.Response:
    """Whether to send traffic here. Raises Unavailable while the tables are not complete."""
    ready, detail = call.queries.ready()
    if not ready:
        raise Unavailable(detail)
    return await answers.json(call.request, {"status": "ready", "detail": detail}, {"Cache-Control": "no-store"})


async def metrics(call: Call) -> web.Response:
    context = call.context
    families = [*context.queries.metrics(), *context.traffic.metrics(), *context.streams.metrics()]
    return await answers.answer(call.request, render(families), CONTENT_TYPE, {"Cache-Control": "no-store"})
