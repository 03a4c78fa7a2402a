"""Contracts, and what is asked about one: its entries, its days, and why a figure is what it is."""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from app.events.cloudevents import timestamp
from app.events.derived import Status
from app.web.call import Call, found, place_of
from app.web.parameters import AS_OF, KNOWN_AT, ON, PERIOD, choice, invalid_value, text
from app.web.ports import Row

CONTRACT_STATUSES: tuple[str, ...] = get_args(Status)
ENTRY_STATUSES = ("submitted", "approved", "rejected", "reversed")

STATUS = choice("status", CONTRACT_STATUSES, "Only contracts of this status.")
CLIENT = text("client_id", "Only contracts of this client.")
ENTRY_STATUS = choice("status", ENTRY_STATUSES, "Only entries of this status.")
LINE = text("line_id", "Only this line of the contract.")
FIGURE = text("figure", "Which figure: a path into the contract's burn, such as approved.amount.", required=True)

BY_CONTRACT = place_of("contract_id")


async def overview(call: Call) -> web.Response:
    return await call.table(*await call.queries.overview())


async def contracts(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.contracts(page.after, page.limit + 1, call.get(STATUS), call.get(CLIENT))
    return await call.listing(page, rows, meta, BY_CONTRACT)


async def contract(call: Call) -> web.Response:
    contract_id = call.name("contract_id")
    row, meta = await call.queries.contract(contract_id)
    return await call.table(known(row, contract_id), meta)


async def entries(call: Call) -> web.Response:
    contract_id, page = call.name("contract_id"), call.page()
    rows, meta = await call.queries.entries(
        contract_id,
        page.after,
        page.limit + 1,
        call.get(LINE),
        call.get(ENTRY_STATUS),
        call.get(PERIOD),
        call.get(ON),
    )
    return await call.listing(page, found(rows, "contract", contract_id), meta, place_of("cursor"))


async def daily(call: Call) -> web.Response:
    contract_id = call.name("contract_id")
    row, meta = await call.queries.daily(contract_id)
    return await call.table({"contract_id": contract_id, **known(row, contract_id)}, meta)


async def explain(call: Call) -> web.Response:
    contract_id, figure = call.name("contract_id"), call.must(FIGURE)
    try:
        row, meta = await call.queries.explain(contract_id, figure, call.get(LINE), call.get(AS_OF), call.get(KNOWN_AT))
    except ValueError as error:
        raise invalid_value(FIGURE.name, figure, str(error)) from error
    asked = {"contract_id": contract_id, "line_id": call.get(LINE), **known_at(call)}
    return await call.table({**asked, **known(row, contract_id)}, meta)


def known(row: Row | None, contract_id: str) -> Row:
    """The row, or the problem that nobody ever named this contract."""
    return found(row, "contract", contract_id)


def known_at(call: Call) -> Row:
    """The instant that was asked for, null for everything known, as the answer repeats it."""
    instant = call.get(KNOWN_AT)
    return {"known_at": None if instant is None else timestamp(instant)}
