"""Which message speaks for an entity does not depend on who came first."""

from __future__ import annotations

from itertools import permutations

import orjson

from app.domain.resolution import conflicts, counting, current, effective, folded, insert
from app.events.fact import Fact
from tests.domain.ledgers import fact


def entry(message_id: str, revision: int, minutes: int = 60, kind: str = "time.approved", **told: object) -> Fact:
    at, source = told.pop("at", 0), told.pop("source", None)
    data = {"contract_id": "C-1", "resource_id": "P-1", "work_date": "2026-03-02", "minutes": minutes, **told}
    assert isinstance(at, int)
    assert source is None or isinstance(source, str)
    return fact(kind, message_id, at=at, source=source, entry_id="T-1", revision=revision, **data)


def kept(messages: list[Fact]) -> list[Fact]:
    """What an entity holds after these messages."""
    said: list[Fact] = []
    for message in messages:
        insert(said, message)
    return said


def minutes(message: Fact) -> int:
    found: int = orjson.loads(bytes(message.data))["minutes"]
    return found


def winners(*messages: Fact) -> set[int]:
    """The minutes of the deciding message, in every order of arrival: a set of one, unless order matters."""
    return {minutes(current(kept(list(order)))) for order in permutations(messages)}


def test_the_highest_revision_decides_and_a_gap_is_never_waited_for() -> None:
    assert winners(entry("m-1", 1, 10), entry("m-2", 2, 20), entry("m-5", 5, 50)) == {50}


def test_of_copies_the_earlier_counts() -> None:
    assert winners(entry("m-1", 1, 10, at=0), entry("m-1", 1, 20, at=1)) == {10}


def test_of_copies_of_one_moment_the_smaller_content_hash_counts() -> None:
    one, other = entry("m-1", 1, 10), entry("m-1", 1, 20)
    assert len(winners(one, other)) == 1


def test_of_rivals_the_latest_then_the_greater_source_then_the_greater_id_counts() -> None:
    assert winners(entry("m-9", 1, 10, at=0), entry("m-1", 1, 20, at=1)) == {20}
    assert winners(entry("m-9", 1, 10, source="/a"), entry("m-1", 1, 20, source="/b")) == {20}
    assert winners(entry("m-1", 1, 10), entry("m-2", 1, 20)) == {20}


def test_a_copy_that_loses_takes_its_revision_with_it() -> None:
    # m-2 first said revision 3, a minute later revision 2: the earlier counts, and nobody says 2.
    messages = entry("m-1", 1, 10), entry("m-2", 3, 30, at=0), entry("m-2", 2, 20, at=1)
    assert winners(*messages) == {30}
    assert [message.revision for message in counting(kept(list(messages)))] == [1, 3]


def test_a_late_message_may_bring_a_loser_back() -> None:
    # b would win revision 1 by its id; then an earlier copy of b says revision 2, and a is alone with 1.
    a, b = entry("a", 1, 10), entry("b", 1, 20, at=5)
    assert minutes(current(kept([a, b]))) == 20
    chain = counting(kept([a, b, entry("b", 2, 30, at=0)]))
    assert [(message.revision, minutes(message)) for message in chain] == [(1, 10), (2, 30)]


def test_what_a_rejection_leaves_out_comes_from_below() -> None:
    rejected = fact("time.rejected", "m-2", entry_id="T-1", revision=2)
    decided, said = effective(kept([rejected, entry("m-1", 1, 45)]))
    assert (decided.type, said["minutes"], said["contract_id"], said["revision"]) == ("time.rejected.v1", 45, "C-1", 2)


def test_what_an_approval_leaves_out_does_not() -> None:
    _, said = effective(kept([entry("m-1", 1, role="engineer"), entry("m-2", 2)]))
    assert "role" not in said


def test_fields_of_a_milestone_fold_in_the_order_of_revisions() -> None:
    planned = fact("milestone.planned", "m-1", milestone_id="M", revision=1, contract_id="C-1", amount="10", name="a")
    changed = fact("milestone.changed", "m-2", milestone_id="M", revision=2, contract_id="C-1", name="b")
    for order in permutations([planned, changed]):
        decided, said = folded(kept(list(order)))
        assert (decided.id, said["amount"], said["name"]) == ("m-2", "10", "b")


def test_a_repetition_says_nothing_new_whatever_its_form() -> None:
    first = entry("m-1", 1)
    spaced = entry("m-1", 1)
    spaced.data = type(spaced.data)(orjson.dumps(orjson.loads(bytes(spaced.data)), option=orjson.OPT_INDENT_2))
    for one, other in ((first, spaced), (spaced, first)):
        said = kept([one])
        assert not insert(said, other)
    assert conflicts(kept([first, spaced])) == []


def test_of_repetitions_the_smaller_bytes_and_the_greater_names_are_kept_whichever_came_first() -> None:
    def pair() -> list[Fact]:
        first, spaced = entry("m-1", 1), entry("m-1", 1)
        spaced.data = type(spaced.data)(orjson.dumps(orjson.loads(bytes(spaced.data)), option=orjson.OPT_INDENT_2))
        first.correlation, spaced.correlation = "B", "A"
        first.recorded, spaced.recorded = 7, 5
        return [first, spaced]

    smaller = min(bytes(one.data) for one in pair())
    for order in (1, -1):
        [held] = kept(pair()[::order])
        assert (bytes(held.data), held.correlation, held.recorded) == (smaller, "B", 5)


def test_contradictions_are_named_once_for_each_revision() -> None:
    messages = [entry("m-1", 1, 10), entry("m-2", 1, 20), entry("m-3", 2, 30), entry("m-3", 2, 40), entry("m-4", 3)]
    for order in (messages, messages[::-1]):
        found = conflicts(kept(order))
        assert [(one.revision, len(one.messages)) for one in found] == [(1, 2), (2, 2)]


def test_two_messages_that_say_the_same_of_one_revision_do_not_contradict() -> None:
    assert conflicts(kept([entry("m-1", 1, 10), entry("m-2", 1, 10)])) == []
