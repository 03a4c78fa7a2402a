"""The failures that firms know (domain 1B), by their numbers: what the engine makes of each, whatever comes first.

F10 is in `tests/engine/test_erp_project.py`, F11, F15 and F21 in `tests/engine/test_reconciliation.py`, F16 in
`tests/adapters/test_adapters.py`, F19 and F20 in `tests/engine/test_regional.py`.
"""

from __future__ import annotations

from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson

from agents.effects import BILLING, Record, Statement
from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.memory import MemoryHost
from app.engine.outgoing import Outgoing, together
from app.engine.runner import finish
from app.engine.store import Store
from tests.engine.runs import Run, counts, fold, lines
from tests.engine.test_policy import event

DAY = date(2026, 3, 31).toordinal()
TICK = event("clock.ticked", on="2026-03-31")
LINE = {"line_id": "L", "billing_method": "time_and_materials"}
APPROVED = event(
    "contract.approved",
    contract_id="C",
    version=1,
    client_id="K",
    currency="EUR",
    legal_entity_id="LE",
    effective_from="2026-01-01",
    term={"from": "2026-01-01"},
    lines=[LINE],
)
RATE = event("rate.set", rate_id="R", amount="60.00", currency="EUR", effective_from="2026-01-01")


def entry(name: str, kind: str = "time.approved", **data: Any) -> dict[str, Any]:
    whole = {"entry_id": name, "contract_id": "C", "resource_id": "P", "work_date": "2026-03-02", "minutes": 60}
    return event(kind, **(whole | data))


def amended(version: int, **data: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"amendment_id": f"A-{version}", "kind": "retroactive", "effective_from": "2026-03-01"}
    return event("contract.amended", **({"contract_id": "C", "version": version} | said | data))


def policy(code: str) -> dict[str, Any]:
    return event("policy.set", policy_id=code, code=code, action="blocking")


def readiness(run: Run) -> dict[str, Any]:
    return run.figures.readiness("C", DAY)


def codes(run: Run) -> list[str]:
    return [blocker["code"] for blocker in readiness(run)["blockers"]]


def in_any_order(*events: dict[str, Any]) -> list[Run]:
    """The same events in every order; seven of them would be too many."""
    assert len(events) <= 5
    return [fold(lines([*order, TICK]), cut=1) for order in permutations(events)]


def test_f01_an_amendment_that_finance_has_not_heard_of_blocks_until_it_has() -> None:
    amendment = amended(2, name="more")
    for run in in_any_order(APPROVED, RATE, entry("E"), amendment, policy("AMENDMENT_NOT_SYNCED")):
        assert (readiness(run)["state"], codes(run)) == ("blocked", ["AMENDMENT_NOT_SYNCED"])
    heard = event(
        "erp.acknowledged", document_key="C/1", contract_id="C", target="sap", status="accepted", contract_version=2
    )
    run = fold(lines([APPROVED, RATE, entry("E"), amendment, policy("AMENDMENT_NOT_SYNCED"), heard, TICK]))
    assert readiness(run)["state"] == "ready"


def test_f02_a_rate_that_comes_after_the_hours_prices_them_by_their_work_date() -> None:
    """60.00 until 1 March, 90.00 from then: one hour before, one after. Invoiced at 60.00 it is 30.00 short."""
    later = event("rate.set", rate_id="R2", amount="90.00", currency="EUR", effective_from="2026-03-01")
    billed = [{"kind": "time", "id": "E", "amount": "60.00"}]
    invoice = event("invoice.issued", invoice_id="I", contract_id="C", invoiced_on="2026-03-05", lines=billed)
    for run in in_any_order(APPROVED, RATE, entry("E"), later, invoice):
        assert readiness(run)["adjustment_amount"] == "30.00"
    for run in in_any_order(APPROVED, entry("E"), entry("B", work_date="2026-02-27")):
        assert codes(run) == ["RATE_UNRESOLVED"]
        assert readiness(run)["ready_amount"] == "0.00"


def test_f03_a_missing_tax_id_and_a_wrong_cost_centre_wait_for_tax_and_finance() -> None:
    centres = event("legal_entity.upserted", legal_entity_id="LE", cost_centres=["4100"])
    for run in in_any_order(APPROVED, policy("TAX_ID_MISSING"), policy("COST_CENTRE_INVALID"), centres):
        owners = {blocker["code"]: blocker["owner"] for blocker in readiness(run)["blockers"]}
        assert owners == {"TAX_ID_MISSING": "tax", "COST_CENTRE_INVALID": "finance"}


def test_f04_time_before_its_project_is_parked_and_released() -> None:
    parked = fold(lines([RATE, entry("E"), TICK]))
    assert parked.figures.parked() == 1
    for run in in_any_order(APPROVED, RATE, entry("E")):
        assert (run.figures.parked(), readiness(run)["ready_amount"]) == (0, "60.00")


