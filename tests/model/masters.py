"""Master data, and the policies that ask for it: docs/readiness.md, "Checks that a policy turns on"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from .entities import Entity, Fields
from .regional import OF_PEOPLE

OFF = "off"


@dataclass(frozen=True)
class Masters:
    """What the firm knows of its clients and companies. `closed` are (legal entity, month) whose books are closed.

    `quotes` are the exchange rates, whatever their day.
    """

    clients: dict[str, Fields]
    companies: dict[str, Fields]
    closed: frozenset[tuple[str, str]]
    quotes: tuple[Fields, ...]

    def client(self, client_id: str | None) -> Fields:
        return self.clients.get(client_id or "", {})

    def is_quoted(self, from_currency: str, to_currency: str, as_of: date) -> bool:
        """Whether anybody said, for a day up to as-of, what one of the two is worth in the other."""
        known = [one for one in self.quotes if one["on"] <= as_of.isoformat()]
        return any({one["from_currency"], one["to_currency"]} == {from_currency, to_currency} for one in known)

    def accounting_day(self, legal_entity_id: str | None, month: str) -> str | None:
        """The first day of the first month after `month` whose books are open; None where those of `month` are."""
        if (legal_entity_id or "", month) not in self.closed:
            return None
        while (legal_entity_id or "", month) in self.closed:
            year, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
            month = f"{year:04}-{number + 1:02}"
        return f"{month}-01"


def masters(entities: Sequence[Entity]) -> Masters:
    """The master data of the firm as it stands."""

    def of(kind: str) -> Iterable[Entity]:
        return (entity for entity in entities if entity.kind == kind)

    closed = [entity.current["data"] for entity in of("period") if entity.state == "closed"]
    return Masters(
        clients={entity.id: entity.fields() for entity in of("client")},
        companies={entity.id: entity.fields() for entity in of("legal_entity")},
        closed=frozenset((one["legal_entity_id"], one["period"]) for one in closed),
        quotes=tuple(entity.current["data"] for entity in of("fx")),
    )


def policies_for(entities: Sequence[Entity], contract_id: str, client_id: str | None) -> dict[str, Fields]:
    """The policy that decides on each code for a contract: its own, else its client's, else the firm's.

    One that names both is of the contract while it is that client's.
    """
    standing = [entity.fields() for entity in entities if entity.kind == "policy" and entity.state == "set"]
    standing = [one for one in standing if one["code"] not in OF_PEOPLE]
    scopes = [(None, None), (None, client_id), (contract_id, None), (contract_id, client_id)]
    deciding: dict[str, Fields] = {}
    for scope in scopes:
        mine = [one for one in standing if (one.get("contract_id"), one.get("client_id")) == scope]
        for policy in sorted(mine, key=lambda one: (one["revision"], one["policy_id"])):
            deciding[policy["code"]] = policy
    return {code: policy for code, policy in deciding.items() if policy["action"] != OFF}
