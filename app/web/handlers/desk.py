"""The exceptions desk: what somebody should act on, and acting on it; and records that were refused, as they came."""

from __future__ import annotations

from typing import Any, get_args

import orjson
from aiohttp import web

from app.domain.casework import Action
from app.engine.desk import place_of as place_at_desk
from app.engine.desk import shown
from app.web.call import Call, found, place_of
from app.web.parameters import choice, text
from app.web.ports import Rejected, Row
from app.web.problems import CONFLICT, MALFORMED, NOT_FOUND, VALIDATION, Problem

ACTIONS: tuple[str, ...] = get_args(Action)
KINDS = ("conflict", "staffing", "parked", "blocker", "document", "dead_letter")
STATUS = choice(
    "status",
    ("open", "claimed", "resent", "resolved", "all"),
    "Only cases of this status; without, those not resolved.",
)
KIND = choice("kind", KINDS, "Only exceptions of this kind.")
OWNER = text("owner", "Only what this owner should act on.")
CLAIMED = text("claimed_by", "Only what this person has claimed.")
CODE = text("code", "Only this code.")
TIER = choice("tier", ("critical", "blocking", "held", "warning"), "Only this tier.")
FINGERPRINT = text("fingerprint", "Only exceptions of this group.")
FILTERS = (STATUS, KIND, OWNER, CLAIMED, CODE, TIER, FINGERPRINT)

MOVED_ON = "case_moved_on"


async def exceptions(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.desk.rows(_wanted(call))
    after = [{**shown(row), "cursor": place} for row in rows if (place := place_at_desk(row)) > page.after]
    return await call.listing(page, after[: page.limit + 1], meta, place_of("cursor"))


async def groups(call: Call) -> web.Response:
    found_, meta = await call.desk.groups(_wanted(call))
    return await call.table({"items": found_}, meta)


async def exception(call: Call) -> web.Response:
    exception_id = call.name("exception_id")
    row, meta = await call.desk.one(exception_id)
    return await call.table(shown(found(row, "exception", exception_id)), meta)


async def act(call: Call) -> web.Response:
    """One action on one exception. What is sent again, or instead, goes through the intake like any event."""
    exception_id = call.name("exception_id")
    action, by, said = await _asked(call)
    try:
        done = await call.desk.act(exception_id, action, by, said)
    except Rejected as rejected:
        raise _problem(rejected) from rejected
    return _kept(found(done, "exception", exception_id))


async def act_on_group(call: Call) -> web.Response:
    action, by, said = await _asked(call)
    told = await call.desk.act_on_all(call.name("fingerprint"), action, by, said)
    if not told:
        raise Problem(NOT_FOUND, f"No unresolved exception has the fingerprint {call.name('fingerprint')!r}.")
    done = sum(one["done"] for one in told)
    return _kept({"done": done, "rejected": len(told) - done, "results": told})


def _wanted(call: Call) -> dict[str, str | None]:
    return {parameter.name: call.get(parameter) for parameter in FILTERS}


async def _asked(call: Call) -> tuple[str, str, dict[str, Any]]:
    """(action, who acts, the rest of the body)."""
    action = call.name("action")
    if action not in ACTIONS:
        raise Problem(NOT_FOUND, f"No such action: {action!r}. There are {', '.join(ACTIONS)}.", code="unknown_action")
    try:
        said = orjson.loads(await call.request.read())
    except orjson.JSONDecodeError as error:
        raise Problem(MALFORMED, f"The body is not JSON: {error}.", code="malformed_json") from error
    by = said.get("by") if isinstance(said, dict) else None
    if not isinstance(by, str) or not by:
        raise Problem(VALIDATION, "by: say who acts.", code="missing_field", pointer="/by")
    return action, by, said


def _problem(rejected: Rejected) -> Problem:
    if rejected.code == MOVED_ON:
        return Problem(CONFLICT, str(rejected), code=rejected.code)
    return Problem(VALIDATION, str(rejected), status=422, code=rejected.code, pointer=rejected.pointer)


def _kept(row: Row) -> web.Response:
    return web.Response(
        body=orjson.dumps(row), status=202, content_type="application/json", headers={"Cache-Control": "no-store"}
    )


async def dead_letters(call: Call) -> web.Response:
    page = call.page()
    rows, meta = await call.queries.dead_letters(page.after, page.limit + 1)
    return await call.listing(page, rows, meta, place_of("cursor"))
