"""Rules of a region, as data: which one decides, what breaks it, and which hours are kept (domain F19, F20)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.domain import calendar
from app.domain.availability import broken_by, career_of
from app.domain.regional import Rules, of_people, of_people_only
from app.events.fact import Fact

DAY = calendar.number("2026-03-02")


def fact(kind: str, entity: str, revision: int = 1, **data: Any) -> Fact:
    said = {"revision": revision} | data
    return Fact(
        f"{kind}.v1",
        entity,
        revision,
        "/hr",
        f"{kind}/{entity}/{revision}",
        revision,
        revision,
        revision,
        None,
        None,
        "log",
        0,
        revision,
        orjson.dumps(said),  # type: ignore[arg-type]
    )


def policy(name: str = "W", revision: int = 1, **data: Any) -> Fact:
    whole = {"policy_id": name, "code": "REGIONAL_RULE_BROKEN", "action": "blocking", "weekly_minutes": 2_400}
    return fact("policy.set", name, revision, **(whole | data))


def rules(*facts: Fact) -> Rules:
    found = Rules()
    for name in {one.entity for one in facts}:
        found.put(name, [one for one in facts if one.entity == name])
    return found


def update(revision: int = 1, start: str = "2026-01-01", minutes: int = 2_400, **data: Any) -> Fact:
    said = {"resource_id": "P", "effective_from": start, "weekly_minutes": minutes, "region": "emea"}
    return fact("resource.upserted", "P", revision, **(said | data))


def hours(*updates: Fact, by: Rules, on: int = DAY) -> tuple[int, int] | None:
    held = career_of(list(updates), by).on(on)
    return None if held is None else (held.weekly, held.weekdays)


WEEKDAYS = 0b0011111


def test_hours_that_break_the_rule_are_not_taken_and_the_rest_is() -> None:
    career = career_of([update(role="a"), update(2, "2026-03-01", 3_000, role="b")], rules(policy()))
    before, after = career.on(DAY - 7), career.on(DAY)
    assert before is not None
    assert after is not None
    assert (before.weekly, before.role) == (2_400, "a")
    assert (after.weekly, after.weekdays, after.role) == (2_400, WEEKDAYS, "b")


def test_the_hours_kept_are_those_of_the_highest_revision_in_effect_that_keeps_the_rule() -> None:
    """Revision 3 is refused from 1 February; revision 2, of 1 March, is what is kept from then on."""
    updates = update(), update(2, "2026-03-01", 1_200), update(3, "2026-02-01", 3_000)
    by = rules(policy())
    assert hours(*updates, by=by, on=calendar.number("2026-02-10")) == (2_400, WEEKDAYS)
    assert hours(*updates, by=by, on=DAY) == (1_200, WEEKDAYS)


def test_without_any_before_there_are_none() -> None:
    assert hours(update(minutes=3_000, working_days=[1, 2]), by=rules(policy())) == (0, 0b11)


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({}, True),
        ({"minutes": 2_401}, False),
        ({"working_days": [1, 2, 3, 4, 5, 6]}, False),
        ({"minutes": 0, "working_days": [7]}, True),  # who does not work breaks nothing
        ({"minutes": 3_000, "region": "amer"}, True),
        ({"minutes": 3_000, "start": "2025-12-31"}, True),  # the rule is about updates from 2026 on
    ],
)
def test_what_breaks_a_rule(data: dict[str, Any], kept: bool) -> None:
    by = rules(policy(region="emea", working_days=[1, 2, 3, 4, 5], effective_from="2026-01-01"))
    said = update(**data)
    assert (broken_by([said], by) == []) is kept
    found = hours(said, by=by)
    assert found is not None
    assert (found[0] == data.get("minutes", 2_400)) is kept


def test_the_rule_of_the_region_goes_before_the_one_for_all_also_where_it_is_off() -> None:
    everywhere = policy("A", weekly_minutes=2_000)
    assert hours(update(), by=rules(everywhere)) == (0, WEEKDAYS)
    assert hours(update(), by=rules(everywhere, policy("B", region="emea"))) == (2_400, WEEKDAYS)
    assert hours(update(minutes=9_000), by=rules(everywhere, policy("B", region="emea", action="off"))) == (
        9_000,
        WEEKDAYS,
    )
    two = policy("B", 2, region="emea", weekly_minutes=1_000), policy("C", 1, region="emea")
    assert hours(update(), by=rules(*two)) == (0, WEEKDAYS)  # of one scope the highest revision


def test_a_rule_that_warns_points_out_and_takes_the_hours() -> None:
    by = rules(policy(action="warning"))
    assert hours(update(minutes=3_000), by=by) == (3_000, WEEKDAYS)
    [found] = broken_by([update(minutes=3_000)], by)
    assert found.why == "3000 minutes a week are more than the 2400 of every region"


def test_a_withdrawn_rule_holds_no_more() -> None:
    gone = fact("policy.withdrawn", "W", 2, policy_id="W")
    assert hours(update(minutes=3_000), by=rules(policy(), gone)) == (3_000, WEEKDAYS)


def test_an_update_that_is_held_on_no_day_breaks_nothing() -> None:
    by = rules(policy())
    wrong = update(2, "2026-03-01", 3_000)
    assert [one.message.revision for one in broken_by([update(), wrong], by)] == [2]
    assert broken_by([update(), wrong, update(3, "2026-03-01")], by) == []
    assert [one.message.revision for one in broken_by([update(), wrong, update(3, "2026-03-02")], by)] == [2]


def test_what_is_wrong_is_said_whole() -> None:
    by = rules(policy(region="emea", working_days=[1, 2, 3, 4, 5]))
    [found] = broken_by([update(minutes=3_000, working_days=[1, 6, 7])], by)
    assert found.why == (
        "3000 minutes a week are more than the 2400 of region emea and nobody works on ISO weekday 6, 7 in region emea"
    )


def test_patience_is_the_region_s_and_ninety_days_where_none_is_said() -> None:
    by = rules(
        policy("A", code="FORECAST_STALE", action="warning"), policy("B", code="FORECAST_STALE", days=7, region="x")
    )
    assert (by.patience("x"), by.patience("y"), by.patience(None)) == (7, 90, 90)
    assert rules().patience("x") is None


def test_a_policy_is_about_people_or_contracts() -> None:
    other = fact("policy.set", "W", 2, policy_id="W", code="TIME_LATE", action="warning")
    assert (of_people([policy()]), of_people_only([policy()])) == (True, True)
    assert (of_people([policy(), other]), of_people_only([policy(), other])) == (True, False)
    assert (of_people([other]), of_people_only([other])) == (False, False)
    assert not of_people_only([fact("policy.withdrawn", "W", policy_id="W")])