def closing(what: str, revision: int) -> dict[str, Any]:
    return event(f"erp.window.{what}", window_id="W", target="sap", revision=revision)


def posted(*events: dict[str, Any]) -> list[tuple[str, int, str]]:
    """What ERP is told, one event at a time: (document, revision, total)."""
    heard: list[Statement] = []
    host = MemoryHost(on_statement=heard.append)
    for number, line in enumerate(lines([TICK, APPROVED, RATE, *events])):
        finish(host.take("log", [Record(number, line)]))
    said = [one for one in heard if one.topic == BILLING]
    return [(one.key, one.payload["revision"], one.payload.get("total", "")) for one in said]


def test_f05_while_erp_is_closed_documents_wait_and_then_leave_in_order_and_once() -> None:
    """March at 60.00 an hour. One hour was told before; two more, and one of April, come while ERP is closed."""
    march, april = "C/2026-03/time/1", "C/2026-04/time/1"
    meanwhile = [entry("F"), entry("A", work_date="2026-03-30"), event("clock.ticked", on="2026-04-02")]
    meanwhile += [entry("B", work_date="2026-04-01"), entry("G")]
    told = posted(entry("E"), closing("closed", 1), *meanwhile, closing("opened", 2))
    # The hours of March came one by one: revisions 2, 3 and 4, of which the last one leaves.
    assert told == [(march, 1, "60.00"), (march, 4, "240.00"), (april, 1, "60.00")]
    assert posted(entry("E"), closing("closed", 1), *meanwhile) == told[:1]


def test_f06_an_invalid_role_code_is_set_aside_with_its_context_and_the_rest_goes_on() -> None:
    good = event(
        "demand.opened",
        demand_id="D",
        role="architect",
        minutes_per_week=600,
        **{"from": "2026-04-01", "to": "2026-05-01"},
    )
    bad = {**good, "id": "bad", "data": {**good["data"], "demand_id": "D2", "role": 7}}
    run = fold(lines([bad, good, APPROVED, TICK]))
    [letter] = run.letters
    assert (letter.code, letter.pointer, orjson.loads(letter.value)["id"]) == ("bad_type", "/data/role", "bad")
    assert counts(run.host.stores)["applied"] == 3


def test_f07_a_legal_entity_nobody_knows_halts_everything_of_the_engagement() -> None:
    for run in in_any_order(APPROVED, RATE, entry("E"), policy("LEGAL_ENTITY_MISMATCH")):
        row = readiness(run)
        assert (row["state"], row["ready_amount"], row["blocked_amount"]) == ("blocked", "0.00", "60.00")
        assert row["blockers"][0]["tier"] == "critical"


def test_f08_a_missing_optional_attribute_stops_nothing() -> None:
    """A demand without practice, an entry without role or line: all of them count."""
    demand = event(
        "demand.opened", demand_id="D", role="r", minutes_per_week=60, **{"from": "2026-04-01", "to": "2026-05-01"}
    )
    run = fold(lines([APPROVED, RATE, entry("E"), demand, TICK]))
    assert run.letters == []
    assert readiness(run)["state"] == "ready"


def test_f09_a_duplicate_has_no_second_effect_and_is_counted() -> None:
    once = fold(lines([APPROVED, RATE, entry("E"), TICK]))
    twice = fold(lines([APPROVED, RATE, entry("E"), entry("E"), APPROVED, RATE, TICK]))
    assert readiness(once) == readiness(twice)
    assert counts(twice.host.stores)["duplicate"] == 3


def test_f12_a_retroactive_change_of_invoiced_work_is_an_adjustment_and_the_invoice_stays() -> None:
    """A discount of 10 % from 1 March, agreed after the invoice over 60.00: −6.00."""
    billed = [{"kind": "time", "id": "E", "amount": "60.00"}]
    invoice = event("invoice.issued", invoice_id="I", contract_id="C", invoiced_on="2026-03-05", lines=billed)
    discount = amended(2, lines=[{"line_id": "L", "discount_ratio": "0.1"}])
    for run in in_any_order(APPROVED, RATE, entry("E"), invoice, discount):
        row = readiness(run)
        assert (row["invoiced_amount"], row["adjustment_amount"]) == ("60.00", "-6.00")


def test_f13_a_cancellation_lists_open_work_and_stops_billing() -> None:
    """Cancelled on 15 March: what was worked before is shown as blocked, its obligations stay; 560.00 in all."""
    cancelled = amended(2, kind="cancellation", effective_from="2026-03-15")
    owed = event(
        "subcontract.committed", commitment_id="S", contract_id="C", net={"amount": "500.00", "currency": "EUR"}
    )
    for run in in_any_order(APPROVED, RATE, entry("E"), cancelled, owed):
        row, burn = readiness(run), run.figures.burn("C", DAY)[0]
        assert (row["state"], row["blocked_amount"], burn["committed"]) == ("blocked", "60.00", "500.00")
        assert burn["status"] == "cancelled"
        ends = run.figures.forecast("C", DAY)["estimate_at_completion"]
        assert ends == {"minutes": "60", "amount": "560.00", "variant": "actual"}


