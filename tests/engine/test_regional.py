"""What HR sends against the rules of a region (F19), and how old what a forecast rests on is (F20)."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from random import Random
from typing import Any

import pytest

from agents.alarms import RAISED
from agents.effects import ALERTS, EXCEPTIONS, UTILIZATION, Record
from app.domain.utilization import WINDOW
from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.runner import finish
from app.engine.store import Store
from app.engine.workforce import Workforce
from tests.engine.noise import tick
from tests.engine.runs import Row, Run, carry, fold, lines, started
from tests.engine.test_policy import AT, event
from tests.model.histories import Event, envelope

TODAY = date(2026, 3, 9)
WEEK = "2026-W11"
RULE = event(
    "policy.set",
    policy_id="W",
    code="REGIONAL_RULE_BROKEN",
    action="blocking",
    region="emea",
    weekly_minutes=2_400,
    working_days=[1, 2, 3, 4, 5],
)
WITHDRAWN = event("policy.withdrawn", policy_id="W", revision=2)


def hired(revision: int = 1, start: str = "2026-01-01", minutes: int = 2_400, **more: Any) -> Event:
    said = {"resource_id": "P", "effective_from": start, "weekly_minutes": minutes, "region": "emea"}
    return event("resource.upserted", **(said | {"revision": revision} | more))


GOOD, BAD = hired(), hired(2, "2026-03-01", 3_000, role="analyst")
MENDED = hired(3, "2026-03-01", 1_200, role="analyst")
TICK = tick(TODAY)


def later(run: Run, one: Event) -> None:
    """Another event, in a log of its own."""
    finish(run.host.take(one["id"], [Record(0, line) for line in lines([one])]))


def week(run: Run, name: str = "P") -> Row:
    row: Row = run.said[UTILIZATION, f"resource/{name}/{WEEK}"][1]
    return row


def raised(run: Run) -> list[tuple[str, str, str]]:
    said = [one for (topic, _), one in run.said.items() if topic == EXCEPTIONS and one[0] == RAISED]
    return [(one[1]["code"], one[1]["tier"], one[1]["owner"]) for one in said]


@pytest.mark.parametrize("partitions", [1, 3])
def test_f19_an_update_against_a_rule_of_its_region_is_an_exception_and_the_hours_before_are_kept(
    partitions: int,
) -> None:
    """Revision 2 says 50 hours where 40 are allowed: 40 stay, its role counts, and HR has something to settle."""
    for order in permutations([RULE, GOOD, BAD, TICK]):
        run = fold(lines(order), partitions=partitions, cut=1, publish=True)
        assert week(run)["capacity_minutes"] == 2_400
        assert run.said[UTILIZATION, f"role/analyst/{WEEK}"][1]["capacity_minutes"] == 2_400
        assert raised(run) == [("REGIONAL_RULE_BROKEN", "blocking", "HR")]
    [(_, key)] = [place for place in run.said if place[0] == EXCEPTIONS]
    said = run.said[EXCEPTIONS, key][1]
    assert key == said["exception_id"] == "REGIONAL_RULE_BROKEN/resource/P/2"
    assert said["evidence"] == [f"{one['source']}#{one['id']}" for one in (BAD, RULE)]
    assert said["message"] == (
        "revision 2 of resource/P: 3000 minutes a week are more than the 2400 of region emea; the hours held before"
        " stay until this is settled: publish a revision that keeps to policy W, or change the policy"
    )


@pytest.mark.parametrize(("last", "minutes"), [(MENDED, 1_200), (WITHDRAWN, 3_000)])
def test_f19_it_is_settled_by_a_revision_that_keeps_the_rule_or_by_another_policy(last: Event, minutes: int) -> None:
    for order in permutations([RULE, GOOD, BAD, last]):
        run = fold(lines([TICK, *order]), partitions=2, cut=1, publish=True)
        assert (week(run)["capacity_minutes"], raised(run)) == (minutes, []), order


def test_f19_a_rule_that_warns_takes_the_hours_and_points_them_out() -> None:
    warns = {**RULE, "data": {**RULE["data"], "action": "warning"}}
    run = fold(lines([warns, GOOD, BAD, TICK]), publish=True)
    assert week(run)["capacity_minutes"] == 3_000
    assert raised(run) == [("REGIONAL_RULE_BROKEN", "warning", "HR")]


def test_f19_another_region_is_another_rule() -> None:
    run = fold(lines([RULE, GOOD, hired(2, "2026-03-01", 3_000, region="amer"), TICK]), publish=True)
    assert (week(run)["capacity_minutes"], raised(run)) == (3_000, [])


def test_f19_what_is_booked_is_worth_what_the_hours_kept_let_be_done() -> None:
    """40 hours booked on 5 days, while the update that is refused would leave only Saturday to work."""
    booked = event(
        "assignment.booked",
        assignment_id="A",
        resource_id="P",
        contract_id="C",
        minutes_per_week=2_400,
        **{"from": "2026-03-09", "to": "2026-03-13"},
    )
    saturdays = hired(2, "2026-03-01", 480, working_days=[6])
    run = fold(lines([booked, GOOD, saturdays, RULE, TICK]), partitions=3, publish=True)
    assert (week(run)["planned_net_minutes"], week(run)["capacity_minutes"]) == (2_400, 2_400)
    free = fold(lines([booked, GOOD, saturdays, TICK]), publish=True)
    assert (week(free)["planned_net_minutes"], week(free)["capacity_minutes"]) == (0, 480)


def test_f19_before_the_rule_was_known_the_hours_were_taken() -> None:
    """Accepted at 17:00 and, the rule, at 19:00: asked as known at 18:00 there are 50 hours, at 20:00 there are 40."""
    late = {**RULE, "acceptedtime": "2026-03-09T19:00:00Z"}
    run = fold(lines([late, GOOD, BAD]))
    day = TODAY.toordinal()
    found = {}
    for hour in (18, 20):
        moment = int(AT.replace(hour=hour).timestamp()) * 1_000_000
        then = Workforce(run.host.stores).known_at("P", moment)
        rows = then.weeks("P", day, list(WINDOW.mondays(day)))
        [found[hour]] = [row.payload["capacity_minutes"] for row in rows if row.payload["week"] == WEEK]
    assert found == {18: 3_000, 20: 2_400}


async def test_f19_it_stands_at_the_desk_until_it_is_settled(tmp_path: Any) -> None:
    with EmbeddedHost(Store(tmp_path / "s.sqlite", partitions=2), lambda: None) as host:
        gather = Gather(host, lambda: 0.0, StoredLetters(host.store))
        host.take(lines([RULE, GOOD, BAD, TICK]))
        await host.drain()
        [item] = (await gather.desk())[0]["items"]
        assert (item["kind"], item["code"], item["owner"]) == ("staffing", "REGIONAL_RULE_BROKEN", "HR")
        host.take(lines([MENDED]))
        await host.drain()
        assert (await gather.desk())[0]["items"] == []


def test_f19_people_no_rule_is_about_are_left_alone() -> None:
    """A policy of readiness, and a rule of another region, state nobody's exception."""
    other = event("policy.set", policy_id="V", code="TIME_LATE", action="warning")
    run = fold(lines([other, {**RULE, "data": {**RULE["data"], "region": "amer"}}, GOOD, BAD, TICK]), publish=True)
    assert raised(run) == []


