"""Master data that a contract's invoice needs: clients, legal entities, exchange rates, closed periods, policies.

Everything is what the reference topic said last, as of no date but where the catalogue has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from app.domain import calendar
from app.domain.policy import Ruling, ruling_of
from app.domain.resolution import Message, effective

KINDS: Final = ("client", "legal_entity", "fx", "period", "policy")


class Masters:
    """What is known, by kind; filled with `take`, which replaces what was known of one entity."""

    def __init__(self) -> None:
        self.clients: dict[str, Mapping[str, Any]] = {}
        self.entities: dict[str, Mapping[str, Any]] = {}
        self.rates: dict[tuple[str, str], dict[str, int]] = {}  # (from, to) → entity → day of the rate
        self.closed: set[tuple[str, str]] = set()  # (legal entity, billing period)
        self.rulings: dict[str, Ruling] = {}

    def take(self, kind: str, entity: str, facts: Sequence[Message]) -> None:
        """Read one entity anew from all its messages. Kinds that nobody checks are passed over."""
        if kind == "policy":
            self._rule(entity, ruling_of(facts))
            return
        message, said = effective(facts)
        if kind == "client":
            self.clients[entity] = said
        elif kind == "legal_entity":
            self.entities[entity] = said
        elif kind == "fx":
            pair = (said["from_currency"], said["to_currency"])
            self.rates.setdefault(pair, {})[entity] = calendar.number(said["on"])
        elif kind == "period":
            period = (said["legal_entity_id"], said["period"])
            self.closed.discard(period)
            if message.type == "period.closed.v1":
                self.closed.add(period)

    def _rule(self, entity: str, ruling: Ruling | None) -> None:
        if ruling is None:
            self.rulings.pop(entity, None)
        else:
            self.rulings[entity] = ruling

    def rate_known(self, one: str, other: str, day: int) -> bool:
        """Whether a rate between two currencies is known, either way, on or before `day`."""
        pairs = (self.rates.get((one, other), {}), self.rates.get((other, one), {}))
        return any(on <= day for rates in pairs for on in rates.values())


def users(kind: str, entity: str) -> Iterable[str]:
    """The marks of contracts (see `marks`) that an entity of master data concerns."""
    if kind in ("client", "legal_entity"):
        return (f"{kind}/{entity}",)
    if kind == "period":
        return (f"legal_entity/{entity.rpartition('/')[0]}",)
    if kind == "fx":
        return tuple(f"currency/{currency}" for currency in entity.split("/")[:2])
    return ()


def marks(said: Mapping[str, Any]) -> Iterable[str]:
    """What terms name of master data."""
    yield f"client/{said.get('client_id')}"
    yield f"legal_entity/{said.get('legal_entity_id')}"
    yield f"currency/{said.get('currency')}"
