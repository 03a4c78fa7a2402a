"""A walk that goes on where an earlier one stood comes to what a whole one comes to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import readiness
from app.domain.burn import Position
from app.domain.ledger import Row
from app.domain.terms import Agreement
from app.domain.walks import Walks
from tests.domain.ledgers import approved, book, card, day, line, priced, rates, worked

_RATES = rates(card("R-1", "60"))
_TODAY = day("2026-12-31")

days = st.integers(0, 364).map(lambda n: str(date(2026, 1, 1) + timedelta(days=n)))
changes = st.lists(
    st.lists(st.tuples(st.integers(0, 30), days, st.integers(-4, 8)), min_size=1, max_size=6), min_size=1, max_size=6
)
caps = st.fixed_dictionaries(
    {"on_exceed": st.sampled_from(["block", "split", "warn"])},
    optional={"amount": st.sampled_from(["0", "150", "600"]), "minutes": st.sampled_from([90, 480])},
).filter(lambda cap: len(cap) > 1)


def readied(agreement: Agreement, rows: dict[str, Row], walks: Walks) -> dict[str, Any]:
    position = Position("C-1", agreement, book(rows), _TODAY, walks=walks)
    return readiness.row(position, (), ())


@given(changes, caps, st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_was_walked_before_may_be_left_out(
    batches: list[list[tuple[int, str, int]]], cap: dict[str, Any], short: bool
) -> None:
    term = {"from": "2026-03-10", "to": "2026-08-20"} if short else {"from": "2026-01-01"}
    agreement = Agreement([approved(term=term, lines=[line(cap=cap)])])
    rows: dict[str, Row] = {}
    walks = Walks()
    for batch in batches:
        for number, on, hours in batch:
            before = rows.get(f"E-{number}")
            rows[f"E-{number}"] = priced(worked(on, hours * 60), agreement, _RATES)
            walks.changed(min(day(on), before.day if before is not None else day(on)))
        assert readied(agreement, rows, walks) == readied(agreement, rows, Walks())


def test_work_up_to_the_last_quarter_is_not_opened_again() -> None:
    agreement = Agreement([approved(lines=[line(cap={"amount": "60", "on_exceed": "block"})])])
    rows = {
        f"E-{month}": priced(worked(f"2026-{month:02}-02", 60), agreement, _RATES) for month in (1, 2, 4, 5, 7, 8, 11)
    }
    whole = book(rows)
    opened: list[int] = []

    def bucket(start: int) -> Any:
        opened.append(start)
        return whole.bucket(start)

    walks = Walks()
    for changed, expected in ((day("2026-11-02"), 7), (day("2026-11-02"), 1), (day("2026-08-01"), 3)):
        walks.changed(changed)
        opened.clear()
        at = Position("C-1", agreement, type(whole)(whole.pages, whole.page, bucket), _TODAY, walks=walks)
        assert readiness.row(at, (), ())["over_cap_amount"] == "360.00"  # 7 × 60.00 less the cap
        assert len(opened) == expected
