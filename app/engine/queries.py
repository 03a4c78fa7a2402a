"""Answers from the slices that this worker holds: all of them on the embedded host, some of them on Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from inspect import isawaitable
from itertools import islice
from typing import Any, Final, TypeVar

import orjson

from agents.effects import ALERTS, Effects
from app.domain import accuracy, sla
from app.domain.unlocks import owners
from app.engine import shapes
from app.engine.accuracy import first_ticks
from app.engine.host import PREFIX, Host
from app.engine.outgoing import together
from app.engine.parts import Asked, Behind, Frame, Part, Question, Scored
from app.engine.roster import STAFFED, Span, Sums, ahead_of, mondays_of, near, scored_of
from app.engine.shapes import Answer
from app.engine.slices import Slice
from app.engine.statements import ENGINE_VERSION
from app.events.fact import Fact
from app.events.instant import micros
from tables.controls import DISPOSITIONS

T = TypeVar("T")
Slices = Sequence[Slice]
MEASURED_AT_ONCE: Final = 200
"""Contracts that one scrape of the metrics measures for business SLAs: some tens of milliseconds."""
Sample = tuple[dict[str, str], int | float]


class Queries:
    """What this worker can say by itself. Every answer but `event` is one consistent moment, as nothing runs meanwhile.

    Answers take the slices they are to be made from. What is about one contract or person is given one slice, or none:
    then there is no answer. Days are day numbers; `day` None means the day that all those slices have reached.
    """

    def __init__(self, host: Host, clock: Callable[[], float], targets: Mapping[str, int] | None = None) -> None:
        """`clock` counts seconds, for rates of throughput only; `targets` are the firm's own of business SLAs."""
        self._host, self._clock, self._targets = host, clock, targets or {}
        self._started = clock()
        self._slices: dict[int, Slice] = {}
        host.listeners.append(self._note)

    def _note(self, effects: Effects) -> None:
        number = effects.batch.partition
        found = self._slices.get(number)
        if found is not None:
            found.note(effects.writes)
        alerts = [said.payload for said in effects.statements if said.topic == ALERTS]
        for one in self.held([number]) if alerts else ():
            one.roster.hear(alerts)

    def held(self, numbers: Sequence[int] | None = None) -> list[Slice]:
        """Those of these slices that are held here now; all that are, without numbers."""
        tables = self._host.tables
        self._slices = {n: one for n, one in self._slices.items() if tables.get(n) is one.store}
        for number in sorted(tables if numbers is None else set(numbers) & set(tables)):
            if number not in self._slices:
                self._slices[number] = Slice(number, tables[number])
        return [self._slices[n] for n in sorted(self._slices) if numbers is None or n in numbers]

    async def part(self, question: Question) -> Part:
        """This worker's part of an answer. Raises ValueError for a question nobody asks."""
        answer = _ANSWERS.get(question.name)
        if answer is None:
            raise ValueError(f"question is {question.name!r}: ask one of {', '.join(_ANSWERS)}")
        slices = self.held(question.slices)
        value = answer(self, slices, **question.arguments)
        if isawaitable(value):
            value = await value
            slices = self.held([one.number for one in slices])
        return Part(self.frame(slices), value)

    def frame(self, slices: Slices) -> Frame:
        ended = [control for one in slices for control in one.controls("engagement/")]
        return Frame(
            [one.number for one in slices],
            [control.today for control in ended],
            max((control.watermark for one in slices for control in one.controls()), default=0),
            max((control.fence for control in ended), default=-1),
            self._host.stale,
        )

    @staticmethod
    def _day(slices: Slices, day: int | None) -> int | None:
        if day is not None:
            return day
        return min((control.today for one in slices for control in one.controls("engagement/")), default=0) or None

    # -- one contract -----------------------------------------------------------------------------------------------

    def contract(self, slices: Slices, contract_id: str) -> Answer | None:
        return _first(one.contract(contract_id, self._day(slices, None)) for one in slices)

    def burn(self, slices: Slices, contract_id: str, day: int | None) -> list[Answer] | None:
        return _first(one.burn(contract_id, self._day(slices, day)) for one in slices)

    def readiness(self, slices: Slices, contract_id: str, day: int | None) -> Answer | None:
        return _first(one.readiness(contract_id, self._day(slices, day)) for one in slices)

    def forecast(self, slices: Slices, contract_id: str, day: int | None) -> Answer | None:
        return _first(one.forecast(contract_id, self._day(slices, day)) for one in slices)

    def revenue(self, slices: Slices, contract_id: str, day: int | None) -> list[Answer] | None:
        return _first(one.revenue(contract_id, self._day(slices, day)) for one in slices)

    def documents(self, slices: Slices, contract_id: str, day: int | None) -> list[Answer] | None:
        return _first(one.documents(contract_id, self._day(slices, day)) for one in slices)

    def entries(
        self,
        slices: Slices,
        contract_id: str,
        after: str,
        limit: int,
        line_id: str | None,
        status: str | None,
        days: Sequence[int],
    ) -> list[Answer] | None:
        today = self._day(slices, None)
        return _first(one.entries(contract_id, after, limit, line_id, status, days, today) for one in slices)

    def daily(self, slices: Slices, contract_id: str) -> Answer | None:
        return _first(one.daily(contract_id, self._day(slices, None)) for one in slices)

    def explain(
        self, slices: Slices, contract_id: str, figure: str, line_id: str | None, day: int | None
    ) -> Answer | None:
        return _first(one.explain(contract_id, figure, line_id, self._day(slices, day)) for one in slices)

    def behind(self, slices: Slices, contract_id: str) -> Behind:
        return _first(one.behind(contract_id) for one in slices) or Behind(False, [], [])

    def facts(self, slices: Slices, keys: Sequence[str]) -> list[Fact]:
        """Every message about entities (`kind/id`), whichever of these slices keeps each."""
        return [fact for one in slices for key in keys for fact in one.facts(key)]

    # -- people -----------------------------------------------------------------------------------------------------

    def people(
        self,
        slices: Slices,
        after: str,
        limit: int,
        span: Span,
        role: str | None,
        practice: str | None,
        day: int | None,
    ) -> list[Answer]:
        """Rows by resource id; hardly more are composed than are wanted, or filtered out."""
        day = self._day(slices, day)
        mondays = mondays_of(span, day, self._host.window)
        rows = (one.roster.rows(after, mondays, day, role, practice) for one in slices)
        return list(islice(merge(*rows, key=_resource), limit))

    def alerts(
        self,
        slices: Slices,
        after: str,
        limit: int,
        kind: str | None,
        role: str | None,
        practice: str | None,
        day: int | None,
    ) -> list[Answer]:
        """Who will soon have nothing to do, by resource id; kept by person until the calendar, a booking or the day
        changes."""
        day, window = self._day(slices, day), self._host.window
        rows = (one.roster.alerts(after, window, day, kind, role, practice) for one in slices)
        return list(islice(merge(*rows, key=_resource), limit))

    def person(self, slices: Slices, resource_id: str, span: Span, day: int | None) -> Answer | None:
        day = self._day(slices, day)
        return _first(one.roster.person(resource_id, mondays_of(span, day, self._host.window), day) for one in slices)

    def cell(self, slices: Slices, resource_id: str, monday: int, day: int | None) -> Answer | None:
        return _first(one.roster.cell(resource_id, monday, self._day(slices, day)) for one in slices)

    def behind_person(self, slices: Slices, resource_id: str) -> Behind:
        return _first(one.roster.behind(resource_id) for one in slices) or Behind(False, [], [])

    def behind_people(self, slices: Slices) -> list[Fact]:
        """Every message that any figure of people may rest on."""
        return [fact for one in slices for fact in one.roster.everything()]

    def groups(self, slices: Slices, kinds: Sequence[str], span: Span, group_id: str | None, day: int | None) -> Sums:
        """What people come to, for groups of these kinds; a group may have a row for every slice."""
        asked = self._day(slices, day)
        return (
            []
            if asked is None
            else self._sums(slices, kinds, mondays_of(span, asked, self._host.window), group_id, asked)
        )

    def demand(self, slices: Slices, span: Span, day: int | None) -> Asked:
        """Demand that lives in these slices, and what their people leave of those it may look for."""
        asked = self._day(slices, day)
        sums = (
            [] if asked is None else self._sums(slices, STAFFED, ahead_of(span, asked, self._host.window), None, asked)
        )
        return Asked(sums, [row for one in slices for row in one.roster.wanted()])

    def accuracy(self, slices: Slices, kinds: Sequence[str], span: Span, day: int | None) -> Scored:
        """How forecasts were and what became of them; a group may have a row for every slice."""
        asked, today = self._day(slices, day), self._day(slices, None)
        if asked is None:
            return Scored({}, [])
        told = accuracy.mondays(asked, self._host.window)
        mondays = scored_of(span, asked, self._host.window)
        kept = asked == today and set(mondays) <= set(told)
        parts = [one.roster.scores(kinds, mondays, asked, today=kept) for one in slices]
        return Scored(first_ticks(part.ticks for part in parts), [row for part in parts for row in part.sums])

    def _sums(
        self, slices: Slices, kinds: Sequence[str], mondays: Sequence[int], group_id: str | None, day: int
    ) -> Sums:
        """Today's weeks are kept up to date; any others are worked out from every member, which takes its time."""
        kept = day == self._day(slices, None) and set(mondays) <= set(self._host.window.mondays(day))
        found = (
            one.roster.shared(kinds, mondays, group_id) if kept else one.roster.sums(kinds, mondays, day, group_id)
            for one in slices
        )
        return [row for rows in found for row in rows]

    # -- all of them ------------------------------------------------------------------------------------------------

    def contracts(
        self, slices: Slices, after: str, limit: int, status: str | None, client_id: str | None, day: int | None
    ) -> list[Answer]:
        """Rows by contract id; no more are composed than are wanted, or filtered out."""
        day = self._day(slices, day)
        rows = (one.row(contract_id, day) for contract_id, one in self._ids(slices, after))
        wanted = (
            row
            for row in rows
            if (status is None or row["status"] == status) and (client_id is None or row["client_id"] == client_id)
        )
        return list(islice(wanted, limit))

    def readiness_list(
        self, slices: Slices, after: str, limit: int, state: str | None, day: int | None
    ) -> list[Answer]:
        day = self._day(slices, day)
        rows = (one.readiness(contract_id, day) for contract_id, one in self._ids(slices, after))
        return list(islice((row for row in rows if row and (state is None or row["state"] == state)), limit))

    def documents_list(
        self, slices: Slices, after: str, limit: int, kind: str | None, contract_id: str | None, day: int | None
    ) -> list[Answer]:
        """Live documents by contract and key; no more contracts are opened than are wanted."""
        day = self._day(slices, day)
        begun: list[str] = orjson.loads(after) if after else ["", ""]

        def rows() -> Iterator[Answer]:
            for one_id, one in self._ids(slices):
                if one_id < begun[0] or contract_id not in (None, one_id):
                    continue
                for row in one.documents(one_id, day) or ():
                    place = [one_id, row["document_key"]]
                    if place > begun and kind in (None, row["kind"]):
                        yield {**row, "cursor": orjson.dumps(place).decode()}

        return list(islice(rows(), limit))

    def unlocks(
        self,
        slices: Slices,
        after: str,
        limit: int,
        owner: str | None,
        currency: str | None,
        code: str | None,
        contract_id: str | None,
        day: int | None,
    ) -> Answer:
        """Fixes by currency and the cash behind them, the most first; and what waits for each owner in all."""
        day = self._day(slices, day)
        every = (row for known, one in self._ids(slices) for row in one.unlocks(known, day))
        wanted = {"owner": owner, "currency": currency, "code": code, "contract_id": contract_id}
        asked = [(name, value) for name, value in wanted.items() if value is not None]
        rows = [row for row in every if all(row[name] == value for name, value in asked)]
        placed = sorted((shapes.place_of_unlock(row), row) for row in rows)
        items = [{**row, "cursor": place} for place, row in placed if place > after]
        return {"items": items[:limit], "owners": owners(rows)}

    def reconciliation(self, slices: Slices, day: int | None) -> list[Answer]:
        """Differences from extracts that are kept, by slice."""
        day = self._day(slices, day)
        return [one.reconciliation(day) for one in slices]

    def ids(self, slices: Slices, limit: int) -> list[str]:
        return [contract_id for contract_id, _ in islice(self._ids(slices), limit)]

    @staticmethod
    def _ids(slices: Slices, after: str = "") -> Iterator[tuple[str, Slice]]:
        """Every contract behind `after`, by id, with its slice."""

        def ids(one: Slice) -> Iterator[tuple[str, Slice]]:
            return ((contract_id, one) for contract_id in one.ids() if contract_id > after)

        return merge(*(ids(one) for one in slices), key=lambda found: found[0])

    def overview(self, slices: Slices | None = None, day: int | None = None) -> Answer:
        """`utilization` is the firm's sums, which those of other workers may be added to (`shown_use`)."""
        slices = self.held() if slices is None else slices
        day = self._day(slices, day)
        rows = [one.row(contract_id, day) for contract_id, one in self._ids(slices)]
        counts = self.counts(slices)
        return {
            "ready": shapes.by_currency(rows, "ready_amount"),
            "blocked": shapes.by_currency(rows, "blocked_amount"),
            "at_risk": shapes.at_risk(rows, day),
            "utilization": [] if day is None else self._sums(slices, ["firm"], near(day), "", day),
            "health": {
                "lag": self._lag(slices),
                "dead_letters": counts["dead_lettered"],
                "parked": counts["parked"],
                "exceptions": sum(one.exceptions_count() for one in slices),
                "records": counts,
            },
            "trend": shapes.trend(rows, day),
        }

    def _lag(self, slices: Slices) -> int:
        asked = {one.number for one in slices}
        return sum(end - position for (_, number), (position, end) in self._host.lag().items() if number in asked)

    def counts(self, slices: Slices | None = None) -> dict[str, int]:
        """Records by disposition; they add up to `read`."""
        slices = self.held() if slices is None else slices
        counts = dict.fromkeys(DISPOSITIONS, 0)
        for control in (control for one in slices for control in one.controls()):
            for name, count in control.counts.items():
                counts[name] += count
        parked = sum(one.parked() for one in slices)
        return {"read": sum(counts.values()), **counts, "applied": counts["applied"] - parked, "parked": parked}

    def desk(self, slices: Slices, day: int | None) -> Answer:
        """What stands and should be acted on, and what was done about anything by the ids of exceptions."""
        day = self._day(slices, day)
        items = [row for one in slices for row in one.standing(day)]
        return {"items": items, "cases": dict(case for one in slices for case in one.cases())}

    def gate(self, slices: Slices) -> Answer:
        """What these slices add to the gate's answer (`app.engine.outgoing.together`)."""
        parts = [one.outgoing.gate() for one in slices]
        return {
            name: [row for part in parts for row in part[name]] for name in ("counts", "closed", "releases", "credit")
        }

    def shadow(self, slices: Slices) -> Answer:
        """What these slices add to the answer about shadows (`app.engine.outgoing.shadows`)."""
        parts = [one.outgoing.shadow() for one in slices]
        return {name: [row for part in parts for row in part[name]] for name in ("counts", "items")}

    def promises(self, slices: Slices, day: int | None) -> Answer:
        """Measures of business SLAs of these slices, by name, and the moment they are as of."""
        day = self._day(slices, day)
        now = max((control.watermark for one in slices for control in one.controls()), default=0)
        since = sla.window(day)
        measures = sla.total(one.promises(day, since) for one in slices)
        return {"now": now, "measures": {name: shapes.measured(one) for name, one in measures.items()}}

    def _measured(self, slices: Slices) -> list[Answer]:
        """Business SLAs for metrics: none until all contracts were measured, some with every question.

        A scrape must not hold up everybody else; after a start, and at midnight, all contracts are to be measured anew.
        """
        day = self._day(slices, None)
        done = [one.measure_some(day, sla.window(day), MEASURED_AT_ONCE) for one in slices]
        return shapes.promises([self.promises(slices, day)], self._targets) if all(done) else []

    async def event(self, slices: Slices, source: str, event_id: str) -> Answer | None:
        for one in slices:
            if (found := await one.event(source, event_id)) is not None:
                return found
        return None

    # -- how it does ------------------------------------------------------------------------------------------------

    def streams(self, slices: Slices) -> Answer:
        elapsed = max(self._clock() - self._started, 1e-9)
        return {
            "topics": self._topics({one.number for one in slices}),
            "dispositions": self.counts(slices),
            "events_per_second": round(self._host.processed / elapsed, 1),
            "statements_per_second": round(self._host.stated / elapsed, 1),
            "hosts": [dict(self._host.about())],
            "engine_version": ENGINE_VERSION,
        }

    def _topics(self, numbers: set[int]) -> list[Answer]:
        """Topics that hold anything, by name and partition; what no agent reads has no lag."""
        places = {**self._host.lag(), **{place: (end, end) for place, end in self._host.written().items()}}
        return [
            {
                "topic": PREFIX + topic,
                "partition": number,
                "end_offset": end,
                "position": position,
                "lag": end - position,
            }
            for (topic, number), (position, end) in sorted(places.items())
            if end and number in numbers
        ]

    def samples(self) -> list[tuple[str, str, str, list[Sample]]]:
        """(name, type, help, samples) of every metric of the engine on this worker."""
        slices = self.held()
        counts = self.counts(slices)
        dispositions: list[Sample] = [
            ({"disposition": name}, count) for name, count in counts.items() if name not in ("read", "parked")
        ]
        lag: list[Sample] = [
            ({"topic": t["topic"], "partition": str(t["partition"])}, t["lag"])
            for t in self._topics({one.number for one in slices})
        ]
        parked: list[Sample] = [({}, counts["parked"])]
        contracts: list[Sample] = [({"table": "heads"}, sum(1 for _ in self._ids(slices)))]
        slas = self._measured(slices)
        return [
            ("events_total", "counter", "Input records by what became of them.", dispositions),
            ("events_parked", "gauge", "Entities that wait for the approval of their contract.", parked),
            ("consumer_lag_events", "gauge", "Records not acknowledged yet.", lag),
            (
                "statements_total",
                "counter",
                "Statements published since the process started.",
                [({}, self._host.stated)],
            ),
            ("table_entries", "gauge", "Contracts known.", contracts),
            (
                "sla_seconds",
                "gauge",
                "Duration of what a business SLA measures, by quantile, in the last 90 days; NaN before any.",
                [
                    ({"sla": one["sla"], "quantile": quantile}, _or_nan(one[name]))
                    for one in slas
                    for quantile, name in (("0.5", "p50_seconds"), ("0.95", "p95_seconds"))
                    if name in one
                ],
            ),
            (
                "sla_ratio",
                "gauge",
                "Rate of what a business SLA counts, in the last 90 days; NaN before any.",
                [({"sla": one["sla"]}, _or_nan(one["ratio"])) for one in slas if "ratio" in one],
            ),
            (
                "sla_breaches",
                "gauge",
                "What took longer than its SLA's target in the last 90 days, or waits longer.",
                [({"sla": one["sla"]}, one["breaches"]) for one in slas if "breaches" in one],
            ),
            (
                "sla_oldest_open_seconds",
                "gauge",
                "Age of what waits longest; 0 where nothing does.",
                [
                    ({"sla": one["sla"]}, one["oldest_open"]["age_seconds"] if one["oldest_open"] else 0)
                    for one in slas
                    if "oldest_open" in one
                ],
            ),
            *_gated(self.gate(slices)),
            ("build_info", "gauge", "The running version.", [({"version": ENGINE_VERSION}, 1)]),
        ]


