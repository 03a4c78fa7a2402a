"""Which checks a firm makes, and what follows when one fails: rules as data, per firm, client and contract.

Source: design section 5 "Readiness" (checks on master data are off until the policy turns them on); domain 2.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from app.domain.money import micro
from app.domain.resolution import Message, effective

Code = Literal[
    "PO_EXPIRED",
    "PO_EXHAUSTED",
    "AMENDMENT_NOT_SYNCED",
    "CUSTOMER_MASTER_MISSING",
    "TAX_ID_MISSING",
    "TAX_CODE_INVALID",
    "LEGAL_ENTITY_MISMATCH",
    "COST_CENTRE_INVALID",
    "CURRENCY_RATE_MISSING",
    "PERIOD_CLOSED",
    "MARGIN_BELOW_FLOOR",
    "SUBCONTRACT_UNMATCHED",
    "TIME_LATE",
    "DUPLICATE_SUSPECTED",
    "BILLED_EXCEEDS_WORKED",
    "NARRATIVE_MISSING",
    "RECEIPT_MISSING",
    "ROLE_OPTIONAL_ATTR_MISSING",
    "REGIONAL_RULE_BROKEN",
    "FORECAST_STALE",
]
Action = Literal["blocking", "warning", "off"]

OF_PEOPLE: Final[frozenset[Code]] = frozenset({"REGIONAL_RULE_BROKEN", "FORECAST_STALE"})
"""What a policy decides about people (`app.domain.regional`), of the firm or a region; contracts have nothing to do
with it."""

CHECKS: Final[tuple[Code, ...]] = tuple(code for code in get_args(Code) if code not in OF_PEOPLE)
"""The checks of readiness a policy decides about. All of them are off until one turns them on."""

WARNS_ONLY: Final[frozenset[Code]] = frozenset(
    {"TIME_LATE", "DUPLICATE_SUSPECTED", "BILLED_EXCEEDS_WORKED", "ROLE_OPTIONAL_ATTR_MISSING", "FORECAST_STALE"}
)
"""Checks that only point out: they keep nothing back."""


class Ruling(NamedTuple):
    """What one policy says of one check. Without client and contract it is the firm's.

    `floor` is a ratio in micro, for MARGIN_BELOW_FLOOR; `days` are those after which time is late; `limit` is what may
    be spent without a receipt, in micro-units of the contract's currency.
    """

    policy_id: str
    revision: int
    code: Code
    action: Action
    client_id: str | None
    contract_id: str | None
    floor: int
    days: int
    limit: int = 0


LATE_DAYS: Final = 7
STALE_DAYS: Final = 90


def ruling_of(facts: Sequence[Message]) -> Ruling | None:
    """What the messages about a policy come to; None once it is withdrawn, and where it is about people."""
    message, said = effective(facts)
    if message.type != "policy.set.v1" or said["code"] in OF_PEOPLE:
        return None
    return Ruling(
        said["policy_id"],
        message.revision,
        said["code"],
        said["action"],
        said.get("client_id"),
        said.get("contract_id"),
        micro(said.get("floor_ratio") or "0"),
        said["days"] if said.get("days") is not None else LATE_DAYS,
        micro(said.get("limit") or "0"),
    )


def in_force(rulings: Iterable[Ruling], contract_id: str, client_id: str | None) -> Mapping[Code, Ruling]:
    """The ruling that decides on each check for a contract; those that turn one off are left out.

    The contract's goes before the client's, the client's before the firm's; of one scope the highest revision decides,
    then the greatest id.
    """
    found: dict[Code, Ruling] = {}
    for ruling in rulings:
        if ruling.contract_id not in (None, contract_id) or ruling.client_id not in (None, client_id):
            continue
        known = found.get(ruling.code)
        if known is None or _weight(ruling) > _weight(known):
            found[ruling.code] = ruling
    return {code: ruling for code, ruling in found.items() if ruling.action != "off"}


def _weight(ruling: Ruling) -> tuple[bool, bool, int, str]:
    return ruling.contract_id is not None, ruling.client_id is not None, ruling.revision, ruling.policy_id
