"""Which weeks an answer about people tells of, and who will soon have nothing to do."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agents.effects import ALERTS, Record, Statement
from app.domain.utilization import WINDOW, Window
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.memory import MemoryHost, MemoryStore
from app.engine.roster import Roster, Span, ahead_of, mondays_of, near
from app.engine.runner import finish
from app.main import open_host
from app.settings import Settings
from tables import Table
from tables.people import PEOPLE
from tables.schedules import SCHEDULES
from tests.engine.noise import said, tick
from tests.engine.runs import lines

V = TypeVar("V")

TODAY = date(2026, 12, 31).toordinal()  # a Thursday of 2026-W53
W53 = date(2026, 12, 28).toordinal()


@pytest.mark.parametrize(
    ("span", "first", "count"),
    [
        ((None, None), W53 - 8 * 7, 35),
        ((None, 3), W53 - 8 * 7, 3),
        ((W53, None), W53, 35),
        ((W53 + 7, 2), W53 + 7, 2),
    ],
)
def test_weeks_begin_8_before_as_of_unless_another_one_is_asked_for(span: Span, first: int, count: int) -> None:
    assert mondays_of(span, TODAY, WINDOW) == [first + 7 * n for n in range(count)]


def test_what_is_told_of_can_be_set() -> None:
    assert mondays_of((None, None), TODAY, Window(1, 2)) == [W53 - 7, W53, W53 + 7, W53 + 14]
    assert ahead_of((None, None), TODAY, Window(1, 2)) == [W53, W53 + 7, W53 + 14]


def test_without_a_day_there_are_no_weeks() -> None:
    assert mondays_of((W53, 4), None, WINDOW) == []


def test_demand_has_no_weeks_behind() -> None:
    assert len(ahead_of((None, None), TODAY, WINDOW)) == 27
    assert ahead_of((W53 - 14, 4), TODAY, WINDOW) == [W53, W53 + 7]


def test_weeks_end_with_the_calendar() -> None:
    last = date(9999, 12, 20).toordinal()  # the last Monday whose Sunday there is
    assert mondays_of((None, None), date.max.toordinal(), WINDOW)[-1] == last
    assert mondays_of((date(1, 1, 1).toordinal(), 1), date(1, 1, 3).toordinal(), WINDOW) == [1]
    assert near(last) == [last]


# -- alerts ----------------------------------------------------------------------------------------------------------


def hired(name: str, role: str) -> dict[str, Any]:
    its = {"effective_from": "2020-01-01", "weekly_minutes": 2_400, "role": role}
    return said("resource.upserted", f"is-{name}", resource_id=name, revision=1, **its)


def booked(name: str, revision: int, last: str) -> dict[str, Any]:
    its = {"resource_id": name, "contract_id": "C", "from": "2026-12-01", "to": last, "minutes_per_week": 2_400}
    return said("assignment.booked", f"{name}-{revision}", assignment_id=f"A-{name}", revision=revision, **its)


def test_alerts_are_those_of_now_whatever_was_answered_before(tmp_path: Path) -> None:
    # As of Thursday of W53: P-1 is booked until Friday 8 January (W01), P-2 not at all. Then P-1 until the end of June,
    # and P-2 from now on; then P-1 leaves.
    async def alerts(**asked: Any) -> list[dict[str, Any]]:
        wanted = {"as_of": None, "known_at": None, "kind": None, "role": None, "practice": None, **asked}
        return (await gather.alerts("", 9, **wanted)).value

    async def names(**asked: Any) -> list[str]:
        return [row["resource_id"] for row in await alerts(**asked)]

    async def story() -> None:
        host.take(
            lines([hired("P-1", "a"), hired("P-2", "b"), booked("P-1", 1, "2027-01-08"), tick(date(2026, 12, 31))])
        )
        await host.drain()
        first, second = await alerts()
        assert first["bench"] == {"from_week": "2027-W02", "weeks": 25, "free_minutes": 60_000}
        assert (first["roll_off"], first["role"]) == ({"last_week": "2027-W01"}, "a")
        assert (second["resource_id"], second["bench"]["weeks"], second["roll_off"]) == ("P-2", 27, None)
        assert await names(kind="roll_off") == ["P-1"]
        assert await names(role="b") == ["P-2"]
        assert await names(as_of=date(2026, 11, 1)) == ["P-1", "P-2"]
        host.take(lines([booked("P-1", 2, "2027-12-31"), booked("P-2", 1, "2027-12-31")]))
        await host.drain()
        assert await names() == []
        left = {"effective_from": "2027-01-04", "weekly_minutes": 1_200, "role": "a"}
        host.take(lines([said("resource.upserted", "less", resource_id="P-1", revision=2, **left)]))
        host.take(lines([booked("P-2", 2, "2027-01-29")]))
        await host.drain()
        assert await names() == ["P-2"]
        assert await names(known_at=0) == []

    with open_host(Settings.load(store=tmp_path / "s.sqlite"), clock=lambda: None) as host:
        gather = Gather(host, lambda: 0.0, StoredLetters(host.store))
        asyncio.run(story())


class Counted(MemoryStore):
    """Tables in memory that count how often a booked year is read."""

    def __init__(self) -> None:
        super().__init__()
        self.years = 0

    def get(self, table: Table[V], key: str) -> V | None:
        self.years += table is SCHEDULES
        return super().get(table, key)


def test_alerts_that_were_stated_are_not_worked_out_again() -> None:
    """Twenty people, half of them booked until 8 January: nobody's year is opened to say who rolls off today."""
    store = Counted()
    heard: list[Statement] = []
    host = MemoryHost(stores=[store], on_statement=heard.append)
    crew = [
        one for n in range(20) for one in (hired(f"P-{n}", "a"), booked(f"P-{n}", 1, f"2027-0{1 + 6 * (n % 2)}-08"))
    ]
    today = date(2026, 12, 31)
    finish(host.take("log", [Record(n, line) for n, line in enumerate(lines([*crew, tick(today)]))]))
    told, anew = Roster(store), Roster(store)
    told.hear([one.payload for one in heard if one.topic == ALERTS])
    store.years = 0

    def rows(roster: Roster, day: date, kind: str | None = None) -> list[dict[str, Any]]:
        return list(roster.alerts("", WINDOW, day.toordinal(), kind, None, None))

    said_today = rows(told, today)
    assert (store.years, len(rows(told, today, "roll_off"))) == (0, 10)
    assert said_today == rows(anew, today)
    assert store.years > 0
    assert rows(told, date(2026, 12, 30)) == rows(anew, date(2026, 12, 30))
    told.note(PEOPLE, "P-1")  # whoever changes is worked out, until it is stated again
    store.years = 0
    rows(told, today)
    assert 0 < store.years < 10
