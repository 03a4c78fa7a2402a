"""A prepaid block: minutes bought in advance for a fee, drawn by billable work.

Sources: domain rule R17. What is drawn is worth fee ÷ minutes each; it is worked out on the running total, so that
the parts of a block drawn to its end add up to the fee, whatever the sizes of the entries. Minutes beyond the block
are no longer the block's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.domain.money import portion

ALERT_PERCENT: Final = 80


@dataclass(frozen=True, slots=True)
class Block:
    """What was bought: whole minutes, the fee in micro-units of a currency with `exponent` decimals."""

    minutes: int
    fee: int
    exponent: int
    half_even: bool = False

    def worth(self, drawn: int) -> int:
        """What the first `drawn` minutes come to; micro-units, rounded. No more than the fee, no less than 0.

        What some minutes come to is the difference of what is drawn with and without them. An empty block is worth its
        fee from the start: nothing can be drawn from it.
        """
        if self.minutes <= 0:
            return self.fee
        inside = min(max(drawn, 0), self.minutes)
        return portion(self.fee, inside, self.minutes, self.exponent, half_even=self.half_even)


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a block is left, in minutes and micro-units; `left_minutes` below 0 is work beyond the block."""

    drawn_amount: int
    left_minutes: int
    left_amount: int
    alert: bool


def standing(block: Block, worked: int) -> Standing:
    """Where the block stands after `worked` billable minutes; `alert` from ALERT_PERCENT of them on."""
    drawn = block.worth(worked)
    return Standing(
        drawn_amount=drawn,
        left_minutes=block.minutes - worked,
        left_amount=block.fee - drawn,
        alert=worked * 100 >= block.minutes * ALERT_PERCENT,
    )
