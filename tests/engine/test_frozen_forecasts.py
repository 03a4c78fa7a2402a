"""What a forecast knew and what it did not, told as stories through all agents.

The week is 2026-W11, 9 to 15 March. P-1 works 40 hours, is an engineer of the practice Data, and was booked long before
for 20 hours a week on C-1. Ticks are accepted at midnight.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from app.engine.accuracy import cells_of, ledger_of, record_rows, score_rows
from app.events.cloudevents import exported, timestamp
from app.main import open_host
from app.replay.verify import verify
from app.settings import Settings
from tables.entities import ENTITIES
from tables.people import PEOPLE
from tables.turns import TURNS
from tests.engine.runs import Row, Run, fold, lines
from tests.model.histories import Event

LONG_AGO = "2026-01-05T09:00:00Z"
MONDAY, TUESDAY = "2026-03-09T00:00:00Z", "2026-03-10T09:00:00Z"
WEEK = "2026-W11"


def said(kind: str, message: str, accepted: str, **data: Any) -> Event:
    return {
        "specversion": "1.0",
        "id": message,
        "source": "/desk",
        "type": f"{kind}.v1",
        "time": min(accepted, MONDAY),
        "acceptedtime": accepted,
        "data": data,
    }


def tick(on: str, accepted: str | None = None) -> Event:
    return said("clock.ticked", f"clock/{on}", accepted or f"{on}T00:00:00Z", on=on)


def person(accepted: str = LONG_AGO, revision: int = 1, start: str = "2026-01-01", practice: str = "Data") -> Event:
    place = {"role": "engineer", "practice": practice, "weekly_minutes": 2_400}
    return said(
        "resource.upserted",
        f"is/{revision}",
        accepted,
        resource_id="P-1",
        revision=revision,
        effective_from=start,
        **place,
    )


def booked(minutes: int, accepted: str = LONG_AGO, revision: int = 1, **more: Any) -> Event:
    span = {"from": "2026-02-02", "to": "2026-04-26", "minutes_per_week": minutes}
    ids = {"assignment_id": "A-1", "resource_id": "P-1", "contract_id": "C-1", "revision": revision}
    return said("assignment.booked", f"booked/{revision}", accepted, **ids, **span, **more)


def worked(minutes: int, on: str, contract: str = "C-1", accepted: str = "2026-03-16T09:00:00Z") -> Event:
    ids = {"entry_id": f"T/{contract}/{on}", "resource_id": "P-1", "contract_id": contract, "revision": 1}
    return said("time.approved", f"worked/{contract}/{on}", accepted, **ids, work_date=on, minutes=minutes)


def stated(run: Run, subject: str = "practice/Data", week: str = WEEK) -> Row:
    row: Row = run.said["forecast.accuracy", f"{subject}/{week}"][1]
    return row


def figure(row: Row, kind: str = "hard", name: str = "forecast_minutes", ahead: int = 1) -> Any:
    forecast = next(one for one in row["forecasts"] if one["weeks_ahead"] == ahead)
    return next(one for one in forecast["kinds"] if one["booking"] == kind)[name]


def live(*events: Event, partitions: int = 1) -> Run:
    """Event by event, as they come."""
    return fold(lines(events), partitions=partitions, cut=1, publish=True)


def test_a_booking_that_was_changed_after_the_turn_was_not_foreseen() -> None:
    run = live(person(), booked(1_200), tick("2026-03-09"), booked(2_400, TUESDAY, 2), tick("2026-03-16"))
    assert figure(stated(run)) == 1_200
    assert figure(stated(run, week="2026-W12")) == 2_400
    assert figure(stated(run, week="2026-W12"), ahead=2) == 1_200


def test_a_booking_that_was_accepted_before_the_turn_counts_even_if_it_comes_through_after_it() -> None:
    # A tick overtakes what goes through the facts agent.
    late = booked(2_400, "2026-03-08T23:59:59Z", 2)
    assert figure(stated(live(person(), booked(1_200), tick("2026-03-09"), late))) == 2_400


def test_a_booking_that_was_cancelled_after_the_turn_is_a_promise_that_was_not_kept() -> None:
    gone = said("assignment.cancelled", "gone", TUESDAY, assignment_id="A-1", revision=2)
    row = stated(live(person(), booked(1_200), tick("2026-03-09"), gone, tick("2026-03-16")))
    assert (figure(row), figure(row, name="actual_minutes"), figure(row, name="error_minutes")) == (1_200, 0, -1_200)


@pytest.mark.parametrize(("accepted", "promised"), [("2026-03-08T12:00:00Z", 960), (TUESDAY, 1_200)])
def test_leave_is_in_the_forecast_if_it_was_known(accepted: str, promised: int) -> None:
    # 1,200 a week are 240 a day: without the Friday 960.
    leave = {"leave_id": "V-1", "resource_id": "P-1", "revision": 1, "from": "2026-03-13", "to": "2026-03-13"}
    events = [person(), booked(1_200), tick("2026-03-09"), said("leave.approved", "off", accepted, **leave)]
    assert figure(stated(live(*events))) == promised


@pytest.mark.parametrize(("accepted", "promised"), [("2026-03-08T12:00:00Z", 960), (TUESDAY, 1_200)])
def test_a_holiday_is_in_the_forecast_if_it_was_known(accepted: str, promised: int) -> None:
    day = said("holiday.set", "off", accepted, holiday_id="H-1", revision=1, date="2026-03-13")
    assert figure(stated(live(person(), booked(1_200), tick("2026-03-09"), day))) == promised


def test_a_reorganisation_after_the_turn_leaves_the_promise_where_it_was_made() -> None:
    events = [person(), booked(1_200), tick("2026-03-09"), person(TUESDAY, 2, "2026-03-01", "Cloud")]
    run = live(*events, worked(900, "2026-03-11"), tick("2026-03-16"))
    data, cloud = stated(run), stated(run, "practice/Cloud")
    assert (figure(data), figure(data, name="actual_minutes")) == (1_200, 0)
    assert (figure(cloud), figure(cloud, name="actual_minutes")) == (0, 900)


def test_time_that_comes_late_is_scored_when_it_comes() -> None:
    events = [person(), booked(1_200), tick("2026-03-09"), tick("2026-03-16"), worked(600, "2026-03-11")]
    row = stated(live(*events))
    assert (row["over"], figure(row, name="error_minutes")) == (True, -600)
    row = stated(live(*events, tick("2026-03-23"), worked(480, "2026-03-12", accepted="2026-03-24T09:00:00Z")))
    assert figure(row, name="error_minutes") == -120


def test_a_week_that_is_not_over_has_no_score() -> None:
    row = stated(live(person(), booked(1_200), tick("2026-03-09"), worked(600, "2026-03-10"), tick("2026-03-15")))
    assert (row["over"], figure(row, name="actual_minutes"), figure(row, name="error_minutes")) == (False, None, None)


def test_the_first_tick_in_a_week_turns_it_whatever_its_day() -> None:
    # Nobody ticked on Monday: what was accepted by Wednesday was known, and the row says so.
    run = live(person(), booked(1_200), tick("2026-03-02"), booked(2_400, TUESDAY, 2), tick("2026-03-11"))
    [one] = [one for one in stated(run)["forecasts"] if one["weeks_ahead"] == 1]
    assert (one["frozen_on"], figure(stated(run))) == ("2026-03-11", 2_400)


def test_a_week_that_passed_without_a_tick_has_no_forecast_of_its_own() -> None:
    run = live(
        person(), booked(1_200), tick("2026-03-02"), tick("2026-03-16"), tick("2026-03-09", "2026-03-15T00:00:00Z")
    )
    assert [one["weeks_ahead"] for one in stated(run)["forecasts"]] == [1, 2]
    run = live(person(), booked(1_200), tick("2026-03-02"), tick("2026-03-16"))
    assert [one["weeks_ahead"] for one in stated(run)["forecasts"]] == [2]


def test_a_later_weeks_tick_that_was_accepted_first_takes_the_turn_away() -> None:
    run = live(person(), booked(1_200), tick("2026-03-09"), tick("2026-03-16", "2026-03-08T00:00:00Z"))
    assert stated(run)["forecasts"] == []


def test_demand_that_was_filled_came_true() -> None:
    wanted = {"demand_id": "D-1", "revision": 1, "role": "engineer", "practice": "Data", "minutes_per_week": 600}
    span = {"from": "2026-03-02", "to": "2026-03-29", "probability_ratio": "0.3"}
    opened = said("demand.opened", "looking", LONG_AGO, **wanted, **span)
    filled = said("demand.filled", "found", TUESDAY, demand_id="D-1", revision=2)
    run = live(person(), opened, tick("2026-03-09"), filled, tick("2026-03-16"))
    assert (figure(stated(run), "unnamed"), figure(stated(run), "unnamed", "booked_minutes")) == (180, 600)
    record = run.said["forecast.accuracy", "practice/Data"][1]
    its = next(one for one in record["forecasts"][0]["kinds"] if one["booking"] == "unnamed")
    assert (its["count"], its["came_true"], its["brier_score"]) == (1, 1, "0.4900")  # (0.3 − 1)²


# -- moments of acceptance ----------------------------------------------------------------------------------------


def test_a_store_that_stamps_what_it_takes_agrees_with_the_replay_of_its_journal_and_of_its_export(
    tmp_path: Any,
) -> None:
    # Stamped by the host: the change of the booking comes after the tick, so no forecast knows it.
    clock = iter(range(1_772_000_000_000_000, 1_772_000_100_000_000, 1_000_000))
    steps = [[person(), booked(1_200)], [tick("2026-03-09")], [booked(2_400, LONG_AGO, 2)], [worked(900, "2026-03-11")]]
    settings = Settings.load(store=tmp_path / "store.sqlite", partitions=2)

    async def live() -> list[str]:
        for step in [*steps, [tick("2026-03-16")]]:
            host.take(lines(step))
            await host.drain()
        return [key for _, key, _ in (await verify(host.store)).differences]

    with open_host(settings, clock=lambda: next(clock)) as host:
        assert asyncio.run(live()) == []
        tables = list(host.tables.values())
        here = rows(tables)
        facts = [fact for store in tables for _, entity in store.scan(ENTITIES) for fact in entity.facts]
        facts += [fact for store in tables for _, one in store.scan(PEOPLE) for fact in one.facts]
        moments = [timestamp(turned.accepted) for _, turned in tables[0].scan(TURNS)]
    assert here["practice/Data/2026-W11"]["forecasts"][0]["kinds"][0]["forecast_minutes"] == 1_200
    ticks = [tick(day, moment) for day, moment in zip(("2026-03-09", "2026-03-16"), moments, strict=True)]
    again = fold([*map(exported, facts), *lines(ticks)], partitions=3, cut=2)
    assert rows(again.host.stores) == here


def rows(stores: Any) -> dict[str, Row]:
    day = date(2026, 3, 16).toordinal()
    cells = cells_of(stores, day)
    ledger = ledger_of(stores, cells)
    found = [row for _, _, row in score_rows(ledger, cells, day, ("role", "practice", "firm"))]
    found += [row for _, row in record_rows(ledger, cells, day, ("role", "practice", "firm"))]
    return {"/".join([*row["subject"].values(), row.get("week", "")]): row for row in found}
