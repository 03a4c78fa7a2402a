"""Work that comes to nothing and was invoiced for nothing is invoiced: it is not proposed again (design.md 5)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from tests.engine.runs import Run, fold, lines
from tests.engine.test_documents import told
from tests.engine.test_failure_scenarios import APPROVED, DAY, TICK, entry, readiness
from tests.engine.test_policy import event

FREE = event("rate.set", rate_id="R", amount="0.00", currency="EUR", effective_from="2026-01-01")
MORE = event(
    "contract.approved",
    **{**APPROVED["data"], "lines": [{**APPROVED["data"]["lines"][0], "cap": {"minutes": 90, "on_exceed": "split"}}]},
)


def invoice(number: str = "I", kind: str = "issued", on: str = "2026-03-05", **data: Any) -> dict[str, Any]:
    """An invoice over E at 0.00."""
    billed = [{"kind": "time", "id": "E", "amount": "0.00"}]
    whole = {"invoice_id": number, "contract_id": "C", "invoiced_on": on, "lines": billed}
    return event(f"invoice.{kind}", **(whole | data))


def credit(on: str = "2026-03-20", number: str = "I") -> dict[str, Any]:
    back = [{"kind": "time", "id": "E", "amount": "0.00"}]
    return event("invoice.credited", credit_id="K", invoice_id=number, contract_id="C", credited_on=on, lines=back)


def ready(run: Run, day: int = DAY) -> tuple[str, int, int]:
    row = run.figures.readiness("C", day)
    return row["ready_amount"], row["ready_minutes"], row["ready_entries"]


def proposed(run: Run) -> dict[str, list[str]]:
    """The entries that each document lists."""
    return {key: [line["id"] for line in one["lines"]] for key, one in told(run).items()}


def test_an_hour_at_nothing_is_proposed_once_whatever_comes_first() -> None:
    """60 minutes × 0.00 = 0.00: the document is time/1, and once it is invoiced there is no time/2."""
    before = fold(lines([APPROVED, FREE, entry("E"), TICK]), publish=True)
    assert (ready(before), proposed(before)) == (("0.00", 60, 1), {"C/2026-03/time/1": ["E"]})
    for order in permutations([APPROVED, FREE, entry("E"), invoice()]):
        run = fold(lines([*order, TICK]), cut=1, publish=True)
        assert (ready(run), proposed(run)) == (("0.00", 0, 0), {})
        assert readiness(run)["adjustment_amount"] == "0.00"


def test_the_next_document_has_only_what_is_new() -> None:
    """E stands on I; F, an hour of the day after, is all of time/2."""
    log = [APPROVED, FREE, entry("E"), invoice(), entry("F", work_date="2026-03-03"), TICK]
    for cut in (1, 50):
        run = fold(lines(log), cut=cut, publish=True)
        assert (ready(run), proposed(run)) == (("0.00", 60, 1), {"C/2026-03/time/2": ["F"]})


def test_it_is_ready_again_once_the_invoice_is_void_or_credited() -> None:
    """Voided, it is free at once; credited on 20 March, it is invoiced until the 19th and free from the 20th."""
    for order in permutations([invoice(), invoice(kind="voided", revision=2), entry("E")]):
        run = fold(lines([APPROVED, FREE, *order, TICK]), cut=1)
        assert ready(run) == ("0.00", 60, 1)
    for order in permutations([invoice(), credit(), entry("E")]):
        run = fold(lines([APPROVED, FREE, *order, TICK]), cut=1)
        assert [ready(run, DAY - 31 + day)[2] for day in (4, 5, 19, 20)] == [1, 0, 0, 1]


def test_an_invoice_that_names_it_no_more_lets_go_of_it() -> None:
    corrected = invoice(revision=2, lines=[{"kind": "time", "id": "F", "amount": "0.00"}])
    for order in permutations([invoice(), corrected, entry("E")]):
        assert ready(fold(lines([APPROVED, FREE, *order, TICK]), cut=1)) == ("0.00", 60, 1)


def test_a_credit_on_one_invoice_leaves_another_standing() -> None:
    """I and J name it, K takes it off I: J still bills it."""
    for order in permutations([invoice(), invoice("J", on="2026-03-06"), credit(), entry("E")]):
        assert ready(fold(lines([APPROVED, FREE, *order, TICK]), cut=1)) == ("0.00", 0, 0)


def test_what_is_worth_something_by_now_is_still_to_be_billed() -> None:
    """Invoiced for 0.00 while it was worth that; at 60.00 an hour it is worth 60.00, and nobody was billed for it."""
    priced = event("rate.set", rate_id="R", revision=2, amount="60.00", currency="EUR", effective_from="2026-01-01")
    for order in permutations([FREE, priced, invoice(), entry("E")]):
        run = fold(lines([APPROVED, *order, TICK]), cut=1, publish=True)
        assert (ready(run), proposed(run)) == (("60.00", 60, 1), {"C/2026-03/time/2": ["E"]})


def test_the_minutes_of_what_was_billed_for_nothing_use_the_cap() -> None:
    """A cap of 90 minutes, 60 of them invoiced: of another 60 there is room for 30, and 30 × 0.00 ÷ 60 = 0.00."""
    run = fold(lines([MORE, FREE, entry("E"), invoice(), entry("F", work_date="2026-03-03"), TICK]), cut=1)
    assert ready(run) == ("0.00", 30, 1)


def test_an_expense_of_nothing_is_proposed_once() -> None:
    """A receipt over 0.00, as of what a supplier gave for free: on an invoice, it is not proposed again."""
    nothing = {"amount": "0.00", "currency": "EUR"}
    spent = event("expense.approved", expense_id="X", contract_id="C", date="2026-03-02", net=nothing)
    billed = invoice(lines=[{"kind": "expense", "id": "X", "amount": "0.00"}])
    assert proposed(fold(lines([APPROVED, spent, TICK]), publish=True)) == {"C/2026-03/expense/1": ["X"]}
    for order in permutations([APPROVED, spent, billed]):
        assert proposed(fold(lines([*order, TICK]), cut=1, publish=True)) == {}
