"""Adapters: vendors' messages, shaped by their public documentation, become events; our documents their requests."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters import ADAPTERS
from app.adapters.adapter import Instance, Received, Unmapped, mark, marked, minutes_of_hours, parse, receive
from app.events.reader import Reader

FIXTURES = Path(__file__).parent / "fixtures"
OURS = Instance("emea", "a secret", frozenset({"headrace", "headrace-user"}), {"10002": "C-1"})
PROPOSED = {
    "type": "billing.proposed.v1",
    "document_key": "C-1/2026-03/time/1",
    "revision": 2,
    "contract_id": "C-1",
    "client_id": "501",
    "legal_entity_id": "LE-DE",
    "currency": "EUR",
    "total": "1350.00",
    "purchase_order": {"number": "PO-4711"},
    "lines": [{"kind": "time", "id": "TE-17", "amount": "1350.00"}],
}


def names() -> list[str]:
    return sorted(path.stem for path in FIXTURES.glob("*.json"))


def read(name: str, instance: Instance = OURS) -> Received:
    return ADAPTERS[name.partition(".")[0]].read(instance, parse((FIXTURES / f"{name}.json").read_bytes()))


def told(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [(event["type"], event["data"]) for event in read(name).events]


def test_every_vendor_has_an_adapter_with_fixtures() -> None:
    assert set(ADAPTERS) == {name.partition(".")[0] for name in names()}


@pytest.mark.parametrize("name", names())
def test_what_comes_out_is_what_the_intake_takes(name: str) -> None:
    if name == "jira.tempo_partly":
        return
    vendor = name.partition(".")[0]
    for event in read(name).events:
        fact = Reader().read(json.dumps(event).encode()).fact
        assert fact.source == f"/adapters/{vendor}/emea"


@pytest.mark.parametrize("name", names())
def test_a_message_delivered_twice_is_the_same_events(name: str) -> None:
    if name != "jira.tempo_partly":
        assert read(name) == read(name)
        ids = [event["id"] for event in read(name).events]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", [name for name in names() if name.endswith("echo")])
def test_f16_what_we_caused_ourselves_is_dropped(name: str) -> None:
    """Nothing goes in circles."""
    received = read(name)
    assert (received.events, received.wants) == ((), ())
    assert "our own" in received.dropped[0]
    strangers = Instance("emea", "a secret", frozenset(), OURS.contracts)
    if name not in ("sap.echo", "workday.echo"):  # the first is known by its source; the second says nothing else
        assert read(name, strangers).events


# -- Salesforce and Certinia ------------------------------------------------------------------------------------------


def test_one_change_of_several_records_is_an_event_for_each() -> None:
    first, second = told("salesforce.opportunities")
    assert [data["demand_id"] for _, data in (first, second)] == ["006xx1", "006xx2"]
    # commit 1773075600250 ms, second in its transaction; 20.5 h are 1,230 minutes; 60 % is 0.60
    assert first[1]["revision"] == 177307560025002
    assert (first[1]["minutes_per_week"], float(first[1]["probability_ratio"])) == (1230, 0.6)


@pytest.mark.parametrize(
    ("name", "ids"),
    [("salesforce.gap", ("001xx1",)), ("salesforce.overflow", ()), ("salesforce.partial", ("006xx1", "006xx2"))],
)
def test_what_carries_no_fields_asks_for_a_snapshot(name: str, ids: tuple[str, ...]) -> None:
    received = read(name)
    assert received.events in ((), [])
    assert [want.ids for want in received.wants] == [ids]


def test_a_snapshot_is_a_later_revision_of_what_changed_before() -> None:
    [(_, before)], [(_, after)] = told("salesforce.account"), told("salesforce.snapshot")
    assert after["revision"] > before["revision"]
    assert (before["tax_id"], after["name"]) == ("DE123", "Acme AG")


def test_a_deleted_opportunity_is_demand_no_more() -> None:
    assert [kind for kind, _ in told("salesforce.deleted")] == ["demand.cancelled.v1"]


def test_a_timecard_is_seven_entries_also_those_of_no_hours() -> None:
    entries = told("certinia.timecard")
    assert {kind for kind, _ in entries} == {"time.approved.v1"}
    assert [(data["work_date"], data["minutes"]) for _, data in entries][:3] == [
        ("2026-03-02", 450),
        ("2026-03-03", 480),
        ("2026-03-04", 0),
    ]
    gone = told("certinia.deleted")
    assert {data["entry_id"] for _, data in gone} == {data["entry_id"] for _, data in entries}


def test_money_keeps_its_digits() -> None:
    [(kind, milestone)] = told("certinia.milestone")
    assert (kind, milestone["amount"]) == ("milestone.completed.v1", "12500.5")
    [(_, expense)] = told("certinia.expense")
    assert expense["net"] == {"amount": "412.35", "currency": "EUR"}


# -- the others -------------------------------------------------------------------------------------------------------


def test_a_contract_is_one_when_everybody_has_signed() -> None:
    [(kind, approved)] = told("docusign.completed")
    assert (kind, approved["contract_id"]) == ("contract.approved.v1", "C-1")
    [(kind, amended)] = told("docusign.amended")
    assert (kind, amended["lines"][0]["budget"]["amount"]) == ("contract.amended.v1", "5000.5")
    assert [want.ids for want in read("docusign.bare").wants] == [("e-1",)]
    assert read("docusign.sent").dropped


def test_an_invoice_of_ours_acknowledges_its_document() -> None:
    for name in ("netsuite.invoice", "sap.document"):
        (first, ack), (second, invoice) = told(name)
        assert (first, second) == ("erp.acknowledged.v1", "invoice.issued.v1")
        assert (ack["document_key"], ack["revision"], ack["contract_id"]) == ("C-1/2026-03/time/1", 2, "C-1")
        assert float(invoice["lines"][0].pop("amount")) == 1350
        assert invoice["lines"] == [{"kind": "time", "id": "TE-17"}]
    assert read("netsuite.foreign").dropped


def test_dataverse_says_what_the_record_is_after_the_operation() -> None:
    [(kind, entry)] = told("dynamics365.timeentry")
    # 1772755200000 ms is midnight of 6 March
    assert (kind, entry["work_date"], entry["minutes"]) == ("time.approved.v1", "2026-03-06", 450)
    assert [want.ids for want in read("dynamics365.partial").wants] == [("9f0c-1",)]
    assert [kind for kind, _ in told("dynamics365.deleted")] == ["time.reversed.v1"]


def test_a_business_event_is_no_data() -> None:
    [want] = read("dynamics365.business_event").wants
    assert want.entity == "CustFreeTextInvoicePostedBusinessEvent"


def test_a_worker_has_two_times() -> None:
    """Entered on 9 March at 10:00 −07:00, 17:00 UTC; from 1 April, whatever the zone says of its midnight."""
    [(_, worker)] = told("workday.change")
    assert (worker["revision"], worker["effective_from"]) == (1773075600000, "2026-04-01")
    assert worker["weekly_minutes"] == 1920
    assert read("workday.rescinded").wants[0].entity == "worker"


def test_a_worklog_of_jira_is_submitted_and_one_of_tempo_may_be_approved() -> None:
    [(jira, first)], [(tempo, second)] = told("jira.worklog"), told("jira.tempo")
    assert (jira, tempo) == ("time.submitted.v1", "time.approved.v1")
    assert first["entry_id"] == second["entry_id"] == "jira-10100"
    assert second["revision"] > first["revision"]
    assert first["work_date"] == "2026-03-06"  # 23:30 where it was logged; its day is not shifted
    assert read("jira.unknown_issue").wants[0].ids == ("10999",)
    [(kind, gone)] = told("jira.deleted")
    assert kind == "time.reversed.v1"
    assert gone["revision"] > first["revision"]


def test_a_worklog_that_bills_in_part_is_refused_with_what_to_do() -> None:
    with pytest.raises(Unmapped, match="split the worklog"):
        read("jira.tempo_partly")


def test_a_business_event_of_sap_asks_for_its_document() -> None:
    [want] = read("sap.billing_event").wants
    assert (want.entity, want.ids) == ("BillingDocument", ("90000001",))


@pytest.mark.parametrize(("hours", "minutes"), [("7.5", 450), ("0.33", 20), ("0.325", 20), (8, 480), ("0.0083", 0)])
def test_hours_are_minutes_to_the_nearest(hours: Any, minutes: int) -> None:
    assert minutes_of_hours(hours) == minutes


# -- out --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["netsuite", "dynamics365", "sap", "certinia"])
def test_a_document_goes_out_under_a_mark_that_makes_a_repeat_harmless(name: str) -> None:
    request = ADAPTERS[name].write(OURS, PROPOSED)
    assert request == ADAPTERS[name].write(OURS, PROPOSED)
    assert request is not None
    assert mark(PROPOSED) in json.dumps([request.path, request.headers, request.body])
    assert "1350.00" in json.dumps(request.body)


@pytest.mark.parametrize("name", ["salesforce", "jira"])
def test_figures_go_where_people_look(name: str) -> None:
    burn = {
        "type": "burn.updated.v1",
        "contract_id": "C-1",
        "line_id": None,
        "as_of": "2026-03-31",
        "remaining": {"minutes": 60, "amount": "60.00"},
        "ratio": {"minutes": None, "amount": "0.5000"},
    }
    request = ADAPTERS[name].write(OURS, burn)
    assert request is not None
    assert "0.5000" in json.dumps(request.body)
    assert ADAPTERS[name].write(OURS, PROPOSED) is None
    assert ADAPTERS[name].write(OURS, {**burn, "line_id": "L"}) is None


def test_a_mark_is_read_back() -> None:
    assert marked(mark(PROPOSED)) == ("C-1/2026-03/time/1", 2)
    assert marked("headrace:no revision") is None
    assert marked(None) is None


def test_a_document_that_comes_back_ends_there() -> None:
    """What NetSuite says of the invoice we made is what the ERP says, and no new document: no loop."""
    request = ADAPTERS["netsuite"].write(OURS, PROPOSED)
    assert request is not None
    echoed = {
        "recordType": "invoice",
        "id": "9001",
        "lastModifiedDate": "2026-03-31T18:00:00Z",
        "lastModifiedBy": {"id": "headrace-user"},
        **request.body,
    }
    received = ADAPTERS["netsuite"].read(OURS, echoed)
    assert {event["type"] for event in received.events} == {"erp.acknowledged.v1", "invoice.issued.v1"}
    assert all(
        ADAPTERS["netsuite"].write(OURS, event["data"] | {"type": event["type"]}) is None for event in received.events
    )


# -- who sent it ------------------------------------------------------------------------------------------------------


def test_a_body_that_was_changed_has_another_signature() -> None:
    body = b'{"event":"envelope-completed"}'
    signed = base64.b64encode(hmac.new(b"a secret", body, sha256).digest()).decode()
    verify = ADAPTERS["docusign"].verify
    assert verify(OURS, {"x-docusign-signature-1": "old key", "x-docusign-signature-2": signed}, body)
    assert not verify(OURS, {"x-docusign-signature-1": signed}, body + b" ")
    assert not verify(OURS, {}, body)
    assert not verify(Instance(), {"x-docusign-signature-1": signed}, body)


def test_jira_signs_in_hexadecimal() -> None:
    signed = hmac.new(b"a secret", b"{}", sha256).hexdigest()
    assert ADAPTERS["jira"].verify(OURS, {"x-hub-signature": f"sha256={signed}"}, b"{}")
    assert not ADAPTERS["jira"].verify(OURS, {"x-hub-signature": "sha256=0"}, b"{}")


def test_without_a_secret_nobody_is_believed() -> None:
    assert not ADAPTERS["netsuite"].verify(Instance(), {"x-adapter-key": ""}, b"{}")
    assert ADAPTERS["netsuite"].verify(OURS, {"authorization": "Bearer a secret"}, b"{}")


@pytest.mark.parametrize("name", sorted(ADAPTERS))
@pytest.mark.parametrize("body", [b"{}", b"[]", b"1", b"null", b'{"payload":{}}', b'{"worklog":{}}', b"{"])
def test_what_is_no_message_says_what_is_missing(name: str, body: bytes) -> None:
    with pytest.raises(Unmapped):
        ADAPTERS[name].read(OURS, parse(body))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(name=st.sampled_from(names()), place=st.integers(0, 10**6), value=JSON)
def test_a_message_with_something_wrong_in_it_is_mapped_or_refused(name: str, place: int, value: Any) -> None:
    """Whatever one value of a message is replaced with, the adapter says what it makes of it, and does not fail."""
    message = json.loads((FIXTURES / f"{name}.json").read_bytes())
    spots = list(_spots(message))
    holder, key = spots[place % len(spots)]
    holder[key] = value
    with suppress(Unmapped):
        receive(ADAPTERS[name.partition(".")[0]], OURS, json.dumps(message).encode())


def _spots(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key in tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _spots(tree[key])
