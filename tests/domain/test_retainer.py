"""A retainer earns its fee month by month; unused minutes roll over and are never lost without being counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import calendar
from app.domain.calendar import number
from app.domain.money import MICRO, micro, portion, show
from app.domain.period import last_day
from app.domain.retainer import Month, Retainer, months, retainer_of

HOUR = 60
YEAR = [f"2026-{month:02}" for month in range(1, 13)]
FORTY = Retainer(micro("8000"), 40 * HOUR, "capped", 10 * HOUR, 1, micro("220"))


def run(
    agreed: Retainer | Mapping[str, Retainer],
    *used: int,
    since: str = "2026-01-01",
    until: str = "9999-12-31",
    half_even: bool = False,
) -> list[Month]:
    """The months from January 2026 on, as many as there are of `used`: the minutes of each."""
    terms = agreed.get if isinstance(agreed, Mapping) else lambda _: agreed
    through = last_day(YEAR[len(used) - 1]) if used else 0
    spent = dict(zip(YEAR, used, strict=False))

    def rounded(period: str) -> Retainer | None:
        its = terms(period)
        return replace(its, half_even=half_even) if its is not None else None

    return list(months(rounded, spent, (number(since), number(until)), through))


def test_unused_hours_roll_over_once_and_what_exceeds_them_is_overage() -> None:
    # January: 40 h, used 38, 2 roll. February: 40 + 2 = 42 available, used 45: 3 h × 220 = 660.00. March: 40 again.
    january, february, march = run(FORTY, 38 * HOUR, 45 * HOUR, 0)
    assert (january.available, january.rolled_out, january.overage_minutes) == (40 * HOUR, 2 * HOUR, 0)
    assert (february.rolled_in, february.available, february.rolled_out) == (2 * HOUR, 42 * HOUR, 0)
    assert (february.overage_minutes, february.overage_amount) == (3 * HOUR, micro("660"))
    assert march.available == 40 * HOUR
    assert {one.fee for one in (january, february, march)} == {micro("8000")}
    assert portion(FORTY.fee or 0, HOUR, FORTY.minutes, 2) == micro("200")  # an hour inside costs less than one beyond


def test_more_than_the_cap_is_forfeited() -> None:
    # 8 h, cap 50 % = 4 h, used 2: 6 are left, 4 roll over, 2 are forfeited.
    [month] = run(Retainer(0, 8 * HOUR, "capped", 4 * HOUR, 1), 2 * HOUR)
    assert (month.rolled_out, month.forfeited) == (4 * HOUR, 2 * HOUR)


def test_exactly_the_cap_rolls_over_whole() -> None:
    [month] = run(Retainer(0, 8 * HOUR, "capped", 4 * HOUR, 1), 4 * HOUR)
    assert (month.rolled_out, month.forfeited) == (4 * HOUR, 0)


def test_a_month_begun_on_the_15th_earns_17_of_31_days() -> None:
    # 8,000.00 × 17 ÷ 31 = 4,387.0967… → 4,387.10; 2,400 min × 17 ÷ 31 = 1,316.1 → 1,316; then a whole month.
    january, february = run(FORTY, 0, 0, since="2026-01-15")
    assert (january.covered_days, show(january.fee, 2), january.granted) == (17, "4387.10", 1316)
    assert (february.covered_days, show(february.fee, 2), february.granted) == (28, "8000.00", 2400)


def test_the_last_month_of_a_term_is_prorated_too_and_none_follows() -> None:
    # 10 of the 28 days of February: 8,000.00 × 10 ÷ 28 = 2,857.142… → 2,857.14.
    found = run(FORTY, 0, 0, 0, until="2026-02-10")
    assert [(one.period, show(one.fee, 2)) for one in found] == [("2026-01", "8000.00"), ("2026-02", "2857.14")]


def test_a_month_that_has_not_begun_earns_nothing() -> None:
    on_the_first = months(lambda _: FORTY, {}, (number("2026-01-01"), calendar.FOREVER), number("2026-02-01"))
    assert [(month.period, month.used) for month in on_the_first] == [("2026-01", 0), ("2026-02", 0)]
    the_day_before = months(lambda _: FORTY, {}, (number("2026-01-01"), calendar.FOREVER), number("2026-01-31"))
    assert [month.period for month in the_day_before] == ["2026-01"]


def test_the_fee_is_rounded_as_the_contract_says() -> None:
    # 0.05 for a month, 14 of 28 days: 0.025 is a tie: 0.03 away from zero, 0.02 to the even neighbour. 5 min: 2.5.
    terms = Retainer(micro("0.05"), 5)
    [up] = run(terms, 0, 0, since="2026-02-15")
    [even] = run(terms, 0, 0, since="2026-02-15", half_even=True)
    assert (show(up.fee, 2), up.granted) == ("0.03", 3)
    assert (show(even.fee, 2), even.granted) == ("0.02", 2)


def test_the_oldest_minutes_are_used_first() -> None:
    # 10 min a month, usable in the next 2. Two months unused: 20 roll into March, of which January's expire after it.
    # March uses 5: January's, so 5 of January's are forfeited, and 10 + 10 roll over. Newest first would forfeit 10.
    terms = Retainer(0, 10, "all", expiry_periods=2)
    _, february, march = run(terms, 0, 0, 5)
    assert (february.rolled_out, march.rolled_in) == (20, 20)
    assert (march.forfeited, march.rolled_out) == (5, 20)


@pytest.mark.parametrize(
    ("periods", "rolled"), [(0, [0, 0, 0]), (1, [10, 10, 10]), (2, [10, 20, 20]), (None, [10, 20, 30])]
)
def test_minutes_expire_after_the_periods_agreed_on(periods: int | None, rolled: list[int]) -> None:
    found = run(Retainer(0, 10, "all", expiry_periods=periods), 0, 0, 0)
    assert [month.rolled_out for month in found] == rolled


def test_without_roll_over_everything_unused_is_forfeited() -> None:
    found = run(Retainer(0, 10, "none"), 4, 0)
    assert [(one.rolled_in, one.rolled_out, one.forfeited) for one in found] == [(0, 0, 6), (0, 0, 10)]


def test_a_cap_leaves_room_for_so_many_of_the_month_s_own() -> None:
    # 10 min a month, 15 may be carried, usable in the next 2. February adds 5 to January's 10 and forfeits 5. In March
    # January's 10 expire: 5 are carried, all 10 of March fit. In April February's 5 expire and 10 are carried: 5 fit.
    terms = Retainer(0, 10, "capped", 15, 2)
    found = run(terms, 0, 0, 0, 0)
    assert [(one.rolled_out, one.forfeited) for one in found] == [(10, 0), (15, 5), (15, 10), (15, 10)]


def test_a_lower_cap_takes_nothing_that_was_carried_already() -> None:
    found = run({"2026-01": Retainer(0, 20, "all"), "2026-02": Retainer(0, 10, "capped", 15)}, 0, 0)
    assert [(one.rolled_out, one.forfeited) for one in found] == [(20, 0), (20, 10)]


def test_a_cap_that_nobody_named_leaves_no_room() -> None:
    [month] = run(Retainer(0, 10, "capped"), 0)
    assert (month.rolled_out, month.forfeited) == (0, 10)


def test_terms_of_each_month_are_its_own() -> None:
    # An amendment in February: 20 instead of 10 minutes, and its own roll over no more. January's stay January's.
    found = run({"2026-01": Retainer(0, 10, "all"), "2026-02": Retainer(0, 20, "none")}, 0, 4)
    assert [(one.available, one.rolled_out, one.forfeited) for one in found] == [(10, 10, 0), (30, 6, 20)]


def test_minutes_pass_through_a_month_without_a_retainer() -> None:
    terms = Retainer(micro("1"), 10, "all", expiry_periods=2, overage_rate=micro("60"))
    _, gap, march = run({"2026-01": terms, "2026-03": terms}, 4, 1, 0)
    assert (gap.fee, gap.granted, gap.rolled_in, gap.rolled_out, gap.overage_minutes) == (0, 0, 6, 5, 0)
    assert (march.rolled_in, march.available) == (5, 15)


def test_overage_without_a_rate_is_unpriced_and_not_free() -> None:
    [month] = run(Retainer(0, 10), 11)
    assert (month.overage_minutes, month.overage_amount) == (1, None)
    [month] = run(Retainer(0, 10), 10)
    assert (month.overage_minutes, month.overage_amount) == (0, 0)


def test_overage_of_minutes_is_rounded_once() -> None:
    # 7 min at 100.00 an hour: 11.666… → 11.67.
    [month] = run(Retainer(0, 0, overage_rate=micro("100")), 7)
    assert month.overage_amount == micro("11.67")
    # 3 min at 0.50 an hour: 0.025, a tie.
    for even, amount in ((False, "0.03"), (True, "0.02")):
        [month] = run(Retainer(0, 0, overage_rate=micro("0.5")), 3, half_even=even)
        assert month.overage_amount == micro(amount)


def test_use_below_zero_counts_as_none() -> None:
    [month] = run(Retainer(0, 10, "all"), -5)
    assert (month.used, month.rolled_out, month.overage_minutes) == (0, 10, 0)


def test_use_before_and_after_the_term_is_not_the_retainers() -> None:
    found = months(lambda _: FORTY, {"2025-12": 99, "2026-01": 1}, (number("2026-01-01"), number("2026-01-31")), 10**6)
    assert [(month.period, month.used) for month in found] == [("2026-01", 1)]


@pytest.mark.parametrize(
    ("said", "terms"),
    [
        ({}, Retainer(None, 0)),
        ({"fee": "8000.00", "minutes": 2400}, Retainer(8_000 * MICRO, 2400)),
        (
            {
                "fee": "1",
                "minutes": 1,
                "rollover": "capped",
                "cap_minutes": 0,
                "expiry_periods": 0,
                "overage_rate": "0",
            },
            Retainer(MICRO, 1, "capped", 0, 0, 0),
        ),
    ],
)
def test_terms_are_read_as_the_contract_says_them(said: dict[str, Any], terms: Retainer) -> None:
    assert retainer_of(said) == terms


def test_an_unknown_roll_over_is_refused() -> None:
    with pytest.raises(ValueError, match="rollover 'some' is unknown; use one of none, all, capped"):
        retainer_of({"rollover": "some"})


# Laws

retainers = st.builds(
    Retainer,
    st.integers(0, 10**6).map(lambda cents: cents * 10_000),
    st.integers(0, 30),
    st.sampled_from(["none", "all", "capped"]),
    st.none() | st.integers(0, 40),
    st.none() | st.integers(0, 4),
    st.none() | st.integers(0, 10**9),
)
histories = st.tuples(
    st.lists(retainers | st.none(), min_size=8, max_size=8), st.lists(st.integers(-10, 60), max_size=8)
)


def walk(agreed: list[Retainer | None], used: list[int], since: str = "2026-01-01") -> list[Month]:
    return run({p: t for p, t in zip(YEAR, agreed, strict=False) if t}, *used, since=since)


@given(histories)
def test_no_minute_is_lost_between_months(history: tuple[list[Retainer | None], list[int]]) -> None:
    before = 0
    for month in walk(*history):
        assert month.rolled_in == before
        within = month.used - month.overage_minutes
        assert month.rolled_in + month.granted == within + month.rolled_out + month.forfeited
        assert min(month.rolled_out, month.forfeited, month.overage_minutes) >= 0
        assert not month.overage_minutes or within == month.available  # overage begins where nothing is left
        before = month.rolled_out


@given(histories)
def test_a_retainer_equals_one_that_keeps_every_single_minute(history: tuple[list[Retainer | None], list[int]]) -> None:
    """By hand, slowly: a minute is the index of the month it came from and of the last it can be used in."""
    agreed, used = history
    kept: list[tuple[int, int]] = []
    for now, month in enumerate(walk(agreed, used)):
        terms = agreed[now]
        last = now + terms.expiry_periods if terms and terms.expiry_periods is not None else 99
        kept += [(now, last)] * month.granted
        over, kept = max(month.used - len(kept), 0), kept[month.used :]
        left = len(kept)
        old = [minute for minute in kept if now > minute[0] and minute[1] > now]
        own = [minute for minute in kept if now == minute[0] and minute[1] > now]
        if terms and terms.rollover != "all":
            room = 0 if terms.rollover == "none" else (terms.cap_minutes or 0) - len(old)
            own = own[: max(room, 0)]
        kept = old + own
        assert (month.overage_minutes, month.rolled_out, month.forfeited) == (over, len(kept), left - len(kept))


@given(retainers, st.integers(1, 30))
def test_two_parts_of_a_month_earn_the_month_but_for_their_two_roundings(terms: Retainer, day: int) -> None:
    [first] = run(terms, 0, until=f"2026-01-{day:02}")
    [second] = run(terms, 0, since=f"2026-01-{day + 1:02}")
    assert first.covered_days + second.covered_days == 31
    assert abs(first.fee + second.fee - (terms.fee or 0)) <= 10_000  # half a cent each
    assert abs(Fraction((terms.fee or 0) * first.covered_days, 31) - first.fee) <= 5_000


@given(histories)
def test_more_use_never_leaves_more(history: tuple[list[Retainer | None], list[int]]) -> None:
    agreed, used = history
    for place in range(len(used)):
        more = [*used[:place], used[place] + 1, *used[place + 1 :]]
        for less_used, more_used in zip(walk(agreed, used), walk(agreed, more), strict=True):
            assert more_used.rolled_out <= less_used.rolled_out
            assert more_used.overage_minutes >= less_used.overage_minutes
