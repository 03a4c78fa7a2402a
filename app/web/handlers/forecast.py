"""Where a contract will end, and what its lines have earned so far."""

from __future__ import annotations

from aiohttp import web

from app.web.call import Call, found
from app.web.handlers.contracts import known, known_at
from app.web.parameters import AS_OF, KNOWN_AT


async def forecast(call: Call) -> web.Response:
    contract_id = call.name("contract_id")
    row, meta = await call.queries.forecast(contract_id, call.get(AS_OF), call.get(KNOWN_AT))
    return await call.table({**known(row, contract_id), **known_at(call)}, meta)


async def revenue(call: Call) -> web.Response:
    """Every line's periods so far, in order."""
    contract_id = call.name("contract_id")
    rows, meta = await call.queries.revenue(contract_id, call.get(AS_OF), call.get(KNOWN_AT))
    items = found(rows, "contract", contract_id)
    return await call.table({"contract_id": contract_id, "items": items, **known_at(call)}, meta)
