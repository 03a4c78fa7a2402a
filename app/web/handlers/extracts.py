"""Extracts of other systems, posted as they are: read row by row, kept as events, and compared from then on."""

from __future__ import annotations

from io import StringIO

import orjson
from aiohttp import web

from app.engine.extracts import kept
from app.engine.extracts import lines_of as rows_of
from app.misuse import Misuse
from app.web.call import Call
from app.web.handlers.events import body_of, media_type_of
from app.web.parameters import Parameter, parse_instant, text
from app.web.problems import MALFORMED, NOT_FOUND, UNSUPPORTED_MEDIA_TYPE, VALIDATION, Problem
from app.web.submission import LINES

CSV = "text/csv"
ACCEPTED = (CSV, LINES)
SYSTEMS = ("psa", "erp")
TAKEN_AT = Parameter(
    "taken_at",
    parse_instant,
    "an instant with its zone, such as 2026-03-31T02:00:00Z (a + must be written %2B)",
    "When the extract was taken: of two of one system the later counts, and the same again is no second one.",
    {"type": "string", "format": "date-time"},
    required=True,
)
NAME = text("name", "What the extract is called; its rows are named by it.")


async def post_extract(call: Call) -> web.Response:
    """Take an extract whole or not at all. 202 says that it is kept, not that it is compared yet."""
    system = call.name("system")
    if system not in SYSTEMS:
        detail = f"No extract is of {system!r}; there are {', '.join(SYSTEMS)}."
        raise Problem(NOT_FOUND, detail, code="unknown_system")
    media_type = media_type_of(call.request)
    if media_type not in ACCEPTED:
        detail = f"{media_type or 'no content type'}: extracts are taken as {', '.join(ACCEPTED)}, in UTF-8."
        raise Problem(UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept-Post": ", ".join(ACCEPTED)})
    body = await body_of(call.request, call.context.settings.max_body_bytes)
    name = call.get(NAME) or f"{system}.{'csv' if media_type == CSV else 'jsonl'}"
    moment = call.must(TAKEN_AT) // 1_000_000 * 1_000_000
    try:
        lines = StringIO(body.decode("utf-8-sig"), newline="")
        events = kept(system, rows_of(name, lines, as_csv=media_type == CSV), moment, name)
    except UnicodeDecodeError as error:
        raise Problem(MALFORMED, f"{name}: {error}; write it in UTF-8.", code="malformed_encoding") from error
    except Misuse as error:
        raise Problem(VALIDATION, f"{error}. Nothing of it was taken.", status=422, code="bad_row") from error
    receipts = await call.context.intake.accept([orjson.dumps(event) for event in events])
    refused = [receipt for receipt in receipts if receipt.status == "refused"]
    whole = events[-1]["data"]
    answer = {
        "system": system,
        "number": whole["revision"],
        "entries": whole["entries"],
        "lines": whole["lines"],
        "accepted": len(receipts) - len(refused),
        "refused": len(refused),
    }
    return web.Response(
        body=orjson.dumps(answer),
        status=202,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
