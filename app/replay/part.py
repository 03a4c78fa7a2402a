"""What one worker of a replay comes to: figures of its contracts, counts of its records, digests of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from agents import proposals
from agents.effects import DeadLetter
from agents.scoring import stored_ticks
from app.domain import accuracy
from app.domain.accuracy import Cell
from app.domain.utilization import WINDOW, Group, Window
from app.engine.accuracy import UNKNOWN, Ledger, causes, ledger_of, record_rows, score_rows
from app.engine.accuracy import together as scored_together
from app.engine.figures import Figures
from app.engine.memory import MemoryHost
from app.engine.statements import attributed
from app.engine.workforce import Row, Totals, Workforce, group_rows
from app.engine.workforce import together as added_up
from app.replay.digest import FACT_TABLES, Digest, accuracy_pair, canonical, document_pair, hint_key, week_pair
from tables import Store
from tables.controls import CONTROLS, DISPOSITIONS
from tables.heads import Latest
from tables.turns import TURNS

FIGURES = ("burn", "readiness", "documents", "forecast", "revenue", "utilization", "accuracy")
ROLLED_UP = ("role", "practice")
"""Groups whose weeks stand in the result files."""


@dataclass(slots=True)
class Part:
    """`rows` are (contract or resource id, lines of the result file) in the order of ids; parts of one replay add up.

    `totals` are what the part's people come to together, week by week; `ledger` is how their weeks were forecast and
    what became of them, `causes` the latest facts behind both, and `ticks` the first of each week.
    """

    as_of: int | None
    read: int
    later: int
    counts: dict[str, int]
    parked: int
    watermark: int
    dead_letters: list[DeadLetter]
    rows: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    digests: dict[str, Digest] = field(default_factory=dict)
    totals: Totals = field(default_factory=dict)
    window: Window = WINDOW
    ledger: Ledger = field(default_factory=dict)
    causes: dict[tuple[Group, int], Latest] = field(default_factory=dict)
    ticks: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def cells(self) -> dict[int, Cell]:
        """The weeks of the ledger."""
        if self.as_of is None:
            return {}
        return accuracy.cells(accuracy.mondays(self.as_of, self.window), accuracy.turns(self.ticks), self.as_of)


def part_of(host: MemoryHost, letters: list[DeadLetter], as_of: int | None, window: Window = WINDOW) -> Part:
    """Compute everything the result files need; without `as_of` the greatest tick in the log is the day."""
    controls = [control for store in host.stores for _, control in store.scan(CONTROLS)]
    today = as_of if as_of is not None else max((control.today for control in controls), default=0) or None
    figures = Figures(host.stores)
    part = Part(
        as_of=today,
        read=host.read,
        later=host.later,
        counts={name: sum(control.counts[name] for control in controls) for name in DISPOSITIONS},
        parked=figures.parked(),
        watermark=max((control.watermark for control in controls), default=0),
        dead_letters=letters,
        window=window,
    )
    _add_figures(part, figures, today)
    _add_weeks(part, Workforce(host.stores), today)
    _add_forecasts(part, host.stores)
    for table, pairs in FACT_TABLES.items():
        digest = part.digests[table] = Digest()
        for partition, store in zip(host.own, host.stores, strict=True):
            for key, value in pairs(store, partition):
                digest.add(key, value)
    return part


def _add_figures(part: Part, figures: Figures, as_of: int | None) -> None:
    for name in FIGURES:
        part.rows[name], part.digests[name] = [], Digest()
    for contract_id in figures.ids():
        found = figures.of(contract_id)
        assert found is not None  # it was listed
        contracts, head = found
        position = contracts.position(contract_id, head, as_of)
        burn = contracts.burn(position)
        for row in burn:
            part.digests["burn"].add(f"{contract_id}/{row['line_id'] or ''}", canonical(row))
        assessed = contracts.assess(position, head)
        readiness = contracts.readiness(position, head, assessed)
        part.digests["readiness"].add(contract_id, canonical(readiness))
        lines = [orjson.dumps(attributed(row, head.latest)) + b"\n" for row in burn]
        part.rows["burn"].append((contract_id, b"".join(lines)))
        part.rows["readiness"].append((contract_id, orjson.dumps(attributed(readiness, head.latest)) + b"\n"))
        forecast = contracts.forecast(position, burn[0], assessed)
        part.digests["forecast"].add(contract_id, canonical(forecast))
        part.rows["forecast"].append((contract_id, orjson.dumps(attributed(forecast, head.latest)) + b"\n"))
        revenue = contracts.revenue(position)
        for row in revenue:
            part.digests["revenue"].add(hint_key(row), canonical(row))
        lines = [orjson.dumps(attributed(row, head.latest)) + b"\n" for row in revenue]
        part.rows["revenue"].append((contract_id, b"".join(lines)))
        papers = proposals.rows(contracts, position, head, assessed)
        for row in papers:
            part.digests["documents"].add(*document_pair(row))
        cause = contracts.compiled(contract_id).told or head.latest
        part.rows["documents"].append(
            (contract_id, b"".join(orjson.dumps(attributed(row, cause)) + b"\n" for row in papers))
        )


def _add_weeks(part: Part, workforce: Workforce, as_of: int | None) -> None:
    """The weeks of people; without a day there is none to tell of."""
    mondays = part.window.mondays(as_of) if as_of is not None else ()
    people, part.totals = workforce.everybody(as_of, mondays) if as_of is not None else ({}, {})
    for resource_id in sorted(people):
        _add_rows(part.digests["utilization"], people[resource_id])
        part.rows["utilization"].append((resource_id, _lines(people[resource_id])))


def _add_forecasts(part: Part, stores: Sequence[Store]) -> None:
    part.ticks = stored_ticks(stores[0], TURNS)
    part.ledger = ledger_of(stores, part.cells)
    if part.as_of is not None:
        part.causes = causes(stores, part.totals, part.window.mondays(part.as_of))


def forecasts(parts: Sequence[Part], digest: Digest) -> bytes:
    """The lines of how forecasts of roles and practices were and what became of them; `digest` is told of them."""
    as_of, cells = parts[0].as_of, parts[0].cells
    if as_of is None:
        return b""
    ledger = scored_together(part.ledger for part in parts)
    known = [part.causes for part in parts]

    def cause(group: Group, mondays: Iterable[int]) -> Latest:
        return max(one.get((group, monday), UNKNOWN) for one in known for monday in mondays)

    rows = [
        Row(payload, cause(group, [monday])) for group, monday, payload in score_rows(ledger, cells, as_of, ROLLED_UP)
    ]
    over = [monday for monday, cell in cells.items() if cell.over]
    rows += [
        Row(payload, cause(group, over)) for group, payload in record_rows(ledger, cells, as_of, ROLLED_UP) if over
    ]
    for row in rows:
        digest.add(*accuracy_pair(row.payload))
    return _lines(rows)


def rolled_up(parts: Sequence[Part], digest: Digest) -> bytes:
    """The lines of roles and practices, whose people may be in several parts; `digest` is told of them."""
    as_of = parts[0].as_of
    if as_of is None:
        return b""
    totals = added_up(part.totals for part in parts)
    rows = [row for _, row in group_rows(totals, as_of, parts[0].window.mondays(as_of), ROLLED_UP)]
    _add_rows(digest, rows)
    return _lines(rows)


def _add_rows(digest: Digest, rows: Sequence[Row]) -> None:
    for row in rows:
        digest.add(*week_pair(row.payload))


def _lines(rows: Sequence[Row]) -> bytes:
    return b"".join([orjson.dumps(attributed(row.payload, row.latest)) + b"\n" for row in rows])


def together(parts: Sequence[Part]) -> dict[str, int]:
    """Counts by disposition; they add up to `read`. A parked record is one that waits for its contract."""
    counts = {name: sum(part.counts[name] for part in parts) for name in DISPOSITIONS}
    parked = sum(part.parked for part in parts)
    return {"read": sum(part.read for part in parts), **counts, "applied": counts["applied"] - parked, "parked": parked}
