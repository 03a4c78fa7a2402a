"""What is booked, added up by day: worked by hand, and against a walk from day to day."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.booked import Booking, Course, Measure, Piece, Run, Schedule, schedule
from app.domain.calendar import number
from app.domain.money import micro
from app.domain.rates import Card
from app.domain.terms import Agreement
from tests.domain.ledgers import amended, approved, card, line, rates

MONDAY_TO_FRIDAY = 31


def agreed(*lines: dict[str, Any]) -> Agreement:
    return Agreement(
        [approved(effective_from="2025-01-01", term={"from": "2025-01-01"}, lines=list(lines) or [line()])]
    )


def hourly(amount: str, since: str = "2020-01-01", **data: Any) -> Card:
    return card(f"{amount}/{since}", amount, effective_from=since, **data)


def booked(*runs: Run, kind: str = "hard", line_id: str | None = None, role: str | None = None) -> Booking:
    return Booking("P-1", role, line_id, True, kind, 600_000, runs)


def work(first: str, last: str, minutes: int = 480, per: int = 1) -> Run:
    return Run(number(first), number(last), MONDAY_TO_FRIDAY, minutes, per)


def priced(agreement: Agreement, *bookings: Booking, cards: tuple[Card, ...] = ()) -> Schedule:
    return schedule(bookings, agreement, rates(*cards))


def test_forty_hours_a_week_use_187_and_a_half_hours_up_on_the_24th_working_day() -> None:
    # 187.5 h = 11,250 min at 480 a day: 23.4375 days, so the 24th working day after Friday 7 March, 10 April.
    plan = priced(agreed(), booked(work("2025-01-01", "2025-12-31")))
    assert plan.reached(None, Measure.MINUTES, number("2025-03-07"), 11_250) == number("2025-04-10")


def test_a_day_less_in_between_moves_the_end_by_one() -> None:
    # The same without 17 March, a holiday that the net plan leaves out: 11 April.
    plan = priced(agreed(), booked(work("2025-01-01", "2025-03-14"), work("2025-03-18", "2025-12-31")))
    assert plan.reached(None, Measure.MINUTES, number("2025-03-07"), 11_250) == number("2025-04-11")


def test_a_plan_that_is_too_small_never_reaches() -> None:
    # Ten working days from Monday 10 March to Friday 21 March: 4,800 minutes.
    plan = priced(agreed(), booked(work("2025-03-10", "2025-03-21")))
    assert plan.after(None, Measure.MINUTES, number("2025-03-07")) == 4_800
    assert plan.reached(None, Measure.MINUTES, number("2025-03-07"), 4_800) == number("2025-03-21")
    assert plan.reached(None, Measure.MINUTES, number("2025-03-07"), 4_801) is None


def test_each_planned_day_is_worth_the_rate_of_its_day() -> None:
    # Monday to Friday, 8 h a day: two days at 100.00 are 1,600.00, three at 150.00 are 3,600.00.
    cards = (hourly("100.00"), hourly("150.00", "2025-03-12"))
    plan = priced(agreed(), booked(work("2025-03-10", "2025-03-14")), cards=cards)
    assert plan.after(None, Measure.AMOUNT, number("2025-03-09")) == micro("5200.00")
    assert plan.reached(None, Measure.AMOUNT, number("2025-03-09"), micro("1600.01")) == number("2025-03-12")


def test_a_day_rate_is_for_the_minutes_the_contract_calls_a_day() -> None:
    # 480 minutes at 1,000.00 a day of 480: five days are 5,000.00.
    plan = priced(agreed(), booked(work("2025-03-10", "2025-03-14")), cards=(hourly("1000.00", unit="day"),))
    assert plan.after(None, Measure.AMOUNT, number("2025-03-09")) == micro("5000.00")


def test_a_discount_of_the_line_counts() -> None:
    # 40 h at 100.00 less 20 %: 3,200.00.
    plan = priced(
        agreed(line(discount_ratio="0.2")),
        booked(work("2025-03-10", "2025-03-14")),
        cards=(hourly("100.00"),),
    )
    assert plan.after("L-1", Measure.AMOUNT, number("2025-03-09")) == micro("3200.00")


def test_without_a_rate_in_the_contract_s_currency_a_plan_has_hours_and_no_price() -> None:
    for cards in ((), (hourly("100.00", currency="USD"),)):
        plan = priced(agreed(), booked(work("2025-03-10", "2025-03-14")), cards=cards)
        assert plan.after(None, Measure.MINUTES, 0) == 2_400
        assert plan.after(None, Measure.AMOUNT, 0) == 0
        assert plan.after(None, Measure.UNPRICED, 0) == 2_400


def test_days_under_another_currency_are_in_no_amount() -> None:
    # Monday and Tuesday in euros, 16 h at 100.00; from Wednesday on in dollars, 24 h at 100.00 USD.
    changed = amended(2, "2025-03-12", currency="USD")
    agreement = Agreement([approved(effective_from="2025-01-01", term={"from": "2025-01-01"}, lines=[line()]), changed])
    cards = rates(hourly("100.00"), hourly("100.00", "2025-03-12", currency="USD"))
    week = booked(work("2025-03-10", "2025-03-14"))
    measures = (Measure.MINUTES, Measure.AMOUNT, Measure.FOREIGN, Measure.UNPRICED)
    for currency, expected in (("EUR", (2400, 1600, 1440, 0)), ("USD", (2400, 2400, 960, 0))):
        plan = schedule([week], agreement, cards, currency)
        found = [plan.after(None, one, 0) for one in measures]
        assert found == [expected[0], micro(f"{expected[1]}.00"), *expected[2:]]


def test_a_line_charges_only_its_roles() -> None:
    week = work("2025-03-10", "2025-03-14")
    plan = priced(
        agreed(line(chargeable_roles=["engineer"])),
        booked(week, role="engineer"),
        booked(week),
        booked(week, role="analyst"),
    )
    assert plan.after(None, Measure.MINUTES, 0) == 2_400


def test_soft_bookings_stand_apart_as_they_are_and_by_probability() -> None:
    # 40 h soft at 60 %: 24 h expected, none of it hard; proposed ones are nowhere.
    week = work("2025-03-10", "2025-03-14")
    plan = priced(agreed(), booked(week, kind="soft"), booked(week, kind="proposed"))
    measures = (Measure.MINUTES, Measure.SOFT, Measure.SOFT_WEIGHTED)
    assert [plan.after(None, measure, 0) for measure in measures] == [0, 2_400, 1_440]


def test_a_booking_without_a_line_belongs_to_the_only_line() -> None:
    week = work("2025-03-10", "2025-03-14")
    two = agreed(line("L-1"), line("L-2"))
    assert priced(agreed(), booked(week)).after("L-1", Measure.MINUTES, 0) == 2_400
    assert priced(two, booked(week)).after("L-1", Measure.MINUTES, 0) == 0
    assert priced(two, booked(week)).after(None, Measure.MINUTES, 0) == 2_400
    assert priced(two, booked(week, line_id="L-2")).after("L-2", Measure.MINUTES, 0) == 2_400


def test_what_comes_between_two_days_is_rounded_down_once() -> None:
    # 1,000 minutes on three days of a week: 333⅓ each, so two of them are 666⅔, and 66,666 hundredths.
    course = Course([Piece(number("2025-03-10"), number("2025-03-12"), MONDAY_TO_FRIDAY, Fraction(1_000, 3))])
    assert course.between(number("2025-03-10"), number("2025-03-12"), 1) == 666
    assert course.between(number("2025-03-10"), number("2025-03-12"), 100) == 66_666
    assert course.between(number("2025-03-12"), number("2025-03-31"), 100) == 0


_PIECES = st.lists(
    st.builds(
        lambda first, length, weekdays, minutes, per: Piece(first, first + length, weekdays, Fraction(minutes, per)),
        st.integers(700_000, 700_060),
        st.integers(0, 40),
        st.integers(0, 127),
        st.integers(0, 600),
        st.integers(1, 7),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(_PIECES, st.integers(699_990, 700_110), st.integers(1, 20_000))
def test_a_course_adds_up_what_a_walk_from_day_to_day_does(pieces: list[Piece], day: int, wanted: int) -> None:
    def planned(on: int) -> Fraction:
        its = [one.value for one in pieces if one.first <= on <= one.last and one.weekdays >> ((on - 1) % 7) & 1]
        return sum(its, Fraction(0))

    days = range(699_980, 700_120)
    course = Course(pieces)
    assert course.upto(day) == sum(planned(on) for on in days if on <= day)
    assert course.after(day) == sum(planned(on) for on in days if on > day)
    total = Fraction(0)
    reached = next((on for on in days if on > day and (total := total + planned(on)) >= wanted), None)
    assert course.reached(day, wanted) == reached
