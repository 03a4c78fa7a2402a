"""Lists in pages. A cursor names the list, its filters and the last item seen, and survives rows that come and go."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.web.parameters import CURSOR, LIMIT, LIMIT_DEFAULT, invalid_value
from app.web.ports import Row


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Opaque to clients. `of` is the list's path and filters: a cursor of one list means nothing in another."""

    of: dict[str, str]
    after: str

    def encode(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self, order="sorted")).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Page:
    """What was asked of a list: at most `limit` items that follow `after` (`""` = from the start)."""

    of: Mapping[str, str]
    after: str
    limit: int

    def cut(self, found: list[Row], place: Callable[[Row], str]) -> tuple[list[Row], str | None]:
        """The items of this page and the cursor of the next, from up to `limit + 1` items: the one too many says that
        there is a next page and is not shown."""
        items = found[: self.limit]
        if len(found) <= self.limit:
            return items, None
        return items, Cursor(dict(self.of), place(items[-1])).encode()


def page(path: str, query: Mapping[str, str], values: Mapping[str, Any]) -> Page:
    """The page that `values`, read from `query`, ask for. Raises Problem for a cursor that is not of this list."""
    filters = {name: value for name, value in query.items() if name not in (CURSOR.name, LIMIT.name)}
    of = {"path": path, **filters}
    token = values.get(CURSOR.name)
    after = "" if token is None else _after(token, of)
    return Page(of, after, values.get(LIMIT.name, LIMIT_DEFAULT))


def _after(token: str, of: Mapping[str, str]) -> str:
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        cursor = msgspec.json.decode(urlsafe_b64decode(padded), type=Cursor)
    except (binascii.Error, UnicodeError, msgspec.DecodeError) as error:
        raise invalid_value(CURSOR.name, token, "expected `next` of an answer of this list, as it came") from error
    if cursor.of != of:
        raise invalid_value(CURSOR.name, token, "belongs to another list or other filters; start again without it")
    return cursor.after
