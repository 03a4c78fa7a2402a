"""Pages and heads are written from what was written before: the same JSON, and the same sums, as from nothing."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.ledger import Bucket, Sum, by_line, tally
from app.domain.terms import Agreement
from tables.heads import HEADS, Head, new
from tables.pages import PAGES, Page
from tests.domain.ledgers import approved, card, day, priced, rates, worked

_STARTS = [day(f"2026-{month:02}-{first:02}") for month in (1, 2, 3) for first in (5, 12, 19)]  # Mondays or later

puts = st.lists(st.tuples(st.sampled_from(_STARTS), st.integers(0, 8)), min_size=1, max_size=25)


def sums(start: int, hours: int) -> dict[str, Sum]:
    """A week with one entry of so many hours, or none."""
    rows = {}
    if hours:
        row = worked(calendar.text_of(start), hours * 60)
        rows["E"] = priced(row, Agreement([approved()]), rates(card("R-1", "60")))
    return tally(Bucket(-1, rows, {}, {}, {}), start, calendar.BEGINNING, calendar.FOREVER, calendar.FOREVER)


@given(puts, st.sets(st.integers(0, 24)))
def test_a_page_is_written_and_added_up_as_if_anew(changes: list[tuple[int, int]], written_after: set[int]) -> None:
    page = Page(-1, {})
    for number, (start, hours) in enumerate(changes):
        page.put(start, sums(start, hours))
        page.fence = number
        assert page.total() == by_line(page.buckets.values())
        if number in written_after:
            assert PAGES.encode(page) == msgspec.json.encode(Page(page.fence, dict(page.buckets)))
            assert PAGES.decode(PAGES.encode(page)) == page


@given(puts)
def test_a_head_is_written_as_if_anew(changes: list[tuple[int, int]]) -> None:
    head = new()
    for number, (start, hours) in enumerate(changes):
        head.put(start % 5, sums(start, hours))
        head.documents[f"invoice/{number}"] = (10**24, 1)
        assert HEADS.encode(head) == msgspec.json.encode(Head(*msgspec.structs.astuple(head)))
        assert HEADS.decode(HEADS.encode(head)) == head
