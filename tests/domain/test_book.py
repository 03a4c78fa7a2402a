"""The ladder of stored sums answers as adding up the rows would."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.book import Book
from app.domain.ledger import APPROVED, REJECTED, SUBMITTED, Bucket, Claims, Row, Sum, Tally, merged
from app.domain.money import micro
from app.domain.terms import Agreement
from tests.domain.ledgers import approved, book, card, day, line, priced, rates, worked

_AGREEMENT = Agreement([approved(lines=[line(), line("L-2")])])
_BY = rates(card("R-1", "60"), card("R-2", "50", kind="cost"))
# Around a quarter's end within a week, a year's end within ISO week 53, and a leap day.
_DAYS = (
    "2026-03-02",
    "2026-03-04",
    "2026-03-31",
    "2026-04-01",
    "2026-12-31",
    "2027-01-01",
    "2027-01-04",
    "2028-02-29",
)
_EDGES = sorted({*map(day, _DAYS), *(day(text) + 1 for text in _DAYS), day("2026-01-01"), day("2028-12-31")})


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[dict[str, Row], dict[str, Claims]]:
    """Priced rows by entry id, some of them claimed by an invoice from a day on."""
    rows: dict[str, Row] = {}
    claims: dict[str, Claims] = {}
    for number in range(draw(st.integers(0, 10))):
        row = worked(
            draw(st.sampled_from(_DAYS)),
            draw(st.sampled_from([60, 300, -120, 0, 45])),
            line_id=draw(st.sampled_from([None, "L-1", "L-2"])),
            status=draw(st.sampled_from([APPROVED, APPROVED, APPROVED, SUBMITTED, REJECTED])),
            billable=draw(st.sampled_from([True, True, True, False])),
        )
        rows[f"T-{number}"] = priced(row, _AGREEMENT, _BY)
        if draw(st.integers(0, 3)) == 3:
            claims[f"time/T-{number}"] = {"invoice/I": (micro("60"), draw(st.sampled_from(_EDGES)))}
    return rows, claims


def plain(sums: dict[str, Sum]) -> dict[str, Any]:
    """What sums say of money and minutes; empty lines and the shape of days left aside."""
    return {
        name: (one.totals, one.periods, one.roles, {code: issue.count for code, issue in one.issues.items()})
        for name, one in sums.items()
        if any(one.totals)
    }


def added(rows: dict[str, Row], claims: dict[str, Claims], low: int, high: int, as_of: int) -> dict[str, Sum]:
    """The same from the rows, one at a time."""
    parts: dict[str, list[Sum]] = {}
    for entry, row in rows.items():
        if low <= row.day <= high:
            alone = Tally(calendar.bucket_of(row.day), as_of=as_of)
            alone.row(entry, row, claims.get(f"time/{entry}"))
            for name, total in alone.sums().items():
                parts.setdefault(name, []).append(total)
    return {name: merged(sums) for name, sums in parts.items()}


@given(ledgers(), st.sampled_from(_EDGES), st.sampled_from(_EDGES), st.sampled_from(_EDGES))
def test_between_two_days_is_the_sum_of_the_rows(
    kept: tuple[dict[str, Row], dict[str, Claims]], low: int, high: int, as_of: int
) -> None:
    rows, claims = kept
    assert plain(book(rows, claims).between(low, high, as_of)) == plain(added(rows, claims, low, high, as_of))


def used(rows: dict[str, Row], line_id: str | None, dimension: int, until: int) -> int:
    """Approved billable minutes (0) or amount (1) up to a day."""
    mine = [row for row in rows.values() if row.status == APPROVED and row.billable and row.day <= until]
    mine = [row for row in mine if line_id is None or (row.line or "") == line_id]
    return sum(row.amount or 0 if dimension else row.billable_minutes for row in mine)


@given(
    ledgers(),
    st.sampled_from([None, "", "L-1", "L-2"]),
    st.sampled_from([0, 1]),
    st.integers(1, 900),
    st.sampled_from(_EDGES),
)
def test_a_use_is_reached_on_the_first_day_a_walk_over_all_days_finds(
    kept: tuple[dict[str, Row], dict[str, Claims]], line_id: str | None, dimension: int, target: int, as_of: int
) -> None:
    rows, claims = kept
    target *= 1_000_000 if dimension else 1
    days = sorted({row.day for row in rows.values() if row.day <= as_of})
    walked = next((one for one in days if used(rows, line_id, dimension, one) >= target), None)
    assert book(rows, claims).reached(line_id, dimension, target, as_of) == walked


@given(ledgers(), st.sampled_from(["", "L-1", "L-2"]), st.sampled_from(_EDGES))
def test_the_cost_up_to_a_day_is_that_of_the_rows(
    kept: tuple[dict[str, Row], dict[str, Claims]], line_id: str, until: int
) -> None:
    rows, claims = kept
    mine = [row for row in rows.values() if row.status == APPROVED and (row.line or "") == line_id]
    assert book(rows, claims).cost(line_id, until) == sum(row.cost for row in mine if row.day <= until)


@given(ledgers(), st.sampled_from(_EDGES))
def test_work_before_a_day_is_whatever_was_not_rejected(
    kept: tuple[dict[str, Row], dict[str, Claims]], until: int
) -> None:
    rows, claims = kept
    early = [row for row in rows.values() if row.day < until and row.status != REJECTED]
    assert book(rows, claims).works_before(until) == bool(early)


@given(ledgers(), st.sampled_from([None, "L-1"]), st.sampled_from(_EDGES), st.sampled_from(_EDGES))
def test_days_are_those_with_work_in_order(
    kept: tuple[dict[str, Row], dict[str, Claims]], line_id: str | None, low: int, high: int
) -> None:
    rows, claims = kept
    found = list(book(rows, claims).days(line_id, low, high))
    expected = []
    for one in sorted({row.day for row in rows.values() if low <= row.day <= high}):
        of_day = [used(rows, line_id, d, one) - used(rows, line_id, d, one - 1) for d in (0, 1)]
        expected += [(one, *of_day)] if any(of_day) else []
    assert found == expected


@given(ledgers(), st.sampled_from(_EDGES), st.sampled_from(_EDGES))
def test_rows_come_by_work_date_then_entry(kept: tuple[dict[str, Row], dict[str, Claims]], low: int, high: int) -> None:
    rows, claims = kept
    found = list(book(rows, claims).rows(low, high))
    inside = sorted((row.day, entry) for entry, row in rows.items() if low <= row.day <= high)
    assert [(row.day, entry) for entry, row, _ in found] == inside
    assert all(its == claims.get(f"time/{entry}") for entry, _, its in found)


def test_an_empty_book_has_nothing_and_reaches_nothing() -> None:
    empty = Book({}, lambda page: {}, lambda start: Bucket(-1, {}, {}, {}, {}))
    assert empty.between(calendar.BEGINNING, calendar.FOREVER, calendar.FOREVER) == {}
    assert empty.reached(None, 0, 1, calendar.FOREVER) is None


def test_a_page_whose_work_cannot_reach_the_target_is_not_opened() -> None:
    # 60 minutes in the first quarter, 600 in the second: only the second can reach 500.
    rows = {"A": worked("2026-03-02", 60), "B": worked("2026-04-01", 600)}
    whole = book({entry: priced(row, _AGREEMENT, _BY) for entry, row in rows.items()})
    opened: list[int] = []

    def page(number: int) -> Any:
        opened.append(number)
        return whole.page(number)

    assert Book(whole.pages, page, whole.bucket).reached(None, 0, 500, day("2026-12-31")) == day("2026-04-01")
    assert opened == [calendar.page_of(day("2026-04-01"))]
