"""One contract while a batch touches it: facts in, priced rows, sums up the ladder."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agents.contracts import Contract, Contracts
from app.domain import allotment, calendar
from app.domain.ledger import (
    ALLOTTED_MINUTES,
    APPROVED,
    BEYOND_MINUTES,
    ENTITIES,
    Bucket,
    Claims,
    Gone,
    Row,
    Spend,
    Was,
    price_by,
    price_row,
    price_spend,
    price_was,
    tally,
)
from app.domain.rates import Card, Rates
from app.domain.terms import Agreement
from app.events.home import Home
from app.events.plan import Plan
from tables import Store, Table, buckets, pages, plans
from tables.buckets import BUCKETS
from tables.heads import HEADS, Head, Latest, new
from tables.pages import PAGES, Page
from tables.plans import PLANS, Booked

Span = tuple[int, int]
"""A stretch of work dates, both ends inclusive."""


class Desk:
    """Holds what was read and what must be written for one contract. `earliest`: the first day whose sums changed.

    `first` is the batch's first offset: what was stored with it, or with a later one, a crash kept of this batch.
    """

    def __init__(self, contract_id: str, store: Store, contracts: Contracts, first: int) -> None:
        self.contract_id, self._first = contract_id, first
        self._store, self._contracts = store, contracts
        known = store.get(HEADS, contract_id)
        self.head: Head = known or new()
        # What its work named for the first time: `role/x`, `person/x`.
        self.named: list[str] = [] if known is not None else ["any"]
        self._who: set[tuple[str, str | None]] = set()  # people in their roles of whom that is known by now
        self._touched = -1
        self.earliest = calendar.FOREVER
        self.changed = False
        self._buckets: dict[int, Bucket] = {}
        self._pages: dict[int, Page] = {}
        self.plans: dict[str, Booked] = {}  # by name
        self._dirty: set[int] = set()
        self._recalled = False  # whether some record was here before a crash
        self._kept: set[int] = set()  # buckets that include records of this batch already: a crash kept them
        self._fresh: set[int] = set()  # buckets that did not exist: all of their rows are unpriced
        self._unpriced: dict[tuple[int, str], Row] = {}
        self._unpriced_spends: list[Spend] = []
        self._unpriced_past: list[Was] = []
        self._repriced: list[Span] = []
        self._cards: list[Card] = []  # rates that are gone or new
        self._converted = calendar.FOREVER + 1  # from this day on expenses are converted anew

    def touch(self, offset: int) -> None:
        """Something the contract rests on changed."""
        self.changed = True
        if offset > self._touched:
            self._touched = offset

    def hear(self, offset: int, latest: Latest, since: int) -> None:
        """The contract itself was told something: `latest` and `since` are of the latest and the earliest message.

        Rates of the firm only touch: whom they reach when they come is a matter of order, but a cause must not be.
        """
        self.touch(offset)
        head = self.head
        if latest > head.latest:
            head.latest = latest
        if not head.since or since < head.since:
            head.since = since

    def bucket(self, start: int) -> Bucket:
        bucket = self._buckets.get(start)
        if bucket is None:
            stored = self._store.get(BUCKETS, buckets.key(self.contract_id, start))
            if stored is None:
                self._fresh.add(start)
            elif stored.fence >= self._first:
                self._kept.add(start)
            bucket = self._buckets[start] = stored or Bucket(-1, {}, {}, {}, {})
        return bucket

    def page(self, number: int) -> Page:
        page = self._pages.get(number)
        if page is None:
            stored = self._store.get(PAGES, pages.key(self.contract_id, number))
            page = self._pages[number] = stored or Page(-1, {})
        return page

    # -- facts in ---------------------------------------------------------------------------------------------------

    def settle(self, offset: int, home: Home) -> None:
        """Put one entity where it is now, and let the other buckets go of it."""
        self.hear(offset, (home.time, home.source, home.id, home.correlation or ""), home.since or home.time)
        row = home.row
        if row is not None:
            if (row.resource_id, row.role) not in self._who:
                self._who.add((row.resource_id, row.role))
                self._name(self.head.people, "person", row.resource_id)
                self._name(self.head.roles, "role", row.role)
        elif home.spend is not None:
            self._name(self.head.currencies, "currency", home.spend.currency)
        elif home.kind == "demand":
            _remember(self.head.demands, home.entity)  # it has no place in the ledger
        key = f"{home.kind}/{home.entity}"
        # Claims of an entity that was nowhere else stay where they are.
        claims = self._claims_on(home, key) if home.others else self.head.unplaced.get(key)
        for start in home.others:
            bucket = self._open(offset, start)
            if bucket is None or _is_old(bucket, key, home):
                continue
            bucket.rows.pop(home.entity, None) if home.kind == "time" else bucket.spends.pop(home.entity, None)
            holds = home.here is None and start == home.others[0]
            self._mark_gone(bucket, key, Gone(home.n, holds, home.lines), claims)
            self._recall(bucket, start, home)
        if home.here is not None:
            self._place(offset, home.here, home, key, claims)

    def _name(self, names: list[str], kind: str, name: str | None) -> None:
        if _remember(names, name):
            self.named.append(f"{kind}/{name}")

    def book(self, offset: int, plan: Plan) -> None:
        """Keep what a person is booked for here, or that it is no more: of several, the highest number."""
        self.hear(offset, (plan.time, plan.source, plan.id, plan.correlation or ""), plan.since or plan.time)
        name = plans.name(plan)
        _remember(self.head.bookings, name)
        known = self.booked(name)
        if known is None or plan.number >= known.plan.number:
            known = Booked(offset, plan)
        self.plans[name] = Booked(max(offset, known.fence), known.plan)

    def booked(self, name: str) -> Booked | None:
        return self.plans.get(name) or self._store.get(PLANS, plans.key(self.contract_id, name))

    def _open(self, offset: int, start: int) -> Bucket | None:
        """The bucket, unless it already includes the record; then it is only written again."""
        self._dirty.add(start)
        bucket = self.bucket(start)
        if offset <= bucket.fence:
            self._recalled = True
            return None
        bucket.fence = offset
        return bucket

    def _mark_gone(self, bucket: Bucket, key: str, gone: Gone, claims: Claims | None) -> None:
        bucket.gone[key] = gone
        if claims:
            bucket.claims[key] = claims

    def _place(self, offset: int, start: int, home: Home, key: str, claims: Claims | None) -> None:
        bucket = self._open(offset, start)
        if bucket is None or _is_old(bucket, key, home):
            return
        extra = [line for line in home.lines if line != (home.row or home.spend).line_id] if home.lines else []  # type: ignore[union-attr]
        if extra:
            bucket.gone[key] = Gone(home.n, False, extra)
        elif bucket.gone:
            bucket.gone.pop(key, None)
        if claims:
            bucket.claims[key] = claims
        self._recall(bucket, start, home)
        row = home.row
        if row is not None:
            self._take_price(start, home.entity, row, bucket.rows.get(home.entity))
            bucket.rows[home.entity] = row
        elif home.spend is not None:
            bucket.spends[home.entity] = home.spend
            self._unpriced_spends.append(home.spend)

    def _recall(self, bucket: Bucket, start: int, home: Home) -> None:
        """Keep what the entry was here while months went by."""
        its = [was for was in home.past if calendar.bucket_of(was.day) == start] if home.past else []
        if its:
            bucket.past[home.entity] = its
            self._unpriced_past += its
        elif bucket.past and home.kind == "time":
            bucket.past.pop(home.entity, None)

    def _take_price(self, start: int, entry: str, row: Row, before: Row | None) -> None:
        """An approval changes no price: what the row before came to still holds, unless it waits for a price itself."""
        if before is None or (start, entry) in self._unpriced or not row.prices_like(before):
            self._unpriced[start, entry] = row
        else:
            row.take_price(before)

    def _claims_on(self, home: Home, key: str) -> Claims | None:
        claims = self.head.unplaced.get(key)
        if not claims and home.here is not None:
            claims = self.bucket(home.here).claims.get(key)
        for start in home.others:
            if claims:
                break
            claims = self.bucket(start).claims.get(key)
        return claims

    def claim(self, claims: Mapping[str, Claims], papers: Collection[str], about: int) -> None:
        """Write what the `papers` say of entities (`kind/id`) wherever the contract knows them, and nothing else.

        An invoice names no dates, so this looks through the contract's buckets, those nearest to the day `about` first,
        and stops when everything is found that lives in one place only.
        """
        unknown = set(claims)
        entries, expenses = _by_id(claims, "time/"), _by_id(claims, "expense/")
        for start in sorted(self._known_starts(), key=lambda day: abs(about - day)) if entries or expenses else ():
            bucket = self.bucket(start)
            here = _known_in(bucket, entries, expenses)
            for key in here:
                _update(bucket.claims, key, claims[key], papers)
            if here:
                self._dirty.add(start)
                unknown.difference_update(here)
                if not entries and not expenses:
                    break
        unplaced = self.head.unplaced
        for key in claims:
            if key in unknown or key in unplaced:
                _update(unplaced, key, claims[key], papers)

    def reprice(self, low: int, high: int) -> None:
        """Whatever prices the work dates in [low, high] may be another."""
        if (low, high) not in self._repriced:
            self._repriced.append((low, high))

    def reprice_by(self, card: Card) -> None:
        """A rate is gone, or new."""
        if card not in self._cards:
            self._cards.append(card)

    def convert(self, day: int) -> None:
        """An exchange rate changed from a day on."""
        self._converted = min(self._converted, day)

    def starts(self) -> Iterator[int]:
        """First days of all buckets, those touched in this batch included."""
        yield from sorted(self._known_starts())

    def _known_starts(self) -> set[int]:
        return {start for number in self.head.pages for start in self.page(number).buckets} | self._dirty

    def periods(self) -> set[str]:
        """The billing periods whose work changed in this batch."""
        return {calendar.period_of(start) for start in self._dirty}

    def changes(self) -> set[int]:
        """First days of the buckets whose work changed in this batch."""
        return self._dirty

    # -- sums up the ladder -----------------------------------------------------------------------------------------

    def close(self, contract: Contract, offset: int) -> None:
        """Price what is new or changed and carry the sums up: bucket → page → head.

        `offset` is the batch's last: everything up to it is in what is written now, prices and claims included.
        """
        head = self.head
        if self.changed:
            head.fence = head.touched = max(head.touched, self._touched)
        self._price(contract)
        touched: set[int] = set()
        for start in self._dirty:
            sums = tally(self.bucket(start), start, calendar.BEGINNING, calendar.FOREVER, calendar.FOREVER)
            number = calendar.page_of(start)
            self.page(number).put(start, sums)
            self.bucket(start).fence = max(offset, self.bucket(start).fence)
            touched.add(number)
            self.earliest = min(self.earliest, start)
        for number in touched:
            page = self.page(number)
            page.fence = max(offset, page.fence)
            self.head.put(number, page.total())

    def _price(self, contract: Contract) -> None:
        agreement, rates = contract.agreement, contract.rates
        for row in self._unpriced.values():
            price_row(row, agreement.on(row.day), rates)
        for was in self._unpriced_past:
            price_was(was, agreement.on(was.day), rates)
        for spend in self._unpriced_spends:
            price_spend(spend, agreement.on(spend.day), self._contracts.reference.quotes)
        if self._repriced or self._cards or self._converted <= calendar.FOREVER:
            for start in self._known_starts() - self._fresh:
                if self._price_again(start, contract):
                    self._dirty.add(start)
        if agreement.allots:
            self._allot(agreement, rates)

    def _price_again(self, start: int, contract: Contract) -> bool:
        """Price what changes reach of a bucket; False if that is nothing, or comes to the same."""
        last, since = start + 6, self._converted
        spans = [span for span in self._repriced if span[0] <= last and start <= span[1]]
        cards = [card for card in self._cards if card.effective_from <= last and start <= card.effective_to]
        if not spans and not cards and since > last:
            return False
        bucket, agreement, rates = self.bucket(start), contract.agreement, contract.rates
        if cards and start in self._kept:
            spans = [(start, last)]  # its rows may be priced by these cards already, without their sums
        changed = False
        of: dict[tuple[str, str | None], list[Card]] = {}  # a few people in a few roles have many rows
        for row in bucket.rows.values():
            if spans and _within(row.day, spans):
                price_row(row, agreement.on(row.day), rates)
                changed = True
            elif cards:
                who = row.resource_id, row.role
                if who not in of:
                    of[who] = [card for card in cards if card.names(*who)]
                if of[who] and price_by(row, agreement.on(row.day), rates, of[who]):
                    changed = True
        for was in [was for its in bucket.past.values() for was in its]:
            before = was.cost
            price_was(was, agreement.on(was.day), rates)
            changed = changed or was.cost != before or _within(was.day, spans)
        for spend in bucket.spends.values():
            if spend.day >= since or _within(spend.day, spans):
                price_spend(spend, agreement.on(spend.day), self._contracts.reference.quotes)
                changed = True
        return changed

    def _allot(self, agreement: Agreement, rates: Rates) -> None:
        """Share out anew what entries of the touched buckets share with each other and with later ones."""
        touched = sorted(self._dirty)
        for start in touched:
            for row in self.bucket(start).rows.values():
                if row.status != APPROVED:  # it shares nothing, whatever it shared while it was approved
                    price_row(row, agreement.on(row.day), rates)
            for day, rows in _by_day(self.bucket(start)).items():
                terms = agreement.on(day)
                if terms is not None and terms.rounding.together and terms.rounding.increment:
                    before = [allotment.given(row) for _, row in rows]
                    allotment.round_day(rows, terms)
                    for (_, row), was in zip(rows, before, strict=True):
                        if allotment.given(row) != was:
                            allotment.settle(row, terms, rates)
        spans = {span for start in touched for span in _spans(start, agreement)}
        for span in sorted(spans):
            line, low, _, _ = span
            # Where the kind of allowance changed, what earlier work was given cannot be told from its sums.
            first = max(low, touched[0]) if agreement.shares_one_way(line) else low
            self._allow(span, first, agreement, rates)

    def _allow(self, span: allotment.Span, first: int, agreement: Agreement, rates: Rates) -> None:
        """Share an allowance over the entries from the day `first` on; those before keep their part."""
        line, low, high, _ = span
        given = charged = 0
        rows: list[tuple[int, str, Row, int]] = []
        for start in self.starts():
            if start + 6 < low or start > high:
                continue
            if start < calendar.bucket_of(first):
                total = self.page(calendar.page_of(start)).buckets.get(start, {}).get(line)
                inside = low <= start
                if inside:
                    given += total.totals[ALLOTTED_MINUTES] if total is not None else 0
                    charged += total.totals[BEYOND_MINUTES] if total is not None else 0
                    continue
            bucket = self.bucket(start)
            rows += [
                (row.day, entry, row, start)
                for entry, row in bucket.rows.items()
                if row.line == line and low <= row.day <= high and _shares(row, span, agreement)
            ]
        rows.sort(key=lambda found: found[:2])
        before = [allotment.given(row) for _, _, row, _ in rows]
        allotment.allow([(entry, row) for _, entry, row, _ in rows], (given, charged), agreement.on)
        for (day, _, row, start), was in zip(rows, before, strict=True):
            if allotment.given(row) != was:
                allotment.settle(row, agreement.on(day), rates)
                self._dirty.add(start)
            elif self._recalled:  # a crash may have kept the bucket without its sums
                self._dirty.add(start)

    def writes(self) -> Iterator[tuple[Table[Any], str, Any]]:
        """In an order of which any prefix may survive: what is summed before the sums."""
        for start in sorted(self._dirty):
            yield BUCKETS, buckets.key(self.contract_id, start), self._buckets[start]
        for number in sorted({calendar.page_of(start) for start in self._dirty}):
            yield PAGES, pages.key(self.contract_id, number), self._pages[number]
        for name in sorted(self.plans):
            yield PLANS, plans.key(self.contract_id, name), self.plans[name]
        if self.changed:
            yield HEADS, self.contract_id, self.head

    def entities(self) -> int:
        """How many entries and expenses the contract holds."""
        return sum(s.totals[ENTITIES] for lines in self.head.pages.values() for s in lines.values())


def _within(day: int, spans: Sequence[Span]) -> bool:
    return any(low <= day <= high for low, high in spans)


def _by_day(bucket: Bucket) -> dict[int, list[tuple[str, Row]]]:
    days: dict[int, list[tuple[str, Row]]] = {}
    for entry, row in bucket.rows.items():
        days.setdefault(row.day, []).append((entry, row))
    return days


def _spans(start: int, agreement: Agreement) -> Iterator[allotment.Span]:
    """The allowances that work of a bucket may share."""
    for day in range(start, start + 7):
        terms = agreement.on(day) if calendar.bucket_of(day) == start else None
        for line in terms.lines if terms is not None else ():
            span = allotment.span_of(line, day, terms) if terms is not None else None
            if span is not None:
                yield span


def _shares(row: Row, span: allotment.Span, agreement: Agreement) -> bool:
    """Whether the terms of the row's own date let it share this allowance: they may change within a week."""
    terms = agreement.on(row.day)
    return terms is not None and allotment.span_of(span[0], row.day, terms) == span


