"""Which rate prices an hour of work.

Rule (design section 5): the most specific of person+contract, role+contract, contract, person+client, role+client,
client, person, role, firm among the cards valid on the work date; then the latest `effective_from`, then the highest
revision, then the greatest id. Bill and cost rates have separate histories. An absent role is never inferred.
A rate lives with the contract it names, or with the firm; its withdrawal ends every rate of its id, whatever it names.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from app.domain import calendar
from app.domain.money import micro
from app.domain.resolution import Message, effective

Kind = Literal["bill", "cost"]


class Card(NamedTuple):
    """One rate as it holds; ordered so that the greatest of those valid on a day wins."""

    effective_from: int
    revision: int
    rate_id: str
    effective_to: int
    amount: int  # micro-units per unit
    currency: str
    per_day: bool
    contract_id: str | None
    client_id: str | None
    resource_id: str | None
    role: str | None
    kind: Kind

    @property
    def scope(self) -> str:
        """The field's word for how specific the card is: `role+contract`, `client`, `firm` …"""
        who = "person" if self.resource_id else "role" if self.role else ""
        where = "contract" if self.contract_id else "client" if self.client_id else ""
        return "+".join(filter(None, (who, where))) or "firm"

    def within(self, day: int) -> bool:
        return self.effective_from <= day <= self.effective_to

    def names(self, person: str, role: str | None) -> bool:
        """Whether it may price what the person does in the role."""
        return (self.role is None or self.role == role) and (self.resource_id is None or self.resource_id == person)


def card_of(messages: Sequence[Message]) -> Card | None:
    """The card that the messages of one rate come to; None if it was withdrawn or never fully said."""
    message, said = effective(messages)
    if message.type == "rate.withdrawn.v1":
        return None
    return _card(message.revision, said)


def _card(revision: int, said: Mapping[str, Any]) -> Card:
    until = said.get("effective_to")
    return Card(
        effective_from=calendar.number(said["effective_from"]),
        revision=revision,
        rate_id=said["rate_id"],
        effective_to=calendar.number(until) if until else calendar.FOREVER,
        amount=micro(said["amount"]),
        currency=said["currency"],
        per_day=said.get("unit") == "day",
        contract_id=said.get("contract_id"),
        client_id=said.get("client_id"),
        resource_id=said.get("resource_id"),
        role=said.get("role"),
        kind=said.get("kind") or "bill",
    )


Scope = tuple[Kind, str | None, str | None, str | None, str | None]
"""(kind, contract, client, person, role) that a card names."""
_Lists = tuple[list[Card], ...]


class RateBook:
    """Cards by scope. `changed` counts the changes of its lists, so that a memo over it knows when it is old."""

    def __init__(self, cards: Iterable[Card] = ()) -> None:
        self._cards: dict[Scope, list[Card]] = {}
        self._changes: dict[Scope, int] = {}
        self.changed = 0
        # Of each list whom it names, as they came: one that is there is changed where it is.
        self.opened: list[str] = []
        for card in cards:
            self.add(card)

    @staticmethod
    def _scope(card: Card) -> Scope:
        return card.kind, card.contract_id, card.client_id, card.resource_id, card.role

    def add(self, card: Card) -> None:
        cards = self._cards.get(self._scope(card))
        if cards is None:
            cards = self._cards[self._scope(card)] = []
            self.opened.append(card.resource_id or card.role or "")
        insort(cards, card, key=lambda c: c[:3])
        self._note(card)

    def remove(self, card: Card) -> None:
        self._cards[self._scope(card)].remove(card)
        self._note(card)

    def _note(self, card: Card) -> None:
        scope = self._scope(card)
        self._changes[scope] = self._changes.get(scope, 0) + 1
        self.changed += 1

    def changes(self, scopes: Iterable[Scope]) -> int:
        """How often any of the lists of these scopes changed."""
        return sum(self._changes.get(scope, 0) for scope in scopes)

    def at(
        self, kind: Kind, contract: str | None, client: str | None, person: str | None, role: str | None
    ) -> list[Card] | None:
        return self._cards.get((kind, contract, client, person, role))


class Rates:
    """The rates of one contract: its own book over the firm's."""

    def __init__(self, contract_id: str, own: RateBook, firm: RateBook) -> None:
        self._contract, self._own, self._firm = contract_id, own, firm
        self._memo: dict[tuple[Kind, str, str, str | None], _Lists] = {}
        self._seen, self._opened = own.changed, len(firm.opened)  # what the memo knows of

    @property
    def changed(self) -> int:
        """Another number whenever `find` may answer otherwise than before."""
        return self._own.changed + self._firm.changed

    def scopes(self, kind: Kind, client: str, person: str, role: str | None) -> set[Scope]:
        """All scopes of the firm's rates that `find` and `turns` look at for these."""
        return {(kind, None, where, *who) for where in (client, None) for who in _who(person, role)}

    def changes(self, scopes: Iterable[Scope]) -> int:
        """Another number whenever `find` may answer otherwise than before where it looks at these of the firm."""
        return self._own.changed + self._firm.changes(scopes)

    def find(self, kind: Kind, client: str, person: str, role: str | None, day: int) -> Card | None:
        """The card that wins for work of `person` in `role` on `day`; None if no card is valid."""
        if self._own.changed != self._seen or len(self._firm.opened) != self._opened:
            self._forget()
        key = (kind, client, person, role)
        lists = self._memo.get(key)
        if lists is None:
            lists = self._memo[key] = tuple(self._candidates(kind, client, person, role))
        for cards in lists:
            for card in reversed(cards):
                if card.effective_from <= day <= card.effective_to:
                    return card
        return None

    def _forget(self) -> None:
        """Let go of what there may be other lists for now."""
        named = set(self._firm.opened[self._opened :])
        if self._own.changed != self._seen or "" in named:
            self._memo.clear()
        else:
            self._memo = {
                key: lists for key, lists in self._memo.items() if key[2] not in named and key[3] not in named
            }
        self._seen, self._opened = self._own.changed, len(self._firm.opened)

    def turns(self, kind: Kind, client: str, person: str, role: str | None) -> list[int]:
        """Days on which `find` may begin to answer otherwise, in order."""
        cards = (card for its in self._candidates(kind, client, person, role) for card in its)
        return sorted({day for card in cards for day in (card.effective_from, card.effective_to + 1)})

    def _candidates(self, kind: Kind, client: str, person: str, role: str | None) -> Iterable[list[Card]]:
        """Card lists, the most specific scope first. The firm's are those that it goes on changing."""
        who = _who(person, role)
        for one, its in who:
            # A contract's card that also names the client must match it, but is no more specific for it.
            cards = (self._own.at(kind, self._contract, None, one, its) or []) + (
                self._own.at(kind, self._contract, client, one, its) or []
            )
            if cards:
                yield sorted(cards, key=lambda c: c[:3])
        for where in (client, None):
            for one, its in who:
                found = self._firm.at(kind, None, where, one, its)
                if found is not None:
                    yield found


def _who(person: str, role: str | None) -> Sequence[tuple[str | None, str | None]]:
    """Whom a card may name that prices the person in the role, the most specific first."""
    if role is None:
        return (person, None), (None, None)
    return (person, role), (person, None), (None, role), (None, None)
