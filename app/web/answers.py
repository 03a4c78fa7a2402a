"""Answers that can be revalidated and compressed."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import hdrs, web

GZIP_FROM_BYTES = 2_000
_GZIP_LEVEL = 5
_GZIP_MARK = "-gzip"


async def json(request: web.Request, document: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    """`document` as JSON."""
    return await answer(request, orjson.dumps(document), "application/json", headers)


async def answer(
    request: web.Request,
    body: bytes,
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """200 with the body, or 304 when the client has it already.

    The tag is a strong one over the bytes sent, so the compressed form has its own; either one revalidates both, since
    they are made of the same body.
    """
    digest = hashlib.blake2b(body, digest_size=16).hexdigest()
    compressed = len(body) > GZIP_FROM_BYTES and accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    common = {
        "ETag": f'"{digest}{_GZIP_MARK if compressed else ""}"',
        "Cache-Control": "private, max-age=0",
        "Vary": "Accept-Encoding",
        **(headers or {}),
    }
    if matches(request.headers.get(hdrs.IF_NONE_MATCH, ""), digest):
        return web.Response(status=304, headers=common)
    if compressed:
        # a thread, because a page of 500 rows takes milliseconds that the stream's readers would wait
        body = await asyncio.to_thread(gzip.compress, body, _GZIP_LEVEL, mtime=0)
        common["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers={"Content-Type": content_type, **common})


def accepts_gzip(header: str) -> bool:
    """Whether Accept-Encoding allows gzip; a weight of 0 forbids it, and naming it goes before `*`.

    >>> accepts_gzip("br, gzip;q=0.5"), accepts_gzip("gzip;q=0, *"), accepts_gzip("*"), accepts_gzip("")
    (True, False, True, False)
    """
    weights: dict[str, bool] = {}
    for item in header.lower().split(","):
        coding, _, weight = item.partition(";")
        digits = weight.strip().removeprefix("q=").strip()
        weights[coding.strip()] = digits.strip("0.") != "" or digits == ""
    return weights.get("gzip", weights.get("*", False))


def matches(header: str, digest: str) -> bool:
    """Whether If-None-Match names the body of this digest, by the weak comparison that RFC 9110 asks for there."""
    if header.strip() == "*":
        return True
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in header.split(","))
    return any(tag.removesuffix(_GZIP_MARK) == digest for tag in tags)
