"""Walks over a contract's entries that go on where an earlier one stood: what they cost does not grow with its age."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self, TypeVar

from app.domain import calendar
from app.domain.book import Book
from app.domain.ledger import Claims, Row


class _State(Protocol):
    def copy(self) -> Self: ...


S = TypeVar("S", bound=_State)


class Walks:
    """What each walk over one contract had come to at the end of every quarter that it passed.

    Good for as long as the walk rests on the same things and no work up to there changed; who changes work says so.
    Nothing here is needed to be right: without it, a walk begins at its beginning.
    """

    def __init__(self) -> None:
        self._passed: dict[str, tuple[tuple[object, ...], list[tuple[int, _State]]]] = {}
        self._apart: dict[object, Walks] = {}

    def apart(self, what: object) -> Walks:
        """Walks over the same work in which some is left out: `what` says which, given the work."""
        return self._apart.setdefault(what, Walks())

    def changed(self, day: int) -> None:
        """Work of `day`, or of later days, is not what it was."""
        for other in self._apart.values():
            other.changed(day)
        page = calendar.page_of(day)
        for _, stops in self._passed.values():
            while stops and stops[-1][0] >= page:
                stops.pop()

    def before(self, name: str, page: int) -> Any:
        """A copy of what the walk of that name had come to before a quarter; None where that was its beginning."""
        stops = [state for passed, state in self._passed[name][1] if passed < page]
        return stops[-1].copy() if stops else None

    def over(
        self,
        book: Book,
        name: str,
        rests_on: tuple[object, ...],
        span: tuple[int, int],
        state: S,
        step: Callable[[S, str, Row, Claims | None], object],
    ) -> S:
        """Take the entries of the work dates in `span`, both inclusive, by (work date, entry id), into `state`.

        `rests_on` is all that `step` and `state` depend on besides the entries; `name` tells walks apart.
        """
        rests_on = (*rests_on, span)
        known = self._passed.get(name)
        stops = known[1] if known is not None and known[0] == rests_on else []
        self._passed[name] = rests_on, stops
        low, high = span
        if stops:
            page, before = stops[-1]
            state = before.copy()  # type: ignore[assignment]  # a walk of this name has states of this kind
            low = max(low, calendar.page_start(page + 1))
        passed = None
        for entry, row, claims in book.rows(low, high):
            page = calendar.page_of(row.day)
            if passed is not None and page != passed:
                stops.append((passed, state.copy()))
            passed = page
            step(state, entry, row, claims)
        return state
