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
    # An entry of 2 h after 99 h: one hour is the block's, the other is not.
    assert HUNDRED.share(99 * 60, 120) == (60, micro("150"))
    assert HUNDRED.share(100 * 60, 60) == (0, 0)


def test_parts_that_do_not_divide_still_add_up_to_the_fee() -> None:
    # 100.00 for 60 min in three times 20: 33.33, 33.34 (66.67 − 33.33), 33.33. Rounded each they would be 99.99.
    block = Block(60, micro("100"), 2)
    assert [block.share(before, 20)[1] for before in (0, 20, 40)] == [micro("33.33"), micro("33.34"), micro("33.33")]


def test_minutes_taken_back_return_what_they_drew() -> None:
    block = Block(60, micro("100"), 2)
    assert block.share(40, -20) == (-20, -micro("33.34"))
    assert block.share(70, -20) == (-10, -micro("16.67"))  # 10 of them had been beyond the block; 100.00 − 83.33


def test_a_block_without_minutes_is_worth_its_fee_and_gives_nothing() -> None:
    block = Block(0, micro("100"), 2)
    assert (block.worth(0), block.share(0, 60)) == (micro("100"), (0, 0))


blocks = st.builds(
    Block, st.integers(0, 500), st.integers(0, 10**6).map(lambda c: c * 10_000), st.just(2), st.booleans()
)


@given(blocks, st.lists(st.integers(-60, 120), max_size=12))
def test_however_work_is_cut_its_parts_are_the_whole(block: Block, entries: list[int]) -> None:
    before = minutes = amount = 0
    for entry in entries:
        drawn, worth = block.share(before, entry)
        before, minutes, amount = before + entry, minutes + drawn, amount + worth
    assert (minutes, amount) == block.share(0, before)
    assert amount + standing(block, before).left_amount == block.fee or block.minutes == 0


@given(blocks, st.integers(0, 600), st.integers(0, 600))
def test_more_work_never_draws_less(block: Block, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= block.worth(low) <= block.worth(high) <= block.fee
