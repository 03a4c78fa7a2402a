"""The gate to ERP: what waits, for what, in which order it leaves, and what a crash makes of it (nothing)."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from agents.effects import BILLING, Effects, Record
from agents.erp_gate import alarm
from app.domain import calendar
from app.domain.gate import Limit, Route, Rules
from app.engine.outgoing import Outgoing, shadows, together
from app.engine.runner import finish
from app.events.posting import Draft, Halt, Moment
from tables.outbox import OUTBOX
from tests.engine.gated import MINUTE, Gate, draft, reply, resend, told, window
from tests.engine.noise import noisy, tick
from tests.engine.runs import carry, histories, lines, started
from tests.engine.test_documents import live
from tests.engine.test_policy import event
from tests.model.features import ALL
from tests.model.histories import as_of_days, history, troubled

A1, A2, B1 = "A/2026-03/time/1", "A/2026-03/expense/1", "B/2026-03/time/1"
SECOND = 1_000_000


def test_where_nothing_is_in_the_way_a_document_leaves_in_the_same_step() -> None:
    gate = Gate()
    assert gate.send(draft(A1)) == [(A1, 1)]
    assert gate.due is None
    assert gate.said[0].payload == draft(A1).payload


def test_a_closed_window_holds_and_an_opened_one_lets_leave_what_is_newest_oldest_first() -> None:
    gate = Gate()
    gate.send(window("closed"))
    assert gate.send(draft(B1), draft(A1), draft(A2), draft(A1, 2), draft(B1, 2)) == []
    assert gate.send(window("opened", revision=2, offset=1)) == [(B1, 2), (A1, 2), (A2, 1)]
    assert gate.send(draft(A2, 2)) == [(A2, 2)]


def test_a_document_that_was_over_before_it_left_is_never_spoken_of() -> None:
    gate = Gate()
    gate.send(window("closed"), draft(A1), draft(A1, 2, kind="withdrawn", reason="nothing_left"))
    assert gate.send(window("opened", revision=2, offset=1)) == []
    # Said again, as after a start, it is still nothing to anybody; the document that comes back is.
    assert gate.send(draft(A1, 2, kind="withdrawn", reason="nothing_left"), draft(A1, 3)) == [(A1, 3)]


def test_the_end_of_a_document_that_erp_has_waits_like_anything_else() -> None:
    gate = Gate()
    assert gate.send(draft(A1)) == [(A1, 1)]
    assert gate.send(window("closed"), draft(A1, 2, kind="withdrawn", reason="invoiced", invoice_id="I")) == []
    assert gate.send(window("opened", revision=2, offset=1)) == [(A1, 2)]
    gate.step(0)
    assert gate.row(A1) is None


def test_a_window_is_of_one_legal_entity_or_of_all() -> None:
    gate = Gate()
    gate.send(window("closed", legal_entity_id="LE-1"))
    assert gate.send(draft(A1, legal_entity_id="LE-1"), draft(B1, legal_entity_id="LE-2")) == [(B1, 1)]
    assert gate.send(window("closed", "W2", offset=1), draft(A2, legal_entity_id="LE-2")) == []
    # Both windows hold what is LE-1's, only the second what is not.
    assert gate.send(window("opened", revision=2, offset=2)) == []
    assert gate.send(window("opened", "W2", revision=2, offset=3)) == [(A1, 1), (A2, 1)]


def test_a_window_ends_at_its_until_once_that_moment_is_there() -> None:
    gate = Gate()
    gate.send(window("closed", until="1970-01-01T02:00:00Z"), draft(A1))
    assert gate.due == 0  # since when it waits is to be known
    assert gate.send(Moment(30 * MINUTE, 1)) == []
    assert gate.due == 120 * MINUTE
    assert gate.send(Moment(120 * MINUTE, 1)) == [(A1, 1)]
    gate.wait()
    row = gate.row(A1)
    assert row is not None
    assert row.waited == 90 * MINUTE


def test_a_late_message_about_a_window_changes_nothing() -> None:
    gate = Gate()
    gate.send(window("opened", revision=2, offset=5))
    assert gate.send(window("closed", offset=6), draft(A1)) == [(A1, 1)]


def test_what_erp_has_is_said_again_with_another_day_but_not_while_erp_is_closed() -> None:
    gate = Gate()
    gate.send(draft(A1))
    assert gate.send(draft(A1, version=9, as_of="2026-04-02")) == [(A1, 1)]
    assert gate.send(window("closed"), draft(A1, version=10, as_of="2026-04-03")) == []
    assert gate.send(window("opened", revision=2, offset=1)) == []


# -- halts ------------------------------------------------------------------------------------------------------------


def test_a_critical_exception_halts_one_contract_and_no_other() -> None:
    gate = Gate()
    gate.send(draft(A1))
    gate.send(Halt("A", "LEGAL_ENTITY_MISMATCH"))
    assert gate.send(draft(A2), draft(B1)) == [(B1, 1)]
    # What takes a document back stops a posting: it is not held up.
    assert gate.send(draft(A1, 2, kind="withdrawn", reason="nothing_left")) == [(A1, 2)]
    assert gate.send(Halt("A", "")) == [(A2, 1)]


def test_a_halt_that_comes_after_it_was_lifted_halts_nothing() -> None:
    # A worker was stopped while it said it; its successor has said more since.
    gate = Gate()
    gate.send(Halt("A", "LEGAL_ENTITY_MISMATCH", 5))
    gate.send(Halt("A", "", 9))
    gate.send(Halt("A", "LEGAL_ENTITY_MISMATCH", 5))
    assert gate.send(draft(A1)) == [(A1, 1)]
    assert gate.send(Halt("A", "LEGAL_ENTITY_MISMATCH", 12), draft(A2)) == []


def test_an_answer_that_comes_after_a_later_one_answers_nothing() -> None:
    gate = Gate()
    gate.send(draft(A1))
    refused = reply(A1, status="rejected", reason="no such customer", name="/erp#1")
    for late in (refused, reply(A1, at=2, name="/erp#2"), refused):
        late.number = 9 if late.status == "accepted" else 5
        gate.send(late)
    row = gate.store.get(OUTBOX, A1)
    assert row is not None
    assert (row.replies["sap"].status, row.replies["sap"].number) == ("accepted", 9)


# -- limits -----------------------------------------------------------------------------------------------------------


def limited(**given: Any) -> Gate:
    return Gate(Rules((), {"*": Limit(**given)}))


def test_a_limit_lets_so_many_leave_at_once_and_then_so_many_a_minute() -> None:
    # 60 a minute, 2 at once: two now, then one a second.
    gate = limited(per_minute=60, burst=2)
    keys = [f"A/2026-03/time/{n}" for n in range(1, 6)]
    assert gate.send(*map(draft, keys)) == [(key, 1) for key in keys[:2]]
    gate.send(Moment(10 * SECOND, 1))
    assert gate.due == 11 * SECOND
    assert gate.send(Moment(11 * SECOND, 1)) == [(keys[2], 1)]
    assert gate.send(Moment(13 * SECOND, 1)) == [(keys[3], 1), (keys[4], 1)]


def test_slices_share_what_a_target_takes() -> None:
    # Four slices, 60 a minute in all: one in four seconds here.
    gate = limited(per_minute=60, burst=1)
    gate.send(Moment(1, 4))
    keys = [f"A/2026-03/time/{n}" for n in range(1, 4)]
    assert gate.send(*map(draft, keys)) == [(keys[0], 1)]
    assert gate.due == 0  # when that was is to be known
    assert gate.send(Moment(1, 4)) == []
    assert gate.send(Moment(10 * SECOND, 4)) == [(keys[1], 1)]
    gate.send(Moment(10 * SECOND, 4))
    assert gate.due == 10 * SECOND + 4 * SECOND


def test_contracts_take_turns_so_one_with_very_many_documents_does_not_starve_the_others() -> None:
    gate = limited(per_minute=60, burst=1)
    gate.send(window("closed"))
    many = [f"A/2026-03/time/{n}" for n in range(1, 101)]
    few = ["B/2026-03/time/1", "B/2026-04/time/1"]
    gate.send(*map(draft, many), *map(draft, few))
    gate.send(window("opened", revision=2, offset=1))
    gate.wait()
    assert told(gate.said) == [(key, 1) for key in (many[0], few[0], many[1], few[1], *many[2:])]


def test_a_document_that_waits_for_the_limit_leaves_in_its_last_revision() -> None:
    gate = limited(per_minute=60, burst=1)
    assert gate.send(draft(A1), draft(B1)) == [(A1, 1)]
    gate.send(draft(B1, 2))
    gate.wait()
    assert told(gate.said) == [(A1, 1), (B1, 2)]


def test_what_leaves_when_a_window_opens_is_not_made_good_by_the_hours_in_which_it_was_closed() -> None:
    # 60 a minute, 2 at once. Nobody waits for a moment while no window says until when it is closed.
    gate = limited(per_minute=60, burst=2)
    gate.send(draft(B1), Moment(MINUTE, 1), window("closed"))
    keys = [f"A/2026-03/time/{n}" for n in range(1, 6)]
    gate.send(*map(draft, keys), Moment(2 * MINUTE, 1))
    assert gate.send(window("opened", revision=2, offset=1)) == [(key, 1) for key in keys[:2]]
    assert gate.send(Moment(120 * MINUTE, 1)) == []
    assert gate.send(Moment(120 * MINUTE + SECOND, 1)) == [(keys[2], 1)]


def test_what_erp_has_costs_nothing_of_the_limit() -> None:
    gate = limited(per_minute=60, burst=1)
    gate.send(draft(A1))
    assert gate.send(draft(A1, version=9, as_of="2026-04-02"), draft(A1, version=10, as_of="2026-04-03")) == []
    gate.wait()
    assert told(gate.said) == [(A1, 1)]


# -- answers ----------------------------------------------------------------------------------------------------------


def test_what_is_not_answered_is_said_again_each_time_after_twice_as_long() -> None:
    gate = limited(ack=MINUTE, attempts=3)
    assert gate.send(draft(A1)) == [(A1, 1)]
    gate.send(Moment(MINUTE, 1))
    moments = []
    while gate.due is not None:
        at = gate.due
        if gate.send(Moment(at, 1)):
            moments.append(at)
    assert told(gate.said) == [(A1, 1)] * 3
    assert len({one.payload["revision"] for one in gate.said}) == 1
    # After one minute, then after two more, each up to a quarter longer; and nothing after the third attempt.
    waits = [moments[0] - MINUTE, moments[1] - moments[0]]
    assert [n * MINUTE <= wait <= n * MINUTE * 5 // 4 for n, wait in zip((1, 2), waits, strict=True)] == [True, True]
    row = gate.row(A1)
    assert row is not None
    assert row.late_since == moments[0]


def test_an_answer_ends_the_waiting_and_what_is_refused_is_not_said_again_until_it_changes() -> None:
    gate = limited(ack=MINUTE, attempts=3)
    gate.send(draft(A1), draft(B1), Moment(MINUTE, 1))
    gate.send(reply(A1), reply(B1, status="rejected", reason="no such customer"))
    gate.wait()
    assert told(gate.said) == [(A1, 1), (B1, 1)]
    assert gate.send(draft(B1, 2)) == [(B1, 2)]


def test_an_answer_to_an_earlier_revision_is_none_to_the_one_that_was_said_last() -> None:
    gate = limited(ack=MINUTE, attempts=2)
    gate.send(draft(A1), Moment(MINUTE, 1), draft(A1, 2), reply(A1, 1))
    gate.wait()
    assert told(gate.said) == [(A1, 1), (A1, 2), (A1, 2)]


def test_a_retry_waits_for_a_closed_window_and_is_dropped_when_the_answer_comes() -> None:
    gate = limited(ack=MINUTE, attempts=3)
    gate.send(draft(A1), Moment(MINUTE, 1), window("closed"))
    assert gate.send(Moment(9 * MINUTE, 1)) == []
    gate.send(reply(A1))
    assert gate.send(window("opened", revision=2, offset=1)) == []


# -- sent again -------------------------------------------------------------------------------------------------------


def refused(**limit: Any) -> Gate:
    """A-1 was said and refused by the answer `/erp#1`."""
    gate = limited(**limit) if limit else Gate()
    assert gate.send(draft(A1, as_of="2026-03-31")) == [(A1, 1)]
    gate.send(Moment(MINUTE, 1), reply(A1, status="rejected", reason="no such customer", name="/erp#1"))
    return gate


def state(gate: Gate, key: str = A1) -> str | None:
    found = Outgoing(gate.store).delivery(key)
    return found["state"] if found else None


def test_what_erp_refused_is_said_again_as_it_was_once_somebody_asks_for_it() -> None:
    gate = refused()
    assert gate.send(resend(A1, "/erp#1")) == []  # its content comes with the document, whatever today is
    assert gate.send(draft(A1, version=9, as_of="2026-04-02")) == [(A1, 1)]
    assert gate.said[-1] == gate.said[0]  # the day, the version, the cause: so it has the id that it had
    assert state(gate) == "sent"


def test_an_action_has_it_said_once_and_another_action_once_more() -> None:
    gate = refused()
    gate.send(resend(A1, "/erp#1"), draft(A1, version=9))
    # Whoever comments on the case afterwards has its actions told again.
    assert gate.send(resend(A1, "/erp#1")) == []
    assert gate.send(draft(A1, version=10, as_of="2026-04-01")) == [(A1, 1)]  # said as of another day, as ever
    gate.send(resend(A1, "/erp#1", number=3), draft(A1, version=11, as_of="2026-04-02"))
    assert len(gate.said) == 4
    assert (gate.said[1], gate.said[3]) == (gate.said[0], gate.said[2])


def test_the_refusal_that_was_dealt_with_is_no_answer_any_more_and_the_next_one_is() -> None:
    gate = refused()
    gate.send(resend(A1, "/erp#1"), draft(A1, version=9))
    gate.send(reply(A1, status="rejected", name="/erp#1"))  # as an ERP says it twice
    assert state(gate) == "sent"
    gate.send(reply(A1, status="rejected", at=2, name="/erp#2"))
    assert state(gate) == "rejected"
    gate.send(resend(A1, "/erp#2", number=2), draft(A1, version=10), reply(A1, at=3, name="/erp#3"))
    assert state(gate) == "acknowledged"
    assert gate.send(resend(A1, "/erp#2", number=2), draft(A1, version=10, as_of="2026-03-31")) == [(A1, 1)]
    assert state(gate) == "acknowledged"


def test_what_is_sent_again_waits_like_anything_else() -> None:
    gate = refused(per_minute=60, burst=1)
    gate.send(window("closed"), resend(A1, "/erp#1"))
    assert gate.send(draft(A1, version=9)) == []
    assert state(gate) == "waiting"
    gate.send(window("opened", revision=2, offset=1))
    gate.wait()
    assert told(gate.said) == [(A1, 1)] * 2
    gate.send(resend(A1, "/erp#1", number=2), Halt("A", "LEGAL_ENTITY_MISMATCH"))
    assert gate.send(draft(A1, version=10)) == []
    gate.send(Halt("A", ""))
    gate.wait()
    assert told(gate.said) == [(A1, 1)] * 3


def test_what_erp_accepts_meanwhile_is_not_sent_again() -> None:
    gate = refused()
    gate.send(window("closed"), resend(A1, "/erp#1"), draft(A1, version=9))
    gate.send(reply(A1, at=2, name="/erp#2"))
    assert gate.send(window("opened", revision=2, offset=1)) == []
    assert state(gate) == "acknowledged"


def test_another_refusal_of_what_was_said_before_does_not_keep_it_from_being_sent_again() -> None:
    gate = refused()
    gate.send(window("closed"), resend(A1, "/erp#1"), draft(A1, version=9))
    gate.send(reply(A1, status="rejected", at=2, name="/erp#2"))
    assert gate.send(window("opened", revision=2, offset=1)) == [(A1, 1)]


def test_a_newer_revision_takes_the_place_of_what_is_to_be_sent_again() -> None:
    gate = refused()
    gate.send(resend(A1, "/erp#1"))
    assert gate.send(draft(A1, 2)) == [(A1, 2)]
    # Of what is not what ERP was told last nothing is sent again, nor of what is over.
    assert gate.send(resend(A1, number=2), draft(A1, 2, version=3, as_of=None)) == [(A1, 2)]
    gate.send(draft(A1, 3, kind="withdrawn", reason="nothing_left"))
    assert gate.send(resend(A1, revision=3, number=3), resend("Z/2026-03/time/1")) == []


def test_what_is_sent_again_is_tried_as_often_as_at_first() -> None:
    gate = refused(ack=MINUTE, attempts=2)
    gate.send(resend(A1, "/erp#1"), draft(A1, version=9))
    gate.wait()
    assert told(gate.said) == [(A1, 1)] * 3  # once, then twice
    assert [(code, key) for key, (code, _) in gate.standing().items()] == [("ACK_OVERDUE", f"gate/ACK_OVERDUE/{A1}")]
    # Nobody answered at all: that, too, can be sent again. It is another case, whose actions have numbers of their own.
    gate.send(resend(A1), draft(A1, version=10))
    gate.wait()
    assert told(gate.said) == [(A1, 1)] * 5
    assert len({str(one) for one in gate.said}) == 1


@pytest.mark.parametrize("seed", histories(60))
def test_a_crash_does_not_keep_a_document_from_being_sent_again(seed: int) -> None:
    rng = Random(7_000_000 + seed)
    gate = Gate(Rules((), rng.choice(({}, {"*": Limit(60, 2)}, {"*": Limit(60, 1, MINUTE, 2)}))))
    others = [draft(f"{contract}/2026-0{month}/time/1") for contract in "BCD" for month in (3, 4)]
    gate.send(draft(A1), *others[:2])
    gate.wait()
    its: list[Any] = [reply(A1, status="rejected", name="/erp#1"), resend(A1, "/erp#1"), draft(A1, version=9)]
    for one in others[2:]:
        its.insert(rng.randint(0, len(its)), one)
    gate.add(*its)

    def cut(effects: Effects) -> None:
        for name in sorted({table.name for table, _, _ in effects.writes}):
            written = [one for one in effects.writes if one[0].name == name]
            gate.keep(written[: rng.randint(0, len(written))])
        gate.hear(effects.statements[: rng.randint(0, len(effects.statements))])

    while gate.position < len(gate.journal) or gate.owing or gate.due is not None:
        if gate.position == len(gate.journal) and not gate.owing and gate.due is not None:
            gate.add(Moment(gate.due or 1, 1), *([draft(A1, version=10)] if rng.random() < 0.3 else []))
        # A host that lost what it did not know was heard says every document once more.
        gate.step(rng.choice((1, 2, 5)), cut if rng.random() < 0.3 and gate.position < 20 else None)
    said = [one for one in gate.said if one.key == A1]
    assert len(said) >= 2
    assert len({str(one) for one in said if one.version == said[0].version}) == 1
    row = gate.row(A1)
    assert row is not None
    assert row.resent is not None
    assert not row.resent.owed


# -- exceptions -------------------------------------------------------------------------------------------------------


def test_what_no_route_is_for_is_raised_with_owner_and_due_moment_until_one_is() -> None:
    gate = Gate(Rules((Route("new", "LE-1"),)))
    gate.send(draft(A1), Moment(MINUTE, 1))
    [said] = [one.payload for one in gate.raised]
    assert (said["code"], said["owner"], said["subject"]) == ("NO_ROUTE", "finance systems", f"document/{A1}")
    # Blocking: a day from when it began to wait.
    assert (said["since"], said["due"]) == ("1970-01-01T00:01:00Z", "1970-01-02T00:01:00Z")
    gate.restart()
    gate.rules = Rules((Route("new"),))
    assert gate.send(draft(A1)) == [(A1, 1)]
    assert gate.standing() == {}
    assert [one.type for one in gate.raised][-1] == "exception.resolved.v1"


def test_an_answer_that_is_overdue_is_raised_once_however_often_the_document_is_said_again() -> None:
    gate = limited(ack=MINUTE, attempts=3)
    gate.send(draft(A1), Moment(MINUTE, 1))
    gate.wait()
    assert told(gate.said) == [(A1, 1)] * 3
    assert [one.type for one in gate.raised] == ["exception.raised.v1"]
    gate.send(reply(A1))
    assert [one.type for one in gate.raised] == ["exception.raised.v1", "exception.resolved.v1"]
    gate.restart()
    gate.send(draft(B1))
    assert len(gate.raised) == 2  # it is over, and that was heard


def test_what_is_overdue_of_a_document_that_is_over_or_says_otherwise_now_is_over_too() -> None:
    for newer in (draft(A1, 2), draft(A1, 2, kind="withdrawn", reason="invoiced", invoice_id="I")):
        gate = limited(ack=MINUTE, attempts=1)
        gate.send(draft(A1), Moment(MINUTE, 1))
        gate.wait()
        assert len(gate.standing()) == 1
        gate.send(newer)
        assert gate.standing() == {}


@pytest.mark.parametrize("seed", histories(60))
def test_a_crash_leaves_nothing_raised_that_is_over_and_nothing_unsaid_that_stands(seed: int) -> None:
    _, gate = carried(seed, cuts=35)
    gate.restart()
    gate.send(draft("Y/2026-03/time/1"))  # the next start says what it does not know to have been heard
    stands = {
        found.exception_id: found.code for key, row in gate.store.scan(OUTBOX) if (found := alarm(key, row)) is not None
    }
    assert {name: code for name, (code, _) in gate.standing().items()} == stands


# -- routes -----------------------------------------------------------------------------------------------------------

JULY = calendar.number("2026-07-01")
ROUTED = Rules((Route("old"), Route("new", "LE-1", first=JULY)))


def test_a_document_goes_where_its_legal_entity_and_period_go() -> None:
    gate = Gate(ROUTED)
    late, early = "A/2026-07/time/1", "A/2026-06/time/1"
    gate.send(draft(late, legal_entity_id="LE-1"), draft(early, legal_entity_id="LE-1"), draft("B/2026-07/time/1"))
    assert [one.payload["target"] for one in gate.said] == ["new", "old", "old"]


def test_a_window_of_one_target_holds_nothing_that_goes_to_another() -> None:
    gate = Gate(ROUTED)
    gate.send(window("closed", target="old"))
    assert gate.send(draft("A/2026-07/time/1", legal_entity_id="LE-1"), draft("A/2026-06/time/1")) == [
        ("A/2026-07/time/1", 1)
    ]


def test_what_no_route_is_for_waits_for_one() -> None:
    gate = Gate(Rules((Route("new", "LE-1"),)))
    assert gate.send(draft(A1)) == []
    row = gate.row(A1)
    assert row is not None
    assert row.why == "no_route"
    gate.restart()
    gate.rules = Rules((Route("new"),))
    assert gate.send(draft(A1)) == [(A1, 1)]  # as the engagement agent says again after a start


# -- whatever happens -------------------------------------------------------------------------------------------------


def scripted(rng: Random) -> list[Any]:
    """Documents of a few contracts that come, change and go, windows, halts and moments; at the end all is open."""
    keys = [f"{contract}/2026-0{month}/time/1" for contract in "ABC" for month in (3, 4)]
    revisions: dict[str, int] = {}
    ended: set[str] = set()
    windows, now = 0, 0
    halted: set[str] = set()
    records: list[Any] = []
    closed = False
    for version in range(1, rng.randint(5, 60)):
        dice = rng.random()
        if dice < 0.6:
            key = rng.choice([key for key in keys if key not in ended] or ["Z/2026-03/time/1"])
            revisions[key] = revisions.get(key, 0) + 1
            over = rng.random() < 0.2 and revisions[key] > 1
            reason = rng.choice(("nothing_left", "invoiced"))
            said = {"reason": reason} if over else {"legal_entity_id": "LE"}
            if over and reason == "invoiced":
                ended.add(key)
            records.append(
                draft(key, revisions[key], kind="withdrawn" if over else "proposed", version=version, **said)
            )
        elif dice < 0.8:
            windows += 1
            closed = not closed
            records.append(window("closed" if closed else "opened", revision=windows, offset=windows))
        elif dice < 0.9:
            contract = rng.choice("ABC")
            halted ^= {contract}
            records.append(Halt(contract, "LEGAL_ENTITY_MISMATCH" if contract in halted else ""))
        else:
            now += rng.randrange(5 * SECOND)
            records.append(Moment(now, 1))
    records += [Halt(contract, "") for contract in sorted(halted)]
    records.append(window("opened", revision=windows + 1, offset=windows + 1))
    return records


def newest(records: list[Any]) -> dict[str, Draft]:
    return {record.key: record for record in records if isinstance(record, Draft)}


def carried(seed: int, cuts: int) -> tuple[list[Any], Gate]:
    """A script carried through, with power cuts in so many of a hundred batches."""
    rng = Random(seed)
    records = scripted(rng)
    limits = rng.choice(({}, {"*": Limit(60, 2)}, {"*": Limit(60, 1, MINUTE, 2)}))
    gate = Gate(Rules((), limits))
    gate.add(*records)

    def cut(effects: Effects) -> None:
        """Any first writes of each table survive, and any first statements."""
        names = sorted({table.name for table, _, _ in effects.writes})
        for name in names:
            its = [one for one in effects.writes if one[0].name == name]
            gate.keep(its[: rng.randint(0, len(its))])
        gate.hear(effects.statements[: rng.randint(0, len(effects.statements))])

    furthest = 0
    while gate.position < len(gate.journal) or gate.owing or gate.due is not None:
        if gate.position == len(gate.journal) and not gate.owing and gate.due is not None:
            gate.add(Moment(gate.due or 1, 1))
        size = rng.choice((1, 2, 5, 20))
        furthest = max(furthest, min(gate.position + size, len(gate.journal)))
        gate.step(size, cut if rng.randrange(100) < cuts else None)
        if rng.random() < 0.1 and (cuts or not gate.owing):
            gate.restart()  # what was said and not written down yet is said again
        if gate.position == furthest and rng.random() < 0.3:
            # A host steps on nothing only where no record comes again.
            gate.step(0, cut if rng.randrange(100) < cuts else None)
    return records, gate


@pytest.mark.parametrize("seed", histories(60))
def test_every_document_leaves_once_in_order_and_what_was_over_before_it_left_never(seed: int) -> None:
    records, gate = carried(seed, cuts=0)
    first = list(dict.fromkeys(told(gate.said)))
    if "*" not in gate.rules.limits or not gate.rules.limits["*"].ack:
        assert told(gate.said) == first  # nothing twice
    last = dict(told(gate.said))
    for key, one in newest(records).items():
        if one.type == "billing.withdrawn.v1":
            assert last.get(key) in (one.revision, None)
        else:
            assert last[key] == one.revision
    for key in last:
        its = [revision for said, revision in first if said == key]
        assert its == sorted(its)


@pytest.mark.parametrize("seed", histories(100))
def test_a_crash_at_the_gate_loses_nothing_and_takes_nothing_back(seed: int) -> None:
    records, gate = carried(seed, cuts=35)
    calm = carried_calmly(records, gate.rules)
    said = {one.key: one for one in gate.said}
    for key, one in {one.key: one for one in calm.said}.items():
        if one.type != "billing.withdrawn.v1":
            assert (said[key].type, said[key].payload) == (one.type, one.payload)
    over = {key for key, one in newest(records).items() if one.type == "billing.withdrawn.v1"}
    assert {key for key, one in said.items() if one.type != "billing.withdrawn.v1"} & over == set()
    assert {key for key, _ in told(gate.said)} >= {key for key, _ in told(calm.said)} - over


def carried_calmly(records: list[Any], rules: Rules) -> Gate:
    gate = Gate(rules)
    for record in records:
        gate.send(record)
    gate.wait()
    return gate


# -- looking ----------------------------------------------------------------------------------------------------------


def seen(gate: Gate) -> list[dict[str, Any]]:
    return together([Outgoing(gate.store).gate()])


def test_the_gate_tells_what_is_closed_what_waits_and_since_when() -> None:
    gate = Gate(ROUTED)
    gate.send(window("closed", target="old", until="1970-01-01T02:00:00Z"))
    gate.send(draft("A/2026-06/time/1"), draft("A/2026-07/time/1"), Moment(MINUTE, 1), draft("B/2026-07/time/1"))
    assert seen(gate) == [
        {
            "target": "old",
            "legal_entity_id": None,
            "open": False,
            "opens_at": "1970-01-01T02:00:00Z",
            "waiting": 3,
            "why": {"window": 3},
            "oldest": "1970-01-01T00:01:00Z",
            "next_release_at": "1970-01-01T02:00:00Z",
            "late": 0,
            "rejected": 0,
        }
    ]
    gate.send(window("opened", target="old", revision=2, offset=1))
    assert seen(gate) == []


def test_the_gate_tells_when_the_next_document_leaves_under_a_limit() -> None:
    # 60 a minute, one at once: A's first left, then one a second. B's oldest is the fourth in the queue.
    gate = Gate(Rules((Route("sap"),), {"*": Limit(60, 1)}))
    gate.send(Moment(10 * SECOND, 1))
    gate.send(*(draft(f"A/2026-0{month}/time/1", legal_entity_id="LE-1") for month in (1, 2, 3)))
    gate.send(draft("C/2026-03/time/1", legal_entity_id="LE-1"), draft(B1, legal_entity_id="LE-2"))
    gate.send(Moment(10 * SECOND, 1))
    rows = {row["legal_entity_id"]: (row["waiting"], row["next_release_at"]) for row in seen(gate)}
    # By turns: A, C, B, then A once more.
    assert rows == {"LE-1": (3, "1970-01-01T00:00:11Z"), "LE-2": (1, "1970-01-01T00:00:13Z")}
    [(target, tokens)] = Outgoing(gate.store).gate()["credit"]
    assert (target, tokens) == ("sap", 0)
    gate.wait()
    assert seen(gate) == []
    gate.send(Moment(100 * SECOND, 1))
    assert Outgoing(gate.store).gate()["credit"] == [["sap", 1]]


def test_when_what_is_halted_or_has_no_route_leaves_nobody_knows() -> None:
    gate = Gate(Rules((Route("sap", "LE-1"),)))
    gate.send(Halt("A", "LEGAL_ENTITY_MISMATCH"), draft(A1, legal_entity_id="LE-1"), draft(B1), Moment(MINUTE, 1))
    assert [(row["waiting"], row["next_release_at"]) for row in seen(gate)] == [(1, None), (1, None)]
    # Nor of a window that does not say until when.
    gate.send(Halt("A", ""), window("closed", until="1970-01-01T02:00:00Z"), window("closed", "W2", offset=1))
    gate.send(draft(A2, legal_entity_id="LE-1"), Moment(MINUTE, 1))
    [row] = [row for row in seen(gate) if row["legal_entity_id"] == "LE-1"]
    assert (row["open"], row["opens_at"], row["next_release_at"]) == (False, None, None)


def test_a_document_tells_where_it_is_on_its_way() -> None:
    gate = limited(ack=MINUTE, attempts=1)
    looked = Outgoing(gate.store)

    def state(key: str) -> tuple[Any, ...]:
        found = looked.delivery(key)
        assert found is not None
        return found["state"], found["revision"], found["attempts"]

    gate.send(draft(A1), draft(B1), Moment(MINUTE, 1))
    assert state(A1) == ("sent", 1, 1)
    gate.wait()
    assert state(A1) == ("late", 1, 1)
    [row, _] = list(looked.standing())
    assert (row["code"], row["owner"], row["subject"]) == ("ACK_OVERDUE", "finance systems", f"document/{A1}")
    gate.send(reply(A1), reply(B1, status="rejected", reason="no such customer"))
    assert [state(A1), state(B1)] == [("acknowledged", 1, 1), ("rejected", 1, 1)]
    assert list(Outgoing(gate.store).standing()) == []
    gate.send(window("closed"), draft(B1, 2))
    assert state(B1) == ("waiting", 1, 1)
    assert looked.delivery("Z/2026-03/time/1") is None


def test_what_is_noted_is_what_a_fresh_look_finds() -> None:
    """Answers keep what they looked up; every batch tells them what it wrote."""
    for seed in range(20):
        rng = Random(seed)
        gate = Gate(Rules((), {"*": Limit(60, 1, MINUTE, 2)}))
        looked = Outgoing(gate.store)
        assert looked.places == {}
        gate.notes.append(looked.note)
        gate.send(*scripted(rng), reply("A/2026-03/time/1", 1, "rejected"))
        for _ in range(4):
            assert looked.places == Outgoing(gate.store).places
            gate.send(Moment(max(gate.due or 0, 1), 1))


# -- shadows ----------------------------------------------------------------------------------------------------------


def test_an_erp_in_shadow_mode_is_told_the_same_and_counts_for_nothing() -> None:
    gate = Gate(Rules((Route("old"), Route("new", live=False)), {"*": Limit(ack=MINUTE, attempts=2)}))
    gate.send(draft(A1, total="10.00"), draft(B1), Moment(MINUTE, 1))
    assert [(one.topic, one.key) for one in gate.said] == [
        ("erp.billing", A1),
        ("erp.shadow", f"new/{A1}"),
        ("erp.billing", B1),
        ("erp.shadow", f"new/{B1}"),
    ]
    assert gate.said[1].payload["document"] == draft(A1, total="10.00").payload
    looked = Outgoing(gate.store)
    gate.send(reply(A1, target="new"), reply(B1, target="old"))
    # The answer of the shadow is none: A-1 is said again; nobody knows yet whether the two agree.
    assert shadows([looked.shadow()])["targets"] == [{"target": "new", "same": 0, "differs": 0, "unanswered": 2}]
    gate.wait()
    assert told([one for one in gate.said if one.topic == "erp.billing"]) == [(A1, 1), (B1, 1), (A1, 1)]
    gate.send(reply(A1, target="old"), reply(B1, target="new", status="rejected", reason="no such customer"))
    found = shadows([looked.shadow()])
    assert found["targets"] == [{"target": "new", "same": 1, "differs": 1, "unanswered": 0}]
    [item] = found["items"]
    assert (item["document_key"], item["live"]["status"], item["shadow"]["reason"]) == (
        B1,
        "accepted",
        "no such customer",
    )


# -- with the engine before it ----------------------------------------------------------------------------------------


def undated(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Documents without the day on which they were said last: what ERP has is not said again while it is closed."""
    return {key: {name: row[name] for name in row if name != "as_of"} for key, row in documents.items()}


