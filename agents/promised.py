"""What the contracts of one partition add to business SLAs as of today: in memory, and exactly.

A contract is measured once the agent has nothing else to do, and of its work only the buckets that changed, so no
event waits for it, and none makes more work in an old contract. What a bucket adds is replaced in the sums of the
partition, and only those travel, once all are measured. They are worked out anew after every start and on every day: no
sum outlives what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Final

import msgspec

from agents.contracts import Contracts
from agents.promises import Paper, Papers, first_page, of_bucket, of_page, of_terms, paper_of, papers_of
from app.domain import calendar, sla
from app.domain.sla import Measures, Name, Open, Promise
from app.events.measure import Measure
from tables.heads import HEADS
from tables.invoices import Invoice

STATED: Final[tuple[Name, ...]] = tuple(name for name in sla.PROMISES if name != "staffing_update_latency")
"""What contracts are measured for. How long staffing changes were on their way stands on the moments at which they
were accepted, which are no two deployments' the same."""


class _Added(msgspec.Struct, array_like=True, frozen=True):
    """What some of a contract's work, or what it was told, adds to one SLA."""

    closed: dict[int, int]
    open: int
    late: int
    oldest: tuple[int, str] | None
    part: int
    whole: int


_NOTHING: Final = _Added({}, 0, 0, None, 0, 0)
_write = msgspec.msgpack.Encoder().encode
_read: Final = msgspec.msgpack.Decoder(dict[str, _Added]).decode
_Place = tuple[str, int]
_TERMS: Final = -1
"""A contract, and of its work a bucket, or a quarter before the window (its first day); or, here, what it was told."""


class _Sums:
    """The sums of one SLA over everything there is."""

    def __init__(self) -> None:
        self._closed: dict[int, int] = {}
        self._counts = [0, 0, 0, 0]  # open, late, part, whole
        self._oldest: dict[_Place, tuple[int, str]] = {}
        self._first: list[tuple[int, str, _Place]] = []  # a heap; those that are no longer so are in it, too
        self._moved: set[int] | None = None  # durations whose counts changed since they were told; None: all

    def replace(self, place: _Place, before: _Added, now: _Added) -> None:
        for minutes in before.closed.keys() | now.closed.keys():
            more = now.closed.get(minutes, 0) - before.closed.get(minutes, 0)
            if more:
                self._closed[minutes] = self._closed.get(minutes, 0) + more
                if not self._closed[minutes]:
                    del self._closed[minutes]
                if self._moved is not None:
                    self._moved.add(minutes)
        for added, sign in ((before, -1), (now, 1)):
            counts = added.open, added.late, added.part, added.whole
            self._counts = [one + sign * other for one, other in zip(self._counts, counts, strict=True)]
        if now.oldest is None:
            self._oldest.pop(place, None)
        elif self._oldest.get(place) != now.oldest:
            self._oldest[place] = now.oldest
            heappush(self._first, (*now.oldest, place))

    def measure(self, name: str, sender: int, number: int, as_of: int) -> Measure:
        """What the sums are, of durations those that changed since the last time: a few, however many there are."""
        while self._first and self._oldest.get(self._first[0][2]) != self._first[0][:2]:
            heappop(self._first)
        oldest = self._first[0][:2] if self._first else None
        open_, late, part, whole = self._counts
        everything = self._moved is None
        durations = self._closed if self._moved is None else self._moved
        closed = [(minutes, self._closed.get(minutes, 0)) for minutes in sorted(durations)]
        self._moved = set()
        return Measure(name, sender, number, as_of, closed, open_, late, oldest, part, whole, everything)