def test_f14_what_a_subcontractor_was_promised_shows_before_the_invoice() -> None:
    promised = event(
        "subcontract.committed", commitment_id="S", contract_id="C", net={"amount": "500.00", "currency": "EUR"}
    )
    for run in in_any_order(APPROVED, promised):
        assert run.figures.burn("C", DAY)[0]["committed"] == "500.00"


def test_f17_a_schema_that_changed_unexpectedly_keeps_the_valid_part() -> None:
    """A new field is ignored and kept; a field of another type is refused, and its neighbour in the log is not."""
    more = entry("E", mood="fine")
    other = {**entry("F"), "data": {**entry("F")["data"], "minutes": {"value": 60}}}
    run = fold(lines([APPROVED, RATE, more, other, TICK]))
    assert readiness(run)["ready_entries"] == 1
    assert [letter.code for letter in run.letters] == ["bad_type"]


async def test_f18_what_was_sent_and_not_read_yet_makes_every_answer_say_so(tmp_path: Path) -> None:
    """60.00 as of 31 March; then an hour comes that nobody has worked off: the figure is the old one, and says it."""
    with EmbeddedHost(Store(tmp_path / "s.sqlite"), lambda: None) as host:
        gather = Gather(host, lambda: 0.0, StoredLetters(host.store))
        host.take(lines([APPROVED, RATE, entry("E"), TICK]))
        await host.drain()
        row, meta = await gather.readiness("C", None, None)
        assert (row or {})["ready_amount"] == "60.00"
        assert (meta["as_of"], meta["stale"]) == ("2026-03-31", False)
        host.append(lines([entry("F")]))
        row, meta = await gather.readiness("C", None, None)
        assert ((row or {})["ready_amount"], (row or {})["as_of"], meta["stale"]) == ("60.00", "2026-03-31", True)
        await host.drain()
        row, meta = await gather.readiness("C", None, None)
        assert ((row or {})["ready_amount"], meta["stale"]) == ("120.00", False)


def test_f22_what_master_data_blocks_has_code_owner_and_age() -> None:
    run = fold(lines([APPROVED, RATE, entry("E"), policy("CUSTOMER_MASTER_MISSING"), TICK]))
    [blocker] = readiness(run)["blockers"]
    assert (blocker["code"], blocker["owner"]) == ("CUSTOMER_MASTER_MISSING", "finance ops")
    assert blocker["since"] == "2026-03-09T17:00:00Z"  # since the terms in force were told
    known = event("client.upserted", client_id="K", erp_customer_id="D-1")
    assert codes(fold(lines([APPROVED, policy("CUSTOMER_MASTER_MISSING"), known, TICK]))) == []


def test_f23_a_burst_at_the_end_of_a_month_loses_nothing_and_what_waits_is_bounded() -> None:
    """Forty contracts with fifty hours each in one go while ERP is closed: 2,000 entries, 40 documents of 3,000.00."""
    contracts = [{**APPROVED, "id": f"c{n}", "data": {**APPROVED["data"], "contract_id": f"C{n}"}} for n in range(40)]
    entries = [entry(f"E{n}-{place}", contract_id=f"C{n}") for place in range(50) for n in range(40)]
    heard: list[Statement] = []
    host = MemoryHost(3, on_statement=heard.append, batch_size=100)
    first = lines([TICK, RATE, *contracts, closing("closed", 1), *entries])
    for start in range(0, len(first), 100):
        finish(host.take("log", [Record(start + n, line) for n, line in enumerate(first[start : start + 100])]))
    assert counts(host.stores)["applied"] == len(first)
    waiting = together([Outgoing(store).gate() for store in host.stores])
    assert [row["waiting"] for row in waiting if row["waiting"]] == [40]  # documents, however many revisions came
    assert [one for one in heard if one.topic == BILLING] == []
    finish(host.take("log", [Record(len(first), lines([closing("opened", 2)])[0])]))
    said = [one for one in heard if one.topic == BILLING]
    assert {one.key for one in said} == {f"C{n}/2026-03/time/1" for n in range(40)}
    assert [one.payload["total"] for one in said] == ["3000.00"] * 40


def test_f24_a_poison_message_stops_nothing() -> None:
    poison = [b"\xff\xfe", b"{", b"[" * 100_000, b'{"specversion":"1.0"}', b""]
    log = lines([APPROVED, RATE, entry("E"), TICK])
    run = fold([*log[:1], *poison, *log[1:]], cut=1)
    assert readiness(run)["ready_amount"] == "60.00"
    assert len(run.letters) == len(poison)
