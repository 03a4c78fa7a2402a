"""The exceptions desk: what should be acted on as one list, acting on it as events, and the state that replays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from agents.facts import _TOLD
from app.engine.desk import Desk, Rejected, place_of
from app.engine.embedded import STATEMENTS, EmbeddedHost
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.placement import Taken
from app.engine.store import Store
from app.events.catalogue import TYPES
from app.events.reader import Reader
from app.main import tick
from app.replay.verify import verify
from tests.engine.runs import lines
from tests.engine.test_policy import AT
from tests.model.histories import envelope

NOW = 1_773_079_200_000_000  # 2026-03-09T18:00:00Z
CONTRACT = {
    "contract_id": "C",
    "version": 1,
    "client_id": "K",
    "currency": "EUR",
    "effective_from": "2026-01-01",
    "term": {"from": "2026-01-01"},
    "lines": [{"line_id": "L", "billing_method": "time_and_materials"}],
}


def entry(name: str, kind: str = "time.approved", contract: str = "C", **data: Any) -> dict[str, Any]:
    said = {"entry_id": name, "revision": 1, "contract_id": contract, "resource_id": "P", "work_date": "2026-03-02"}
    return envelope(kind, {**said, "minutes": 60, **data}, f"m-{name}", AT)


BAD = [entry(f"B-{n}", minutes="an hour") for n in (1, 2)]
LOG = [
    *lines([envelope("contract.approved", CONTRACT, "c", AT), entry("E-1"), entry("E-2", contract="NOBODY"), *BAD]),
    b"{no json",
    tick("2026-03-31", "UTC"),
]


class House:
    """A desk over a store, and its host."""

    def __init__(self, host: EmbeddedHost) -> None:
        self.host = host
        self.desk = Desk(Gather(host, lambda: 0.0, StoredLetters(host.store)), self._take, Reader(), lambda: NOW)

    async def _take(self, events: Sequence[bytes], headers: Sequence[tuple[str, bytes]]) -> Sequence[Taken]:
        taken = self.host.take(events, headers)
        await self.host.drain()
        return taken

    async def rows(self, **wanted: str) -> list[dict[str, Any]]:
        rows, _ = await self.desk.rows(wanted)
        return rows

    async def dead(self, name: str = "m-B-1") -> dict[str, Any]:
        """The refused record of an event."""
        [row] = [row for row in await self.rows(kind="dead_letter", status="all") if row["event_id"] == name]
        return row


@pytest.fixture(params=[1, 3])
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    with EmbeddedHost(Store(tmp_path / "store.sqlite", partitions=request.param), lambda: NOW) as host:
        host.take(LOG)
        await host.drain()
        yield House(host)


async def test_everything_that_should_be_acted_on_is_one_list(house: House) -> None:
    """Two entries with bad minutes, a line that is no JSON, work for a contract nobody approved, an entry unpriced."""
    found = sorted((row["kind"], row["code"], row["owner"]) for row in await house.rows())
    assert found == [
        ("blocker", "RATE_UNRESOLVED", "commercial"),
        ("dead_letter", "bad_type", "data owner"),
        ("dead_letter", "bad_type", "data owner"),
        ("dead_letter", "not_json", "data owner"),
        ("parked", "CONTRACT_UNKNOWN", "legal"),
    ]


async def test_what_is_overdue_stands_first_and_ages_by_the_latest_event(house: House) -> None:
    """Everything is of 9 March; the tick of the 31st is 21 days later than 24 hours after it."""
    rows = await house.rows()
    assert [place_of(row) for row in rows] == sorted(place_of(row) for row in rows)
    [parked] = [row for row in rows if row["kind"] == "parked"]
    assert (parked["overdue"], parked["due"]) == (True, "2026-03-10T17:00:00Z")
    assert parked["age_seconds"] == 21 * 86_400 + 7 * 3_600  # to midnight before the 31st


async def test_what_has_one_cause_is_one_group(house: House) -> None:
    groups, _ = await house.desk.groups()
    assert [(one["code"], one["count"]) for one in groups][:1] == [("bad_type", 2)]
    assert len(groups) == 4


async def test_claims_comments_and_resolutions_are_events_that_replay(house: House) -> None:
    row = await house.dead()
    name = row["exception_id"]
    await house.desk.act(name, "claim", "ana", {})
    await house.desk.act(name, "comment", "bo", {"text": "asked the office"})
    await house.desk.act(name, "resolve", "ana", {"text": "entered by hand"})
    done = await house.dead()
    assert (done["status"], done["claimed_by"], done["revision"]) == ("resolved", "ana", 3)
    assert [one["by"] for one in done["comments"]] == ["bo", "ana"]
    assert name not in [one["exception_id"] for one in await house.rows()]
    assert (await verify(house.host.store, lambda done: None)).agrees


async def test_a_corrected_event_is_sent_with_its_lineage(house: House) -> None:
    row = await house.dead()
    original = orjson.loads(row["value"])
    told = await house.desk.act(row["exception_id"], "resolve", "ana", {"event": {**entry("B-1"), "id": "again"}})
    assert told == {
        "exception_id": row["exception_id"],
        "done": True,
        "action": "resolve",
        "how": "corrected",
        "event_source": original["source"],
        "event_id": "again",
    }
    answers = Gather(house.host, lambda: 0.0, StoredLetters(house.host.store))
    event = await answers.event(original["source"], "again")
    assert event is not None
    assert event["causationid"] == original["id"] == "m-B-1"
    assert (await house.dead())["resolution"]["event_id"] == "again"


async def test_a_correction_that_cannot_be_read_changes_nothing(house: House) -> None:
    row = await house.dead()
    before = len(await house.rows(status="all"))
    with pytest.raises(Rejected, match="minutes") as rejected:
        await house.desk.act(row["exception_id"], "resolve", "ana", {"event": BAD[0]})
    assert (rejected.value.code, rejected.value.pointer) == ("bad_type", "/data/minutes")
    assert len(await house.rows(status="all")) == before
    assert (await house.dead())["revision"] == 0


async def test_a_record_that_is_bad_still_is_no_second_dead_letter(house: House) -> None:
    row = await house.dead()
    before = len(await house.rows(kind="dead_letter"))
    with pytest.raises(Rejected):
        await house.desk.act(row["exception_id"], "retry", "ana", {})
    assert len(await house.rows(kind="dead_letter")) == before


async def test_a_record_refused_by_a_rule_that_is_gone_is_sent_again_as_it_came(tmp_path: Path) -> None:
    """Nobody was allowed to speak for time; then everybody is."""
    closed = Reader({"time": frozenset({"/other"})})
    with EmbeddedHost(Store(tmp_path / "s.sqlite"), lambda: NOW, reader=closed) as host:
        host.take(LOG[:2])
        await host.drain()
    with EmbeddedHost(Store(tmp_path / "s.sqlite"), lambda: NOW) as host:
        house = House(host)
        row = await house.dead("m-E-1")
        assert row["code"] == "not_authorised"
        await house.desk.act(row["exception_id"], "retry", "ana", {})
        row = await house.dead("m-E-1")
        assert (row["status"], row["retries"], row["resolution"]["how"]) == ("resolved", 1, "retried")
        figures, _ = await Gather(host, lambda: 0.0, StoredLetters(host.store)).burn("C", None, None)
        assert figures is not None
        assert figures[0]["unpriced_minutes"] == 60


async def test_only_a_record_can_be_sent_again(house: House) -> None:
    [parked] = await house.rows(kind="parked")
    with pytest.raises(Rejected) as rejected:
        await house.desk.act(parked["exception_id"], "retry", "ana", {})
    assert rejected.value.code == "nothing_to_send"


async def test_who_looked_before_somebody_acted_looks_again(house: House) -> None:
    row = await house.dead()
    await house.desk.act(row["exception_id"], "claim", "ana", {"revision": 0})
    with pytest.raises(Rejected) as rejected:
        await house.desk.act(row["exception_id"], "claim", "bo", {"revision": 0})
    assert rejected.value.code == "case_moved_on"
    assert (await house.dead())["claimed_by"] == "ana"


async def test_a_group_is_acted_on_at_once(house: House) -> None:
    row = await house.dead()
    told = await house.desk.act_on_all(row["fingerprint"], "resolve", "ana", {"text": "the export was fixed"})
    assert [one["done"] for one in told] == [True, True]
    assert [one["code"] for one in await house.rows(kind="dead_letter")] == ["not_json"]


async def test_there_is_no_case_of_what_never_was(house: House) -> None:
    assert await house.desk.act("dead-letter/timesheets/0/99", "claim", "ana", {}) is None


async def test_a_document_that_an_erp_refused_is_finance_s_until_it_is_accepted(house: House) -> None:
    said = {"document_key": "C/2026-03/time/1", "contract_id": "C", "target": "sap", "status": "rejected"}
    first = envelope("erp.acknowledged", {**said, "revision": 1, "reason": "no tax code"}, "a-1", AT)
    await house._take(lines([first]), ())
    [row] = await house.rows(kind="document")
    assert (row["owner"], row["message"]) == ("finance", "sap refused revision 1: no tax code")
    assert row["exception_id"] == "document/sap/C/2026-03/time/1/1"
    await house._take(
        lines([envelope("erp.acknowledged", {**said, "revision": 2, "status": "accepted"}, "a-2", AT)]), ()
    )
    assert await house.rows(kind="document") == []


KEY = "C/2026-03/time/1"
_HOURLY = {"rate_id": "R", "revision": 1, "amount": "60.00", "currency": "EUR", "effective_from": "2026-01-01"}
[RATE] = lines([envelope("rate.set", _HOURLY, "r", AT)])


def answer(number: int, status: str, key: str = KEY, **said: Any) -> bytes:
    """What ERP says of a document, for the `number`-th time; later each time."""
    data = {"document_key": key, "revision": 1, "contract_id": "C", "target": "sap", "status": status, **said}
    return lines([envelope("erp.acknowledged", data, f"a-{key}-{number}", AT + timedelta(minutes=number))])[0]


def heard(house: House, key: str = KEY) -> list[str]:
    """The ids of everything that left for ERP about a document."""
    letters = [orjson.loads(letter.value) for _, letter in house.host.store.letters(STATEMENTS, 0)]
    return [said["id"] for said in letters if said["type"].startswith("billing.") and said["subject"] == key]


def latest(house: House) -> dict[str, str]:
    """The latest statement of every exception: its type."""
    return {key: orjson.loads(value)["type"] for key, value in house.host.store.latest("exceptions")}


async def billed(house: House) -> None:
    """The rate is there, so March is proposed: one hour, 60.00; and one hour of February."""
    await house._take([RATE, *lines([entry("E-9", work_date="2026-02-02")])], ())


async def test_a_document_that_erp_refused_is_sent_again_with_the_id_that_it_had(house: House) -> None:
    await billed(house)
    await house._take([answer(1, "rejected", reason="no such customer")], ())
    before = heard(house)
    [row] = await house.rows(kind="document")
    name = row["exception_id"]
    assert latest(house)[name] == "exception.raised.v1"
    told = await house.desk.act(name, "resend", "ana", {"text": "the customer is there now"})
    assert told is not None
    assert (told["document_key"], told["document_revision"], told["event_id"]) == (KEY, 1, f"a-{KEY}-1")
    assert heard(house) == [*before, before[-1]]
    [row] = await house.rows(kind="document")
    assert (row["status"], row["resent"]["by"]) == ("resent", "ana")
    # Refused once more: somebody has to act again. Accepted: it is over, and neither answer contradicts the other.
    await house._take([answer(2, "rejected", reason="no tax code")], ())
    [row] = await house.rows(kind="document")
    assert (row["status"], row["exception_id"], row["message"]) == (
        "open",
        name,
        "sap refused revision 1: no tax code",
    )
    await house.desk.act(name, "resend", "ana", {})
    await house._take([answer(3, "accepted", erp_id="SAP-1")], ())
    assert await house.rows(kind="document") == []
    assert await house.rows(kind="conflict") == []
    assert latest(house)[name] == "exception.resolved.v1"
    assert heard(house) == [*before, *[before[-1]] * 2]
    assert (await verify(house.host.store, lambda done: None)).agrees


async def test_all_that_one_cause_kept_from_erp_is_sent_again_at_once(house: House) -> None:
    await billed(house)
    keys = [KEY, "C/2026-02/time/1"]
    await house._take([answer(1, "rejected", key, reason="no such customer") for key in keys], ())
    [row, _] = await house.rows(kind="document")
    told = await house.desk.act_on_all(row["fingerprint"], "resend", "ana", {})
    assert [one["done"] for one in told] == [True, True]
    assert [len(heard(house, key)) for key in keys] == [2, 2]
    # What is not answered yet may be sent once more: whoever took it knows its id.
    await house.desk.act(row["exception_id"], "resend", "bo", {})
    assert sorted(len(heard(house, key)) for key in keys) == [2, 3]


async def test_only_what_erp_refused_as_it_is_can_be_sent_again(house: House) -> None:
    await billed(house)
    await house._take([answer(1, "rejected"), answer(1, "rejected", "C/2026-01/time/1")], ())
    rows = await house.rows(kind="document")
    refused = {row["subject"].removeprefix("document/"): row["exception_id"] for row in rows}
    [parked] = await house.rows(kind="parked")
    # Of January nothing was ever said; and March says otherwise by now.
    await house._take(lines([entry("E-3")]), ())
    for name, why in (
        (parked["exception_id"], "about no document"),
        (refused["C/2026-01/time/1"], "has not left"),
        (refused[KEY], "revision 2 has taken its place"),
    ):
        with pytest.raises(Rejected, match=why) as rejected:
            await house.desk.act(name, "resend", "ana", {})
        assert rejected.value.code == "nothing_to_send"


@pytest.mark.parametrize("seed", range(12))
async def test_in_whatever_order_answers_and_actions_come_the_exceptions_are_the_same(
    tmp_path: Path, seed: int
) -> None:
    """Refused, sent again, refused, sent again, accepted: nothing stands and nothing contradicts itself."""
    said = {
        "case_id": f"document/sap/{KEY}/1",
        "by": "ana",
        "target": "sap",
        "document_key": KEY,
        "document_revision": 1,
    }
    refusals = [{"revision": n, "event_source": "/masterdata", "event_id": f"a-{KEY}-{n}"} for n in (1, 2)]
    actions = [envelope("case.resent", {**said, **one}, f"s-{one['revision']}", AT) for one in refusals]
    log = [*LOG, answer(1, "rejected"), answer(2, "rejected"), answer(3, "accepted"), *lines(actions)]
    Random(seed).shuffle(log)
    with EmbeddedHost(Store(tmp_path / "s.sqlite", partitions=3), lambda: NOW, batch_size=1 + seed % 3) as host:
        for line in log:
            host.take([line])
            await host.work()
        await host.drain()
        house = House(host)
        assert await house.rows(kind="conflict") == []
        assert await house.rows(kind="document") == []
        assert {name for name, type_ in latest(house).items() if type_ == "exception.raised.v1"} == set()
        assert (await verify(host.store, lambda done: None)).agrees


def test_the_facts_agent_knows_every_kind_that_goes_to_its_journal() -> None:
    assert {known.kind for known in TYPES.values() if known.journal == "facts"} == set(_TOLD)


async def test_a_list_kept_up_with_what_changes_is_the_one_read_anew(tmp_path: Path) -> None:
    """Blockers come and go, a document is refused and accepted, a policy and a day turn: asked again each time."""
    answered = {"document_key": "C/2026-03/time/1", "contract_id": "C", "target": "sap"}
    steps = [
        envelope("contract.approved", CONTRACT, "c", AT),
        entry("E-1", kind="time.submitted"),
        envelope("contract.approved", {**CONTRACT, "contract_id": "D"}, "d", AT),
        envelope("erp.acknowledged", {**answered, "revision": 1, "status": "rejected", "reason": "no"}, "a-1", AT),
        entry("E-2", contract_id="D", kind="time.submitted"),
        {**entry("E-1", kind="time.approved", revision=2), "id": "m-E-1-2"},
        envelope("erp.acknowledged", {**answered, "revision": 2, "status": "accepted"}, "a-2", AT),
        envelope(
            "policy.set", {"policy_id": "P", "revision": 1, "code": "TAX_ID_MISSING", "action": "blocking"}, "p", AT
        ),
        envelope("clock.ticked", {"on": "2026-03-31"}, "t", AT),
        envelope("client.upserted", {"client_id": CONTRACT["client_id"], "revision": 1, "tax_id": "DE1"}, "k", AT),
    ]
    with EmbeddedHost(Store(tmp_path / "s.sqlite", partitions=3), lambda: None) as host:
        kept = Gather(host, lambda: 0.0, StoredLetters(host.store))
        seen = set()
        for step in steps:
            host.take(lines([step]))
            await host.drain()
            found = (await kept.desk())[0]["items"]
            fresh = (await Gather(host, lambda: 0.0, StoredLetters(host.store)).desk())[0]["items"]
            assert sorted(map(str, found)) == sorted(map(str, fresh))
            seen.add(tuple(sorted(item["code"] for item in found)))
        assert len(seen) >= 6
