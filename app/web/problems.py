"""Errors as problem details (RFC 9457): one type per thing a client would handle differently."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from app.web.ports import Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem. `meaning` is served where its `type` points to."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def uri(self) -> str:
        """A reference, relative to whatever address the server is reached at."""
        return f"/problems/{self.name}"


VALIDATION = Kind(
    "validation-error",
    400,
    "A value is not valid",
    "A parameter (400) or a posted event (422) has a value that cannot be used. `errors` names each one, with what was "
    "expected. A refused event is kept as a dead letter.",
)
MALFORMED = Kind(
    "malformed-body",
    400,
    "The body cannot be read",
    "The body as a whole is empty or is not what its content type says. Nothing of it was accepted.",
)
UNAUTHENTICATED = Kind(
    "unauthenticated",
    401,
    "A token is needed",
    "Send `Authorization: Bearer <token>` with a token this server knows.",
)
FORBIDDEN = Kind(
    "forbidden",
    403,
    "Not allowed",
    "The token may only read, or there are no tokens and the caller is not on a trusted network.",
)
NOT_FOUND = Kind("not-found", 404, "Not found", "Nothing is known by this path, contract or event id.")
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "Method not allowed", "The path exists; `Allow` lists what can be done with it."
)
CONFLICT = Kind(
    "conflict", 409, "Somebody was quicker", "What was acted on has changed since it was looked at. Look again."
)
TOO_LARGE = Kind(
    "too-large", 413, "Too much at once", "The body has too many bytes or too many events. Send it in parts."
)
UNSUPPORTED_MEDIA_TYPE = Kind(
    "unsupported-media-type",
    415,
    "Content type not understood",
    "`Accept-Post` lists what events may be sent as.",
)
INTERNAL = Kind(
    "internal-error",
    500,
    "Something failed here",
    "A defect of this server. Its log has the details under `correlation_id`.",
)
RECOVERING = Kind(
    "recovering", 503, "Not ready yet", "The tables are being recovered, or part of them has no owner. Try again soon."
)
BUSY = Kind("busy", 503, "Too many readers", "As many readers follow the stream as this server allows. Try again soon.")

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        VALIDATION,
        MALFORMED,
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        CONFLICT,
        TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        INTERNAL,
        RECOVERING,
        BUSY,
    )
}


class Problem(Exception):  # noqa: N818 - the RFC's word
    """An answer that is an error. `code` is for programs (default: the kind's name), `detail` for people.

    `extensions` become members of the document; `status` overrides the kind's own.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        code: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.code = code or kind.name.replace("-", "_")
        self.status = status or kind.status
        self.headers = headers or {}
        self.extensions = extensions


@web.middleware
async def shield(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong below into a problem. What it does not know stays in the log."""
    try:
        return await handler(request)
    except Problem as problem:
        return render(request, problem)
    except Unavailable as error:
        return render(request, unavailable(error))
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _from_aiohttp(request, error)
    except Exception:
        return render(request, _defect(request))


def render(request: web.Request, problem: Problem) -> web.Response:
    """The document, never cached; `instance` is the path that was asked for."""
    document = {
        "type": problem.kind.uri,
        "title": problem.kind.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.rel_url.raw_path,
        "code": problem.code,
        **problem.extensions,
    }
    return _response(document, problem.status, problem.headers)


def unavailable(error: Unavailable) -> Problem:
    """The tables do not answer now: when to ask again."""
    return Problem(
        RECOVERING,
        str(error),
        headers={"Retry-After": str(error.retry_after)},
        retry_after_seconds=error.retry_after,
    )


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> web.Response:
    """aiohttp's own refusals: unknown path, method, size. Others have no type of ours, only their status."""
    if isinstance(error, web.HTTPNotFound):
        return render(request, Problem(NOT_FOUND, "No such path. /openapi.json lists those there are."))
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        detail = f"{request.method} is not possible here, only {allowed}."
        return render(request, Problem(METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed}))
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        detail = "The body is larger than this server takes at once. Send it in parts."
        return render(request, Problem(TOO_LARGE, detail, code="body_too_large"))
    document = {
        "type": "about:blank",
        "title": error.reason,
        "status": error.status,
        "instance": request.rel_url.raw_path,
        "code": error.reason.lower().replace(" ", "_"),
    }
    return _response(document, error.status, {})


def _defect(request: web.Request) -> Problem:
    """A defect says nothing of its cause to the caller, only the word to look for in the log."""
    correlation_id = secrets.token_hex(8)
    log.exception("%s %s failed, correlation_id=%s", request.method, request.path, correlation_id)
    detail = f"The request failed for a reason of this server. Look for {correlation_id} in its log."
    return Problem(INTERNAL, detail, correlation_id=correlation_id)


def _response(document: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        body=orjson.dumps(document),
        status=status,
        content_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **headers},
    )
