"""What a line has earned, period by period, and by what it was measured (R15, R33), worked by hand."""

from __future__ import annotations

from typing import Any

from app.domain.money import micro
from app.domain.revenue import Accepted, Said, earned, hints, payload, says
from app.domain.terms import Agreement
from tests.domain.ledgers import approved, card, day, fact, line, position, rates, worked

ROWS = {"E-1": worked("2026-02-10", 60), "E-2": worked("2026-03-02", 120)}


def stands(its: dict[str, Any]) -> Any:
    """C-1 on 31 March with one line: one hour in February, two in March, at 60.00, which cost 45.00 each."""
    by = rates(card("R-1", "60"), card("R-2", "45", kind="cost"))
    agreement = Agreement([approved(lines=[its])])
    return position(agreement, dict(ROWS), "2026-03-31", by=by)


def told(its: dict[str, Any], said: Said | None = None) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Of L-1, by period: earned in it, earned by its end, and the measure; empty ones left out."""
    at = stands(its)
    rows = [payload(at, hint) for hint in hints(at, said or Said()) if hint.line_id == "L-1" and says(hint)]
    return {row["period"]: (row["period_amount"], row["cumulative_amount"], row["measure"]) for row in rows}


def test_time_is_earned_at_its_price_up_to_an_amount_that_caps_it() -> None:
    """60.00 and 120.00; a cap of 100.00 lets 40.00 of the second pass, one that only warns all of it."""
    minutes = [{"minutes": 60}, {"minutes": 120}]
    assert told(line()) == {"2026-02": ("60.00", "60.00", minutes[0]), "2026-03": ("120.00", "180.00", minutes[1])}
    capped = told(line(cap={"amount": "100", "on_exceed": "split"}))
    assert capped["2026-03"] == ("40.00", "100.00", minutes[1])
    assert told(line(cap={"amount": "100", "on_exceed": "warn"}))["2026-03"] == ("120.00", "180.00", minutes[1])


def test_a_milestone_is_earned_in_the_month_of_its_acceptance_beside_the_time() -> None:
    """One of 500.00 on 31 March, which is as-of; one of April is not there yet."""
    accepted = [Accepted("L-1", day("2026-03-31"), micro("500")), Accepted(None, day("2026-04-01"), micro("70"))]
    found = told(line(), Said(accepted=accepted))
    assert found["2026-03"] == ("620.00", "680.00", {"minutes": 120, "milestones": 1})
    assert found["2026-02"] == ("60.00", "60.00", {"minutes": 60})


def test_a_fee_by_cost_is_measured_by_cost_and_estimate_in_money() -> None:
    """45.00 of 450.00 is a tenth of 1,000.00, 135.00 three tenths."""
    said = fact(
        "estimate.set", "s-1", estimate_id="S-1", contract_id="C-1", cost="450", effective_from="2026-01-01", revision=1
    )
    found = told(line(billing_method="percent_complete", fee="1000"), Said(estimates=[[said]]))
    assert found == {
        "2026-02": ("100.00", "100.00", {"cost": "45.00", "estimate": "450.00"}),
        "2026-03": ("200.00", "300.00", {"cost": "135.00", "estimate": "450.00"}),
    }


def test_without_an_estimate_no_part_of_a_fee_is_earned_and_what_it_costs_beyond_is_a_loss() -> None:
    """A fee of 100.00; 135.00 were spent."""
    at = stands(line(billing_method="percent_complete", fee="100"))
    rows = [payload(at, hint) for hint in hints(at, Said()) if hint.line_id == "L-1" and says(hint)]
    assert [(one["period"], one["cumulative_amount"], one["expected_loss_amount"]) for one in rows] == [
        ("2026-03", "0.00", "35.00")
    ]
    assert rows[0]["measure"] == {"cost": "135.00", "estimate": None}


def test_before_its_term_a_retainer_earns_nothing_and_says_nothing() -> None:
    """100.00 a month from March on; work of February shows no month of it."""
    by = rates(card("R-1", "60"))
    retained = line(billing_method="retainer", retainer={"fee": "100", "minutes": 600})
    agreement = Agreement([approved(lines=[retained], term={"from": "2026-03-01"})])
    at = position(agreement, {"E-1": worked("2026-02-10", 60)}, "2026-03-31", by=by)
    found = [payload(at, hint) for hint in hints(at, Said()) if says(hint)]
    assert [(one["line_id"], one["period"], one["cumulative_amount"]) for one in found] == [
        ("L-1", "2026-03", "100.00")
    ]


def test_what_is_earned_by_as_of_is_the_same_from_all_periods_and_from_the_last() -> None:
    at = stands(line())
    assert earned(at, Said()) == earned(at, Said(), list(hints(at, Said()))) == {None: 0, "L-1": micro("180")}
