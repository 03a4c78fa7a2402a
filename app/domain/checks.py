"""The checks that a policy turns on: master data, purchase order, acknowledgement, margin, and what work lacks.

Source: domain 2.8. Each says how many things are wrong, since when and by which events; what follows is the policy's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from app.domain import calendar
from app.domain.burn import Position
from app.domain.demanded import asked_by, lacking
from app.domain.ledger import AMOUNT, COST, EVIDENCE_LIMIT, Issue, Row
from app.domain.masters import Masters
from app.domain.money import MICRO, micro
from app.domain.policy import Code, Ruling, in_force
from app.domain.terms import Terms
from app.domain.unbilled import NONE, Unbilled, is_open, joined

_EPOCH_DAY: Final = 719_163  # 1970-01-01
_DAY: Final = 86_400_000_000  # microseconds
_JURISDICTION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class Case(NamedTuple):
    """A contract as its checks see it.

    `would_be` and `drawn` are micro-units: what would be ready, `time` the part of it that was worked, and what is
    invoiced on the purchase order, net of credits. `acknowledged` is the highest version of the contract that an ERP
    accepted, 0 for none; `since` the time of the version in force.
    """

    position: Position
    terms: Terms
    time: Unbilled
    would_be: int
    drawn: int
    masters: Masters
    acknowledged: int
    since: int
    ruling: Ruling

    @property
    def entity(self) -> Mapping[str, Any] | None:
        return self.masters.entities.get(self.terms.said.get("legal_entity_id") or "")

    @property
    def client(self) -> Mapping[str, Any]:
        return self.masters.clients.get(self.terms.client_id) or {}


def rulings_on(position: Position, masters: Masters, own: Mapping[str, Ruling]) -> Mapping[Code, Ruling]:
    """The rulings that decide on the contract's checks. `own`: those about it alone. Without terms there are none."""
    terms = position.terms
    if terms is None or not (masters.rulings or own):
        return {}
    return in_force([*masters.rulings.values(), *own.values()], position.contract_id, terms.client_id)


def failing(
    position: Position,
    masters: Masters,
    rulings: Mapping[Code, Ruling],
    time: Unbilled,
    amounts: tuple[int, int],
    papers: tuple[int, int],
) -> Iterator[tuple[Code, Ruling, Issue]]:
    """The checks in force that fail. `time`: what was worked and is ready.

    `amounts`: (what would be ready, what is invoiced on the purchase order); `papers`: (highest version acknowledged,
    time of the version in force).
    """
    terms = position.terms
    if terms is None:
        return
    for code, ruling in sorted(rulings.items()):
        issue = _CHECKS[code](Case(position, terms, time, *amounts, masters, *papers, ruling))
        if issue is not None:
            yield code, ruling, issue


def _fails(case: Case, wrong: bool) -> Issue | None:
    """One thing wrong with the whole contract: all that would be ready waits for it."""
    return Issue(1, case.would_be, case.since, []) if wrong else None


def _order_expired(case: Case) -> Issue | None:
    expires = case.terms.purchase_order.get("expires_on")
    return _fails(case, expires is not None and calendar.number(expires) < case.position.day)


def _order_exhausted(case: Case) -> Issue | None:
    """What is ready exceeds what invoices left of the order's amount."""
    amount = case.terms.purchase_order.get("amount")
    return _fails(case, amount is not None and case.would_be > max(micro(amount) - case.drawn, 0))


def _not_acknowledged(case: Case) -> Issue | None:
    return _fails(case, case.acknowledged < case.terms.version)


def _no_customer(case: Case) -> Issue | None:
    return _fails(case, not case.client.get("erp_customer_id"))


def _no_tax_id(case: Case) -> Issue | None:
    tax = case.terms.said.get("tax") or {}
    return _fails(case, not (tax.get("client_tax_id") or case.client.get("tax_id")))


def _no_jurisdiction(case: Case) -> Issue | None:
    tax = case.terms.said.get("tax") or {}
    return _fails(case, _JURISDICTION.fullmatch(tax.get("jurisdiction") or "") is None)


def _no_entity(case: Case) -> Issue | None:
    return _fails(case, case.entity is None)


def _no_cost_centre(case: Case) -> Issue | None:
    """An entity that lists its cost centres has no others."""
    centre = case.terms.said.get("cost_centre")
    listed = (case.entity or {}).get("cost_centres")
    return _fails(case, not centre or (listed is not None and centre not in listed))


def _no_exchange(case: Case) -> Issue | None:
    """The contract's currency is not its entity's, and nothing converts the one into the other yet."""
    home = (case.entity or {}).get("currency")
    if home is None or home == case.terms.currency:
        return None
    return _fails(case, not case.masters.rate_known(case.terms.currency, home, case.position.day))


