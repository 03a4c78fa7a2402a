"""Engine and model read the rules of people's weeks and of demand independently; on every figure they agree."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.utilization import WINDOW, Figures, Group
from app.engine.roster import KINDS, Roster, together
from app.engine.workforce import Workforce, group_rows, people_as_known
from tests.engine.runs import Row, Run, differing, examples, fold, histories, lines, orders
from tests.engine.staffing_stories import STORIES
from tests.model.entities import instant, known_since
from tests.model.features import STAFFING
from tests.model.histories import (
    Event,
    as_of_days,
    as_ofs,
    disorder,
    event_sets,
    history,
    known_ats,
    regulated,
    repeated,
    troubled,
    unstamped,
)
from tests.model.numbers import shortest
from tests.model.oracle import Staffing, recompute_staffing

_CUTS = (1, 2, 7, 30, 1000)
_STORY_DAYS = [date(2026, 3, 4), date(2026, 4, 2)]
_DOOMSDAY = datetime(9999, 12, 31, tzinfo=UTC)


def staffed(seed: int, size: int) -> list[Event]:
    """A history of people, with contracts to book on and much time, and rules that calendars keep or break."""
    events = history(seed, size, features=STAFFING, expenses=False, milestones=False, invoices=False)
    return regulated(events, Random(seed))


def drawn(events: list[Event], rng: Random) -> Run:
    return fold(lines(events), partitions=rng.randint(1, 4), cut=rng.choice(_CUTS))


def figures(force: Workforce, as_of: date) -> Staffing:
    """Every row of the engine, in the model's form."""
    day = as_of.toordinal()
    mondays = list(WINDOW.mondays(day))
    people, totals = force.everybody(day, mondays)
    rows = [row.payload for its in people.values() for row in its]
    rows += [row.payload for _, row in group_rows(totals, day, mondays, KINDS)]
    gaps = [row.payload for row in force.gaps(day, mondays)]
    return Staffing(
        {(row["subject"]["kind"], row["subject"]["id"] or "firm", row["week"]): modelled(row) for row in rows},
        {(row["role"], row["practice"], row["week"]): modelled(row) for row in gaps},
        {row.payload["resource_id"]: modelled_alert(row.payload) for row in force.alerts(day, mondays)},
    )


def modelled_alert(row: Row) -> Row:
    """A person's alerts as the model has them."""
    return {**row, "bench": modelled(row["bench"]) if row["bench"] is not None else None}


def modelled(row: Row) -> Row:
    """A row as the model has it: minutes all as the shortest decimal, the firm with a name."""
    said: Row = {
        name: shortest(Fraction(str(value)), 2) if name.endswith("_minutes") else value for name, value in row.items()
    }
    if "subject" in said:
        said["subject"] = {**said["subject"], "id": said["subject"]["id"] or "firm"}
    return said


def differences(expected: Staffing, found: Staffing) -> list[str]:
    """Every field that differs, one sentence each; empty where all agree."""
    return [
        *differing("week", expected.weeks, found.weeks),
        *differing("gap", expected.gaps, found.gaps),
        *differing("alert", expected.alerts, found.alerts),
    ]


def assert_agreement(events: list[Event], run: Run, days: list[date]) -> None:
    assert run.letters == []
    for as_of in days:
        found = figures(Workforce(run.host.stores), as_of)
        assert differences(recompute_staffing(events, as_of), found) == [], f"as of {as_of}"


@pytest.mark.parametrize("seed", histories(5))
def test_a_history_in_its_natural_order(seed: int) -> None:
    events = staffed(seed, 110)
    rng = Random(seed)
    assert_agreement(events, drawn(events, rng), rng.sample(as_of_days(events), 2))


@pytest.mark.parametrize("seed", histories(16))
def test_a_history_in_trouble(seed: int) -> None:
    rng = Random(seed)
    events = troubled(staffed(1_000_000 + seed, 90), rng)
    assert_agreement(events, drawn(events, rng), rng.sample(as_of_days(events), 2))