def _remember(names: list[str], name: str | None) -> bool:
    """Keep a sorted list of distinct names. False where it has the name already."""
    if name is None:
        return False
    place = bisect_left(names, name)
    if place < len(names) and names[place] == name:
        return False
    names.insert(place, name)
    return True


def _by_id(claims: Iterable[str], prefix: str) -> dict[str, str]:
    """The keys (`kind/id`) of a kind, by id."""
    return {key[len(prefix) :]: key for key in claims if key.startswith(prefix)}


def _known_in(bucket: Bucket, entries: dict[str, str], expenses: dict[str, str]) -> list[str]:
    """Which of the entries and expenses (keys by id) the bucket knows. Those that no other can know are taken out."""
    here = []
    for key in bucket.gone:
        kind, _, entity = key.partition("/")
        if entity in (entries if kind == "time" else expenses):
            here.append(key)
    for held, wanted in ((bucket.rows, entries), (bucket.spends, expenses)):
        for one in held.keys() & wanted.keys():
            key = wanted[one]
            if key not in bucket.gone:
                here.append(key)
            if not held[one].moved:
                del wanted[one]
    return here


def _is_old(bucket: Bucket, key: str, home: Home) -> bool:
    """Whether the bucket was told a later resolution of the entity (see `app.domain.resolution.is_news`)."""
    held = (bucket.rows if home.kind == "time" else bucket.spends).get(home.entity)
    gone = bucket.gone.get(key) if bucket.gone else None
    return (held is not None and held.n > home.n) or (gone is not None and gone.n > home.n)


def _update(into: dict[str, Claims], key: str, said: Claims, papers: Collection[str]) -> None:
    """Write what `papers` say now in place of what they said before. Claims are replaced, never changed."""
    known = into.get(key)
    if known:
        said = {paper: its for paper, its in known.items() if paper not in papers} | said
    if said:
        into[key] = said
    else:
        into.pop(key, None)
