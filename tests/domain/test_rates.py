"""Which rate prices an hour: the most specific that is valid on the work date, then the latest."""

from __future__ import annotations

from itertools import permutations

import pytest

from app.domain.rates import Card, Kind, RateBook, Rates, card_of
from tests.domain.ledgers import card, day, fact, rates

_SCOPES: dict[str, dict[str, str]] = {
    "person+contract": {"resource_id": "P-1", "contract_id": "C-1"},
    "role+contract": {"role": "engineer", "contract_id": "C-1"},
    "contract": {"contract_id": "C-1"},
    "person+client": {"resource_id": "P-1", "client_id": "CL-1"},
    "role+client": {"role": "engineer", "client_id": "CL-1"},
    "client": {"client_id": "CL-1"},
    "person": {"resource_id": "P-1"},
    "role": {"role": "engineer"},
    "firm": {},
}
_KINDS: tuple[Kind, ...] = ("cost", "bill")


def found(*cards: Card, on: str = "2026-03-02", person: str = "P-1", role: str | None = "engineer") -> str | None:
    """The id of the winner for work of P-1, an engineer, under C-1 of CL-1, unless said otherwise."""
    winner = rates(*cards).find("bill", "CL-1", person, role, day(on))
    return winner.rate_id if winner else None


def test_rule_r3_the_more_specific_scope_wins() -> None:
    names = list(_SCOPES)
    cards = [card(name, "1", **_SCOPES[name]) for name in names]
    for place, name in enumerate(names):
        assert found(*cards[place:]) == name
        assert cards[place].scope == name


def test_a_card_for_somebody_else_prices_nothing() -> None:
    others = {"resource_id": "P-2"}, {"role": "analyst"}, {"client_id": "CL-2"}
    assert found(*(card(f"R-{n}", "1", **scope) for n, scope in enumerate(others))) is None


def test_an_absent_role_is_not_inferred() -> None:
    assert found(card("R-1", "1", role="engineer"), role=None) is None
    assert found(card("R-1", "1", role="engineer"), card("R-2", "1"), role=None) == "R-2"


def test_a_validity_includes_both_of_its_ends() -> None:
    only = card("R-1", "1", effective_from="2026-03-02", effective_to="2026-03-04")
    days = ("2026-03-01", "2026-03-02", "2026-03-04", "2026-03-05")
    assert [found(only, on=on) for on in days] == [None, "R-1", "R-1", None]


def test_worked_example_rate_effective() -> None:
    # Rule R2: card 100, 110 from 15 March, 120 from 1 April. 31 March is still 110: an override holds until the next.
    cards = (
        card("R-1", "100", effective_from="2025-01-01"),
        card("R-2", "110", effective_from="2025-03-15"),
        card("R-3", "120", effective_from="2025-04-01"),
    )
    days = ("2025-03-14", "2025-03-15", "2025-03-31", "2025-04-01")
    for order in permutations(cards):
        assert [found(*order, on=on) for on in days] == ["R-1", "R-2", "R-2", "R-3"]


def test_rule_r6_of_two_changes_in_one_period_the_later_wins() -> None:
    first, second = card("R-1", "1", effective_from="2026-03-05"), card("R-2", "1", effective_from="2026-03-20")
    assert [found(second, first, on=on) for on in ("2026-03-19", "2026-03-20", "2026-03-31")] == ["R-1", "R-2", "R-2"]


def test_of_cards_from_one_day_the_higher_revision_then_the_greater_id_wins() -> None:
    assert found(card("R-9", "1"), card("R-1", "1", revision=2)) == "R-1"
    assert found(card("R-9", "1"), card("R-1", "1")) == "R-9"


def test_a_card_of_the_contract_that_names_the_client_too_is_no_more_specific_for_it() -> None:
    # Both are the contract's; the later one wins, whether it names the client or not.
    plain = card("R-1", "1", contract_id="C-1", effective_from="2026-02-01")
    named = card("R-2", "1", contract_id="C-1", client_id="CL-1", effective_from="2026-01-01")
    assert found(plain, named) == "R-1"
    assert found(card("R-3", "1", contract_id="C-1", client_id="CL-2"), plain) == "R-1"


def test_cost_and_bill_rates_have_separate_histories() -> None:
    both = rates(card("R-1", "1", kind="cost"), card("R-2", "1"))
    cost, bill = (both.find(kind, "CL-1", "P-1", None, day("2026-03-02")) for kind in _KINDS)
    assert cost is not None
    assert bill is not None
    assert (cost.rate_id, bill.rate_id) == ("R-1", "R-2")


def test_a_withdrawn_rate_is_none() -> None:
    said = [
        fact("rate.set", "m-1", rate_id="R", revision=1, amount="1", currency="EUR", effective_from="2026-01-01"),
        fact("rate.withdrawn", "m-2", rate_id="R", revision=2),
    ]
    assert card_of(said) is None


@pytest.mark.parametrize("name", _SCOPES)
def test_a_book_follows_what_is_added_and_removed(name: str) -> None:
    # What was found is remembered, so a change must reach the memory too.
    old, new = card("R-1", "1", effective_from="2025-01-01"), card("R-2", "1", **_SCOPES[name])
    own, firm = RateBook(), RateBook([old])
    its, changed = Rates("C-1", own, firm), own if new.contract_id else firm
    question: tuple[Kind, str, str, str, int] = ("bill", "CL-1", "P-1", "engineer", day("2026-03-02"))
    assert its.find(*question) == old
    changed.add(new)
    assert its.find(*question) == new
    changed.remove(new)
    assert its.find(*question) == old


@pytest.mark.parametrize("name", _SCOPES)
def test_what_is_remembered_of_others_stays_right(name: str) -> None:
    # Whoever the first card of its scope is about, nobody is told of a rate that is not the one that holds now.
    firm = RateBook([card("R-1", "1", effective_from="2025-01-01")])
    its = Rates("C-1", RateBook(), firm)
    asked = [(person, role) for person in ("P-1", "P-2") for role in ("engineer", "analyst", None)]
    scope = {key: value for key, value in _SCOPES[name].items() if key != "contract_id"}

    def answers(of: Rates) -> list[Card | None]:
        return [of.find("bill", "CL-1", person, role, day("2026-03-02")) for person, role in asked]

    assert answers(its) == answers(Rates("C-1", RateBook(), firm))
    firm.add(card("R-2", "1", **scope))
    assert answers(its) == answers(Rates("C-1", RateBook(), firm))
    firm.add(card("R-3", "1", **{**scope, "resource_id": "P-2"}))
    assert answers(its) == answers(Rates("C-1", RateBook(), firm))


@pytest.mark.parametrize("name", _SCOPES)
def test_a_book_tells_changes_of_what_is_asked_from_others(name: str) -> None:
    new, other = card("R-2", "1", **_SCOPES[name]), card("R-3", "1", resource_id="P-2")
    own, firm = RateBook(), RateBook()
    its = Rates("C-1", own, firm)
    asked = its.scopes("bill", "CL-1", "P-1", "engineer")
    before = its.changes(asked)
    firm.add(other)
    assert its.changes(asked) == before
    (own if new.contract_id else firm).add(new)
    assert its.changes(asked) != before


def test_an_answer_may_turn_where_a_card_begins_and_on_the_day_after_it_ends() -> None:
    ends = card("R-1", "100", effective_from="2026-01-01", effective_to="2026-03-31")
    assert rates(ends).turns("bill", "CL-1", "P-1", None) == [day("2026-01-01"), day("2026-04-01")]