@pytest.mark.parametrize("seed", histories(3))
def test_days_far_from_all_work(seed: int) -> None:
    events = troubled(staffed(2_000_000 + seed, 60), Random(seed))
    assert_agreement(events, drawn(events, Random(seed)), [date(1, 1, 3), date(2060, 2, 29), date.max])


@examples(25)
@given(event_sets(features=STAFFING), as_ofs(), st.integers(1, 4), st.sampled_from(_CUTS))
def test_any_set_of_events(events: list[Event], as_of: date, partitions: int, cut: int) -> None:
    run = fold(lines(events), partitions=partitions, cut=cut)
    assert_agreement(events, run, [as_of])


@pytest.mark.parametrize("story", STORIES)
def test_a_short_story_in_every_order(story: str) -> None:
    # One event at a time, so that each meets the consequences of all before it.
    events = STORIES[story]
    for order in orders(events, story, 14):
        assert_agreement(order, fold(lines(order), cut=1), _STORY_DAYS)


def test_some_are_told_that_they_will_have_nothing_to_do() -> None:
    # Where nobody ever is, the agreement above says nothing.
    seen = {"bench": 0, "roll_off": 0, "neither": 0}
    for seed in range(6):
        events = staffed(1_000_000 + seed, 90)
        for row in recompute_staffing(events, as_of_days(events)[1]).alerts.values():
            for kind in ("bench", "roll_off"):
                seen[kind] += row[kind] is not None
            seen["neither"] += row["bench"] is row["roll_off"] is None
    assert min(seen.values()) >= 3, seen


# -- known at -----------------------------------------------------------------------------------------------------


def known(run: Run, as_of: date, known_at: datetime) -> dict[str, list[Row]]:
    """The weeks of every person from what was accepted up to an instant."""
    moment = round(known_at.timestamp()) * 1_000_000
    day = as_of.toordinal()
    found = {}
    force = Workforce(run.host.stores)
    for resource_id in force.resource_ids():
        then = force.known_at(resource_id, moment)
        rows = [modelled(row.payload) for row in then.weeks(resource_id, day, list(WINDOW.mondays(day)))]
        if rows:
            found[resource_id] = rows
    return found


def told(events: list[Event], as_of: date, known_at: datetime) -> dict[str, list[Row]]:
    """The same from the model."""
    rows: dict[str, list[Row]] = {}
    for (kind, name, _), row in recompute_staffing(events, as_of, known_at.isoformat()).weeks.items():
        if kind == "resource":
            rows.setdefault(name, []).append(row)
    return rows


@pytest.mark.parametrize("seed", histories(10))
def test_what_was_known_at_an_instant(seed: int) -> None:
    rng = Random(seed)
    events = unstamped(troubled(staffed(3_000_000 + seed, 70), rng), rng)
    run = drawn(events, rng)
    known_at = known_since(rng.choice(events))
    as_of = rng.choice(as_of_days(events))
    assert known(run, as_of, known_at) == told(events, as_of, known_at), f"as of {as_of}, known at {known_at}"


@examples(20)
@given(event_sets(max_size=6, features=STAFFING), as_ofs(), known_ats())
def test_what_was_known_at_an_instant_of_any_set(events: list[Event], as_of: date, known_at: str) -> None:
    run = fold(lines(events))
    assert known(run, as_of, instant(known_at)) == told(events, as_of, instant(known_at))


@pytest.mark.parametrize("seed", histories(6))
def test_what_was_known_of_groups_at_an_instant(seed: int) -> None:
    rng = Random(seed)
    events = unstamped(troubled(staffed(5_000_000 + seed, 70), rng), rng)
    run = drawn(events, rng)
    known_at, as_of = known_since(rng.choice(events)), rng.choice(as_of_days(events))
    facts = [fact for store in run.host.stores for fact in Roster(store).everything()]
    found = figures(people_as_known(facts, round(known_at.timestamp()) * 1_000_000), as_of).weeks
    assert (
        differences(Staffing(recompute_staffing(events, as_of, known_at.isoformat()).weeks, {}), Staffing(found, {}))
        == []
    )


