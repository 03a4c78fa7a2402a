"""Billing readiness: of one contract, and of all."""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from app.events.derived import State
from app.web.call import Call
from app.web.handlers.contracts import BY_CONTRACT, known, known_at
from app.web.parameters import AS_OF, KNOWN_AT, choice

STATES: tuple[str, ...] = get_args(State)
STATE = choice("state", STATES, "Only contracts in this state.")


async def readiness(call: Call) -> web.Response:
    contract_id = call.name("contract_id")
    row, meta = await call.queries.readiness(contract_id, call.get(AS_OF), call.get(KNOWN_AT))
    return await call.table({**known(row, contract_id), **known_at(call)}, meta)


async def readinesses(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.readiness_list(page.after, page.limit + 1, call.get(STATE))
    return await call.listing(page, rows, meta, BY_CONTRACT)
