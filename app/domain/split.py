"""An amount split over several payers so that the parts sum to the whole: the largest remainder.

Sources: domain rule R23. Everybody gets the whole minor units of the exact share; the units that are left go one each
to the largest remainders, the earlier payer first among equals.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.money import MICRO


def split(amount: int, ratios: Sequence[int], exponent: int) -> list[int]:
    """`amount` (micro-units, in whole minor units) in proportion to `ratios`; the parts in the same order.

    Ratios need not sum to 1: three times 0.333333 are thirds. A credit splits as the invoice that it takes back: the
    parts of −x are those of x, negated. Raises ValueError without a ratio above 0, for a negative one, and for an
    amount with a fraction of a minor unit.

    >>> [part // 10_000 for part in split(100_000_000, [333_333, 333_333, 333_333], 2)]
    [3334, 3333, 3333]
    """
    total = sum(ratios)
    if total <= 0 or min(ratios) < 0:
        raise ValueError(f"ratios {list(ratios)} cannot split an amount; name payers with ratios above 0")
    unit: int = 10 ** (6 - exponent)
    minor, fraction = divmod(abs(amount), unit)
    if fraction:
        raise ValueError(f"{amount} micro-units have more than {exponent} decimals; round the amount before the split")
    shares = [divmod(minor * ratio, total) for ratio in ratios]
    parts = [share for share, _ in shares]
    by_remainder = sorted(range(len(ratios)), key=lambda place: -shares[place][1])
    for place in by_remainder[: minor - sum(parts)]:
        parts[place] += 1
    sign = -1 if amount < 0 else 1
    return [sign * part * unit for part in parts]


def complete(ratios: Sequence[int]) -> bool:
    """Whether ratios of at most six places can mean all of an amount: they sum to 1, but for the last place of each.

    >>> complete([600_000, 400_000]), complete([333_333] * 3), complete([600_000, 300_000])
    (True, True, False)
    """
    return abs(sum(ratios) - MICRO) < len(ratios)