@pytest.mark.parametrize("seed", histories(15))
def test_when_all_windows_are_open_erp_has_what_is_live_whatever_came_while_they_were_not(seed: int) -> None:
    """So what holds of documents holds of what ERP has: they come to what is ready, and no entry is in two."""
    rng = Random(13_000_000 + seed)
    events = troubled(history(13_000_000 + seed, 80, features=ALL), rng)
    today = rng.choice(as_of_days(events))
    windows = [
        event(f"erp.window.{what}", window_id=f"W{n}", target="sap", revision=revision)
        for n in range(3)
        for revision in range(1, 5)
        for what in [rng.choice(("closed", "opened"))]
    ]
    log = noisy(lines([*events, *windows, *windows[:3]]), rng, [tick(today - timedelta(days=days)) for days in (0, 1)])
    rng.shuffle(log)
    run = started(partitions=rng.randint(1, 3), publish=True)
    carry(run, log, cut=rng.choice((1, 7, 40)))
    opened = [event("erp.window.opened", window_id=f"W{n}", target="sap", revision=9) for n in range(3)]
    finish(run.host.take("log", [Record(len(log) + n, line) for n, line in enumerate(lines(opened))]))
    heard = {key: payload for (topic, key), (_, payload, _) in run.said.items() if topic == BILLING}
    assert undated(heard) == undated(live(run.figures, today))
