"""Reconciliation: how the tables differ from what other systems said they have."""

from __future__ import annotations

from aiohttp import web

from app.domain.reconciliation import CAUSES
from app.web.call import Call, place_of
from app.web.parameters import choice, text

SYSTEM = choice("system", ("psa", "erp"), "Only differences from this system.")
CAUSE = choice("cause", tuple(CAUSES), "Only differences with this cause.")
CONTRACT = text("contract_id", "Only of this contract.")


async def reconciliation(call: Call) -> web.Response:
    page = call.page()
    found, meta = await call.queries.reconciliation(
        page.after, page.limit + 1, call.get(SYSTEM), call.get(CAUSE), call.get(CONTRACT)
    )
    beside = {name: value for name, value in found.items() if name != "items"}
    return await call.listing(page, found["items"], {**meta, **beside}, place_of("cursor"))
