"""Faults of the journey: as many as asked for, and nothing of the firm's own is lost or changed by them."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
import pytest

from app.events.reader import Reader
from app.events.refusal import REFUSALS, Refusal
from app.simulation.dice import Dice
from app.simulation.faults import MALFORMED, contradiction, disordered, malformed, too_large
from app.simulation.firm import simulate
from app.simulation.scenario import Scenario

FIRM: dict[str, Any] = {"events": None, "people": 8, "contracts": 12, "weeks": 20}


@pytest.fixture(scope="module")
def own() -> Sequence[bytes]:
    return tuple(simulate(Scenario(**FIRM)))


def code(line: bytes) -> str | None:
    """The code a line is refused with, None when it is accepted."""
    try:
        Reader().read(line)
    except Refusal as refusal:
        return refusal.code
    return None


def test_repeats_are_copies_of_the_firms_own_lines(own: Sequence[bytes]) -> None:
    sent = Counter(simulate(Scenario(**FIRM, duplicate_ratio=0.04)))
    assert sent.keys() == set(own)
    assert (sent.total() - len(own)) / sent.total() == pytest.approx(0.04, rel=0.25)


def test_malformed_lines_come_on_top_of_the_firms_own(own: Sequence[bytes]) -> None:
    sent = Counter(simulate(Scenario(**FIRM, malformed_ratio=0.05)))
    extra = sent - Counter(own)
    assert Counter(own) - sent == Counter()
    assert extra.total() / sent.total() == pytest.approx(0.05, rel=0.2)
    assert {code(line) for line in extra} >= set(MALFORMED)


@pytest.mark.parametrize(("wanted", "make"), MALFORMED.items(), ids=MALFORMED)
def test_a_malformed_line_is_refused_for_what_it_was_given(lines: Sequence[bytes], wanted: str, make: Any) -> None:
    entry = next(line for line in lines if b"time.approved" in line)
    assert code(make(orjson.loads(entry))) == wanted


def test_a_line_can_be_too_large(lines: Sequence[bytes]) -> None:
    entry = next(line for line in lines if b"time.approved" in line)
    assert code(too_large(orjson.loads(entry))) == "too_large"


def test_every_refusal_that_needs_no_settings_can_be_provoked() -> None:
    assert {*MALFORMED, "too_large"} == set(REFUSALS) - {"not_authorised"}


def test_a_contradiction_says_the_same_message_or_the_same_revision_in_another_way(lines: Sequence[bytes]) -> None:
    entry = next(line for line in lines if b"time.approved" in line)
    said = orjson.loads(entry)
    for number in range(8):
        line = contradiction(entry, number)
        assert line is not None
        other = orjson.loads(line)
        assert (other["id"] == said["id"]) is (number % 2 == 0)
        assert other["data"].pop("minutes") != said["data"]["minutes"]
        assert other["data"] == {name: value for name, value in said["data"].items() if name != "minutes"}
        assert code(line) is None


def test_only_whole_time_entries_are_broken_or_contradicted(lines: Sequence[bytes]) -> None:
    other = next(line for line in lines if b"contract.approved" in line)
    assert contradiction(other, 0) is None
    assert malformed(other, 0) is None


def test_contradictions_are_as_many_as_asked_for(own: Sequence[bytes]) -> None:
    sent = Counter(simulate(Scenario(**FIRM, conflict_ratio=0.03)))
    assert (sent - Counter(own)).total() / sent.total() == pytest.approx(0.03, rel=0.25)


def test_disorder_moves_every_line_by_at_most_so_many_places() -> None:
    lines = [str(number).encode() for number in range(5_000)]
    moved = list(disordered(iter(lines), 40, Dice(1, "test")))
    assert sorted(moved, key=int) == lines
    distances = [abs(place - int(line)) for place, line in enumerate(moved)]
    assert max(distances) <= 40
    assert sum(distances) / len(distances) > 5


def test_disorder_changes_nothing_but_the_order(own: Sequence[bytes]) -> None:
    sent = list(simulate(Scenario(**FIRM, disorder=30)))
    assert sent != list(own)
    assert Counter(sent) == Counter(own)


def test_late_messages_are_recorded_days_after_they_happened() -> None:
    events = [orjson.loads(line) for line in simulate(Scenario(**FIRM, late_ratio=0.1, late_days=5))]
    late = [event for event in events if event["time"][:10] < event["recordedtime"][:10]]
    assert len(late) / len(events) == pytest.approx(0.1, rel=0.2)
    assert [event["recordedtime"] for event in events] == sorted(event["recordedtime"] for event in events)
    for event in late:
        days = _day(event["recordedtime"]) - _day(event["time"])
        assert 1 <= days <= 5


def test_the_bound_holds_with_every_fault_at_once() -> None:
    scenario = Scenario(
        events=4_000, late_ratio=0.05, duplicate_ratio=0.05, disorder=100, malformed_ratio=0.02, conflict_ratio=0.01
    )
    assert sum(1 for _ in simulate(scenario)) == 4_000


def _day(instant: str) -> int:
    return date.fromisoformat(instant[:10]).toordinal()
