"""One line of the table of routes: enough to serve it, to guard it and to document it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from app.web.auth import Access, authorise
from app.web.call import Answering, Call, Context
from app.web.parameters import Parameter, read

JSON = "application/json"

_PART = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """`path` has `{name}` where a part of it varies; `{file}` alone may span several parts.

    `schema` names the answer's schema in the OpenAPI document, `bodies` those of what may be posted, by media type.
    `problems` are the statuses it may answer besides those that any route may. A stream has no HEAD, as its headers
    tell nothing and its body has no end.
    """

    path: str
    name: str
    answering: Answering
    tag: str
    summary: str
    schema: str | None = None
    parameters: Sequence[Parameter[Any]] = ()
    problems: Sequence[int] = ()
    method: Literal["GET", "POST"] = "GET"
    access: Access = "read"
    media_type: str = JSON
    status: int = 200
    bodies: tuple[tuple[str, str], ...] = ()
    endless: bool = False

    @property
    def parts(self) -> list[str]:
        """Names of the varying parts of the path."""
        return _PART.findall(self.path)

    @property
    def pattern(self) -> str:
        """The path as aiohttp reads it: a part is anything but a slash, which an id may hold as %2F."""
        return _PART.sub(lambda part: f"{{{part[1]}:{'.+' if part[1] == 'file' else '[^/]+'}}}", self.path)

    def register(self, app: web.Application, context: Context) -> None:
        handler = self._handler(context)
        if self.method == "GET":
            app.router.add_get(self.pattern, handler, name=self.name, allow_head=not self.endless)
        else:
            app.router.add_post(self.pattern, handler, name=self.name)

    def _handler(self, context: Context) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            authorise(request, self.access, context.settings)
            return await self.answering(Call(request, context, read(request.query, self.parameters)))

        return handle
