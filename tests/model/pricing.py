"""What an entry is worth: rate, billable minutes, amount and cost (design.md section 5, "Rate", "Amount")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .allotments import PREPAID, Given, billable_minutes, given_minutes
from .entities import Fields
from .numbers import number
from .terms import Terms
from .work import Work

RATE_UNRESOLVED = "RATE_UNRESOLVED"
CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
_ZERO = Fraction(0)


@dataclass(frozen=True)
class Price:
    """What a minute beyond the given ones costs: a rate per unit, and the card it is from, or `override`.

    Without a rate `unpriced` says why; where nothing is charged none is needed, and neither is there.
    """

    rate: Fraction | None = None
    unit: str | None = None
    rate_id: str | None = None
    unpriced: str = ""


@dataclass(frozen=True)
class Entry(Work):
    """A time entry with what it is worth, in the contract's currency.

    `amount` is None when the entry has no price, and `unpriced` says why. `given_minutes` are included in the line, or
    drawn from its prepaid block; those drawn are worth `drawn`, which the block's fee pays. The rest bills as time:
    `time_amount` for `time_minutes`.
    """

    billable_minutes: int
    given_minutes: int
    drawn: Fraction
    time_amount: Fraction | None
    price: Price
    cost: Fraction

    @property
    def unpriced(self) -> str:
        return self.price.unpriced

    @property
    def amount(self) -> Fraction | None:
        return None if self.time_amount is None else self.drawn + self.time_amount

    @property
    def time_minutes(self) -> int:
        """What a client sees as time: all but what was drawn from a block. Included minutes show, at nothing."""
        return self.billable_minutes - (self.given_minutes if self.method == PREPAID else 0)


def priced(works: Sequence[Work], cards: Sequence[Fields], invoiced: Mapping[str, Fraction]) -> list[Entry]:
    """The entries of one contract. `invoiced` is what stands on live invoices, by entry id."""
    minutes = billable_minutes(works)
    given = given_minutes(works, minutes)
    entries = []
    for work in works:
        id_ = work.entry_id
        entries.append(_priced(work, minutes[id_], given[id_], cards, invoiced.get(id_, _ZERO)))
    return entries


def _priced(work: Work, minutes: int, given: Given, cards: Sequence[Fields], invoiced: Fraction) -> Entry:
    amount, price = None, Price()
    if work.approved and work.billable and invoiced != 0 and _keeps_prices(work):
        amount = invoiced
    elif work.billable:
        amount, price = _time_amount(work, minutes, given.minutes, cards)
    return Entry(
        **vars(work),
        billable_minutes=minutes,
        given_minutes=given.minutes,
        drawn=_drawn(work, given),
        time_amount=amount,
        price=price,
        cost=cost_of(work.fields, work.terms, cards),
    )


def planned_amount(fields: Fields, minutes: Fraction, terms: Terms, cards: Sequence[Fields]) -> Fraction | None:
    """What planned minutes are worth at the rate of their day, less the line's discount, exactly; None without a rate.

    `fields` say whose work it is and when, like those of an entry.
    """
    card = _winner("bill", fields, terms, cards)
    if card is None or card["currency"] != terms.currency:
        return None
    share = 1 - number(terms.line(terms.line_of(fields.get("line_id"))).get("discount_ratio"))
    return minutes * _per_minute(card, terms) * share


def _keeps_prices(work: Work) -> bool:
    """Under `prospective_only` what is invoiced keeps its amount, whatever changes later."""
    return work.terms is not None and work.terms.fields.get("retro_policy") == "prospective_only"


def _drawn(work: Work, given: Given) -> Fraction:
    """What the minutes drawn add to the worth of all drawn up to them, so that a whole block is worth its fee.

    Less than nothing drawn is worth nothing: the block has more minutes then, and no more money.
    """
    block = work.line.get("prepaid") or {}
    if work.method != PREPAID or not block.get("minutes") or work.terms is None:
        return _ZERO
    return _worth(work.terms, block, given.before + given.minutes) - _worth(work.terms, block, given.before)


def _worth(terms: Terms, block: Fields, minutes: int) -> Fraction:
    return terms.rounded(max(0, minutes) * number(block.get("fee")) / number(block["minutes"]))


def _time_amount(work: Work, minutes: int, given: int, cards: Sequence[Fields]) -> tuple[Fraction | None, Price]:
    """Minutes beyond the given × rate less the line's discount, rounded once; or the reason why there is no price."""
    if work.terms is None:
        return None, Price(unpriced=RATE_UNRESOLVED)
    if work.method == PREPAID and given == minutes:
        return _ZERO, Price()  # the block has its own price, so no rate is missing
    price = _price(work, work.terms, cards)
    if price.rate is None:
        return None, price
    per_minute = price.rate / (work.terms.day_minutes if price.unit == "day" else 60)
    share = 1 - number(work.line.get("discount_ratio"))
    return work.terms.rounded((minutes - given) * per_minute * share), price


def _price(work: Work, terms: Terms, cards: Sequence[Fields]) -> Price:
    if work.fields.get("rate_override") is not None and terms.currency:
        return Price(number(work.fields["rate_override"]), "hour", "override")
    card = _winner("bill", work.fields, terms, cards)
    if card is None:
        return Price(unpriced=RATE_UNRESOLVED)
    if card["currency"] != terms.currency:
        return Price(unpriced=CURRENCY_MISMATCH)
    return Price(number(card["amount"]), card.get("unit") or "hour", card["rate_id"])


def cost_of(fields: Fields, terms: Terms | None, cards: Sequence[Fields]) -> Fraction:
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