def test_f20_every_week_of_a_person_says_how_old_what_hr_last_said_is() -> None:
    """HR spoke on 9 March; on 19 April that is 41 days ago. A booking since is not HR's word."""
    booked = event(
        "assignment.booked",
        assignment_id="A",
        resource_id="P",
        contract_id="C",
        minutes_per_week=600,
        **{"from": "2026-04-20", "to": "2026-04-24"},
    )
    run = fold(lines([GOOD, {**booked, "time": "2026-04-18T09:00:00Z"}, tick(date(2026, 4, 19))]), publish=True)
    rows = [one[1] for (topic, key), one in run.said.items() if topic == UTILIZATION and key.startswith("resource/P/")]
    assert len(rows) == 35
    assert {row["data_age_days"] for row in rows} == {41}


def test_f20_whoever_hr_never_spoke_of_has_no_age() -> None:
    worked = event("time.approved", entry_id="E", contract_id="C", resource_id="Q", work_date="2026-03-09", minutes=60)
    run = fold(lines([worked, TICK]), publish=True)
    assert week(run, "Q")["data_age_days"] is None


def test_f20_past_what_the_policy_allows_there_is_an_alert_until_hr_speaks_again() -> None:
    """30 days are allowed; on 8 April it is the 30th, on 9 April the 31st. The same again, under a new id, is news."""
    policy = event("policy.set", policy_id="S", code="FORECAST_STALE", action="warning", days=30)
    run = started(partitions=2, publish=True)
    carry(run, lines([GOOD, tick(date(2026, 4, 8)), policy]))
    assert run.said[ALERTS, "P"][1]["stale"] is None
    later(run, tick(date(2026, 4, 9)))
    assert run.said[ALERTS, "P"][1]["stale"] == {"data_age_days": 31, "limit_days": 30}
    again = envelope("resource.upserted", hired(2)["data"], "again", AT.replace(month=4, day=8))
    later(run, again)
    assert run.said[ALERTS, "P"][1]["stale"] is None
    assert week(run)["data_age_days"] == 1


