"""People and the groups they are in, week by week: what they can do, are booked for and did."""

from __future__ import annotations

from aiohttp import web

from app.engine.roster import ALERTS, KINDS
from app.web.call import Call, found, place_of
from app.web.handlers.contracts import known_at
from app.web.parameters import AS_OF, FROM, KNOWN_AT, WEEKS, choice, invalid_value, parse_week, text
from app.web.ports import Row, Span

ROLE = text("role", "Only this role.")
PRACTICE = text("practice", "Only this practice.")
KIND = choice("kind", KINDS, "Groups of which kind; the firm as a whole where it is not given.")
ALERT = choice("kind", ALERTS, "Only those who will be on the bench, or only those who roll off.")

BY_ID = place_of("id")
BY_RESOURCE = place_of("resource_id")


async def people(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.people(
        page.after,
        page.limit + 1,
        _span(call),
        call.get(AS_OF),
        call.get(KNOWN_AT),
        call.get(ROLE),
        call.get(PRACTICE),
    )
    return await call.listing(page, rows, {**meta, **asked(call)}, BY_RESOURCE)


async def alerts(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.alerts(
        page.after,
        page.limit + 1,
        call.get(AS_OF),
        call.get(KNOWN_AT),
        call.get(ALERT),
        call.get(ROLE),
        call.get(PRACTICE),
    )
    return await call.listing(page, rows, {**meta, **asked(call)}, BY_RESOURCE)


async def person(call: Call) -> web.Response:
    resource_id = call.name("resource_id")
    row, meta = await call.queries.person(resource_id, _span(call), call.get(AS_OF), call.get(KNOWN_AT))
    return await call.table({**found(row, "resource", resource_id), **asked(call)}, meta)


async def cell(call: Call) -> web.Response:
    resource_id, week = call.name("resource_id"), call.name("week")
    try:
        monday = parse_week(week)
    except ValueError as error:
        raise invalid_value("week", week, "expected an ISO week, YYYY-Www, that the year has") from error
    row, meta = await call.queries.cell(resource_id, monday, call.get(AS_OF), call.get(KNOWN_AT))
    return await call.table({**found(row, "resource", resource_id), **asked(call)}, meta)


async def utilization(call: Call) -> web.Response:
    return await _groups(call, call.get(KIND) or "firm")


async def roles(call: Call) -> web.Response:
    return await _groups(call, "role")


async def role(call: Call) -> web.Response:
    return await _group(call, "role")


async def practices(call: Call) -> web.Response:
    return await _groups(call, "practice")


async def practice(call: Call) -> web.Response:
    return await _group(call, "practice")


async def demand(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.demand(
        page.after,
        page.limit + 1,
        _span(call),
        call.get(AS_OF),
        call.get(KNOWN_AT),
        call.get(ROLE),
        call.get(PRACTICE),
    )
    return await call.listing(page, rows, {**meta, **asked(call)}, place_of("cursor"))


async def _groups(call: Call, kind: str) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.groups(
        kind, page.after, page.limit + 1, _span(call), call.get(AS_OF), call.get(KNOWN_AT)
    )
    return await call.listing(page, rows, {**meta, **asked(call)}, BY_ID)


async def _group(call: Call, kind: str) -> web.Response:
    group_id = call.name(kind)
    row, meta = await call.queries.group(kind, group_id, _span(call), call.get(AS_OF), call.get(KNOWN_AT))
    return await call.table({**found(row, kind, group_id), **asked(call)}, meta)


def _as_of(call: Call) -> Row:
    """The day that was asked for, which stands for today's."""
    day = call.get(AS_OF)
    return {} if day is None else {"as_of": day.isoformat()}


def asked(call: Call) -> Row:
    return {**_as_of(call), **known_at(call)}


def _span(call: Call) -> Span:
    return call.get(FROM), call.get(WEEKS)