def _closed(case: Case) -> Issue | None:
    """The books of the contract's entity are closed for the month of as-of."""
    if case.position.as_of is None:
        return None
    month = (case.terms.said.get("legal_entity_id") or "", calendar.period_of(case.position.as_of))
    return _fails(case, month in case.masters.closed)


def _thin(case: Case) -> Issue | None:
    """(value − cost) ÷ value of approved work is below the floor; without value there is no margin."""
    amount, cost = (case.position.total(None).totals[place] for place in (AMOUNT, COST))
    return _fails(case, amount > 0 and (amount - cost) * MICRO < case.ruling.floor * amount)


def _unmatched(case: Case) -> Issue | None:
    """Suppliers who were promised money and have not sent an invoice."""
    count = len(case.position.commitments)
    return Issue(count, case.would_be, case.since, []) if count else None


def _late(case: Case) -> Issue | None:
    """Ready entries whose deciding event came more than the policy's days after the work date."""
    days = case.ruling.days
    return _issue([one for one in _ready(case) if one[1].time // _DAY + _EPOCH_DAY - one[1].day > days])


def _twice(case: Case) -> Issue | None:
    """Ready entries of the same person, day, line and minutes as one before them."""
    seen: set[tuple[str, int, str | None, int]] = set()
    found: list[_Entry] = []
    for one in _ready(case):
        row = one[1]
        same = (row.resource_id, row.day, row.line, row.minutes)
        if same in seen:
            found.append(one)
        seen.add(same)
    return _issue(found)


def _padded(case: Case) -> Issue | None:
    """Ready entries with more billable minutes than were worked: what the contract's increment added (R11)."""
    return _issue([one for one in _ready(case) if one[1].billable_minutes > one[1].minutes])


def _unsaid(case: Case) -> Issue | None:
    """Ready entries without a narrative: a ruling that blocks has taken them out."""
    return _issue([one for one in _ready(case) if one[1].lacks])


def _unproven(case: Case) -> Issue | None:
    """Ready expenses without a receipt: a ruling that blocks has taken them out."""
    whole = NONE
    for lack in lacking(case.position, asked_by({case.ruling.code: case.ruling}, case.ruling.action)):
        whole = joined(whole, lack.issue)
    return whole if whole.count else None


def _roleless(case: Case) -> Issue | None:
    """Bookings to come that name no role: a forecast by role does not know of them."""
    its = sorted((one.last, one.assignment_id, one) for one in case.position.roleless if one.last > case.position.day)
    if not its:
        return None
    evidence = [(last, name, one.id) for last, name, one in its[:EVIDENCE_LIMIT]]
    return Issue(len(its), 0, min(one.time for _, _, one in its), evidence)


_Entry = tuple[str, Row, int]
"""An entry by its id, and what of it would be ready."""


def _ready(case: Case) -> Iterator[_Entry]:
    """Entries that would be ready, by (work date, id); only quarters that may have such are opened."""
    position = case.position
    for page in sorted(position.book.pages):
        if not any(is_open(total, position.day) for total in position.book.pages[page].values()):
            continue
        low, high = calendar.page_start(page), min(calendar.page_start(page + 1) - 1, position.day)
        for entry, row, claims in position.book.rows(low, high):
            bill = case.time.bill(entry, row, claims)
            if bill is not None:
                yield entry, row, bill.amount


def _issue(found: Sequence[_Entry]) -> Issue | None:
    if not found:
        return None
    evidence = [(row.day, entry, row.id) for entry, row, _ in found[:EVIDENCE_LIMIT]]
    amount = sum(amount for _, _, amount in found)
    return Issue(len(found), amount, min(row.time for _, row, _ in found), evidence)


_CHECKS: Final[Mapping[Code, Callable[[Case], Issue | None]]] = {
    "PO_EXPIRED": _order_expired,
    "PO_EXHAUSTED": _order_exhausted,
    "AMENDMENT_NOT_SYNCED": _not_acknowledged,
    "CUSTOMER_MASTER_MISSING": _no_customer,
    "TAX_ID_MISSING": _no_tax_id,
    "TAX_CODE_INVALID": _no_jurisdiction,
    "LEGAL_ENTITY_MISMATCH": _no_entity,
    "COST_CENTRE_INVALID": _no_cost_centre,
    "CURRENCY_RATE_MISSING": _no_exchange,
    "PERIOD_CLOSED": _closed,
    "MARGIN_BELOW_FLOOR": _thin,
    "SUBCONTRACT_UNMATCHED": _unmatched,
    "TIME_LATE": _late,
    "DUPLICATE_SUSPECTED": _twice,
    "BILLED_EXCEEDS_WORKED": _padded,
    "NARRATIVE_MISSING": _unsaid,
    "RECEIPT_MISSING": _unproven,
    "ROLE_OPTIONAL_ATTR_MISSING": _roleless,
}
