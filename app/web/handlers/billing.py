"""Billing documents: of one contract, of all, and one by its key."""

from __future__ import annotations

from aiohttp import web

from app.web.call import Call, found, place_of
from app.web.handlers.contracts import known, known_at
from app.web.parameters import AS_OF, KNOWN_AT, choice, text

KINDS = ("time", "expense", "milestone", "fee", "adjustment")
KIND = choice("kind", KINDS, "Only documents of this kind.")
CONTRACT = text("contract_id", "Only of this contract.")


async def of_contract(call: Call) -> web.Response:
    contract_id = call.name("contract_id")
    rows, meta = await call.queries.documents(contract_id, call.get(AS_OF), call.get(KNOWN_AT))
    known({} if rows is not None else None, contract_id)
    return await call.table({"contract_id": contract_id, "items": rows, **known_at(call)}, meta)


async def documents(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.documents_list(page.after, page.limit + 1, call.get(KIND), call.get(CONTRACT))
    return await call.listing(page, rows, meta, place_of("cursor"))


async def document(call: Call) -> web.Response:
    """A live document; one that was invoiced or withdrawn is not there any more."""
    key = call.name("document_key")
    row, meta = await call.queries.document(key)
    return await call.table(found(row, "document", key), meta)


async def gate(call: Call) -> web.Response:
    """What waits for ERP, by target and legal entity."""
    rows, meta = await call.queries.gate()
    return await call.table({"items": rows}, meta)


async def shadow(call: Call) -> web.Response:
    """What ERPs in shadow mode make of the same documents."""
    row, meta = await call.queries.shadow()
    return await call.table(row, meta)
