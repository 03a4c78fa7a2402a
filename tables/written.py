"""Numbered sums inside a stored value, as they were written: what did not change is not written out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from app.domain.ledger import Sum

_encode: Final = msgspec.json.Encoder().encode


class _Kept(Protocol):
    """A Struct of `dict=True`: what is set on it besides its fields is not stored."""

    __dict__: dict[str, Any]


def written(value: _Kept, sums: Mapping[int, Mapping[str, Sum]]) -> dict[int, msgspec.Raw]:
    """The JSON of each of the `sums` that `value` holds, from what was written before where nobody `replaced` it."""
    before: Mapping[int, msgspec.Raw] = value.__dict__.get("written") or {}
    known = {number: before.get(number) or msgspec.Raw(_encode(lines)) for number, lines in sums.items()}
    value.__dict__["written"] = known
    return known


def replaced(value: _Kept, number: int) -> None:
    """The sums of that number are others now. Sums are replaced, never changed."""
    known: dict[int, msgspec.Raw] | None = value.__dict__.get("written")
    if known is not None:
        known.pop(number, None)
