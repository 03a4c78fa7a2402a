"""What people do about an exception: domain moonshot 12."""

from __future__ import annotations

from itertools import permutations

from app.domain.casework import case_id, due, state
from app.events.fact import Fact
from tests.domain.ledgers import fact


def did(kind: str, revision: int, by: str = "ana", **data: object) -> Fact:
    return fact(f"case.{kind}", f"{kind}-{revision}-{by}", at=revision, case_id="X", revision=revision, by=by, **data)  # type: ignore[arg-type]


def test_of_nobody_s_doing_a_case_is_open() -> None:
    assert (state(())["status"], state(())["revision"]) == ("open", 0)


def test_a_case_is_the_fold_of_its_actions_in_whatever_order_they_came() -> None:
    actions = [
        did("claimed", 1),
        did("commented", 2, text="asked the office"),
        did("retried", 3),
        did("resolved", 4, how="corrected", event_source="/psa", event_id="e-9"),
    ]
    for order in permutations(actions):
        found = state(list(order))
        assert (found["status"], found["claimed_by"], found["retries"]) == ("resolved", "ana", 1)
        assert found["resolution"] == {
            "at": "2026-01-01T12:04:00Z",
            "by": "ana",
            "how": "corrected",
            "event_source": "/psa",
            "event_id": "e-9",
        }
        assert [one["text"] for one in found["comments"]] == ["asked the office"]


def test_of_two_who_claim_at_once_one_counts() -> None:
    """The same revision twice: of the same moment the greater (source, id) counts, as everywhere."""
    first, second = did("claimed", 1, "ana"), did("claimed", 1, "bo")
    assert state([first, second])["claimed_by"] == state([second, first])["claimed_by"] == "bo"


def test_what_was_resolved_may_be_opened_again() -> None:
    done = [did("claimed", 1), did("resolved", 2, how="accepted"), did("reopened", 3)]
    assert (state(done)["status"], state(done)["resolution"]) == ("claimed", None)
    assert state([*done, did("released", 4)])["status"] == "open"


def test_a_critical_case_is_due_after_four_hours() -> None:
    assert due(0, "critical") == 4 * 3600 * 1_000_000
    assert due(0, "no such tier") == due(0, "warning")
    # A day, three days, five: docs/exceptions.md.
    assert [due(7, tier) - 7 for tier in ("blocking", "held", "warning")] == [n * 86_400_000_000 for n in (1, 3, 5)]


def test_an_id_too_long_for_an_id_ends_in_a_hash() -> None:
    one, other = case_id("blocker", "C" * 300, "A"), case_id("blocker", "C" * 300, "B")
    assert one != other
    assert len(one) <= 200
    # What fits is kept as it is: "blocker/" and 192 more.
    assert case_id("blocker", "C" * 192) == "blocker/" + "C" * 192
    assert case_id("blocker", "C" * 193)[160] == "#"


def test_an_id_stays_what_it_was_as_actions_name_it() -> None:
    """160 characters ("blocker/" and 152 more), `#`, and BLAKE2b-128 of the whole: 193 in all."""
    assert case_id("blocker", "C" * 300, "A") == "blocker/" + "C" * 152 + "#4fddb65b8a9e057cf461df1a957dc6e7"
