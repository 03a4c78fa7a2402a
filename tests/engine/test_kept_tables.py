"""Hot values are kept decoded: what is asked for stays, what was changed is what is seen, and it stays cheap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from app.engine.kept import KeptTables
from tables import Table
from tables.pages import PAGES, Page

LIMIT = 10_000  # values of one table


class Counted(KeptTables):
    """Over values in a dict; `reads` counts those that were decoded."""

    def __init__(self, values: dict[str, Page]) -> None:
        super().__init__()
        self._values = {key: PAGES.encode(value) for key, value in values.items()}
        self.reads = 0

    def _read(self, table: str, key: str) -> bytes | None:
        self.reads += 1
        return self._values.get(key)

    def keys(self, table: Table[Any]) -> Iterable[str]:
        return sorted(self._values)

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        yield from ()


def pages(count: int) -> dict[str, Page]:
    return {f"C|{number}": Page(number, {}) for number in range(count)}


def fence(tables: KeptTables, key: str) -> int:
    page = tables.get(PAGES, key)
    assert page is not None
    return page.fence


def test_a_value_that_is_asked_for_again_and_again_is_decoded_once() -> None:
    tables = Counted(pages(3 * LIMIT))
    for number in range(1, 3 * LIMIT):  # three times as many as are kept go by
        fence(tables, f"C|{number}")
        assert fence(tables, "C|0") == 0
    assert tables.reads == 3 * LIMIT


def test_a_value_that_nobody_asks_for_goes() -> None:
    tables = Counted(pages(LIMIT + 1))
    for number in range(LIMIT + 1):
        fence(tables, f"C|{number}")
    fence(tables, "C|0")
    assert tables.reads == LIMIT + 2


def test_what_was_written_last_is_what_is_seen() -> None:
    tables = Counted(pages(3 * LIMIT))
    for number in range(3 * LIMIT):
        fence(tables, f"C|{number}")
        if number % (LIMIT // 3) == 0:  # in whatever generation it is by then
            tables.remember([(PAGES, "C|0", Page(number, {}))])
        assert fence(tables, "C|0") == number // (LIMIT // 3) * (LIMIT // 3)


def test_what_was_let_go_of_is_read_anew() -> None:
    tables = Counted(pages(LIMIT))
    for number in range(LIMIT):
        fence(tables, f"C|{number}")
    changed = Page(7, {})
    tables.remember([(PAGES, "C|0", changed)])
    tables.forget([(PAGES, "C|0", changed)])
    assert fence(tables, "C|0") == 0


def test_a_deleted_value_is_gone() -> None:
    tables = Counted({})
    tables.remember([(PAGES, "C|0", Page(1, {}))])
    tables.remember([(PAGES, "C|0", None)])
    assert tables.get(PAGES, "C|0") is None
