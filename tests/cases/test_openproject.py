"""OpenProject: hourly rates with a day from which they hold, of a person on a project or of the person anywhere.

Its cost of an entry follows the rates as they are now: a rate that is added, moved or removed prices old entries again.
Ours follows in the same way, for prices as for costs, whatever order the messages come in.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.asked import Answer, ask
from tests.model.histories import Event
from tests.model.test_oracle import contract, rate, said, worked

HERE: dict[str, Any] = {"contract_id": "C-1", "resource_id": "P-1"}
ANYWHERE: dict[str, Any] = {"resource_id": "P-1"}


def history(**scope: Any) -> list[Event]:
    """50 from the 5th, 70 from the 7th, 90 from the 9th."""
    cards = (("50", "2025-03-05", "R-5"), ("70", "2025-03-07", "R-7"), ("90", "2025-03-09", "R-9"))
    return [contract(), *[rate(amount, day, name, **scope) for amount, day, name in cards]]


def price(told: Answer) -> str:
    amount: str = told.burn()["approved"]["amount"]
    return amount


@pytest.mark.parametrize("scope", [HERE, ANYWHERE])
@pytest.mark.parametrize(
    ("day", "amount"),
    [
        ("2025-03-04", "0.00"),  # before the first there is no price, and a blocker instead
        ("2025-03-05", "50.00"),
        ("2025-03-06", "50.00"),
        ("2025-03-07", "70.00"),
        ("2025-03-08", "70.00"),
        ("2025-03-09", "90.00"),
        ("2025-03-31", "90.00"),
    ],
)
def test_the_rate_in_force_on_the_day_it_was_spent(scope: dict[str, Any], day: str, amount: str) -> None:
    told = ask([*history(**scope), worked(60, day)])
    assert price(told) == amount
    assert ("RATE_UNRESOLVED" in told.blockers()) is (amount == "0.00")


def test_a_rate_that_is_added_at_the_end_or_in_between_prices_what_it_covers_again() -> None:
    # an hour on the 8th: 70; with a rate of 1 from the 8th on 1. An hour on the 10th: 90; with one of 1 from then on 1.
    for day, before in (("2025-03-08", "70.00"), ("2025-03-10", "90.00")):
        events = [*history(**HERE), worked(60, day)]
        assert price(ask(events)) == before
        assert price(ask([*events, rate("1", day, "R-new", **HERE)])) == "1.00"


def test_a_rate_that_is_removed_leaves_the_one_before_it() -> None:
    events = [*history(**ANYWHERE), worked(60, "2025-03-09")]
    assert price(ask(events)) == "90.00"
    events.append(said("rate.withdrawn", rate_id="R-9", revision=2))
    assert price(ask(events)) == "70.00"
    events.append(said("rate.withdrawn", rate_id="R-7", revision=2))
    assert price(ask(events)) == "50.00"
    events.append(said("rate.withdrawn", rate_id="R-5", revision=2))
    assert (price(ask(events)), ask(events).burn()["unpriced_minutes"]) == ("0.00", 60)


def test_a_rate_that_changes_its_day_changes_places() -> None:
    # R-9 holds from the 6th now, before R-7: the 9th is R-7's, the 6th is R-9's.
    events = [*history(**HERE), rate("90", "2025-03-06", "R-9", revision=2, **HERE)]
    assert price(ask([*events, worked(60, "2025-03-09")])) == "70.00"
    assert price(ask([*events, worked(60, "2025-03-06")])) == "90.00"


def test_a_rate_here_goes_before_a_newer_one_of_the_person_and_the_other_way_round_once_it_is_gone() -> None:
    events = [*history(**ANYWHERE), worked(60, "2025-03-10"), rate("1337", "2025-03-01", "R-here", **HERE)]
    assert price(ask(events)) == "1337.00"
    gone = said("rate.withdrawn", rate_id="R-here", revision=2, contract_id="C-1")
    assert price(ask([*events, gone])) == "90.00"


def test_an_entry_that_changes_its_day_changes_its_price() -> None:
    events = [*history(**HERE), worked(60, "2025-03-05")]
    for revision, (day, amount) in enumerate((("2025-03-07", "70.00"), ("2025-03-09", "90.00")), 2):
        events.append(worked(60, day, kind="corrected", revision=revision))
        assert price(ask(events)) == amount


def test_costs_that_are_given_go_before_all_that_are_looked_up() -> None:
    assert price(ask([*history(**HERE), worked(60, "2025-03-09", rate_override="123.45")])) == "123.45"


@pytest.mark.parametrize("hours", [0, 1, 7, 23])
def test_costs_depend_on_the_number_of_hours(hours: int) -> None:
    assert price(ask([*history(**HERE), worked(60 * hours, "2025-03-09")])) == f"{90 * hours}.00"
