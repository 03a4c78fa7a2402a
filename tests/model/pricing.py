"""What an entry is worth: rate, billable minutes, amount and cost (design.md section 5, "Rate", "Amount")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .entities import Entity, Fields
from .numbers import number
from .terms import TIME_AND_MATERIALS, Terms

RATE_UNRESOLVED = "RATE_UNRESOLVED"
CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
_NEEDED = ("contract_id", "resource_id", "work_date", "minutes")


@dataclass(frozen=True)
class Entry:
    """One time entry as its contract sees it. Minutes are integers; amounts are in the contract's currency.

    `amount` is None when the entry has no price, and `unpriced` says why. `status` is approved, submitted or void.
    """

    entry_id: str
    status: str
    day: date
    line_id: str | None
    method: str
    role: str
    worked: int
    billable: bool
    billable_minutes: int
    amount: Fraction | None
    unpriced: str
    cost: Fraction

    @property
    def approved(self) -> bool:
        return self.status == "approved"

    @property
    def submitted(self) -> bool:
        return self.status == "submitted"


def home_of(entity: Entity) -> str | None:
    """The contract a time entry belongs to now; none while a field it cannot live without is missing."""
    fields = entity.fields()
    if any(fields.get(name) is None for name in _NEEDED):
        return None
    return str(fields["contract_id"])


def status_of(entity: Entity) -> str:
    """approved, submitted, or void for what was rejected or reversed."""
    if entity.state == "corrected":
        return str(entity.current["data"].get("status") or "approved")
    return entity.state if entity.state in {"approved", "submitted"} else "void"


def priced(entity: Entity, terms: Terms | None, cards: Sequence[Fields]) -> Entry:
    """The entry under `terms`, those of its work date (None: the contract is unknown, nothing has a price)."""
    fields = entity.fields()
    line_id = terms.line_of(fields.get("line_id")) if terms else fields.get("line_id")
    billable = fields.get("billable") is not False and _chargeable(fields, terms, line_id)
    billable_minutes = _incremented(fields["minutes"], terms) if billable else 0
    amount, unpriced = None, ""
    if billable:
        amount, unpriced = _amount(fields, terms, line_id, billable_minutes, cards)
    return Entry(
        entry_id=entity.id,
        status=status_of(entity),
        day=date.fromisoformat(fields["work_date"]),
        line_id=line_id,
        method=terms.method(line_id) if terms else TIME_AND_MATERIALS,
        role=fields.get("role") or "",
        worked=fields["minutes"],
        billable=billable,
        billable_minutes=billable_minutes,
        amount=amount,
        unpriced=unpriced,
        cost=_cost(fields, terms, cards),
    )


def _chargeable(fields: Fields, terms: Terms | None, line_id: str | None) -> bool:
    """A line that lists chargeable roles makes every other entry non-billable, one without a role included."""
    roles = terms.line(line_id).get("chargeable_roles") if terms else None
    return roles is None or fields.get("role") in roles


def _incremented(minutes: int, terms: Terms | None) -> int:
    """Worked minutes brought to the contract's increment, by magnitude, so that a reversal mirrors its entry."""
    rounding = (terms.fields.get("rounding") or {}) if terms else {}
    step = rounding.get("increment_minutes")
    if not step or (rounding.get("scope") or "entry") != "entry":
        return minutes
    below, rest = divmod(abs(minutes), step)
    direction, tie = rounding.get("direction") or "nearest", rounding.get("tie") or "down"
    up = {
        "up": rest > 0,
        "down": False,
        "nearest": 2 * rest > step or (2 * rest == step and tie == "up"),
    }[direction]
    magnitude = int(below + up) * int(step)
    return magnitude if minutes >= 0 else -magnitude


def _amount(
    fields: Fields, terms: Terms | None, line_id: str | None, minutes: int, cards: Sequence[Fields]
) -> tuple[Fraction | None, str]:
    """Minutes × rate less the line's discount, rounded once; or the reason why there is no price."""
    if terms is None:
        return None, RATE_UNRESOLVED
    if fields.get("rate_override") is not None and terms.currency:
        per_minute = number(fields["rate_override"]) / 60
    else:
        card = _winner("bill", fields, terms, cards)
        if card is None:
            return None, RATE_UNRESOLVED
        if card["currency"] != terms.currency:
            return None, CURRENCY_MISMATCH
        per_minute = _per_minute(card, terms)
    share = 1 - number(terms.line(line_id).get("discount_ratio"))
    return terms.rounded(minutes * per_minute * share), ""


def _cost(fields: Fields, terms: Terms | None, cards: Sequence[Fields]) -> Fraction:
    """Worked minutes × cost rate; nothing where there is no cost rate in the contract's currency."""
    card = _winner("cost", fields, terms, cards) if terms else None
    if terms is None or card is None or card["currency"] != terms.currency:
        return Fraction(0)
    return terms.rounded(fields["minutes"] * _per_minute(card, terms))


def _per_minute(card: Fields, terms: Terms) -> Fraction:
    return number(card["amount"]) / (terms.day_minutes if card.get("unit") == "day" else 60)


def _winner(kind: str, fields: Fields, terms: Terms, cards: Sequence[Fields]) -> Fields | None:
    """The card that prices the entry: most specific, then latest from, highest revision, greatest id."""
    facts = {
        "contract_id": fields["contract_id"],
        "client_id": terms.client_id,
        "resource_id": fields["resource_id"],
        "role": fields.get("role"),
    }
    fitting = [
        card
        for card in cards
        if (card.get("kind") or "bill") == kind
        and card["effective_from"] <= fields["work_date"] <= (card.get("effective_to") or "9999-12-31")
        and all(card.get(name) is None or card[name] == value for name, value in facts.items())
    ]
    return max(fitting, key=_precedence, default=None)


def _precedence(card: Fields) -> tuple[int, str, int, str]:
    """A contract outweighs a client, which it makes redundant; person outweighs role."""
    client = 8 if card.get("contract_id") is not None else 4 * (card.get("client_id") is not None)
    scope = client + 2 * (card.get("resource_id") is not None) + (card.get("role") is not None)
    return scope, card["effective_from"], card["revision"], card["rate_id"]
