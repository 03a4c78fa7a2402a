"""Where a document goes, and how much a target takes: domain 1A 37, 42 and 50."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import BEGINNING, FOREVER
from app.domain.gate import (
    ANY,
    MINUTE,
    NO_LIMIT,
    OPEN,
    SECOND,
    Limit,
    affordable_in,
    cost,
    full,
    grown,
    patience,
    rules,
)
from tests.domain.ledgers import day


def limit(**given: Any) -> Limit:
    return rules([], {"sap": given}).limit("sap")


# -- what settings say ----------------------------------------------------------------------------------------------


def test_a_limit_takes_a_second_s_worth_at_once_unless_it_says_otherwise() -> None:
    """120 a minute are 2 a second, 60 one, and 30 a minute are still one at once."""
    assert [limit(per_minute=n).burst for n in (120, 60, 30)] == [2, 1, 1]
    assert limit(per_minute=120, burst=7).burst == 7


def test_an_answer_is_waited_for_as_many_minutes_as_said_and_asked_for_five_times() -> None:
    """1.5 minutes are 90 seconds."""
    assert limit(per_minute=60) == Limit(60, 1, 0, 5)
    assert limit(ack_minutes="1.5", attempts=3) == Limit(0, 1, 90 * SECOND, 3)


def test_a_target_without_a_limit_has_that_of_all_others_or_none() -> None:
    its = rules([], {"sap": {"per_minute": 60}, "*": {"per_minute": 600}})
    assert (its.limit("sap").per_minute, its.limit("netsuite").per_minute) == (60, 600)
    assert OPEN.limit("sap") == NO_LIMIT
    assert (NO_LIMIT.per_minute, NO_LIMIT.burst) == (0, 1)


@pytest.mark.parametrize("name", ["per_minute", "burst", "attempts", "ack_minutes"])
def test_no_limit_is_below_nothing(name: str) -> None:
    with pytest.raises(ValueError, match="below 0"):
        limit(**{name: -1})


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ({"target": "sap", "until": "2026-01-31"}, "may have legal_entity_id, from, to and mode"),
        ({"legal_entity_id": "LE-1"}, "a route has a target"),
        ({"target": ""}, "a route has a target"),
        ({"target": 7}, "a route has a target"),
        ({"target": "sap", "mode": "dry"}, "live or shadow, not 'dry'"),
    ],
)
def test_a_route_that_cannot_be_is_refused_with_a_sentence(route: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rules([route], {})


def test_a_limit_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="'per_hour'"):
        limit(per_hour=60)


# -- where to -------------------------------------------------------------------------------------------------------


def test_without_routes_there_is_one_erp() -> None:
    assert OPEN.target("LE-1", day("2026-03-01")) == ANY


def test_the_entity_s_own_route_goes_before_one_for_all_and_the_later_before_the_earlier() -> None:
    its = rules(
        [
            {"target": "old", "to": "2026-06-30"},
            {"target": "new", "from": "2026-04-01"},
            {"target": "own", "legal_entity_id": "LE-1", "from": "2026-02-01", "to": "2026-05-31"},
        ],
        {},
    )
    on = {text: [its.target(name, day(text)) for name in ("LE-1", "LE-2", None)] for text in _DAYS}
    assert on == {
        "2026-01-31": ["old", "old", "old"],
        "2026-02-01": ["own", "old", "old"],
        "2026-04-01": ["own", "new", "new"],
        "2026-05-31": ["own", "new", "new"],
        "2026-06-01": ["new", "new", "new"],
    }


_DAYS = ("2026-01-31", "2026-02-01", "2026-04-01", "2026-05-31", "2026-06-01")


def test_where_no_route_leads_there_is_no_target() -> None:
    its = rules([{"target": "sap", "legal_entity_id": "LE-1", "from": "2026-02-01", "to": "2026-02-28"}], {})
    assert [its.target("LE-1", day(f"2026-{on}")) for on in ("01-31", "02-28", "03-01")] == [None, "sap", None]
    assert its.target("LE-2", day("2026-02-01")) is None


def test_a_shadow_is_no_target_and_each_is_told_once() -> None:
    its = rules(
        [{"target": "new", "mode": "shadow"}, {"target": "new", "mode": "shadow", "legal_entity_id": "LE-1"}], {}
    )
    assert its.target("LE-1", BEGINNING) is None
    assert [its.shadows(name, FOREVER) for name in ("LE-1", "LE-2")] == [["new"], ["new"]]
    assert OPEN.shadows("LE-1", FOREVER) == []


# -- how much -------------------------------------------------------------------------------------------------------


def test_credit_grows_by_what_a_target_takes_up_to_the_burst_and_never_back() -> None:
    """90 a minute: after 2 seconds 3 documents can be sent, and after an hour the 4 of the burst."""
    its = Limit(per_minute=90, burst=4)
    assert grown(0, its, 2 * SECOND, 1) == 3 * cost(1)
    assert grown(0, its, 3600 * SECOND, 1) == full(its, 1) == 4 * cost(1)
    assert grown(cost(1), its, -SECOND, 1) == cost(1)


def test_slices_share_what_a_target_takes_and_each_can_send_one_in_the_end() -> None:
    """Of 60 a minute each of 3 slices sends one in 3 seconds, of a burst of 2 none has more than its one."""
    its = Limit(per_minute=60, burst=2)
    assert affordable_in(0, its, 3) == 3 * SECOND
    assert full(its, 3) == cost(3)


def test_of_a_document_that_lacks_the_least_credit_the_next_microsecond_is_asked() -> None:
    its = Limit(per_minute=60, burst=1)
    assert [affordable_in(cost(2) - lacking, its, 2) for lacking in (0, 1, 60, 61)] == [0, 1, 1, 2]


@given(st.integers(1, 1000), st.integers(1, 8), st.integers(0, 600 * MINUTE))
def test_a_document_can_be_sent_exactly_when_it_was_said(per_minute: int, slices: int, credit: int) -> None:
    its = Limit(per_minute=per_minute, burst=1)
    wait = affordable_in(credit, its, slices)
    assert credit + wait * per_minute >= cost(slices)
    assert wait == 0 or credit + (wait - 1) * per_minute < cost(slices)


# -- again ----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=8), st.integers(1, 20), st.integers(1, 90))
def test_the_pause_doubles_six_times_and_is_up_to_a_quarter_longer(key: str, attempt: int, minutes: int) -> None:
    least = minutes * MINUTE * 2 ** min(attempt - 1, 6)
    wait = patience(key, Limit(ack=minutes * MINUTE), attempt)
    assert least <= wait < least * 5 // 4
    assert wait == patience(key, Limit(ack=minutes * MINUTE), attempt)


def test_what_was_sent_together_is_not_sent_again_together() -> None:
    """Of a hundred documents the longest pause is more than a fifth longer than the shortest: 1.25 at most."""
    its = [patience(f"C-{n}/2026-03/time/1", Limit(ack=MINUTE), 1) for n in range(100)]
    assert len(set(its)) == 100
    assert max(its) > min(its) * 6 // 5