class Promised:
    """Measures of a partition's contracts as of one day."""

    AT_ONCE = 20
    """Contracts measured in one step: some tens of milliseconds in which nothing else is done."""

    def __init__(self, targets: Mapping[str, int]) -> None:
        """`targets`: the firm's own. Before `begin` there is no today, and nothing to measure."""
        self.as_of = 0
        self._promises: dict[Name, Promise] = sla.promises(targets)
        self._papers: dict[str, dict[str, Paper]] = {}
        self._clear(())

    def begin(self, as_of: int, contracts: Iterable[str]) -> None:
        """Measure all of these anew, as of a day."""
        self.as_of = as_of
        self._clear(contracts)

    def _clear(self, contracts: Iterable[str]) -> None:
        self._due: dict[str, set[int] | None] = dict.fromkeys(contracts)  # buckets that may be others; None: all
        self._added: dict[_Place, bytes] = {}
        self._sums = {name: _Sums() for name in STATED}
        self._untold: set[Name] = set(STATED)

    def note(self, contract_id: str, starts: Iterable[int]) -> None:
        """Something of the contract may be another, and of its work these buckets."""
        if self.as_of:
            due = self._due.setdefault(contract_id, set())
            if due is not None:
                due.update(starts)

    def hear(self, contract_id: str, invoice_id: str, invoice: Invoice) -> None:
        """An invoice of the contract was told of."""
        papers = self._papers.get(contract_id)
        if papers is not None and (paper := paper_of(invoice)) is not None:
            papers[f"invoice/{invoice_id}"] = paper

    @property
    def owing(self) -> int:
        """How many contracts are to be measured, and sums to be told."""
        return len(self._due) + len(self._untold) if self.as_of else 0

    def measure(self, contracts: Contracts) -> None:
        """Measure some of the contracts that are due, from the tables."""
        for contract_id in sorted(self._due)[: self.AT_ONCE]:
            self._measure(contracts, contract_id, self._due.pop(contract_id))

    def _measure(self, contracts: Contracts, contract_id: str, due: set[int] | None) -> None:
        head = contracts.store.get(HEADS, contract_id)
        if head is None:
            return
        since = sla.window(self.as_of)
        position = contracts.position(contract_id, head, self.as_of)
        papers = self._known_papers(contracts, contract_id)
        self._put((contract_id, _TERMS), of_terms(contracts.store, position, papers, since))
        first, book = first_page(since), position.book
        if due is None:
            due = {start for page in book.pages for start in book.page(page)}
        for page in sorted({page for start in due if (page := calendar.page_of(start)) < first}):
            self._put((contract_id, calendar.page_start(page)), of_page(position, page, papers, since))
        for start in sorted(start for start in due if calendar.page_of(start) >= first):
            self._put((contract_id, start), of_bucket(position, start, papers, since))

    def _known_papers(self, contracts: Contracts, contract_id: str) -> Papers:
        papers = self._papers.get(contract_id)
        if papers is None:
            papers = self._papers[contract_id] = dict(papers_of(contracts.store, contract_id))
        return papers

    def _put(self, place: _Place, measures: Measures) -> None:
        found = {name: self._summed(name, measures) for name in STATED}
        known = self._added.get(place)
        before = _read(known) if known is not None else {}
        if any(added != _NOTHING for added in found.values()):
            self._added[place] = _write({name: added for name, added in found.items() if added != _NOTHING})
        else:
            self._added.pop(place, None)
        for name, added in found.items():
            if added != before.get(name, _NOTHING):
                self._sums[name].replace(place, before.get(name, _NOTHING), added)
                self._untold.add(name)

    def _summed(self, name: Name, measures: Measures) -> _Added:
        found = sla.summary(measures[name], self._promises[name], sla.start_of(self.as_of))
        oldest = None if found.oldest is None else (found.oldest.since, found.oldest.subject)
        return _Added(dict(found.closed), found.open, found.late, oldest, found.part, found.whole)

    def told(self, sender: int, number: int) -> Iterator[Measure]:
        """The sums that changed since the last time, once all contracts are measured."""
        if self._due or not self.as_of:
            return
        for name in STATED:
            if name in self._untold:
                yield self._sums[name].measure(name, sender, number, self.as_of)
        self._untold.clear()


def renewed(known: Measure | None, said: Measure) -> Measure:
    """What a partition told, with all durations; `known` is what it told before."""
    if known is None or said.all:
        return said
    closed = {minutes: count for minutes, count in (dict(known.closed) | dict(said.closed)).items() if count}
    return msgspec.structs.replace(said, closed=sorted(closed.items()), all=True)


def summary(told: Measure) -> sla.Summary:
    """A partition's sums as the rules have them."""
    oldest = None if told.oldest is None else Open(*told.oldest)
    return sla.Summary(dict(told.closed), told.open, told.late, oldest, told.part, told.whole)
