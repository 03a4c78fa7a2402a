"""Running events through the engine in memory, and reading what came of it in the form the model speaks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from itertools import permutations
from random import Random
from typing import Any

import orjson
from hypothesis import HealthCheck, settings

from agents.effects import (
    ACCURACY,
    ALERTS,
    BILLING,
    DEMAND,
    REVENUE,
    SLAS,
    UTILIZATION,
    DeadLetter,
    Record,
    Statement,
    key_of,
)
from agents.promised import STATED
from app.domain import sla
from app.domain.documents import WITHDRAWN
from app.domain.utilization import WINDOW
from app.engine.accuracy import causes, cells_of, ledger_of, record_rows, score_rows
from app.engine.figures import Figures
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from app.engine.slices import Slice
from app.engine.workforce import Totals, Workforce, group_rows
from app.replay.digest import FACT_TABLES, Pair, fact_pairs, figure_pairs, week_pairs
from tables import Store
from tables.controls import CONTROLS, DISPOSITIONS
from tables.heads import Latest
from tables.outbox import OUTBOX
from tests.model import oracle
from tests.model.histories import Event
from tests.model.numbers import shortest

Row = dict[str, Any]
Said = dict[tuple[str, str], tuple[Any, ...]]
"""(topic, key) → what the latest statement says: its type, payload, and the fact it was caused by."""

_BLOCKER = ("code", "tier", "scope", "count", "amount")


def _asked() -> range:
    """The seeds of HEADRACE_HISTORIES: how many, or from one to before another, `2500:5000`."""
    first, _, end = os.environ.get("HEADRACE_HISTORIES", "0").rpartition(":")
    return range(int(first or 0), int(end))


_ASKED = _asked()
THOROUGH = len(_ASKED) > 0
"""Somebody asked for more than the usual: tests of every possible case leave none out."""


def histories(usual: int) -> range:
    """The seeds of a law: `usual` of them, or those that HEADRACE_HISTORIES asks for.

    Nothing but the seed decides what a case does, and the seed is its name: `pytest tests/engine -k "trouble and 17"`
    (with HEADRACE_HISTORIES high enough) runs it again.
    """
    return _ASKED or range(usual)


def examples(usual: int) -> settings:
    """How many sets of events a property is tried on: the same `usual` ones, or HEADRACE_HISTORIES new ones."""
    return settings(
        max_examples=len(_ASKED) or usual,
        deadline=None,
        derandomize=not _ASKED,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def lines(events: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Events as the lines of a log."""
    return [orjson.dumps(event) for event in events]


@dataclass(slots=True)
class Run:
    """What a host in memory came to. `said` holds the last statement sent for each key."""

    host: MemoryHost
    letters: list[DeadLetter] = field(default_factory=list)
    said: Said = field(default_factory=dict)

    @property
    def figures(self) -> Figures:
        return Figures(self.host.stores)


def fold(log: Sequence[bytes], *, partitions: int = 1, inputs: int = 1, cut: int = 50, publish: bool = False) -> Run:
    """Carry a log, dealt out to the partitions of one input topic, through the agents, `cut` lines at a time."""
    run = started(partitions=partitions, publish=publish)
    carry(run, log, inputs=inputs, cut=cut)
    return run


def started(*, partitions: int = 1, publish: bool = False) -> Run:
    """A host to which nothing was said yet."""
    letters: list[DeadLetter] = []
    said: Said = {}
    host = MemoryHost(
        partitions, publish=publish, on_dead_letter=letters.append, on_statement=lambda one: hear(said, one)
    )
    return Run(host, letters, said)


