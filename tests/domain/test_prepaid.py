"""A prepaid block is drawn minute by minute, and its parts are its fee."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import micro
from app.domain.prepaid import Block, standing

HUNDRED = Block(100 * 60, micro("15000"), 2)


def test_what_is_left_of_a_block() -> None:
    # 62.5 of 100 h for 15,000.00 (150.00 an hour): 37.5 h and 5,625.00 are left.
    left = standing(HUNDRED, 62 * 60 + 30)
    assert (left.left_minutes, left.left_amount) == (37 * 60 + 30, micro("5625"))
    assert left.drawn_amount == micro("9375")


def test_the_alert_comes_at_80_of_100_hours() -> None:
    assert [standing(HUNDRED, minutes).alert for minutes in (80 * 60 - 1, 80 * 60)] == [False, True]


def test_work_beyond_the_block_is_shown_and_draws_nothing() -> None:
    beyond = standing(HUNDRED, 101 * 60)
    assert (beyond.left_minutes, beyond.left_amount, beyond.drawn_amount) == (-60, 0, micro("15000"))
    assert HUNDRED.worth(101 * 60) == HUNDRED.worth(100 * 60)


def test_more_given_back_than_drawn_is_worth_nothing() -> None:
    back = standing(HUNDRED, -60)
    assert (back.left_minutes, back.left_amount, back.drawn_amount) == (101 * 60, micro("15000"), 0)


def test_parts_that_do_not_divide_still_add_up_to_the_fee() -> None:
    # 100.00 for 60 min in three times 20: 33.33, 33.34 (66.67 − 33.33), 33.33. Rounded each they would be 99.99.
    worth = Block(60, micro("100"), 2).worth
    assert [worth(drawn) for drawn in (0, 20, 40, 60)] == [0, micro("33.33"), micro("66.67"), micro("100")]


def test_what_is_drawn_is_rounded_as_the_contract_says() -> None:
    # 0.05 for 2 min: one is 0.025, 0.03 away from zero, 0.02 to the even neighbour.
    assert Block(2, micro("0.05"), 2).worth(1) == micro("0.03")
    assert Block(2, micro("0.05"), 2, half_even=True).worth(1) == micro("0.02")


def test_a_block_without_minutes_is_worth_its_fee() -> None:
    assert Block(0, micro("100"), 2).worth(0) == micro("100")
    assert [Block(1, micro("100"), 2).worth(drawn) for drawn in (0, 1)] == [0, micro("100")]


blocks = st.builds(
    Block, st.integers(0, 500), st.integers(0, 10**6).map(lambda c: c * 10_000), st.just(2), st.booleans()
)


@given(blocks, st.integers(-60, 600))
def test_what_is_drawn_and_what_is_left_are_the_fee(block: Block, worked: int) -> None:
    left = standing(block, worked)
    assert left.drawn_amount + left.left_amount == block.fee
    assert left.left_minutes + worked == block.minutes
    assert left.left_amount >= 0


@given(blocks, st.integers(0, 600), st.integers(0, 600))
def test_more_work_never_draws_less(block: Block, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= block.worth(low) <= block.worth(high) <= block.fee
    assert block.worth(block.minutes) == block.fee
