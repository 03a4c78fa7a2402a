"""Stating documents: which revision each has, and which are withdrawn.

What is live is a function of facts. Its revision is not: it says how often the content changed between two statements,
which depends on how records came and were cut. It stands outside every digest, like `state_version`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from agents.contracts import Contracts
from agents.effects import key_of
from app.domain import adjustment, calendar, documents, period
from app.domain.adjustment import Adjustment
from app.domain.burn import Position
from app.domain.documents import Filed
from app.domain.money import micro, show
from app.domain.readiness import Assessment, critical
from app.events.posting import Draft
from tables import proposals
from tables.heads import Head
from tables.proposals import PROPOSALS, STANDINGS, Proposals, Standing

_encode = msgspec.json.Encoder(order="deterministic").encode
_ALWAYS = (adjustment.MILESTONE, documents.FEE, documents.ADJUSTMENT)
"""Kinds that are looked at whenever the contract is."""
NOTHING_LEFT = "nothing_left"
"""Why a document is over that no invoice took; the others are over because of an invoice, whose id is given."""


class Scope(NamedTuple):
    """What changed since the contract was stated last: work in these periods, or (None) perhaps in all. With `restate`
    all of it is to be said again, as nobody knows what was heard; the documents `again`, as somebody asked for it."""

    periods: Collection[str] | None
    restate: bool
    again: Collection[str] = ()


def document_key(contract_id: str, name: str) -> str:
    """`name` is `period/kind/sequence`."""
    return f"{key_of(contract_id)}/{name}"


def rows(contracts: Contracts, position: Position, head: Head, found: Assessment | None = None) -> list[dict[str, Any]]:
    """Every live document in the order of keys, with its type and what ERPs said of it; `found` as for readiness.

    `order_remaining_amount` is what the purchase order has left once it and those before it are invoiced, too; it is
    not there without an amount of the order.
    Its revision is the one it was stated with, or will be where it was not.
    """
    contract_id = position.contract_id
    found = found or contracts.assess(position, head)
    filed = contracts.documents(position, head, found)
    answers = contracts.compiled(contract_id).answers
    order = position.terms.purchase_order.get("amount") if position.terms is not None else None
    left = micro(order) - found.drawn if order is not None else None
    told = []
    for name, (type_, payload) in sorted(filed.rows.items()):
        key = document_key(contract_id, name)
        said = answers.get(key, ())
        standing = contracts.store.get(STANDINGS, proposals.key(contract_id, name))
        first = max((one.revision for one in said), default=0) + 1
        if left is not None and type_ == documents.PROPOSED:
            left -= micro(payload["total"])
            payload = {**payload, "order_remaining_amount": show(left, position.exponent)}
        told.append(
            {
                "document_key": key,
                "revision": standing.revision if standing is not None and standing.revision else first,
                "type": type_,
                **payload,
                "acknowledged": [one._asdict() for one in said],
            }
        )
    return told


class Clerk:
    """States the documents of one contract, and remembers what was said."""

    def __init__(self, contracts: Contracts, contract_id: str, head: Head, as_of: int | None) -> None:
        self._contracts, self._id, self._head, self._as_of = contracts, contract_id, head, as_of
        self._contract = contracts.compiled(self._id)
        self._known = contracts.store.get(PROPOSALS, self._id) or Proposals(-1, {})
        self._standing: dict[str, Standing] = {}
        self._changed = False
        self.writes: dict[str, Standing | None] = {}  # by name
        self.waiting: set[str] = set()  # periods of documents that are to be stated with the next batch
        self.filed = Filed({}, {})  # what `state` found

    def state(
        self, position: Position, found: Assessment, changed: Sequence[Adjustment], scope: Scope, version: int
    ) -> Iterator[Draft]:
        """What is to be said of documents whose content changed, and of those that are over.

        `changed`: what was invoiced and no longer holds. Without terms the cause of a document is the contract's latest
        fact, whatever it is about; so all that is live is said then, which is what is to be put right.
        """
        over = self._known.over
        always = scope.restate or self._contract.told is None
        periods = scope.periods
        if self._turned(found) or periods is None:
            live = {name.partition("/")[0] for name, why in over.items() if not why}
            periods = documents.open_periods(position) | live
        elif periods and self._known.basis:
            # Under a cap later work stands on earlier work.
            periods = {*periods, *documents.open_periods(position, period.first_day(min(periods)))}
        filed = self.filed = self._contracts.documents(position, self._head, found, periods, changed)
        ended = self._ended()
        yield from self._propose(filed, version, restate=always, again=scope.again)
        for name in sorted(over.keys() - filed.rows.keys()):
            of, kind, _ = name.split("/")
            if not over[name] and (of in periods or kind in _ALWAYS):
                self._end(name, filed)
                yield self._withdrawn(name, version)
            elif over[name] and scope.restate:
                yield self._withdrawn(name, version)
        if not scope.restate:
            self._forget(ended, filed)

    def resume(self, filed: Filed, version: int) -> Iterator[Draft]:
        """What was only remembered when `state` found `filed`; nothing of the contract changed since."""
        ended = self._ended()
        yield from self._propose(filed, version, restate=False)
        self._forget(ended, filed)

    def _propose(self, filed: Filed, version: int, *, restate: bool, again: Collection[str] = ()) -> Iterator[Draft]:
        for name, (type_, payload) in sorted(filed.rows.items()):
            if self._is_new(name):
                continue
            if self._revise(name, payload) or restate or name in again:
                yield self._statement(type_, name, payload, version)

    def _ended(self) -> list[str]:
        return [name for name, why in self._known.over.items() if why]

    def halt(self, found: Assessment) -> str | None:
        """The critical blocker that halts every posting of the contract, "" for none, where it is another than before;
        else None."""
        code = critical(found)
        if code == self._known.halted:
            return None
        self._known.halted, self._changed = code, True
        return code

    def index(self, fence: int) -> Proposals | None:
        """What to write of the contract; None if nothing changed there."""
        if not self._changed:
            return None
        self._known.fence = max(fence, self._known.fence)
        return self._known

    def _turned(self, found: Assessment) -> bool:
        """Whether the contract stands otherwise than it did, so that documents of any period may say otherwise."""
        known = self._known
        basis = _encode(found.time.basis).decode() if found.time.basis else ""
        now = basis, bool(found.stops), found.held
        if now == (known.basis, known.stopped, known.held):
            return False
        known.basis, known.stopped, known.held = now
        self._changed = True
        return True

    def _is_new(self, name: str) -> bool:
        """Whether the document was never heard of. It is remembered first and stated with the next batch.

        Else a crash could leave a statement that nobody remembers, and nobody would withdraw.
        """
        if name in self._known.over:
            return False
        self._known.over[name] = ""
        self._changed = True
        self._put(name, 0, "")
        self.waiting.add(name.partition("/")[0])
        return True

    def _revise(self, name: str, payload: dict[str, Any]) -> bool:
        """Whether the content differs from what stood last; if so it has another revision.

        What an ERP acknowledged was said once, even where nobody here remembers: a revision never falls back behind it.
        """
        content = blake2b(_encode({**payload, "as_of": None}), digest_size=12).hexdigest()
        known = self._stood(name)
        if known.content == content and not self._known.over[name]:
            return False
        floor = max((one.revision for one in self._contract.answers.get(document_key(self._id, name), ())), default=0)
        self._put(name, max(floor, known.revision) + 1, content)
        if self._known.over[name]:
            self._known.over[name] = ""
            self._changed = True
        return True

    def _end(self, name: str, filed: Filed) -> None:
        self._put(name, self._stood(name).revision + 1, "")
        self._known.over[name] = _taken_by(name, filed) or NOTHING_LEFT
        self._changed = True

    def _forget(self, ended: list[str], filed: Filed) -> None:
        """Those whose end was heard, as this is another batch, and whose key no document can have again."""
        for name in ended:
            why = self._known.over[name]
            if why and (why != NOTHING_LEFT or _taken_by(name, filed)):
                del self._known.over[name]
                self.writes[name] = None
                self._changed = True

    def _stood(self, name: str) -> Standing:
        if name not in self._standing:
            stored = self._contracts.store.get(STANDINGS, proposals.key(self._id, name))
            self._standing[name] = stored or Standing(-1, 0, "")
        return self._standing[name]

    def _put(self, name: str, revision: int, content: str) -> None:
        self._standing[name] = self.writes[name] = Standing(-1, revision, content)

    def _statement(self, type_: str, name: str, payload: dict[str, Any], version: int) -> Draft:
        key = document_key(self._id, name)
        stood = self._stood(name)
        said = {"document_key": key, "revision": stood.revision, **payload}
        cause = self._contract.told or self._head.latest
        return Draft(self._id, key, type_, stood.revision, version, stood.content, said, *cause)

    def _withdrawn(self, name: str, version: int) -> Draft:
        why, as_of = self._known.over[name], self._as_of
        payload = {
            "contract_id": self._id,
            "as_of": calendar.text_of(as_of) if as_of is not None else None,
            "reason": why if why == NOTHING_LEFT else "invoiced",
            "invoice_id": None if why == NOTHING_LEFT else why,
        }
        return self._statement(documents.WITHDRAWN, name, payload, version)


def _taken_by(name: str, filed: Filed) -> str | None:
    """The invoice that took the document; an adjustment is nobody's: what put it right is an invoice of its own."""
    of, kind, sequence = name.split("/")
    folder = filed.folders.get((of, kind))
    return folder.invoice(int(sequence)) if folder is not None else None
