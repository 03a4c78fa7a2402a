"""The door for vendors: who sent it is checked as the vendor does it, then it is mapped and taken like any event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from aiohttp import web

from app.adapters import ADAPTERS
from app.adapters.adapter import Unmapped
from app.adapters.adapter import receive as received_by
from app.web.call import Call
from app.web.ports import Receipt
from app.web.problems import MALFORMED, NOT_FOUND, UNAUTHENTICATED, Problem


async def receive(call: Call) -> web.Response:
    """Take a vendor's message. `wants` names the records to fetch and post here, `dropped` what was left alone."""
    name = call.name("name")
    adapter, instance = ADAPTERS.get(name), call.context.settings.adapters.get(name)
    if adapter is None or instance is None:
        detail = f"No adapter {name!r} is configured here. There are {', '.join(ADAPTERS)}; set HEADRACE_ADAPTERS."
        raise Problem(NOT_FOUND, detail, code="unknown_adapter")
    body = await call.request.read()
    headers = {key.lower(): value for key, value in call.request.headers.items()}
    if not adapter.verify(instance, headers, body):
        detail = f"The message does not show the secret of {name!r} as the vendor does."
        raise Problem(UNAUTHENTICATED, detail, code="bad_signature")
    try:
        received = received_by(adapter, instance, body)
    except Unmapped as error:
        raise Problem(MALFORMED, str(error), code="unmapped", pointer=error.pointer) from error
    events = [orjson.dumps(event) for event in received.events]
    receipts = await call.context.intake.accept(events) if events else []
    return web.Response(
        body=orjson.dumps(
            {
                **_counted(receipts),
                "wants": [want._asdict() for want in received.wants],
                "dropped": list(received.dropped),
            }
        ),
        status=202,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _counted(receipts: Sequence[Receipt]) -> dict[str, object]:
    results = [asdict(receipt) for receipt in receipts]
    accepted = sum(one["status"] == "accepted" for one in results)
    return {"accepted": accepted, "refused": len(results) - accepted, "results": results}