def _gated(part: Answer) -> list[tuple[str, str, str, list[Sample]]]:
    """The gate's metrics; a label is empty where nothing is named."""
    rows = together([part])
    credit: dict[str, int] = {}
    for target, documents in part["credit"]:
        credit[target] = credit.get(target, 0) + documents

    def labels(row: Answer) -> dict[str, str]:
        return {name: row[name] or "" for name in ("target", "legal_entity_id")}

    def samples(name: str) -> list[Sample]:
        return [(labels(row), row[name]) for row in rows]

    oldest: list[Sample] = [
        (labels(row), micros(row["oldest"]) // 1_000_000) for row in rows if row["oldest"] is not None
    ]
    return [
        ("gate_waiting_documents", "gauge", "Documents that wait at the gate to ERP.", samples("waiting")),
        ("gate_oldest_timestamp_seconds", "gauge", "Since when the oldest of them waits.", oldest),
        ("gate_late_documents", "gauge", "Documents whose acknowledgement is overdue.", samples("late")),
        ("gate_rejected_documents", "gauge", "Documents that ERP refused.", samples("rejected")),
        (
            "gate_open",
            "gauge",
            "Whether the target takes documents (1) or has closed a window (0).",
            [(labels(row), int(row["open"])) for row in rows],
        ),
        (
            "gate_credit_documents",
            "gauge",
            "Documents that the target may be sent at once, of its limit.",
            [({"target": target}, documents) for target, documents in sorted(credit.items())],
        ),
    ]


def _or_nan(value: int | str | None) -> int | float:
    return float("nan") if value is None else value if isinstance(value, int) else float(value)


def _resource(row: Answer) -> str:
    return str(row["resource_id"])


def _first(found: Iterator[T]) -> T | None:
    """The answer of the one slice there is; None without one."""
    return next(found, None)


_ANSWERS: Final[Mapping[str, Callable[..., Any]]] = {
    "contract": Queries.contract,
    "burn": Queries.burn,
    "readiness": Queries.readiness,
    "forecast": Queries.forecast,
    "revenue": Queries.revenue,
    "entries": Queries.entries,
    "daily": Queries.daily,
    "explain": Queries.explain,
    "behind": Queries.behind,
    "facts": Queries.facts,
    "people": Queries.people,
    "alerts": Queries.alerts,
    "person": Queries.person,
    "cell": Queries.cell,
    "behind_person": Queries.behind_person,
    "behind_people": Queries.behind_people,
    "groups": Queries.groups,
    "demand": Queries.demand,
    "accuracy": Queries.accuracy,
    "ids": Queries.ids,
    "contracts": Queries.contracts,
    "readiness_list": Queries.readiness_list,
    "documents": Queries.documents,
    "documents_list": Queries.documents_list,
    "unlocks": Queries.unlocks,
    "overview": Queries.overview,
    "desk": Queries.desk,
    "promises": Queries.promises,
    "gate": Queries.gate,
    "shadow": Queries.shadow,
    "reconciliation": Queries.reconciliation,
    "event": Queries.event,
    "streams": Queries.streams,
    "frame": lambda queries, slices: None,
}
"""What may be asked, by name."""
