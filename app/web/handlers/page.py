"""The page and its files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from app.web import answers
from app.web.call import Call
from app.web.problems import NOT_FOUND, Problem

ROOT = Path(__file__).resolve().parent.parent / "static"

# A table of our own: the machine's may call a script text/plain, and browsers then refuse to run it.
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
PLAIN = "text/plain; charset=utf-8"


async def index(call: Call) -> web.Response:
    return await _file(call, "index.html")


async def static(call: Call) -> web.Response:
    return await _file(call, call.name("file"))


async def _file(call: Call, name: str) -> web.Response:
    """A file below the page's directory; nothing outside it exists."""
    path = _locate(name)
    if path is None:
        raise Problem(NOT_FOUND, f"The page has no file {name!r}.", code="unknown_file")
    body = await asyncio.to_thread(path.read_bytes)
    return await answers.answer(call.request, body, CONTENT_TYPES.get(path.suffix, PLAIN))


def _locate(name: str) -> Path | None:
    try:
        path = (ROOT / name).resolve()
        return path if path.is_relative_to(ROOT) and path.is_file() else None
    except (ValueError, OSError):  # a name that no file can have: a NUL in it, or too long
        return None
