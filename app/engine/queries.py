"""Answers from the embedded host's tables: what HTTP and the command line show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from typing import Any

import orjson

from agents.effects import DEAD_LETTERS, INPUTS, JOURNALS, Effects
from app.domain import calendar
from app.domain.ledger import STATUS_NAMES
from app.domain.money import show
from app.engine import shapes
from app.engine.embedded import EmbeddedHost
from app.engine.explain import explain
from app.engine.feed import PREFIX
from app.engine.figures import Figures
from app.engine.shapes import Answer
from app.engine.statements import ENGINE_VERSION
from app.events.cloudevents import exported, timestamp
from app.events.fact import Fact
from tables.controls import CONTROLS, DISPOSITIONS
from tables.dossiers import DOSSIERS
from tables.exceptions import EXCEPTIONS
from tables.heads import HEADS
from tables.reference import REFERENCE


class Queries:
    """Reads what the last committed batch left; every call is one consistent moment, as nothing else runs meanwhile.

    What is compiled or composed here is forgotten when a batch writes what it stands on, so no answer is older than
    the store.
    """

    def __init__(self, host: EmbeddedHost, clock: Callable[[], float]) -> None:
        """`clock` counts seconds, for rates of throughput only."""
        self._host, self._clock = host, clock
        self._started = clock()
        self.figures = Figures(host.tables)
        self._rows: dict[str, tuple[int | None, Answer]] = {}
        host.listeners.append(self._forget)

    def _forget(self, effects: Effects) -> None:
        partition = effects.batch.partition
        for table, key, _ in effects.writes:
            if table is REFERENCE:
                self.figures = Figures(self._host.tables)
                self._rows.clear()
                return
            if table is DOSSIERS:
                self.figures.forget(partition, key)
            elif table is HEADS:
                self._rows.pop(key, None)

    # -- frame ------------------------------------------------------------------------------------------------------

    def today(self) -> int | None:
        days = [control.today for _, control in self._controls("engagement/")]
        return min(days, default=0) or None

    def _controls(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        for tables in self._host.tables:
            yield from tables.scan(CONTROLS, prefix)

    def meta(self) -> Answer:
        today = self.today()
        watermark = max((control.watermark for _, control in self._controls()), default=0)
        partitions = self._host.store.partitions
        return {
            "as_of": calendar.text_of(today) if today else None,
            "watermark": timestamp(watermark) if watermark else None,
            "stale": self._host.backlog() > 0,
            "partitions_answered": partitions,
            "partitions_total": partitions,
            "engine_version": ENGINE_VERSION,
            "state_version": max((control.fence for _, control in self._controls("engagement/")), default=-1),
        }

    def ready(self) -> tuple[bool, str]:
        return True, f"every partition answers ({self._host.store.partitions} of {self._host.store.partitions})"

    # -- contracts --------------------------------------------------------------------------------------------------

    def contracts(self, after: str, limit: int, status: str | None, client_id: str | None) -> list[Answer]:
        rows = (self._row(contract_id) for contract_id in self.figures.ids(after))
        wanted = (
            row
            for row in rows
            if (status is None or row["status"] == status) and (client_id is None or row["client_id"] == client_id)
        )
        return list(islice(wanted, limit))

    def contract(self, contract_id: str) -> Answer | None:
        found = self.figures.of(contract_id)
        if found is None:
            return None
        contracts, head = found
        position = contracts.position(contract_id, head, self.today())
        terms = position.terms
        return {
            **self._row(contract_id),
            "client": {"client_id": terms.client_id if terms else None},
            "term": shapes.term(terms),
            "purchase_order": dict(terms.purchase_order) if terms else None,
            "practice": terms.said.get("practice") if terms else None,
            "lines": [shapes.line(terms, row) for row in contracts.burn(position) if row["line_id"] is not None],
            "versions": shapes.versions(position.agreement),
            "rates": [shapes.rate(card) for card in contracts.compiled(contract_id).cards],
        }

    def _row(self, contract_id: str) -> Answer:
        """One contract of the overview; kept until the contract or the day changes."""
        today = self.today()
        known = self._rows.get(contract_id)
        if known is not None and known[0] == today:
            return known[1]
        found = self.figures.of(contract_id)
        assert found is not None  # it was listed
        contracts, head = found
        position = contracts.position(contract_id, head, today)
        row = shapes.contract(position, contracts.burn(position)[0], contracts.readiness(position, head))
        self._rows[contract_id] = (today, row)
        return row

    def burn(self, contract_id: str, as_of: date | None, known_at: int | None) -> list[Answer] | None:
        if self.figures.of(contract_id) is None:
            return None
        return self._as_known(contract_id, known_at).burn(contract_id, self._day(as_of))

    def readiness(self, contract_id: str, as_of: date | None, known_at: int | None) -> Answer | None:
        if self.figures.of(contract_id) is None:
            return None
        return self._as_known(contract_id, known_at).readiness(contract_id, self._day(as_of))

    def _day(self, as_of: date | None) -> int | None:
        return as_of.toordinal() if as_of is not None else self.today()

    def _as_known(self, contract_id: str, known_at: int | None) -> Figures:
        if known_at is None:
            return self.figures
        return self.figures.known_at(contract_id, known_at)

    def readiness_list(self, after: str, limit: int, state: str | None) -> list[Answer]:
        today = self.today()
        rows = (self.figures.readiness(contract_id, today) for contract_id in self.figures.ids(after))
        return list(islice((row for row in rows if state is None or row["state"] == state), limit))

    # -- behind the figures -----------------------------------------------------------------------------------------

    def entries(
        self,
        contract_id: str,
        after: str,
        limit: int,
        line_id: str | None,
        status: str | None,
        period: str | None,
        on: date | None,
    ) -> list[Answer] | None:
        found = self.figures.of(contract_id)
        if found is None:
            return None
        contracts, head = found
        position = contracts.position(contract_id, head, self.today())
        low, high = shapes.span(period, on)
        begun = orjson.loads(after) if after else None
        rows: list[Answer] = []
        for entry, row, claims in position.book.rows(max(low, begun[0]) if begun else low, high):
            if begun and [row.day, entry] <= begun:
                continue
            if (line_id is not None and row.line != line_id) or (
                status is not None and STATUS_NAMES[row.status] != status
            ):
                continue
            rows.append(shapes.entry(contracts.compiled(contract_id), entry, row, claims, position))
            if len(rows) == limit:
                break
        return rows

    def daily(self, contract_id: str) -> Answer | None:
        found = self.figures.of(contract_id)
        if found is None:
            return None
        contracts, head = found
        position = contracts.position(contract_id, head, self.today())
        exponent = position.exponent
        steps = position.agreement.steps()
        return {
            "contract_id": contract_id,
            "days": [
                {"on": calendar.text_of(day), "minutes": minutes, "amount": show(amount, exponent)}
                for day, minutes, amount in position.book.days(None, calendar.BEGINNING, position.day)
            ],
            "budget": [{"from": calendar.text_of(day), **shapes.budget(terms, exponent)} for day, terms in steps],
            "cap": shapes.cap(position.terms),
            "exhaustion": contracts.burn(position)[0]["exhaustion"],
        }

    def explain(
        self, contract_id: str, figure: str, line_id: str | None, as_of: date | None, known_at: int | None
    ) -> Answer | None:
        figures = self._as_known(contract_id, known_at)
        found = figures.of(contract_id)
        if found is None:
            return None
        contracts, head = found
        return explain(contracts, head, contract_id, figure, line_id, self._day(as_of))

    def event(self, source: str, event_id: str) -> Answer | None:
        for fact in self._facts():
            if fact.source == source and fact.id == event_id:
                answer: Answer = orjson.loads(exported(fact))
                return answer
        return None

    def _facts(self) -> Iterator[Fact]:
        for topic in JOURNALS:
            for partition in range(self._host.store.partitions):
                for record in self._host.store.read(topic, partition, 0, 1 << 60):
                    if isinstance(record.value, Fact):
                        yield record.value

    # -- the whole --------------------------------------------------------------------------------------------------

    def overview(self) -> Answer:
        rows = [self._row(contract_id) for contract_id in self.figures.ids()]
        counts = self.counts()
        return {
            "ready": shapes.by_currency(rows, "ready_amount"),
            "blocked": shapes.by_currency(rows, "blocked_amount"),
            "at_risk": shapes.at_risk(rows, self.today()),
            "utilization": None,
            "health": {
                "lag": self._host.backlog(),
                "dead_letters": counts["dead_lettered"],
                "parked": counts["parked"],
                "exceptions": sum(1 for tables in self._host.tables for _ in tables.keys(EXCEPTIONS)),
                "records": counts,
            },
            "trend": shapes.trend(rows, self.today()),
        }

    def counts(self) -> dict[str, int]:
        """Records by disposition; they add up to `read`."""
        counts = dict.fromkeys(DISPOSITIONS, 0)
        for _, control in self._controls():
            for name, count in control.counts.items():
                counts[name] += count
        parked = self.figures.parked()
        return {"read": sum(counts.values()), **counts, "applied": counts["applied"] - parked, "parked": parked}

    def exceptions(self, after: str, limit: int) -> list[Answer]:
        rows = sorted(
            (
                {
                    "exception_id": key,
                    "code": raised.code,
                    "tier": raised.tier,
                    "owner": raised.owner,
                    "subject": raised.subject,
                    "message": raised.message,
                    "evidence": raised.evidence,
                    "since": timestamp(raised.since),
                }
                for tables in self._host.tables
                for key, raised in tables.scan(EXCEPTIONS)
                if key > after
            ),
            key=lambda row: str(row["exception_id"]),
        )
        return rows[:limit]

    def dead_letters(self, after: str, limit: int) -> list[Answer]:
        begun: list[Any] = orjson.loads(after) if after else ["", -1]
        rows: list[Answer] = []
        for topic in sorted(INPUTS):
            if topic < begun[0]:
                continue
            offset = begun[1] + 1 if topic == begun[0] else 0
            for place, letter in islice(self._host.store.letters(topic + DEAD_LETTERS, 0, offset), limit - len(rows)):
                rows.append(shapes.dead_letter(topic, place, letter.value, letter.headers))
        return rows[:limit]

    def streams(self) -> Answer:
        store = self._host.store
        journals = set(JOURNALS)
        topics = []
        for topic, partition, end in store.topics():
            consumed = topic in journals or topic in INPUTS
            position = store.position(topic, partition) if consumed else end
            topics.append(
                {
                    "topic": PREFIX + topic,
                    "partition": partition,
                    "end_offset": end,
                    "position": position,
                    "lag": end - position,
                }
            )
        elapsed = max(self._clock() - self._started, 1e-9)
        return {
            "topics": topics,
            "dispositions": self.counts(),
            "events_per_second": round(self._host.processed / elapsed, 1),
            "statements_per_second": round(self._host.stated / elapsed, 1),
            "hosts": [{"host": "embedded", "store": self._host.store.path.name, "partitions": store.partitions}],
            "engine_version": ENGINE_VERSION,
        }

    def samples(self) -> list[tuple[str, str, str, list[tuple[dict[str, str], int | float]]]]:
        """(name, type, help, samples) of every metric of the engine."""
        streams = self.streams()
        counts = streams["dispositions"]
        dispositions: list[tuple[dict[str, str], int | float]] = [
            ({"disposition": name}, count) for name, count in counts.items() if name not in ("read", "parked")
        ]
        lag: list[tuple[dict[str, str], int | float]] = [
            ({"topic": t["topic"], "partition": str(t["partition"])}, t["lag"]) for t in streams["topics"]
        ]
        return [
            ("events_total", "counter", "Input records by what became of them.", dispositions),
            (
                "events_parked",
                "gauge",
                "Entities that wait for the approval of their contract.",
                [({}, counts["parked"])],
            ),
            ("consumer_lag_events", "gauge", "Records not acknowledged yet.", lag),
            (
                "statements_total",
                "counter",
                "Statements published since the process started.",
                [({}, self._host.stated)],
            ),
            ("table_entries", "gauge", "Contracts known.", [({"table": "heads"}, sum(1 for _ in self.figures.ids()))]),
            ("build_info", "gauge", "The running version.", [({"version": ENGINE_VERSION}, 1)]),
        ]