def test_f20_nobody_is_stale_without_a_policy_or_without_anything_ahead() -> None:
    policy = event("policy.set", policy_id="S", code="FORECAST_STALE", action="warning", days=0)
    later = tick(date(2026, 6, 1))
    assert fold(lines([GOOD, later]), publish=True).said[ALERTS, "P"][1]["stale"] is None
    left = hired(2, "2026-03-01", employed_to="2026-03-31")
    assert fold(lines([GOOD, left, policy, later]), publish=True).said[ALERTS, "P"][1]["stale"] is None
    for order in permutations([GOOD, policy, later]):
        run = fold(lines(order), partitions=3, cut=1, publish=True)
        assert run.said[ALERTS, "P"][1]["stale"] == {"data_age_days": 84, "limit_days": 0}


async def test_f20_stale_forecasts_are_asked_for_by_kind_and_role(tmp_path: Any) -> None:
    policy = event("policy.set", policy_id="S", code="FORECAST_STALE", action="warning", days=0, region="emea")
    other = hired(resource_id="Q", region="amer", role="analyst")
    with EmbeddedHost(Store(tmp_path / "s.sqlite", partitions=2), lambda: None) as host:
        gather = Gather(host, lambda: 0.0, StoredLetters(host.store))
        host.take(lines([hired(role="engineer"), other, tick(date(2026, 4, 9))]))
        await host.drain()
        assert (await gather.alerts("", 9, None, None, "stale", None, None))[0] == []
        host.take(lines([policy]))
        await host.drain()
        found = [row["resource_id"] for row in (await gather.alerts("", 9, None, None, "stale", "engineer", None))[0]]
        assert found == ["P"]
        assert (await gather.alerts("", 9, None, None, "stale", "analyst", None))[0] == []


def test_rules_may_come_in_any_order_and_batch() -> None:
    """Two rules, three revisions and patience: the same weeks, alerts and exceptions, whatever comes first."""
    log = [
        RULE,
        event("policy.set", policy_id="A", code="REGIONAL_RULE_BROKEN", action="warning", weekly_minutes=1_000),
        event("policy.set", policy_id="S", code="FORECAST_STALE", action="warning", days=3),
        GOOD,
        BAD,
        hired(3, "2026-04-01", 9_000, region="amer"),
        hired(resource_id="Q", region=None),
        tick(date(2026, 3, 20)),
    ]
    first = fold(lines(log), publish=True)
    for seed in range(8):
        order = Random(seed).sample(log, len(log))
        assert fold(lines(order), partitions=1 + seed % 4, cut=1 + seed, publish=True).said == first.said
