"""Digests of facts and figures: equal where nothing differs, whatever the order, the partitions or the process.

Left out, as the guarantees say: offsets, fences, resolution numbers, ids of statements, the engine's version, and the
moments of acceptance and of sending. A digest is the sum of the hashes of its (key, value) pairs, so parts add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import orjson
from msgspec.structs import astuple

from app.domain.ledger import Bucket, Row, Spend
from app.domain.utilization import KINDS, WINDOW
from app.engine.accuracy import cells_of, ledger_of, record_rows, score_rows
from app.engine.figures import Figures
from app.engine.workforce import Workforce, group_rows
from app.events.fact import Fact
from tables import Store
from tables.buckets import BUCKETS
from tables.dossiers import DOSSIERS
from tables.entities import ENTITIES, Entity
from tables.exceptions import EXCEPTIONS
from tables.extracts import EXTRACTS
from tables.holidays import HOLIDAYS
from tables.invoices import INVOICES
from tables.leaves import LEAVES
from tables.openings import OPENINGS
from tables.pages import PAGES
from tables.people import PEOPLE
from tables.plans import PLANS
from tables.policies import POLICIES
from tables.reference import REFERENCE
from tables.schedules import SCHEDULES
from tables.weeks import WEEKS

_MODULUS = 1 << 256

Pair = tuple[str, bytes]
OF_MOMENTS = frozenset({"accuracy"})
"""Figures that stand on the moments at which records were accepted. They have no digest, as two deployments that were
fed the same at different moments may differ in them and in nothing else (decision 19)."""


class Digest:
    """Adds (key, value) pairs up."""

    def __init__(self) -> None:
        self._sum = 0
        self.rows = 0

    def add(self, key: str, value: bytes) -> None:
        hashed = blake2b(key.encode("utf-8", "surrogatepass") + b"\0" + value, digest_size=32).digest()
        self._sum += int.from_bytes(hashed)
        self.rows += 1

    def include(self, other: Digest) -> None:
        """Add what another digest added up."""
        self._sum += other._sum
        self.rows += other.rows

    def hex(self) -> str:
        return f"{self._sum % _MODULUS:064x}"


def _fact(fact: Fact) -> bytes:
    head = orjson.dumps([fact.type, fact.revision, fact.source, fact.id, fact.time, fact.correlation, fact.causation])
    return head + bytes(fact.data)


def _said(facts: Sequence[Fact]) -> bytes:
    return _fact(facts[0]) if len(facts) == 1 else b"\n".join(sorted(map(_fact, facts)))


def _entities(store: Store, table: Any, partition: int) -> Iterator[Pair]:
    entity: Entity
    for key, entity in store.scan(table):
        yield key, _said(entity.facts)


def _reference(store: Store, partition: int) -> Iterator[Pair]:
    """Copied to every partition: the first speaks for all (see `replicas_agree`)."""
    if partition == 0:
        yield from _entities(store, REFERENCE, partition)


def _people(store: Store) -> Iterator[Pair]:
    for key, person in store.scan(PEOPLE):
        yield key, _said(person.facts)


def _dossiers(store: Store, partition: int) -> Iterator[Pair]:
    for key, dossier in store.scan(DOSSIERS):
        yield key, b"\n".join(name.encode() + b"=" + _said(dossier.facts[name]) for name in sorted(dossier.facts))


def _invoices(store: Store, partition: int) -> Iterator[Pair]:
    for key, invoice in store.scan(INVOICES):
        credited = b"\n".join(name.encode() + b"=" + _said(invoice.credits[name]) for name in sorted(invoice.credits))
        yield key, _said(invoice.facts) + b"\n\n" + credited


def _extracts(store: Store, partition: int) -> Iterator[Pair]:
    for key, listed in store.scan(EXTRACTS):
        yield key, _fact(listed.fact)


def _exceptions(store: Store, partition: int) -> Iterator[Pair]:
    for key, raised in store.scan(EXCEPTIONS):
        yield (
            key,
            orjson.dumps(
                [raised.code, raised.tier, raised.owner, raised.subject, raised.message, raised.evidence, raised.since]
            ),
        )


FACT_TABLES: dict[str, Callable[[Store, int], Iterable[Pair]]] = {
    "entities": lambda store, partition: _entities(store, ENTITIES, partition),
    "people": lambda store, partition: _people(store),
    "leaves": lambda store, partition: _entities(store, LEAVES, partition),
    "reference": _reference,
    "dossiers": _dossiers,
    "invoices": _invoices,
    "extracts": _extracts,
    "exceptions": _exceptions,
}


def _ledger(store: Store, partition: int) -> Iterator[Pair]:
    """Entries and expenses with their prices; what only remembers departed ones holds none."""
    for key, bucket in store.scan(BUCKETS):
        if bucket.rows or bucket.spends:
            priced = [(kind, entity, astuple(row)[1:]) for kind, entity, row in _rows(bucket)]
            yield key, msgspec.json.encode(priced)


def _rows(bucket: Bucket) -> Iterator[tuple[str, str, Row | Spend]]:
    """What a bucket holds in an order of its own; the first field of each row is the number of its resolution."""
    yield from (("time", entity, bucket.rows[entity]) for entity in sorted(bucket.rows))
    yield from (("expense", entity, bucket.spends[entity]) for entity in sorted(bucket.spends))


def _sums(store: Store, partition: int) -> Iterator[Pair]:
    for key, page in store.scan(PAGES):
        for start, lines in page.buckets.items():
            if lines:
                yield f"{key}|{start}", _sorted.encode(lines)


def _plans(store: Store, partition: int) -> Iterator[Pair]:
    """What is planned, whoever said it when; what only remembers a booking that moved away holds nothing."""
    for key, booked in store.scan(PLANS):
        plan = booked.plan
        if plan.runs:
            what = [plan.role, plan.line_id, plan.billable, plan.booking, plan.probability, plan.runs]
            yield key, msgspec.json.encode(what)


_sorted = msgspec.json.Encoder(order="deterministic")


def _schedules(store: Store, partition: int) -> Iterator[Pair]:
    for key, schedule in store.scan(SCHEDULES):
        if schedule.leave or schedule.bookings:
            booked = {name: [held.since, *astuple(held.booking)[1:]] for name, held in schedule.bookings.items()}
            yield key, _sorted.encode([schedule.leave, booked])


def _weeks(store: Store, partition: int) -> Iterator[Pair]:
    for key, week in store.scan(WEEKS):
        if week.rows:
            yield key, _sorted.encode(week.rows)


def _openings(store: Store, partition: int) -> Iterator[Pair]:
    for key, demand in store.scan(OPENINGS):
        if demand.open:
            yield key, _sorted.encode({name: astuple(opening)[1:] for name, opening in demand.open.items()})


LEDGER_TABLES: dict[str, Callable[[Store, int], Iterable[Pair]]] = {
    "ledger": _ledger,
    "sums": _sums,
    "plans": _plans,
    "schedules": _schedules,
    "weeks": _weeks,
    "openings": _openings,
}
"""What prices and sums make of the facts: compared within one deployment, where a replay has to reach it again."""


def ledger_pairs(stores: Sequence[Store], table: str) -> Iterator[Pair]:
    for partition, store in enumerate(stores):
        yield from LEDGER_TABLES[table](store, partition)


def fact_pairs(stores: Sequence[Store], table: str) -> Iterator[Pair]:
    for partition, store in enumerate(stores):
        yield from FACT_TABLES[table](store, partition)


def figure_pairs(figures: Figures, as_of: int | None) -> Iterator[tuple[str, Pair]]:
    """(name of a figure's result file, pair) of every contract; a document's revision is history, and stays out."""
    for contract_id in figures.ids():
        for row in figures.burn(contract_id, as_of):
            yield "burn", (f"{contract_id}/{row['line_id'] or ''}", canonical(row))
        yield "readiness", (contract_id, canonical(figures.readiness(contract_id, as_of)))
        yield "forecast", (contract_id, canonical(figures.forecast(contract_id, as_of)))
        for row in figures.revenue(contract_id, as_of):
            yield "revenue", (hint_key(row), canonical(row))
        for row in figures.documents(contract_id, as_of):
            yield "documents", document_pair(row)


def hint_key(row: dict[str, Any]) -> str:
    return f"{row['contract_id']}/{row['line_id'] or ''}/{row['period']}"


def document_pair(row: dict[str, Any]) -> Pair:
    return row["document_key"], canonical({name: value for name, value in row.items() if name != "revision"})


def week_pairs(workforce: Workforce, as_of: int | None) -> Iterator[Pair]:
    """Every week of every person and group."""
    if as_of is None:
        return
    mondays = WINDOW.mondays(as_of)
    people, totals = workforce.everybody(as_of, mondays)
    for rows in people.values():
        yield from (week_pair(row.payload) for row in rows)
    for _, row in group_rows(totals, as_of, mondays, KINDS):
        yield week_pair(row.payload)


def accuracy_pairs(stores: Sequence[Store], as_of: int | None) -> Iterator[Pair]:
    """How forecasts of every group were, week by week and in all, and what became of them."""
    if as_of is None:
        return
    cells = cells_of(stores, as_of)
    ledger = ledger_of(stores, cells)
    for _, _, payload in score_rows(ledger, cells, as_of, KINDS):
        yield accuracy_pair(payload)
    for _, payload in record_rows(ledger, cells, as_of, KINDS):
        yield accuracy_pair(payload)


def accuracy_pair(payload: dict[str, Any]) -> Pair:
    subject = payload["subject"]
    return f"{subject['kind']}/{subject['id']}/{payload.get('week', '')}", canonical(payload)


def week_pair(payload: dict[str, Any]) -> Pair:
    subject = payload["subject"]
    return f"{subject['kind']}/{subject['id']}/{payload['week']}", canonical(payload)


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def replicas_agree(stores: Sequence[Store]) -> bool:
    """Whether every partition holds the same reference data."""
    return all(
        len({tuple(sorted(_entities(store, table, 0))) for store in stores}) == 1
        for table in (REFERENCE, HOLIDAYS, POLICIES)
    )
