"""The rules of the gate: what is an event, what is refused and with which words, what is normalised."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.events.catalogue import TYPES
from app.events.instant import micros
from app.events.reader import Accepted, Reader
from app.events.refusal import REFUSALS, Refusal
from tests.events.golden_files import line


def event(name: str, **changes: Any) -> dict[str, Any]:
    """The golden event of a type with other attributes; None takes one away."""
    changed = {**orjson.loads(line(f"{name}.v1.json")), **changes}
    return {key: value for key, value in changed.items() if value is not None}


def said(name: str, **changes: Any) -> bytes:
    """The golden event of a type with other data; `...` takes a field away."""
    data = {**event(name)["data"], **changes}
    return orjson.dumps(event(name, data={key: value for key, value in data.items() if value is not ...}))


def read(value: bytes) -> Accepted:
    return Reader().read(value)


def refusal(value: bytes, reader: Reader | None = None, headers: tuple[tuple[str, bytes], ...] = ()) -> Refusal:
    with pytest.raises(Refusal) as caught:
        (reader or Reader()).read(value, headers)
    return caught.value


def data_of(result: Accepted) -> Any:
    return orjson.loads(bytes(result.fact.data))


# Refusals


@pytest.mark.parametrize(
    ("field", "digits", "code"),
    [
        ("minutes", "1" + "0" * 30, "out_of_range"),
        ("minutes", "-1" + "0" * 30, "out_of_range"),
        ("revision", "1" + "0" * 30, "out_of_range"),
        ("revision", "-1" + "0" * 30, "bad_revision"),
        ("minutes", "1e30", "bad_type"),
        ("minutes", "1.0" + "0" * 30, "bad_type"),
    ],
)
def test_a_whole_number_of_more_digits_than_64_bits_take_is_out_of_range(field: str, digits: str, code: str) -> None:
    value = said("time.approved", **{field: 77_777}).replace(b"77777", digits.encode())
    refused = refusal(value)
    assert (refused.code, refused.pointer) == (code, f"/data/{field}")
    assert digits in refused.message


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        (said("time.approved", minutes=...), "missing_field", "/data/minutes"),
        (said("time.approved", minutes=None), "missing_field", "/data/minutes"),
        (said("time.approved", minutes="450"), "bad_type", "/data/minutes"),
        (said("time.approved", minutes=450.0), "bad_type", "/data/minutes"),
        (said("time.approved", minutes=True), "bad_type", "/data/minutes"),
        (said("time.approved", minutes=1441), "out_of_range", "/data/minutes"),
        (said("time.approved", minutes=-1441), "out_of_range", "/data/minutes"),
        (said("time.approved", billable=1), "bad_type", "/data/billable"),
        (said("time.approved", category="holiday"), "bad_type", "/data/category"),
        (said("time.approved", entry_id=""), "bad_type", "/data/entry_id"),
        (said("time.approved", entry_id="x" * 201), "bad_type", "/data/entry_id"),
        (said("time.approved", entry_id="a\nb"), "bad_type", "/data/entry_id"),
        (said("time.approved", revision=0), "bad_revision", "/data/revision"),
        (said("time.approved", revision="2"), "bad_type", "/data/revision"),
        (said("time.approved", revision=...), "missing_field", "/data/revision"),
        (said("time.approved", work_date="2026-02-29"), "bad_date", "/data/work_date"),
        (said("time.approved", work_date="20260306"), "bad_date", "/data/work_date"),
        (said("time.approved", work_date="1899-12-31"), "bad_date", "/data/work_date"),
        (said("time.approved", work_date="2201-01-01"), "bad_date", "/data/work_date"),
        (said("time.approved", rate_override="-0.01"), "out_of_range", "/data/rate_override"),
        (said("time.approved", rate_override="1,50"), "bad_decimal", "/data/rate_override"),
        (said("time.approved", rate_override="1e3"), "bad_decimal", "/data/rate_override"),
        (said("time.approved", rate_override="NaN"), "bad_decimal", "/data/rate_override"),
        (said("time.approved", rate_override="0.1234567"), "bad_decimal", "/data/rate_override"),
        (said("time.approved", rate_override="1234567890123456"), "bad_decimal", "/data/rate_override"),
        (said("time.approved", rate_override="1000000000000"), "out_of_range", "/data/rate_override"),
        (said("time.approved", rate_override=True), "bad_type", "/data/rate_override"),
        (said("rate.set", currency="EURO"), "bad_currency", "/data/currency"),
        (said("rate.set", currency="XXX"), "bad_currency", "/data/currency"),
        (said("rate.set", effective_to="2025-12-31"), "bad_interval", "/data/effective_to"),
        (said("expense.approved", net="12.00"), "bad_type", "/data/net"),
        (said("expense.approved", net={"amount": "12.00"}), "missing_field", "/data/net/currency"),
        (said("expense.approved", markup_ratio="-0.1"), "out_of_range", "/data/markup_ratio"),
        (said("leave.approved", to="2026-08-02"), "bad_interval", "/data/to"),
        (said("resource.upserted", weekly_minutes=10_081), "out_of_range", "/data/weekly_minutes"),
        (said("resource.upserted", working_days=[]), "out_of_range", "/data/working_days"),
        (said("resource.upserted", working_days=[1, 1]), "out_of_range", "/data/working_days"),
        (said("resource.upserted", working_days=[0]), "out_of_range", "/data/working_days"),
        (said("resource.upserted", working_days=["mon"]), "bad_type", "/data/working_days"),
        (said("resource.upserted", target_ratio="1.01"), "out_of_range", "/data/target_ratio"),
        (said("resource.upserted", employed_to="2020-03-31"), "bad_interval", "/data/employed_to"),
        (said("assignment.booked", minutes_per_week=..., minutes_total=...), "missing_field", "/data"),
        (said("retainage.released", ratio=None, amount=...), "missing_field", "/data"),
        (said("writeoff.recorded", entry_ids=..., amount=...), "missing_field", "/data"),
        (said("demand.opened", probability_ratio="1.5"), "out_of_range", "/data/probability_ratio"),
        (said("milestone.planned", amount=...), "missing_field", "/data/amount"),
        (said("milestone.planned", amount="-1.00"), "out_of_range", "/data/amount"),
        (said("fx.rate.set", rate="0"), "out_of_range", "/data/rate"),
        (said("period.closed", period="2026-13"), "bad_date", "/data/period"),
        (said("erp.window.closed", until="2026-04-03"), "bad_date", "/data/until"),
        (said("erp.acknowledged", status="maybe"), "bad_type", "/data/status"),
        (said("clock.ticked", on="tomorrow"), "bad_date", "/data/on"),
        (said("contract.approved", version=0), "bad_revision", "/data/version"),
        (said("contract.approved", term={"to": "2026-12-31"}), "missing_field", "/data/term/from"),
        (said("contract.approved", term={"from": "2026-12-31", "to": "2026-01-01"}), "bad_interval", "/data/term/to"),
        (said("contract.approved", lines={}), "bad_type", "/data/lines"),
        (said("contract.approved", lines=[{"line_id": "L1"}]), "missing_field", "/data/lines/0/billing_method"),
        (said("contract.amended", currency=None), "missing_field", "/data/currency"),
        (said("contract.amended", term={"from": None}), "missing_field", "/data/term/from"),
        (said("invoice.credited", lines=[{"kind": "time", "id": "TE-1", "amount": "-1"}]), "out_of_range",
         "/data/lines/0/amount"),
    ],
)  # fmt: skip
def test_a_fault_is_named_and_located(value: bytes, code: str, pointer: str) -> None:
    refused = refusal(value)
    assert (refused.code, refused.pointer) == (code, pointer), str(refused)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"specversion": "0.3"}, "/specversion"),
        ({"specversion": None}, "/specversion"),
        ({"id": None}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": 7}, "/id"),
        ({"source": "a\tb"}, "/source"),
        ({"type": None}, "/type"),
        ({"time": None}, "/time"),
        ({"time": "2026-03-09"}, "/time"),
        ({"time": "2026-03-09T17:00:00"}, "/time"),
        ({"time": "2026-02-30T17:00:00Z"}, "/time"),
        ({"time": "2026-03-09T24:00:00Z"}, "/time"),
        ({"recordedtime": "yesterday"}, "/recordedtime"),
        ({"acceptedtime": "yesterday"}, "/acceptedtime"),
        ({"correlationid": 88}, "/correlationid"),
        ({"data": None}, "/data"),
        ({"data": []}, "/data"),
        ({"data": "{}"}, "/data"),
    ],
)
def test_an_envelope_that_is_not_valid_makes_it_not_an_event(changes: dict[str, Any], pointer: str) -> None:
    refused = refusal(orjson.dumps(event("time.approved", **changes)))
    assert (refused.code, refused.pointer) == ("not_an_event", pointer)


def test_a_type_or_version_outside_the_catalogue_is_unknown() -> None:
    for name in ("time.approved.v2", "time.approved", "Time.approved.v1", "burn.updated.v1"):
        assert refusal(orjson.dumps(event("time.approved", type=name))).code == "unknown_type"


def test_a_record_beyond_the_limit_is_too_large_before_it_is_anything_else() -> None:
    assert refusal(b"x" * 101, Reader(max_bytes=100)).code == "too_large"
    assert refusal(b"x" * 100, Reader(max_bytes=100)).code == "not_json"


def test_a_record_without_a_value_is_refused_like_any_other() -> None:
    for value in (None, b""):
        with pytest.raises(Refusal) as caught:
            Reader().read(value, [("ce_id", b"1")])
        assert caught.value.code == "not_json"


def test_of_several_faults_the_first_in_the_list_is_named() -> None:
    # Out of range, bad interval, bad currency, bad date, bad revision, bad type: each hides those before it.
    faults: list[tuple[str, dict[str, Any]]] = [
        ("out_of_range", {"amount": "-1"}),
        ("bad_interval", {"effective_to": "2025-12-31"}),
        ("bad_currency", {"currency": "???"}),
        ("bad_decimal", {"amount": "-1.1234567"}),
        ("bad_date", {"effective_from": "2026-99-01"}),
        ("bad_revision", {"revision": -1}),
        ("bad_type", {"unit": "week"}),
        ("missing_field", {"rate_id": ...}),
    ]
    changes: dict[str, Any] = {}
    for code, change in faults:
        changes |= change
        assert refusal(said("rate.set", **changes)).code == code
    assert [code for code, _ in reversed(faults)] == list(REFUSALS)[5:]


def test_a_source_without_authority_may_not_speak_and_is_told_who_may() -> None:
    reader = Reader({"time": frozenset({"/psa/emea"}), "contract": frozenset({"/clm"})})
    assert reader.read(said("time.approved")).fact.source == "/psa/emea"
    assert reader.read(said("expense.approved")).fact.source == "/psa/emea"
    foreign = orjson.dumps(event("time.approved", source="/spreadsheet"))
    assert refusal(foreign, reader).code == "not_authorised"
    assert "/psa/emea" in refusal(foreign, reader).message
    # It stands before every fault of the data: who may not speak is not told what else is wrong.
    both = orjson.dumps(event("contract.approved", source="/spreadsheet", data={}))
    assert refusal(both, reader).code == "not_authorised"


def test_authority_holds_in_binary_mode_too() -> None:
    reader = Reader({"time": frozenset({"/psa/emea"})})
    sent = event("time.approved", source="/spreadsheet")
    headers = tuple((f"ce_{name}", value.encode()) for name, value in sent.items() if name != "data")
    assert refusal(orjson.dumps(sent["data"]), reader, headers).code == "not_authorised"


def test_a_message_says_what_with_which_value_and_what_to_do() -> None:
    assert refusal(said("time.approved", minutes=4500)).message == "data.minutes must be from -1440 to 1440, not 4500"
    assert (
        refusal(said("time.approved", category="x")).message
        == "data.category must be 'standard', 'overtime', 'travel', 'training' or 'leave', not 'x'"
    )
    assert refusal(said("time.approved", entry_id=...)).message == "data.entry_id is required; send a value"
    long = refusal(said("time.approved", work_date="9" * 5_000)).message
    assert len(long) < 300


# What only cancels


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("time.rejected", {"entry_id"}),
        ("time.reversed", {"entry_id"}),
        ("expense.rejected", {"expense_id"}),
        ("rate.withdrawn", {"rate_id"}),
        ("leave.cancelled", {"leave_id", "resource_id"}),
        ("assignment.cancelled", {"assignment_id"}),
        ("demand.filled", {"demand_id"}),
        ("demand.cancelled", {"demand_id"}),
        ("milestone.accepted", {"milestone_id", "contract_id"}),
        ("milestone.cancelled", {"milestone_id", "contract_id"}),
        ("invoice.voided", {"invoice_id", "contract_id"}),
        ("invoice.paid", {"invoice_id", "contract_id"}),
        ("hold.cleared", {"hold_id", "contract_id"}),
        ("dispute.resolved", {"dispute_id", "contract_id"}),
        ("holiday.removed", {"holiday_id"}),
    ],
)
def test_what_only_cancels_needs_its_id_its_revision_and_its_key(name: str, needed: set[str]) -> None:
    data = event(name)["data"]
    least = {key: data[key] for key in needed | {"revision"}}
    assert data_of(read(orjson.dumps(event(name, data=least)))) == least
    for field in least:
        rest = {key: value for key, value in least.items() if key != field}
        assert refusal(orjson.dumps(event(name, data=rest))).code == "missing_field"


def test_what_a_cancelling_event_does_carry_is_checked() -> None:
    assert refusal(said("time.rejected", minutes=9_999)).code == "out_of_range"
    assert refusal(said("leave.cancelled", to="2026-08-01")).code == "bad_interval"


# Normalisation


def test_a_decimal_sent_as_a_number_is_taken_by_its_own_digits() -> None:
    # 0.1 + 0.2 is no float's business: 1.50 stays 1.50, and 17 digits stay 17 digits.
    for sent, kept in (
        ("1.50", "1.50"),
        ("3", "3"),
        ("0.100000", "0.100000"),
        ("99999999999.123456", "99999999999.123456"),
    ):
        value = said("rate.set", amount="@").replace(b'"@"', sent.encode())
        assert data_of(read(value))["amount"] == kept


def test_a_number_is_held_to_the_same_form_as_a_string() -> None:
    for sent in ("1e3", "1.0E-2", "0.1234567", "1234567890123456"):
        assert refusal(said("rate.set", amount="@").replace(b'"@"', sent.encode())).code == "bad_decimal"


def test_numbers_are_kept_deep_inside_and_in_unknown_fields() -> None:
    value = said("expense.approved", net={"amount": "@", "currency": "EUR", "fee": "#"}, weight="#")
    value = value.replace(b'"@"', b"12.340").replace(b'"#"', b"0.10000000000000000000001")
    kept = bytes(read(value).fact.data)
    assert b'"amount":"12.340"' in kept
    assert kept.count(b":0.10000000000000000000001") == 2


def test_unknown_fields_are_ignored_and_kept() -> None:
    kept = data_of(read(said("time.approved", badge={"colour": "blue"}, minutes_rounded=1.5)))
    assert (kept["badge"], kept["minutes_rounded"]) == ({"colour": "blue"}, 1.5)


def test_of_members_with_one_name_the_last_counts_for_every_reader() -> None:
    value = said("time.approved").replace(b'"minutes":450', b'"minutes":"?","minutes":450')
    data = bytes(read(value).fact.data)
    assert data.count(b'"minutes"') == 1
    assert orjson.loads(data)["minutes"] == 450
    outer = said("time.approved").replace(b'"data":{', b'"data":{"x":1},"data":{')
    assert data_of(read(outer)) == data_of(read(said("time.approved")))


def test_spaces_and_escapes_do_not_make_another_fact() -> None:
    plain = said("time.approved")
    spaced = orjson.dumps(orjson.loads(plain), option=orjson.OPT_INDENT_2) + b"\r\n"
    escaped = plain.replace("ü".encode(), b"\\u00fc")
    assert bytes(read(plain).fact.data) == bytes(read(spaced).fact.data) == bytes(read(escaped).fact.data)


def test_null_in_an_optional_field_is_absent_and_in_an_amendment_it_survives() -> None:
    assert read(said("time.approved", role=None, billable=None)).key == "time/TE-17"
    assert read(said("rate.set", contract_id=None)).journal == "every"
    assert data_of(read(said("contract.amended", practice=None)))["practice"] is None


def test_only_an_additive_amendment_may_carry_negative_budgets() -> None:
    assert read(said("contract.amended", kind="additive")).fact.revision == 2
    for kind in ("replacement", "retroactive", "cancellation"):
        assert refusal(said("contract.amended", kind=kind)).code == "out_of_range"
    assert refusal(said("contract.approved", lines=event("contract.amended")["data"]["lines"])).code == "out_of_range"


def test_one_line_id_stands_once_in_a_contract() -> None:
    lines = [{"line_id": "L1", "billing_method": "retainer"}] * 2
    assert refusal(said("contract.approved", lines=lines)).pointer == "/data/lines"
    assert refusal(said("contract.amended", lines=lines)).code == "bad_type"


def test_an_interval_of_one_day_is_one_day_long() -> None:
    assert read(said("leave.approved", to="2026-08-03")).key == "R-13"


# Envelope, identity, destination


def test_moments_default_to_each_other() -> None:
    instant = micros("2026-03-09T17:00:00.250Z")
    alone = read(orjson.dumps(event("time.approved", recordedtime=None, acceptedtime=None))).fact
    assert (alone.time, alone.recorded, alone.accepted) == (instant, instant, instant)
    recorded = read(orjson.dumps(event("time.approved", acceptedtime=None))).fact
    assert recorded.accepted == recorded.recorded == micros("2026-03-09T17:00:04Z")
    exported = read(said("time.approved")).fact
    assert exported.accepted == micros("2026-03-09T17:00:05Z")
    assert Reader().read(said("time.approved"), accepted=7).fact.accepted == 7


def test_the_origin_is_kept() -> None:
    fact = Reader().read(said("rate.set"), origin=("headrace.contracts", 3, 99)).fact
    assert (fact.topic, fact.partition, fact.offset) == ("headrace.contracts", 3, 99)


def test_identity_and_revision_come_from_the_data() -> None:
    tick = read(said("clock.ticked")).fact
    assert (tick.entity, tick.revision) == ("2026-03-09", 1)
    assert read(said("contract.amended")).fact.revision == 2
    assert read(said("erp.acknowledged")).fact.entity == "C-88/2026-03/time/1/s4"
    assert read(said("period.closed")).fact.entity == "LE-DE/2026-03"
    assert read(said("fx.rate.set")).fact.entity == "USD/EUR/2026-03-06"
    assert read(said("invoice.credited")).fact.entity == "CR-1"


def test_every_type_goes_to_the_journal_of_the_table() -> None:
    prefixes = {
        "facts": ("time.", "expense.", "assignment.", "demand.", "case."),
        "resources": ("resource.", "leave."),
        "every": ("client.", "legal_entity.", "fx.", "holiday.", "period.", "erp.window.", "extract.taken.", "clock."),
    }
    for known in TYPES.values():
        listed = [journal for journal, starts in prefixes.items() if known.type.startswith(starts)]
        assert known.journal == (listed[0] if listed else "engagements")
    assert read(said("rate.set")).key == "C-88"
    assert read(said("rate.withdrawn", contract_id=...)).journal == "every"


def test_the_mode_is_told_by_the_headers() -> None:
    sent = event("rate.set")
    structured = orjson.dumps(sent)
    binary = orjson.dumps(sent["data"])
    attributes = tuple((f"ce_{name}", value.encode()) for name, value in sent.items() if name != "data")
    reader = Reader()
    for headers in ((), (("content-type", b"application/json"),), (("traceparent", b"00"),)):
        assert reader.read(structured, headers).fact.id == sent["id"]
    declared = (("Content-Type", b"application/cloudevents+json"), *attributes)
    assert reader.read(structured, declared).fact.id == sent["id"]
    assert reader.read(binary, (*attributes, ("content-type", b"application/json"))).fact.id == sent["id"]
    assert refusal(binary).code == "not_an_event"
    assert refusal(binary, headers=(("ce_id", b"\xff"), *attributes)).code == "not_an_event"
    assert refusal(b"[]", headers=attributes).pointer == "/data"
    assert refusal(b"[" * 300 + b"]" * 300, headers=attributes).code == "not_json"
