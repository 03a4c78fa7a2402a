"""One request as a handler sees it: what was asked for, already read, and the ports to answer it from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from aiohttp import web

from app.web import answers
from app.web.metrics import Traffic
from app.web.paging import Page, page
from app.web.parameters import Parameter
from app.web.ports import Desk, Feed, Intake, Queries, Row, Scenarios
from app.web.problems import NOT_FOUND, Problem
from app.web.settings import WebSettings
from app.web.streams import Streams

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """What all requests share."""

    queries: Queries
    intake: Intake
    feed: Feed
    desk: Desk
    scenarios: Scenarios
    settings: WebSettings
    traffic: Traffic
    streams: Streams
    openapi: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """`values` holds the query parameters that were given, read as their route declares them."""

    request: web.Request
    context: Context
    values: Mapping[str, Any]

    @property
    def queries(self) -> Queries:
        return self.context.queries

    @property
    def desk(self) -> Desk:
        return self.context.desk

    def get(self, parameter: Parameter[T]) -> T | None:
        """The value of a parameter that the route declares; None if it was not given."""
        return cast("T | None", self.values.get(parameter.name))

    def must(self, parameter: Parameter[T]) -> T:
        """The value of a required parameter."""
        return cast("T", self.values[parameter.name])

    def name(self, part: str) -> str:
        """A part of the path, decoded: an id may contain any character, a slash too (as %2F)."""
        return self.request.match_info[part]

    def page(self) -> Page:
        """The page of a list that is asked for."""
        return page(self.request.rel_url.raw_path, self.request.query, self.values)

    async def table(self, row: Mapping[str, Any], meta: Row) -> web.Response:
        """An answer about one thing: flat, and with what every table answer says. The row's own `as_of` and
        `state_version` are nearer than the table's, so they stand."""
        return await answers.json(self.request, {**meta, **row})

    async def listing(self, asked: Page, found: list[Row], meta: Row, place: Callable[[Row], str]) -> web.Response:
        """One page of a list, from up to one item more than it shows; `place` is an item's place in the order."""
        items, cursor = asked.cut(found, place)
        # a place says where a page ends; it goes out only inside the cursor
        shown = [{name: value for name, value in item.items() if name != "cursor"} for item in items]
        headers = {"Link": self._link(cursor)} if cursor else None
        document = {"items": shown, "next": cursor, **meta}
        return await answers.json(self.request, document, headers)

    def _link(self, cursor: str) -> str:
        return f'<{self.request.rel_url.update_query(cursor=cursor)}>; rel="next"'


Answering = Callable[[Call], Awaitable[web.StreamResponse]]


def place_of(*names: str) -> Callable[[Row], str]:
    """The place of an item: the first of these fields that it has."""

    def place(row: Row) -> str:
        return str(next(row[name] for name in names if name in row))

    return place


def found(row: T | None, what: str, key: str) -> T:
    """`row`, or the problem that there is none."""
    if row is None:
        raise Problem(NOT_FOUND, f"No {what} {key!r} has ever been named.", code=f"unknown_{what}")
    return row