def carry(run: Run, log: Sequence[bytes], *, inputs: int = 1, cut: int = 50) -> None:
    """Carry a log through the agents of a host, as `fold` does."""
    for start in range(0, len(log), cut):
        for place in range(inputs):
            records = [
                Record(number // inputs, line)
                for number, line in enumerate(log[start : start + cut], start)
                if number % inputs == place
            ]
            finish(run.host.take("log", records, place))


def hear(said: Said, statement: Statement) -> None:
    """Remember a statement as a consumer does; its version and place stay outside, and so does a document's revision.

    Which documents were withdrawn is a matter of what was stated meanwhile, so those are forgotten.
    """
    if statement.type == WITHDRAWN:
        said.pop((statement.topic, statement.key), None)
        return
    said[statement.topic, statement.key] = (statement.type, unrevised(statement), statement.latest)


def let_through(said: Said, stores: Sequence[Store]) -> Said:
    """What a consumer knows once the gate to ERP lets everything through. Where a contract is halted, which of its
    documents had left before that is a matter of how the journal was cut."""
    said = dict(said)
    for store in stores:
        for key, row in store.scan(OUTBOX):
            if row.draft is not None and row.why:
                one = row.draft
                hear(
                    said,
                    Statement(BILLING, one.type, key, row.version, one.payload, (one.time, one.source, one.id, "")),
                )
    return said


def unrevised(statement: Statement) -> Row:
    """What a statement says without the revision that a document has; of one that is over, only that."""
    if statement.type == WITHDRAWN:
        return {"document_key": statement.key, "over": True}
    return {name: value for name, value in statement.payload.items() if name != "revision"}


def figures(stores: Sequence[Store], as_of: date) -> oracle.Figures:
    """Every row of the engine, in the model's form: of a blocker, what both sides state."""
    found = Figures(stores)
    day = as_of.toordinal()
    burn: dict[tuple[str, str | None], Row] = {}
    readiness: dict[str, Row] = {}
    forecast: dict[str, Row] = {}
    revenue: dict[tuple[str, str | None, str], Row] = {}
    documents: dict[str, Row] = {}
    for contract_id in found.ids():
        for row in found.burn(contract_id, day):
            burn[contract_id, row["line_id"]] = row
        readiness[contract_id] = modelled(found.readiness(contract_id, day) or {})
        forecast[contract_id] = forecasted(found.forecast(contract_id, day))
        for row in found.revenue(contract_id, day):
            revenue[contract_id, row["line_id"], row["period"]] = hinted(row)
        for row in found.documents(contract_id, day):
            documents[row["document_key"]] = documented(row)
    return oracle.Figures(burn, readiness, found.parked(), forecast, revenue, documents)


def modelled(readiness: Row) -> Row:
    """A readiness row with its blockers as the model states them."""
    blockers = [{name: one[name] for name in _BLOCKER} for one in readiness["blockers"]]
    return {**readiness, "blockers": sorted(blockers, key=lambda one: (one["code"], one["tier"]))}


def forecasted(row: Row) -> Row:
    """A forecast without its reasons, which are the engine's own words."""
    return {**row, "basis": {name: value for name, value in row["basis"].items() if name != "reason"}}


def hinted(row: Row) -> Row:
    """A hint without what it was measured by: the model states what comes of it."""
    return {name: value for name, value in row.items() if name != "measure"}


def documented(row: Row) -> Row:
    """A document as the model states it: without its revision, which is history; of each line what both sides say."""
    apart = ("revision", "type", "as_of", "reason", "amendment_id")
    shown: Row = {name: value for name, value in row.items() if name not in apart}
    if "lines" in shown:
        shown["lines"] = [{part: _plain(line.get(part), part) for part in _LINE} for line in shown["lines"]]
    for name in ("credit", "rebill"):
        if name in shown:
            changed = [{part: line[part] for part in _CHANGED} for line in shown[name]]
            shown[name] = sorted(changed, key=lambda line: (line["kind"], line["id"]))
    return shown


_CHANGED = ("kind", "id", "amount")
_LINE = (*_CHANGED, "line_id", "quantity_minutes", "rate", "rate_unit", "rate_id", "withheld", "work_date")


def _plain(value: Any, name: str) -> Any:
    """Nothing withheld is as good as 0, and a rate has the decimals that it has."""
    if name == "withheld":
        return shortest(Fraction(value or 0), 6)
    return shortest(Fraction(value), 6) if name == "rate" and value is not None else value


def differing(kind: str, expected: Mapping[Any, Row], found: Mapping[Any, Row]) -> list[str]:
    """Every field in which rows of one kind differ between model and engine, one sentence each."""
    said = []
    for key in sorted({*expected, *found}, key=str):
        if key not in found or key not in expected:
            said.append(f"{kind} {key} is only in the {'model' if key in expected else 'engine'}")
            continue
        one, other = found[key], expected[key]
        said += [
            f"{kind} {key} {name}: model {other.get(name)!r}, engine {one.get(name)!r}"
            for name in sorted({*one, *other})
            if one.get(name) != other.get(name)
        ]
    return said


def orders(events: Sequence[Event], seed: str, most: int) -> list[list[Event]]:
    """The events in their own order, and in `most` others at most, the same for one seed."""
    natural, *others = permutations(events)
    return [list(order) for order in (natural, *(others if len(others) < most else Random(seed).sample(others, most)))]


def differences(expected: oracle.Figures, found: oracle.Figures) -> list[str]:
    """Every field that differs, one sentence each; empty where all agree."""
    said = [
        *differing("burn", expected.burn, found.burn),
        *differing("readiness", expected.readiness, found.readiness),
        *differing("forecast", expected.forecast, found.forecast),
        *differing("revenue", expected.revenue, found.revenue),
        *differing("document", expected.documents, found.documents),
    ]
    if found.parked != expected.parked:
        said.append(f"parked: model {expected.parked}, engine {found.parked}")
    return said


def counts(stores: Sequence[Store]) -> dict[str, int]:
    """Records by what became of them, over all agents and partitions."""
    total = dict.fromkeys(DISPOSITIONS, 0)
    for store in stores:
        for _, control in store.scan(CONTROLS):
            for name, count in control.counts.items():
                total[name] += count
    return total


def facts(stores: Sequence[Store]) -> dict[str, list[Pair]]:
    """Every fact and exception by its table, in the canonical form."""
    return {table: sorted(fact_pairs(stores, table)) for table in FACT_TABLES}


def digest(stores: Sequence[Store], as_of: date) -> str:
    """One hash over all facts and figures in their canonical form."""
    whole = blake2b(digest_size=16)
    for table, pairs in facts(stores).items():
        for key, value in pairs:
            whole.update(f"{table}\0{key}\0".encode() + value)
    for kind, (key, value) in figure_pairs(Figures(stores), as_of.toordinal()):
        whole.update(f"{kind}\0{key}\0".encode() + value)
    for key, value in sorted(week_pairs(Workforce(stores), as_of.toordinal())):
        whole.update(f"week\0{key}\0".encode() + value)
    return whole.hexdigest()


def standing(said: Said, today: date) -> Said:
    """What is true of today: weeks that a former day told of, and that have left the window, are left out."""
    return {
        place: one
        for place, one in said.items()
        if place[0] not in (UTILIZATION, DEMAND, ACCURACY) or one[1]["as_of"] == today.isoformat()
    }


def silent(place: tuple[str, str], payload: Mapping[str, Any]) -> bool:
    """Whether a statement tells of a period in which a line had earned nothing: none at all says the same."""
    names = ("period_amount", "cumulative_amount", "expected_loss_amount")
    return place[0] == REVENUE and not any(Decimal(payload[name]) for name in names)


def weeks_told(stores: Sequence[Store], today: date) -> dict[tuple[str, str], tuple[Row, Latest]]:
    """Every statement about a week that must stand on a day, and its cause, from the tables alone."""
    workforce, as_of = Workforce(stores), today.toordinal()
    mondays = WINDOW.mondays(as_of)
    people, totals = workforce.everybody(as_of, mondays)
    rows = [row for its in people.values() for row in its]
    rows += [row for _, row in group_rows(totals, as_of, mondays, ("role", "practice"))]
    told = {
        (UTILIZATION, key_of(subject["kind"], subject["id"], payload["week"])): (payload, latest)
        for payload, latest in rows
        for subject in [payload["subject"]]
    }
    for payload, latest in workforce.alerts(as_of, mondays):
        told[ALERTS, key_of(payload["resource_id"])] = (payload, latest)
    for payload, latest in workforce.gaps(as_of, mondays):
        told[DEMAND, key_of(payload["role"], payload["practice"] or "", payload["week"])] = (payload, latest)
    return {**told, **forecasts_told(stores, totals, as_of)}


def promises_told(stores: Sequence[Store], today: date) -> dict[tuple[str, str], Row]:
    """Every statement about a business SLA that must stand on a day, measured anew from the tables."""
    day = today.toordinal()
    found = sla.total(Slice(place, store).promises(day, sla.window(day)) for place, store in enumerate(stores))
    rows = [row for row in sla.rows(found, sla.start_of(day)) if row["sla"] in STATED]
    return {(SLAS, row["sla"]): {**row, "as_of": today.isoformat()} for row in rows}


def forecasts_told(stores: Sequence[Store], totals: Totals, as_of: int) -> dict[tuple[str, str], tuple[Row, Latest]]:
    """The same for how forecasts were and what became of them."""
    cells, told = cells_of(stores, as_of), {}
    ledger, cause = ledger_of(stores, cells), causes(stores, totals, WINDOW.mondays(as_of))
    for group, monday, payload in score_rows(ledger, cells, as_of, ("role", "practice")):
        told[ACCURACY, key_of(*group, payload["week"])] = (payload, cause[group, monday])
    for group, payload in record_rows(ledger, cells, as_of, ("role", "practice")):
        latest = max(cause[group, monday] for monday, cell in cells.items() if cell.over)
        told[ACCURACY, key_of(*group)] = (payload, latest)
    return told
