"""Options that make no firm are refused before the first line; what is left out is derived."""

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.simulation.scenario import Scenario, ScenarioError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": 0}, "events is 0: give 1 or more"),
        ({"people": -3}, "people is -3: give 1 or more"),
        ({"events": None}, "events is None and people is None"),
        ({"late_days": -1}, "late_days is -1: give 0 or more"),
        ({"late_ratio": 1.5}, "late_ratio is 1.5: give a ratio from 0 to 1"),
        ({"duplicate_ratio": 0.6, "malformed_ratio": 0.5}, "add up to 1.1: leave room"),
        ({"start": date(2026, 7, 1), "end": date(2026, 6, 1)}, "start 2026-07-01 is after end 2026-06-01"),
    ],
)
def test_an_option_that_makes_no_firm_is_named_with_its_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        Scenario(**options)
    assert message in str(error.value)


def test_more_lines_mean_a_larger_firm_over_the_same_weeks() -> None:
    small, large = Scenario(events=20_000).size(), Scenario(events=200_000).size()
    assert small.weeks == large.weeks == 40
    assert large.people == pytest.approx(10 * small.people, rel=0.05)
    assert large.contracts == pytest.approx(10 * small.contracts, rel=0.05)


def test_the_last_week_is_the_week_of_the_last_day() -> None:
    # 2026-03-11 is a Wednesday: its week began on the 9th, and the first of three weeks on February 23rd.
    size = Scenario(end=date(2026, 3, 11), weeks=3).size()
    assert (size.first, size.last) == (date(2026, 2, 23), date(2026, 3, 11))


def test_a_start_decides_how_many_weeks_there_are() -> None:
    # Monday 2026-06-01 to Friday 2026-06-26 are four weeks, counted by their Mondays: 1st, 8th, 15th, 22nd.
    size = Scenario(start=date(2026, 6, 3), end=date(2026, 6, 26)).size()
    assert (size.first, size.weeks) == (date(2026, 6, 1), 4)


def test_given_sizes_are_kept() -> None:
    size = Scenario(events=1_000, people=17, contracts=3, weeks=9).size()
    assert (size.people, size.contracts, size.weeks) == (17, 3, 9)


def test_every_option_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text(encoding="utf-8")
    missing = [field.name for field in fields(Scenario) if f"`{field.name}`" not in page]
    assert not missing
