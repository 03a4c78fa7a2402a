"""A write-off of an amount eats the oldest work first and nothing below zero."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.writeoff import Taken, take


def test_the_oldest_work_goes_first_then_the_smaller_id() -> None:
    # 150 of 100 (day 1), 100 (day 2, "a"), 100 (day 2, "b"): 100, 50 and nothing.
    entries = [(2, "b", 100), (2, "a", 100), (1, "z", 100)]
    assert list(take(150, entries)) == [Taken("z", 100, 0), Taken("a", 50, 50), Taken("b", 0, 100)]


def test_what_nothing_covers_is_not_taken() -> None:
    assert list(take(150, [(1, "a", 100)])) == [Taken("a", 100, 0)]


def test_an_entry_below_zero_neither_gives_nor_gets() -> None:
    assert list(take(50, [(1, "a", -30), (2, "b", 0), (3, "c", 40)])) == [
        Taken("a", 0, -30),
        Taken("b", 0, 0),
        Taken("c", 40, 0),
    ]


def test_a_write_off_of_nothing_takes_nothing() -> None:
    for amount in (0, -5):
        assert list(take(amount, [(1, "a", 10)])) == [Taken("a", 0, 10)]


entries = st.lists(
    st.tuples(st.integers(1, 5), st.text("abc", max_size=4), st.integers(-50, 100)),
    max_size=8,
    unique_by=lambda entry: entry[1],
)


@given(st.integers(0, 500), entries)
def test_what_is_taken_and_what_is_left_are_all_there_was(amount: int, work: list[tuple[int, str, int]]) -> None:
    found = list(take(amount, work))
    assert sum(one.written_off + one.left for one in found) == sum(billable for *_, billable in work)
    assert sum(one.written_off for one in found) == min(amount, sum(max(billable, 0) for *_, billable in work))
    assert all(one.written_off >= 0 for one in found)


@given(st.integers(0, 250), st.integers(0, 250), entries)
def test_two_write_offs_take_what_one_of_both_would(one: int, other: int, work: list[tuple[int, str, int]]) -> None:
    days = {entry: day for day, entry, _ in work}
    after = [(days[part.entry_id], part.entry_id, part.left) for part in take(one, work)]
    assert [part.left for part in take(other, after)] == [part.left for part in take(one + other, work)]
