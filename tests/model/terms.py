"""The terms of a contract on a day: design.md, section 5, "Terms of a contract on day D"."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from .entities import Event, Fields, happened
from .numbers import exponent, half_away, half_even, number

TIME_AND_MATERIALS = "time_and_materials"
_STANDING = {"suspended", "resumed", "closed", "cancelled"}


@dataclass(frozen=True)
class Terms:
    """What holds on one day. `standing` is what the contract was put into: suspended, closed … or nothing."""

    version: int
    standing: str
    fields: Fields
    lines: dict[str, Fields]

    @property
    def currency(self) -> str | None:
        return self.fields.get("currency")

    @property
    def client_id(self) -> str | None:
        return self.fields.get("client_id")

    @property
    def day_minutes(self) -> int:
        return int(self.fields.get("day_minutes") or 480)

    def line(self, line_id: str | None) -> Fields:
        """The line's fields; none for the contract level and for a line the terms do not know."""
        return self.lines.get(line_id or "", {})

    def line_of(self, line_id: str | None) -> str | None:
        """The line something belongs to: the one it names, else the only one there is."""
        if line_id is None and len(self.lines) == 1:
            return next(iter(self.lines))
        return line_id

    def method(self, line_id: str | None) -> str:
        return self.line(line_id).get("billing_method") or TIME_AND_MATERIALS

    def rounded(self, amount: Fraction) -> Fraction:
        """`amount` at the currency's exponent, by the contract's mode."""
        even = (self.fields.get("rounding") or {}).get("mode") == "half_even"
        return (half_even if even else half_away)(amount, exponent(self.currency))

    def covers(self, day: date) -> bool:
        """Whether `day` lies inside the term, both ends included, a missing end open."""
        term = self.fields.get("term") or {}
        start, end = term.get("from"), term.get("to")
        return (not start or date.fromisoformat(start) <= day) and (not end or day <= date.fromisoformat(end))

    def status(self, as_of: date) -> str:
        if self.standing in {"suspended", "closed", "cancelled"}:
            return self.standing
        start = (self.fields.get("term") or {}).get("from")
        return "pending" if start and as_of < date.fromisoformat(start) else "active"

    def budget(self, line_id: str | None, dimension: str) -> Fraction | None:
        """Minutes or money; for the contract the sum over the lines that have one."""
        chosen = self.lines.values() if line_id is None else [self.line(line_id)]
        given = [(line.get("budget") or {}).get(dimension) for line in chosen]
        amounts = [number(one) for one in given if one is not None]
        return sum(amounts, Fraction(0)) if amounts else None


def terms_on(versions: Sequence[Event], day: date) -> Terms | None:
    """Fold the versions in effect on `day`, in version order; before the first, the approved ones.

    A change that reaches back before every approval changes what was approved.
    Without an approval among `versions` the contract is unknown, whatever else was said of it: None.
    """
    approved = [event for event in versions if happened(event) == "approved"]
    if not approved:
        return None
    effective = [event for event in versions if date.fromisoformat(event["data"]["effective_from"]) <= day]
    fields: Fields = {}
    standing = ""
    if not any(happened(event) == "approved" for event in effective):
        effective = sorted([*approved, *effective], key=lambda event: int(event["data"]["version"]))
    chosen = effective
    for event in chosen:
        fields, standing = _fold(fields, standing, event)
    return Terms(int(chosen[-1]["data"]["version"]), standing, fields, fields.get("lines") or {})


def _fold(fields: Fields, standing: str, event: Event) -> tuple[Fields, str]:
    data, what = event["data"], happened(event)
    if what == "approved":
        return _overwritten({}, data), ""
    if what in _STANDING:
        return fields, what
    amended = _overwritten(fields, data, additive=data["kind"] == "additive")
    if data["kind"] != "cancellation":
        return amended, standing
    amended["term"] = {**(amended.get("term") or {}), "to": data["effective_from"]}
    return amended, "cancelled"


def _overwritten(fields: Fields, changes: Fields, *, additive: bool = False) -> Fields:
    """A copy of `fields` with what `changes` carries: objects field by field, lines by id, null clears."""
    result = copy.deepcopy(fields)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif name == "lines":
            result["lines"] = _amended_lines(result.get("lines") or {}, value, additive)
        elif additive and name in {"budget", "cap"}:
            result[name] = _added(result.get(name) or {}, value)
        elif isinstance(value, dict):
            result[name] = _overwritten(result.get(name) or {}, value)
        else:
            result[name] = copy.deepcopy(value)
    return result


def _amended_lines(lines: dict[str, Fields], changes: Sequence[Fields], additive: bool) -> dict[str, Fields]:
    result = dict(lines)
    for line in changes:
        result[line["line_id"]] = _overwritten(result.get(line["line_id"], {}), line, additive=additive)
    return result


def _added(amounts: Fields, deltas: Fields) -> Fields:
    """A budget or cap with deltas: what was absent counts from 0, and `on_exceed` overwrites."""
    result: dict[str, Any] = dict(amounts)
    for name, value in deltas.items():
        result[name] = number(amounts.get(name)) + number(value) if name in {"minutes", "amount"} else value
    return result
