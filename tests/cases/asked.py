"""Asking as a user does: events in a file, `headrace replay`, and what it wrote; the slow model answers beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.engine.runs import differences, differing
from tests.model.histories import Event
from tests.model.numbers import shortest
from tests.model.oracle import Figures, recompute, recompute_staffing
from tests.replay.runs import Row, as_lines, replay, written

NOW = "2025-12-31"
_STATED = ("resource", "role", "practice")
_OF_WEEKS = ("engine_version", "correlationid", "causationid")


@dataclass(frozen=True)
class Answer:
    """What a replay came to: figures by contract, weeks by (kind, id, week), refusals, and the counts."""

    figures: Figures
    weeks: dict[tuple[str, str, str], Row]
    refused: list[Row]
    summary: dict[str, Any]

    def burn(self, line_id: str | None = None, contract_id: str = "C-1") -> Row:
        return self.figures.burn[contract_id, line_id]

    def ready(self, contract_id: str = "C-1") -> Row:
        return self.figures.readiness[contract_id]

    def forecast(self, contract_id: str = "C-1") -> Row:
        return self.figures.forecast[contract_id]

    def earned(self, line_id: str | None = "L-1", contract_id: str = "C-1") -> dict[str, str]:
        """What a line earned, month by month."""
        return {
            period: row["period_amount"]
            for (contract, line, period), row in self.figures.revenue.items()
            if (contract, line) == (contract_id, line_id)
        }

    def totals(self) -> dict[str, str]:
        """What each live document comes to."""
        return {key: row["total"] if "total" in row else row["net"] for key, row in self.figures.documents.items()}

    def blockers(self, contract_id: str = "C-1") -> dict[str, tuple[int, str]]:
        return {one["code"]: (one["count"], one["amount"]) for one in self.ready(contract_id)["blockers"]}


def ask(events: Sequence[Event], as_of: str = NOW, known_at: str | None = None) -> Answer:
    """The answer to `events`, in the order given and backwards; fails where the orders or the model differ."""
    forth, back = (_replayed(order, as_of, known_at) for order in (events, events[::-1]))
    assert forth.summary["digests"] == back.summary["digests"]
    day = date.fromisoformat(as_of)
    assert differences(recompute(events, day, known_at), forth.figures) == []
    weeks = recompute_staffing(events, day, known_at).weeks
    assert differing("week", {key: row for key, row in weeks.items() if key[0] in _STATED}, forth.weeks) == []
    return forth


def _replayed(events: Sequence[Event], as_of: str, known_at: str | None) -> Answer:
    with TemporaryDirectory() as folder:
        log = written(Path(folder) / "log.jsonl", as_lines(events))
        known = () if known_at is None else ("--known-at", known_at)
        found = replay(Path(folder) / "out", log, options=("--as-of", as_of, *known))
        weeks = {}
        for row in found.rows("utilization.jsonl"):
            subject = row["subject"]
            weeks[subject["kind"], subject["id"], row["week"]] = _week(row)
        return Answer(found.figures(), weeks, found.rows("dead_letters.jsonl"), found.summary)


def _week(row: Row) -> Row:
    """A week as the model has it: minutes as the shortest decimal."""
    return {
        name: shortest(Fraction(str(value)), 2) if name.endswith("_minutes") else value
        for name, value in row.items()
        if name not in _OF_WEEKS
    }
