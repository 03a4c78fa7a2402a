"""The price list, and the arithmetic of the simulated finance system."""

import pytest

from app.simulation.dice import Dice
from app.simulation.portfolio import Card, Client, Contract, rate_of
from app.simulation.rates import decimal, in_currency, price, roles, units


def test_every_role_of_the_list_has_a_practice_and_ascending_offers() -> None:
    assert len(roles()) == 23
    for role in roles():
        assert role.practice
        assert len(role.offers) >= 9
        assert list(role.offers) == sorted(role.offers)


def test_the_list_price_is_the_median_offer() -> None:
    # Of the 91 offers for a project manager, the 46th cheapest is 130.48 US dollars.
    manager = next(role for role in roles() if role.name == "Project Manager")
    assert (len(manager.offers), manager.list_price) == (91, 13_048)


@pytest.mark.parametrize(
    ("cents", "currency", "expected"),
    [
        (13_048, "USD", 13_048),
        (13_048, "EUR", 12_004),  # × 0.92 = 12004.16
        (13_048, "GBP", 10_308),  # × 0.79 = 10307.92
        (13_048, "JPY", 19_572),  # 130.48 × 150 yen = 19572.00
    ],
)
def test_a_price_in_dollars_is_converted_at_a_fixed_rate(cents: int, currency: str, expected: int) -> None:
    assert in_currency(cents, currency) == expected


@pytest.mark.parametrize(
    ("minutes", "hourly", "discount", "half_even", "expected"),
    [
        (30, 9_000, None, False, 4_500),  # half an hour at 90.00
        (15, 10_002, None, False, 2_501),  # 2500.5, half away from zero
        (15, 10_002, None, True, 2_500),  # 2500.5, half to even
        (15, 10_006, None, True, 2_502),  # 2501.5, half to even
        (-15, 10_002, None, False, -2_501),
        (480, 13_048, "0.05", False, 99_165),  # 8 × 130.48 × 0.95 = 991.648
        (60, 9_900, None, False, 9_900),  # an hour at 9900 yen
    ],
)
def test_an_entry_is_rounded_once(
    minutes: int, hourly: int, discount: str | None, half_even: bool, expected: int
) -> None:
    assert price(minutes, hourly, discount=discount, half_even=half_even) == expected


@pytest.mark.parametrize(("amount", "currency"), [("12.34", "EUR"), ("-0.05", "USD"), ("1500", "JPY")])
def test_a_decimal_string_reads_back_as_it_was_written(amount: str, currency: str) -> None:
    assert decimal(units(amount, currency), currency) == amount


def test_the_most_specific_price_counts_and_of_those_the_latest() -> None:
    contract = Contract(0, "C-1", Client("CL-1", "USD"), "hours", 0, 0, 100, 50)
    firm = {"Engineer": 100}
    assert rate_of(contract, "R-1", "Engineer", 10, firm) == 100
    contract.client.cards["Engineer"] = [Card(0, 90, {})]
    assert rate_of(contract, "R-1", "Engineer", 10, firm) == 90
    contract.cards["contract", ""] = [Card(0, 80, {})]
    assert rate_of(contract, "R-1", "Engineer", 10, firm) == 80
    contract.cards["role", "Engineer"] = [Card(0, 70, {}), Card(5, 71, {})]
    assert rate_of(contract, "R-1", "Engineer", 4, firm) == 70
    assert rate_of(contract, "R-1", "Engineer", 5, firm) == 71
    contract.cards["person", "R-1"] = [Card(0, 60, {}, until=9)]
    assert rate_of(contract, "R-1", "Engineer", 9, firm) == 60
    assert rate_of(contract, "R-1", "Engineer", 10, firm) == 71


def test_the_firms_dollar_prices_are_no_answer_in_another_currency() -> None:
    contract = Contract(0, "C-1", Client("CL-1", "EUR"), "hours", 0, 0, 100, 50)
    assert rate_of(contract, "R-1", "Engineer", 10, {"Engineer": 100}) is None


def test_dice_of_different_concerns_do_not_follow_each_other() -> None:
    one, other = Dice(7, "people"), Dice(7, "rates")
    assert [one.between(0, 9) for _ in range(20)] != [other.between(0, 9) for _ in range(20)]


def test_a_shuffle_keeps_everything() -> None:
    assert sorted(Dice(3, "test").shuffled(range(50))) == list(range(50))
