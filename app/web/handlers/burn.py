"""Burn: of one contract with its lines, and of all."""

from __future__ import annotations

from aiohttp import web

from app.web.call import Call, found
from app.web.handlers.contracts import BY_CONTRACT, CLIENT, STATUS, known_at
from app.web.parameters import AS_OF, KNOWN_AT


async def burn(call: Call) -> web.Response:
    """The contract's own row, flat, with the rows of its lines under `lines`."""
    contract_id = call.name("contract_id")
    rows, meta = await call.queries.burn(contract_id, call.get(AS_OF), call.get(KNOWN_AT))
    first, *lines = found(rows, "contract", contract_id)
    return await call.table({**first, "lines": lines, **known_at(call)}, meta)


async def burns(call: Call) -> web.Response:
    """The burn row of each contract, in the contracts' order."""
    page = call.page()
    contracts, meta = await call.queries.contracts(page.after, page.limit + 1, call.get(STATUS), call.get(CLIENT))
    return await call.listing(page, [row["burn"] for row in contracts], meta, BY_CONTRACT)