# -- what is shown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", histories(6))
def test_a_cell_is_made_of_what_its_week_says(seed: int) -> None:
    rng = Random(seed)
    events = troubled(staffed(6_000_000 + seed, 90), rng)
    stores = drawn(events, rng).host.stores
    day = rng.choice(as_of_days(events)).toordinal()
    for roster in map(Roster, stores):
        for resource_id in roster.ids():
            for monday in WINDOW.mondays(day):
                cell = roster.cell(resource_id, monday, day)
                assert cell is not None
                assert sum(one["minutes"] for one in cell["entries"] if one["counts"]) == cell["actual_minutes"]
                hard = [one for one in cell["bookings"] if one["booking"] == "hard"]
                assert_parts(cell["planned_minutes"], [one["gross_minutes"] for one in hard])
                assert_parts(cell["planned_net_minutes"], [one["net_minutes"] for one in hard])
                for name in ("holiday_minutes", "leave_minutes", "capacity_minutes", "actual_minutes"):
                    assert_parts(cell[name], [one[name] for one in cell["days"]])


def assert_parts(whole: int | str, parts: list[int | str]) -> None:
    """Each is rounded to two places by itself, so they may miss by half a hundredth each."""
    missed = Fraction(str(whole)) - sum((Fraction(str(part)) for part in parts), Fraction(0))
    assert abs(missed) <= Fraction(1, 200) * (len(parts) + 1)


# -- what is published --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", histories(10))
def test_the_latest_statements_are_the_figures_of_the_last_tick(seed: int) -> None:
    # Sums of groups are maintained there and recomputed here; whatever the order, the latest of each key is right.
    rng = Random(seed)
    events = repeated(disorder(staffed(4_000_000 + seed, 80), rng), rng)
    days = as_of_days(events)
    for tick in (days[0], days[len(days) // 2]):
        events.insert(rng.randint(0, len(events)), ticked(tick))
    today = max(days[0], days[len(days) // 2])
    run = fold(lines(events), partitions=rng.randint(1, 4), cut=rng.choice(_CUTS), publish=True)
    expected = recompute_staffing(events, today)
    names = {week for _, _, week in expected.weeks}
    weeks, gaps = {}, {}
    for (topic, _), (_, payload, _) in run.said.items():
        if topic == "forecast.utilization" and payload["week"] in names:
            subject = payload["subject"]
            weeks[subject["kind"], subject["id"], payload["week"]] = modelled(payload)
        elif topic == "forecast.demand" and payload["week"] in names:
            gaps[payload["role"], payload["practice"], payload["week"]] = modelled(payload)
    published = {key: row for key, row in expected.weeks.items() if key[0] in ("resource", "role", "practice")}
    ahead = {key: row for key, row in gaps.items() if key in expected.gaps}
    assert differences(Staffing(published, expected.gaps), Staffing(weeks, ahead)) == []
    assert kept(run, today) == worked_out(run, today)


def kept(run: Run, today: date) -> dict[Group, list[Figures]]:
    """The sums that groups are told, as the web answers from them."""
    mondays = list(WINDOW.mondays(today.toordinal()))
    parts = [Roster(store).shared(KINDS, mondays, None) for store in run.host.stores]
    return {group: total.figures for group, total in together(parts).items()}


def worked_out(run: Run, today: date) -> dict[Group, list[Figures]]:
    """The same from every member's facts."""
    day = today.toordinal()
    parts = [Roster(store).sums(KINDS, list(WINDOW.mondays(day)), day, None) for store in run.host.stores]
    return {group: total.figures for group, total in together(parts).items()}


def ticked(day: date) -> Event:
    return {
        "specversion": "1.0",
        "id": f"tick/{day}",
        "source": "/clock",
        "type": "clock.ticked.v1",
        "time": f"{day}T00:00:00Z",
        "data": {"on": day.isoformat()},
    }
