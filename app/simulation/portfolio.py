"""Which clients the firm has, and what was agreed with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.simulation import rates
from app.simulation.days import Days
from app.simulation.dice import Dice
from app.simulation.rates import Role

HOMES = ("USD", "EUR", "GBP", "EUR", "USD", "GBP", "EUR", "USD", "EUR", "JPY", "USD", "GBP")
"""Currencies of the clients in turn: mostly US dollars, euros and pounds, and a few yen."""

LEGAL_ENTITIES = {"USD": "LE-US", "EUR": "LE-DE", "GBP": "LE-UK", "JPY": "LE-JP"}
COUNTRIES = {"USD": "US", "EUR": "DE", "GBP": "GB", "JPY": "JP"}
REGIONS = {"USD": "amer", "EUR": "emea", "GBP": "emea", "JPY": "amer"}

SHAPES = (
    ("hours",) * 6
    + ("capped",) * 4
    + ("two lines",) * 2
    + ("hours and milestones",) * 3
    + ("milestones", "milestones", "retainer", "prepaid", "percent complete")
)
"""Commercial shapes, as they are dealt out to each twenty contracts."""

BURNS = (120, 116, 111, 104, 101, 97, 94, 92, 89, 85, 81, 77, 72, 66, 60, 52, 44, 34, 24, 14)
"""Per cent of its budget that a contract is to have used on the last day, as dealt out to each twenty contracts."""

INTERNAL = "internal"
"""The shape of the contract that bench time, training and pre-sales are written to. No client pays for it."""


Scope = tuple[str, str]
"""What a rate of a contract is for: ("person", id), ("role", name), or ("contract", "") for everybody."""


@dataclass(slots=True, eq=False)
class Client:
    """A client; `cards` are the rates agreed with it by role, for all its contracts."""

    client_id: str
    currency: str
    cards: dict[str, list[Card]] = field(default_factory=dict)

    @property
    def region(self) -> str:
        return REGIONS[self.currency]


VERY_FEW = 3
"""Up to so many contracts a firm has no internal one, and all of them are plain hours over the whole time."""


@dataclass(slots=True)
class Card:
    """A rate from one day on, in minor units an hour, as `said`; `until` is its last day, None when it is open."""

    since: int
    amount: int
    said: dict[str, Any]
    until: int | None = None


@dataclass(slots=True)
class Unbilled:
    """An approved entry that an invoice may name after the day `since` and before the day `until`.

    Minutes of 0 say that it is not there any more: what was invoiced for it is to be given back.
    """

    since: int
    entry_id: str
    minutes: int
    resource_id: str
    role: str
    day: int
    line_id: str
    until: int | None = None


@dataclass(slots=True)
class Item:
    """An expense or a milestone that an invoice may name after the day `since`; `amount` in minor units."""

    since: int
    kind: str
    id: str
    amount: int


@dataclass(slots=True, eq=False)
class Contract:
    """What was agreed, and what the firm remembers of it to write its next event.

    `first` and `last` are the days of its term. Nobody writes time on it from `stops` on, nor inside `pause`. Finance
    remembers the total `invoiced` by line, and of entries that are to be corrected the invoice and amount they are
    `billed` with. `retained` are (line, milestone, minor units) held back until the end.
    """

    number: int
    contract_id: str
    client: Client
    shape: str
    signed: int
    first: int
    last: int
    burn: int
    version: int = 0
    stops: int | None = None
    pause: tuple[int, int] | None = None
    roles: list[Role] = field(default_factory=list)
    planned: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    cards: dict[Scope, list[Card]] = field(default_factory=dict)
    unbilled: list[Unbilled] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    retained: list[tuple[str, str, int]] = field(default_factory=list)
    billed: dict[str, tuple[str, int]] = field(default_factory=dict)
    invoiced: dict[str, int] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)

    @property
    def currency(self) -> str:
        return self.client.currency

    @property
    def internal(self) -> bool:
        return self.shape == INTERNAL

    @property
    def source(self) -> str:
        return f"/psa/{self.client.region}"

    def open_on(self, day: int) -> bool:
        """Whether people write time on it that day."""
        if self.stops is not None and day >= self.stops:
            return False
        return self.pause is None or not self.pause[0] <= day <= self.pause[1]


def clients(contracts: int) -> list[Client]:
    """The clients of a firm with that many contracts: three for every five."""
    return [Client(f"CL-{n + 1:04d}", HOMES[n % len(HOMES)]) for n in range(max(1, contracts * 3 // 5))]


def portfolio(count: int, days: Days, dice: Dice) -> list[Contract]:
    """The contracts in the order in which they begin; the first is the internal one, unless there are very few.

    Two in five run when the simulation begins, the others follow until some weeks before it ends.
    """
    known = clients(count)
    shapes = dice.shuffled(SHAPES)
    burns = dice.shuffled(BURNS)
    starts = sorted(_start(number, count, days, dice) for number in range(count))
    book = []
    for number, first in enumerate(starts):
        internal = number == 0 and count > VERY_FEW
        weeks = dice.between(max(4, days.weeks // 4), days.weeks + 8)
        contract = Contract(
            number=number,
            contract_id=f"C-{number + 1:04d}",
            client=known[number % len(known)],
            shape=INTERNAL if internal else "hours" if count <= VERY_FEW else shapes[number % len(shapes)],
            signed=dice.between(0, 4) if first <= days.first else max(7, first - dice.between(3, 21)),
            first=-365 if internal else first,
            last=days.last + 365 if internal or count <= VERY_FEW else first + 7 * weeks - 3,
            burn=burns[(number * 7) % len(burns)],
        )
        book.append(contract)
    return book


def clients_of(contracts: list[Contract]) -> list[Client]:
    """Every client once, in the order of their numbers."""
    return sorted({contract.client.client_id: contract.client for contract in contracts}.values(), key=_number)


def _number(client: Client) -> str:
    return client.client_id


def _start(number: int, count: int, days: Days, dice: Dice) -> int:
    if number * 5 <= count * 2 or count <= VERY_FEW:
        return days.first
    return days.monday(dice.between(1, max(1, days.weeks - 2)))


def rate_of(contract: Contract, resource_id: str, role: str, day: int, firm: dict[str, int]) -> int | None:
    """The rate the firm's own finance system would bill, in minor units an hour; None when none was agreed.

    Most specific first: the person on this contract, the role on it, the contract, the role for the client, the firm.
    Its own list is in US dollars, and no answer for a contract in another currency.
    """
    own = contract.cards
    for cards in (
        own.get(("person", resource_id)),
        own.get(("role", role)),
        own.get(("contract", "")),
        contract.client.cards.get(role),
    ):
        valid = [c for c in cards or () if c.since <= day and (c.until is None or day <= c.until)]
        if valid:
            return max(valid, key=lambda card: card.since).amount
    return firm.get(role) if contract.currency == "USD" else None


def agreed(role: Role, currency: str, dice: Dice) -> int:
    """A rate for a role as some vendor really offered it, in minor units of a currency."""
    return rates.in_currency(dice.one_of(role.offers), currency)
