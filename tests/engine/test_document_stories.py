"""Documents through the life of a contract: what invoices, credits, holds and closed periods make of them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from agents.effects import BILLING, BURN, FORECAST, READINESS, Record, Statement
from app.domain import calendar
from app.engine.figures import Figures
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from tests.engine.noise import said, tick
from tests.engine.runs import fold, lines
from tests.engine.stories import amendment, contract, credit, invoice, rate, work
from tests.model.histories import Event

Row = dict[str, Any]
_DAY = calendar.number("2026-04-30")


def live(*events: Event, as_of: int = _DAY, **terms: Any) -> dict[str, Row]:
    """The live documents of C-1 (with `terms`) by key; 100.00 an hour, T-1 is 5 hours on 2 March."""
    figures = Figures(fold(lines([contract(**terms), rate("r-1", "100"), work("t-1"), *events])).host.stores)
    return {row["document_key"]: row for row in figures.documents("C-1", as_of)}


def totals(documents: dict[str, Row]) -> dict[str, str]:
    return {key: row.get("total") or row["net"] for key, row in documents.items()}


def more(message_id: str = "t-2", entry_id: str = "T-2", **data: Any) -> Event:
    """One hour more, 100.00."""
    return work(message_id, entry_id=entry_id, minutes=60, **data)


def test_an_invoice_in_part_leaves_the_rest_to_the_next_document() -> None:
    assert totals(live(more())) == {"C-1/2026-03/time/1": "600.00"}
    assert totals(live(more(), invoice("i-1", "I-1"))) == {"C-1/2026-03/time/2": "100.00"}


def test_late_work_of_an_invoiced_period_is_in_the_next_document_of_that_period() -> None:
    assert totals(live(invoice("i-1", "I-1"), more())) == {"C-1/2026-03/time/2": "100.00"}


def test_a_voided_invoice_brings_the_work_back_under_another_key() -> None:
    void = invoice("i-2", "I-1", revision=2, kind="invoice.voided")
    assert totals(live(invoice("i-1", "I-1"), void)) == {"C-1/2026-03/time/2": "500.00"}


def test_a_credit_of_all_that_was_invoiced_brings_the_work_back() -> None:
    assert totals(live(invoice("i-1", "I-1"), credit("k-1", "I-1", "500"))) == {"C-1/2026-03/time/2": "500.00"}


def test_a_credit_in_part_opens_no_work_again() -> None:
    # 500.00 were invoiced and 200.00 of it credited: 200.00 are missing there, and are put right on that invoice.
    documents = live(invoice("i-1", "I-1"), credit("k-1", "I-1", "200"))
    assert totals(documents) == {"C-1/2026-03/adjustment/1": "200.00"}


def test_what_is_worked_later_than_as_of_is_in_no_document() -> None:
    assert live(as_of=calendar.number("2026-03-01")) == {}


def test_f12_a_retroactive_amendment_of_an_invoiced_and_closed_period_is_a_pair_posted_in_the_open_one() -> None:
    # By hand: 500.00 less 10 % are 450.00: credit −500.00, bill 450.00, net −50.00.
    lines_ = [{"line_id": "L-1", "discount_ratio": "0.1"}]
    retro = amendment("a-2", 2, "2026-02-01", lines=lines_) | {"time": "2026-04-20T09:00:00Z"}
    closed = said("period.closed", "p-1", legal_entity_id="LE-1", period="2026-03", revision=1)
    documents = live(invoice("i-1", "I-1", invoiced_on="2026-03-31"), retro, closed, legal_entity_id="LE-1")
    change = documents["C-1/2026-03/adjustment/1"]
    assert [line["amount"] for line in change["credit"]] == ["-500.00"]
    assert [line["amount"] for line in change["rebill"]] == ["450.00"]
    assert (change["net"], change["adjusts"]) == ("-50.00", "I-1")
    assert (change["reason"], change["amendment_id"]) == ("amendment", "A-2")
    assert (change["accounting_on"], change["prior_period"]) == ("2026-04-01", True)


def test_a_delta_line_is_one_line_of_the_difference() -> None:
    documents = live(invoice("i-1", "I-1"), rate("r-2", "110", revision=2), retro_policy="delta_line")
    change = documents["C-1/2026-03/adjustment/1"]
    assert (change["credit"], [line["amount"] for line in change["rebill"]]) == ([], ["50.00"])


def test_a_hold_marks_documents_and_a_dispute_withdraws_them() -> None:
    hold = said("hold.set", "h-1", hold_id="H-1", contract_id="C-1", revision=1)
    dispute = said("dispute.opened", "d-1", dispute_id="D-1", contract_id="C-1", revision=1)
    assert [row["held"] for row in live(hold).values()] == [True]
    assert live(dispute) == {}


def test_f21_a_document_says_what_each_erp_made_of_it() -> None:
    key = "C-1/2026-03/time/1"
    told = [
        said("erp.acknowledged", f"a-{number}", contract_id="C-1", document_key=key, revision=number, **answer)
        for number, answer in (
            (1, {"target": "s4", "status": "rejected", "reason": "no such cost centre"}),
            (2, {"target": "s4", "status": "accepted", "erp_id": "9000"}),
        )
    ]
    expected = {"target": "s4", "revision": 2, "status": "accepted", "erp_id": "9000", "reason": None}
    assert live(*told)[key]["acknowledged"] == [expected]
    assert live()[key]["acknowledged"] == []


# -- revisions --------------------------------------------------------------------------------------------------------


def stated(*events: Event) -> list[tuple[str, str, int]]:
    """(type, key, revision) of every statement about documents, one event at a time."""
    heard: list[Statement] = []
    host = MemoryHost(on_statement=heard.append)
    for number, event in enumerate(lines([tick(date(2026, 4, 30)), contract(), rate("r-1", "100"), *events])):
        finish(host.take("log", [Record(number, event)]))
    return [(one.type, one.key, one.payload["revision"]) for one in heard if one.topic == BILLING]


def test_a_new_document_is_stated_after_it_is_remembered_and_no_figure_again() -> None:
    heard: list[Statement] = []
    host = MemoryHost(on_statement=heard.append)
    for number, line in enumerate(lines([contract(), rate("r-1", "100"), work("t-1")])):
        heard.clear()
        finish(host.take("log", [Record(number, line)]))
    count = Counter((one.topic, one.key) for one in heard if one.topic in (BURN, READINESS, FORECAST, BILLING))
    assert count == {
        (BURN, "C-1"): 1,
        (BURN, "C-1/L-1"): 1,
        (READINESS, "C-1"): 1,
        (FORECAST, "C-1"): 1,
        (BILLING, "C-1/2026-03/time/1"): 1,
    }


def test_a_revision_advances_with_the_content_and_a_document_ends_with_its_invoice() -> None:
    key = "C-1/2026-03/time/1"
    assert stated(work("t-1"), more(), invoice("i-1", "I-1")) == [
        ("billing.proposed.v1", key, 1),
        ("billing.proposed.v1", key, 2),
        ("billing.withdrawn.v1", key, 3),
        ("billing.proposed.v1", "C-1/2026-03/time/2", 1),
    ]


def test_what_changes_nothing_is_not_stated_again() -> None:
    again = work("t-1b", revision=2)
    assert stated(work("t-1"), again) == [("billing.proposed.v1", "C-1/2026-03/time/1", 1)]


def test_a_document_that_comes_back_has_a_higher_revision() -> None:
    key = "C-1/2026-03/time/1"
    gone, back = work("t-2", revision=2, kind="time.rejected"), work("t-3", revision=3)
    assert stated(work("t-1"), gone, back) == [
        ("billing.proposed.v1", key, 1),
        ("billing.withdrawn.v1", key, 2),
        ("billing.proposed.v1", key, 3),
    ]


def test_a_revision_never_falls_back_behind_what_an_erp_acknowledged() -> None:
    # Its tables were rebuilt from the journal: nobody remembers that revision 4 was stated, but the ERP does.
    key = "C-1/2026-03/time/1"
    answer = {"contract_id": "C-1", "document_key": key, "target": "s4", "status": "accepted"}
    told = said("erp.acknowledged", "a-1", revision=4, **answer)
    assert stated(told, work("t-1")) == [("billing.proposed.v1", key, 5)]


# -- fees -------------------------------------------------------------------------------------------------------------

_RETAINED: dict[str, Any] = {
    "lines": [
        {
            "line_id": "L-1",
            "billing_method": "retainer",
            "retainer": {"fee": "1000", "minutes": 600},
            "retainage_ratio": "0.1",
        }
    ],
    "term": {"from": "2026-03-01"},
}


def fee(message_id: str, invoice_id: str, on: str, item: str, amount: str) -> Event:
    return invoice(message_id, invoice_id, invoiced_on=on, lines=[{"kind": "fee", "id": item, "amount": amount}])


def released(message_id: str, on: str, **what: Any) -> Event:
    data = {"release_id": message_id, "contract_id": "C-1", "line_id": "L-1", "revision": 1, "on": on}
    return said("retainage.released", message_id, **(data | what))


def fees(*events: Event) -> dict[str, list[tuple[str, str, str | None]]]:
    """Of each live document about fees: what each line names, what is to be paid and what is held back of it."""
    return {
        key: [(line["id"], line["amount"], line.get("withheld")) for line in row["lines"]]
        for key, row in live(*events, **_RETAINED).items()
        if "/fee/" in key
    }


def test_of_each_month_of_a_retainer_its_own_share_is_held_back() -> None:
    # By hand: 1,000.00 less a tenth are 900.00, in March and in April.
    assert fees() == {
        "C-1/2026-03/fee/1": [("L-1/2026-03", "900.00", "100.00")],
        "C-1/2026-04/fee/1": [("L-1/2026-04", "900.00", "100.00")],
    }


def test_what_is_released_is_due_in_its_month_and_paying_it_releases_no_more() -> None:
    # Half of 200.00 held is released: 100.00 in April. Once 900 + 900 + 100 are paid nothing is due.
    half = released("x-1", "2026-04-10", ratio="0.5")
    assert fees(half)["C-1/2026-04/fee/1"] == [("L-1/2026-04", "1000.00", "100.00")]
    march = fee("i-1", "I-1", "2026-04-02", "L-1/2026-03", "900")
    assert fees(half, march, fee("i-2", "I-2", "2026-04-20", "L-1/2026-04", "1000")) == {}


def test_an_invoice_of_a_line_pays_the_oldest_month_and_takes_the_keys_up_to_its_date() -> None:
    # 1,000.00 on 2 April: 900.00 of March, and 100.00 of April's 900.00.
    assert fees(fee("i-1", "I-1", "2026-04-02", "L-1", "1000")) == {
        "C-1/2026-04/fee/2": [("L-1/2026-04", "800.00", "100.00")]
    }
    # 100.00 in March: April is paid by nobody, and its first document is its first.
    assert fees(fee("i-1", "I-1", "2026-03-31", "L-1", "100")) == {
        "C-1/2026-03/fee/2": [("L-1/2026-03", "800.00", "100.00")],
        "C-1/2026-04/fee/1": [("L-1/2026-04", "900.00", "100.00")],
    }


# -- keys -------------------------------------------------------------------------------------------------------------


def test_work_that_moves_to_another_month_leaves_the_key_used() -> None:
    away = work("t-9", revision=2, work_date="2026-04-02")
    assert totals(live(more(), invoice("i-1", "I-1"), away)) == {"C-1/2026-03/time/2": "100.00"}


def test_an_invoice_of_work_that_was_of_the_month_elsewhere_uses_no_key_of_it() -> None:
    # T-1 was done in April for C-2, and then in March for C-1, which invoiced it: April is nobody's yet.
    elsewhere, here = work("t-0", contract_id="C-2", work_date="2026-04-02"), work("t-1b", revision=2)
    april = more(work_date="2026-04-03")
    assert totals(live(elsewhere, here, invoice("i-1", "I-1"), april)) == {"C-1/2026-04/time/1": "100.00"}


def test_a_milestone_is_of_the_month_it_was_accepted_in_and_not_of_that_in_which_it_was_said() -> None:
    def accepted(name: str, on: str) -> Event:
        data = {"milestone_id": name, "contract_id": "C-1", "revision": 1, "amount": "70", "accepted_on": on}
        return said("milestone.accepted", name, **data) | {"time": "2026-04-20T09:00:00Z"}

    paid = invoice("i-1", "I-1", lines=[{"kind": "milestone", "id": "M-1", "amount": "70"}])
    documents = live(accepted("M-1", "2026-03-09"), paid, accepted("M-2", "2026-04-10"))
    assert totals(documents)["C-1/2026-04/milestone/1"] == "70.00"
