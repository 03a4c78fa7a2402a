"""What the resource agent of one partition tells a group: what its people there come to, week by week."""

from __future__ import annotations

import msgspec

Number = int | str
"""A whole number, or `numerator/denominator`."""


class Weekly(msgspec.Struct, array_like=True, gc=False):
    """The figures of a week, in the places of `app.domain.utilization`, and (time, source, id, correlation id or "") of
    the latest fact behind them. `tallies`: by weeks ahead, what was promised of the week and what became of it, in the
    places of `app.domain.accuracy`."""

    figures: list[Number]
    latest: tuple[int, str, str, str]
    tallies: dict[int, dict[int, Number]] = {}


class Share(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="share"):
    """The sums over a partition's people as of a day; what comes last from a sender stands, and replaces.

    `number` is the offset of the sender's journal that the sums include. `weeks` are those that changed, by Monday.
    """

    kind: str
    group: str
    sender: int
    number: int
    as_of: int
    weeks: dict[int, Weekly]
