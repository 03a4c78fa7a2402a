"""What one event about a person makes others do grows neither with the firm nor with the person's years.

Work is counted, not timed: values read, written, sent and stated, and the bytes of what is written.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agents.effects import PRACTICES, RESOURCES, UTILIZATION, Batch, Record, Statement
from agents.practice import practice
from agents.resource import resource
from app.domain import calendar
from app.domain.utilization import HARD, WINDOW, Booking, Window, Worked
from app.engine.memory import MemoryHost
from app.engine.runner import Runner, finish
from app.events.reader import Reader
from app.events.stint import Assigned, Stint
from app.main import open_host
from app.settings import Settings
from tables.shares import SHARES
from tests.engine.noise import said, tick
from tests.engine.runs import lines
from tests.engine.test_growth import Counted

TODAY = date(2026, 3, 4)
MONDAY = calendar.week_start(TODAY.toordinal())


_PLACES = count()


class Agents:
    """The resource agent and the practice agent of one partition over tables that count."""

    def __init__(self, window: Window = WINDOW) -> None:
        self.store = Counted()
        self.limit: int | None = None
        self._agents = {
            RESOURCES: Runner(lambda batches: resource(batches, self.store, window)),
            PRACTICES: Runner(lambda batches: practice(batches, self.store, window)),
        }
        self._offsets = dict.fromkeys(self._agents, 0)
        self.statements: list[Statement] = []

    def take(self, *values: Any) -> Counter[str]:
        """Step the resource agent, then hand what it shares to the practice agent."""
        before, told = self.store.work.copy(), len(self.statements)
        sends = self._step(RESOURCES, values)
        shares = [send.value for send in sends if send.topic == PRACTICES]
        self._step(PRACTICES, shares)
        counted = Counter(shares=len(shares), sends=len(sends), statements=len(self.statements) - told)
        return self.store.work - before + counted

    def tick(self, fact: Any) -> None:
        self._step(PRACTICES, [fact])
        self.take(fact)

    def _step(self, topic: str, values: Any) -> list[Any]:
        records = [Record(self._offsets[topic] + place, value) for place, value in enumerate(values)]
        self._offsets[topic] += len(records)
        effects = finish(self._agents[topic].step(Batch(topic, 0, records, limit=self.limit)))
        self.store.write(effects.writes)
        self.statements += effects.statements
        return effects.sends


def facts(*events: dict[str, Any]) -> list[Any]:
    reader = Reader()
    return [reader.read(line, origin=("log", 0, next(_PLACES))).fact for line in lines(events)]


def person(name: str) -> dict[str, Any]:
    return said(
        "resource.upserted",
        f"is-{name}",
        resource_id=name,
        revision=1,
        effective_from="2020-01-01",
        weekly_minutes=2_400,
        role="engineer",
        practice="Data",
        region="emea",
    )


def stint(name: str, entry: str, day: int) -> Stint:
    week = calendar.week_start(day)
    return Stint(entry, 1, name, week, [], 1, "/psa", entry, None, Worked(1, day, 480, 0))


def booking(name: str, assignment: str, first: int, last: int) -> Assigned:
    held = Booking(1, "C-1", first, last, 1_200, None, HARD, 1_000_000, True)
    return Assigned(assignment, 1, name, [(first, last)], ["C-1"], held, 1, "/psa", assignment, None, 1)


def firm(size: int, window: Window = WINDOW) -> Agents:
    agents = Agents(window)
    agents.take(*facts(*(person(f"P-{number}") for number in range(size))))
    agents.tick(facts(tick(TODAY))[0])
    return agents


@pytest.mark.parametrize("size", [100, 2_000])
def test_a_time_entry_makes_the_same_work_in_a_firm_of_any_size(size: int) -> None:
    # By hand: written are the person's week, both agents' controls and 5 shares of that week (role, practice, region,
    # firm, role in the practice); stated are the weeks of the person, the role and the practice, as the person has as
    # little to do as before.
    work = firm(size).take(stint("P-7", "T-1", MONDAY))
    assert (work["writes"], work["shares"], work["sends"], work["statements"]) == (8, 5, 5, 3)
    assert work["reads"] <= 30
    assert work["scans"] == 0
    assert work["bytes"] <= 4_000


@pytest.mark.parametrize("size", [100, 2_000])
def test_time_of_a_week_that_is_over_makes_the_same_work_in_a_firm_of_any_size(size: int) -> None:
    # By hand: the same, and of the role and the practice how that week was forecast, and how good forecasts were in
    # all: 3 + 2 × 2 statements.
    agents = firm(size)
    agents.tick(facts(tick(TODAY + timedelta(days=7)))[0])
    work = agents.take(stint("P-7", "T-1", MONDAY))
    assert (work["writes"], work["shares"], work["sends"], work["statements"]) == (8, 5, 5, 7)
    assert work["reads"] <= 60
    assert work["scans"] == 0
    assert work["bytes"] <= 5_000


@pytest.mark.slow
def test_a_firm_of_100_000_makes_the_same_work_as_one_of_100() -> None:
    small, large = (firm(size, Window(1, 1)).take(stint("P-7", "T-1", MONDAY)) for size in (100, 100_000))
    assert {name: large[name] for name in ("reads", "writes", "scans", "shares", "statements")} == {
        name: small[name] for name in ("reads", "writes", "scans", "shares", "statements")
    }
    assert large["bytes"] <= small["bytes"] * 1.2  # sums over more people are longer numbers


def test_a_booking_makes_no_more_work_for_a_person_of_ten_years_than_of_one() -> None:
    # By hand: the person's year and the resource agent's control, 5 groups with 13 weeks each, the practice's control,
    # and one plan for the contract.
    work = []
    for years in (1, 10):
        agents = firm(10)
        for number in range(12 * years):
            first = MONDAY - 30 * (number + 1)
            agents.take(booking("P-7", f"A-{number}", first, first + 25), stint("P-7", f"T-{number}", first))
        work.append(agents.take(booking("P-7", "A-new", MONDAY + 7, MONDAY + 7 + 90)))
    young, old = work
    assert old["sends"] == young["sends"] == 5 + 1
    assert old["writes"] == young["writes"] == 1 + 1 + 5 * 13 + 1
    assert old["reads"] == young["reads"]
    assert old["bytes"] <= young["bytes"] * 1.1


def test_what_lasts_for_ever_is_written_once() -> None:
    agents = firm(10)
    first = MONDAY - 365 * 20
    work = agents.take(booking("P-7", "A-1", first, first + 365 * 120))
    assert work["writes"] <= 2 + 1 + 5 * 35 + 1  # the schedule, that there is one, controls, 35 weeks of 5 groups


def test_weeks_that_left_the_window_are_forgotten_by_their_groups() -> None:
    agents = firm(10)
    before = len(list(agents.store.keys(SHARES)))
    for week in range(1, 30):
        agents.tick(facts(tick(TODAY + timedelta(weeks=week)))[0])
    assert len(list(agents.store.keys(SHARES))) == before == 5 * 35


def test_memory_host_agrees_that_a_first_tick_tells_of_every_week() -> None:
    # By hand: 3 people, a role and a practice are told of in 8 + 1 + 26 weeks each, and the people's alerts; and how
    # forecasts of the groups were in 8 + 1 + 7 weeks each, and in all; and six business SLAs.
    told: list[Statement] = []
    host = MemoryHost(on_statement=told.append)
    events = lines([*(person(f"P-{number}") for number in range(3)), tick(TODAY)])
    finish(host.take("log", [Record(place, line) for place, line in enumerate(events)]))
    assert len({(one.topic, one.key) for one in told}) == len(told) == (3 + 2) * 35 + 3 + 2 * (16 + 1) + 6


def test_after_a_tick_who_has_news_does_not_wait_for_the_firm() -> None:
    # By hand: 35 weeks of one person fill a batch; 10 people take 10 batches, and only then their groups hear of them.
    agents = firm(10)
    agents.limit = 35
    agents.tick(facts(tick(TODAY + timedelta(days=1)))[0])
    agents.statements.clear()
    shares = [agents.take(stint("P-7", "T-1", MONDAY))["shares"], *(agents.take()["shares"] for _ in range(8))]
    people = [one.key.split("/")[1] for one in agents.statements if one.key.startswith("resource/")]
    assert people[0] == "P-7"
    assert {name: people.count(name) for name in people} == {f"P-{number}": 35 for number in range(1, 10)}
    assert [bool(count) for count in shares] == [False] * 8 + [True]


def test_the_window_is_a_setting(tmp_path: Path) -> None:
    # By hand: one person in 2 + 1 + 3 weeks; the person has no role and no practice.
    settings = Settings.load(store=tmp_path / "s.sqlite", weeks_behind=2, weeks_ahead=3)
    with open_host(settings, clock=lambda: None) as host:
        host.take(lines([said("resource.upserted", "is", resource_id="P-1", revision=1, effective_from="2026-01-01")]))
        host.take(lines([tick(TODAY)]))
        asyncio.run(host.drain())
        assert [key for key, _ in host.store.latest(UTILIZATION)] == [
            f"resource/P-1/2026-W{week:02d}" for week in (8, 9, 10, 11, 12, 13)
        ]
