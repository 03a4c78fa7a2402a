"""The web application: the table of routes over the ports it is given."""

from __future__ import annotations

from aiohttp import web

from app.web import openapi
from app.web.call import Context
from app.web.metrics import Traffic, measured
from app.web.ports import Desk, Feed, Intake, Queries, Scenarios
from app.web.problems import shield
from app.web.routes import ROUTES
from app.web.settings import WebSettings
from app.web.streams import Streams

# The page runs its own scripts and styles and talks to its own server; nothing else is loaded, framed or posted to.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    queries: Queries, intake: Intake, feed: Feed, desk: Desk, scenarios: Scenarios, settings: WebSettings
) -> web.Application:
    """An application ready to run. On shutdown it ends the open streams first, so that none holds it up."""
    traffic, streams = Traffic(), Streams(settings.max_streams)
    context = Context(queries, intake, feed, desk, scenarios, settings, traffic, streams, openapi.build(ROUTES))
    app = web.Application(middlewares=(measured(traffic), shield), client_max_size=settings.max_body_bytes)
    for route in ROUTES:
        route.register(app, context)

    async def close_streams(_: web.Application) -> None:
        streams.closing.set()

    app.on_shutdown.append(close_streams)
    app.on_response_prepare.append(_secure)
    return app


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    """Every answer, errors and streams too, says what a browser may do with it."""
    response.headers.update(SECURITY_HEADERS)
    response.headers["Server"] = "headrace"
