"""What the caps of the lines let through: design.md section 5, "Cap"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .dossier import Dossier
from .entities import Fields
from .numbers import exponent, half_away, number
from .pricing import Entry

_ZERO = Fraction(0)


@dataclass(frozen=True)
class Claim:
    """What may be billed of an entry, in money and minutes."""

    entry: Entry
    amount: Fraction
    minutes: int


@dataclass(frozen=True)
class Passed:
    """What a cap let through of the entries offered to it, and what it did not.

    `over` is refused; `excess` passed all the same, under a cap that only warns.
    """

    claims: tuple[Claim, ...]
    over: tuple[Fraction, ...]
    excess: tuple[Fraction, ...]


def capped(dossier: Dossier, entries: Sequence[Entry]) -> Passed:
    """What the caps of the lines let through."""
    lines = sorted({entry.line_id or "" for entry in entries})
    parts = [_through(dossier, line_id, [e for e in entries if (e.line_id or "") == line_id]) for line_id in lines]
    return Passed(
        claims=tuple(claim for part in parts for claim in part.claims),
        over=tuple(amount for part in parts for amount in part.over),
        excess=tuple(amount for part in parts for amount in part.excess),
    )


class _Room:
    """What is left under a line's cap, in money and minutes; a dimension without a cap has room for everything.

    It is below 0 where more was invoiced: what an entry gives back makes up for that first.
    """

    def __init__(self, dossier: Dossier, line_id: str, cap: Fields) -> None:
        invoiced = [
            (entry, dossier.invoiced_for("time", entry.entry_id))
            for entry in dossier.entries
            if (entry.line_id or "") == line_id
        ]
        amount = sum((amount for _, amount in invoiced), _ZERO)
        minutes = sum(entry.time_minutes for entry, amount in invoiced if amount != 0 or _at_nothing(dossier, entry))
        self.amount = None if cap.get("amount") is None else number(cap["amount"]) - amount
        self.minutes = None if cap.get("minutes") is None else int(number(cap["minutes"])) - minutes

    def fits(self, entry: Entry, places: int) -> tuple[Fraction, int]:
        """The amount and minutes of `entry` that fit: minutes first, its amount pro rata, then the money."""
        amount, minutes = entry.time_amount or _ZERO, entry.time_minutes
        if amount <= 0 and minutes <= 0:
            return amount, minutes
        if self.minutes is not None and minutes > max(0, self.minutes):
            fitting = max(0, self.minutes)
            amount = half_away(amount * fitting / minutes, places)
            minutes = fitting
        if self.amount is not None and amount > max(_ZERO, self.amount):
            amount = max(_ZERO, self.amount)
        return amount, minutes

    def take(self, amount: Fraction, minutes: int) -> None:
        """Use room, or give it back with negative figures."""
        if self.amount is not None:
            self.amount -= amount
        if self.minutes is not None:
            self.minutes -= minutes


def _at_nothing(dossier: Dossier, entry: Entry) -> bool:
    """Whether approved work that is worth nothing stands on an invoice: its minutes are billed."""
    worth = entry.time_amount
    return entry.approved and worth == 0 and dossier.billed("time", entry.entry_id, worth)


def _through(dossier: Dossier, line_id: str, entries: Sequence[Entry]) -> Passed:
    """One line's entries in (work date, id) order against its cap as of today."""
    cap = (dossier.terms.line(line_id).get("cap") or {}) if dossier.terms else {}
    mode = cap.get("on_exceed") or "block"
    room = _Room(dossier, line_id, cap)
    taken: list[Claim] = []
    over: list[Fraction] = []
    excess: list[Fraction] = []
    for entry in sorted(entries, key=lambda one: (one.day, one.entry_id)):
        whole = (entry.time_amount or _ZERO, entry.time_minutes)
        part = room.fits(entry, exponent(dossier.currency))
        if part == whole:
            taken.append(Claim(entry, *whole))
            room.take(*whole)
            continue
        if mode == "warn":
            taken.append(Claim(entry, *whole))
            excess.append(whole[0] - part[0])
            room.take(*part)
            continue
        if mode == "split" and (part[0] > 0 or (whole[0] == 0 and part[1] > 0)):
            taken.append(Claim(entry, *part))
            room.take(*part)
        else:
            part = (_ZERO, 0)
        over.append(whole[0] - part[0])
    return Passed(tuple(taken), tuple(over), tuple(excess))
