"""Billing readiness: of one contract, and of all."""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from app.domain.readiness import RULES
from app.events.derived import State
from app.web.call import Call, place_of
from app.web.handlers.contracts import BY_CONTRACT, known, known_at
from app.web.parameters import AS_OF, KNOWN_AT, choice, text

STATES: tuple[str, ...] = get_args(State)
STATE = choice("state", STATES, "Only contracts in this state.")
OWNER = text("owner", "Only what waits for this owner, as blockers name them.")
CURRENCY = text("currency", "Only cash of this currency.")
CODE = choice("code", tuple(RULES), "Only blockers with this code.")
CONTRACT = text("contract_id", "Only of this contract.")


async def readiness(call: Call) -> web.Response:
    contract_id = call.name("contract_id")
    row, meta = await call.queries.readiness(contract_id, call.get(AS_OF), call.get(KNOWN_AT))
    return await call.table({**known(row, contract_id), **known_at(call)}, meta)


async def readinesses(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.readiness_list(page.after, page.limit + 1, call.get(STATE))
    return await call.listing(page, rows, meta, BY_CONTRACT)


async def unlocks(call: Call) -> web.Response:
    """What each fix is worth: a list, and beside it what waits for each owner in all."""
    page = call.page()
    found, meta = await call.queries.unlocks(
        page.after, page.limit + 1, call.get(OWNER), call.get(CURRENCY), call.get(CODE), call.get(CONTRACT)
    )
    return await call.listing(page, found["items"], {**meta, "owners": found["owners"]}, place_of("cursor"))
