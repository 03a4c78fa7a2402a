"""The contract view: every figure equals the API's and leads to the events behind it."""

import json
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import read, read_all
from tests.browser.page import Page, hours, money
from tests.browser.server import Server

pytestmark = pytest.mark.browser

CONTRACT = "C-0003"


def first_contract(url: str) -> str:
    return str(read(url, "v1/contracts?limit=1")["items"][0]["contract_id"])


def test_the_figures_across_the_top_are_those_of_the_api(browser: Any, live: str) -> None:
    page = Page(browser, live)
    contract_id = first_contract(live)
    page.open(f"#/contracts/{contract_id}?unit=amount")
    page.one(".tiles")
    burn = read(live, f"v1/contracts/{contract_id}")["burn"]
    assert page.figure("approved.amount") == (money(burn["approved"]["amount"]), burn["approved"]["amount"])
    assert page.figure("pending.amount") == (money(burn["pending"]["amount"]), burn["pending"]["amount"])
    assert page.figure("per_week.amount") == (money(burn["per_week"]["amount"]), burn["per_week"]["amount"])
    assert page.figure("remaining.amount")[1] == (burn["remaining"]["amount"] or "")
    assert page.figure("exhaustion.amount_on")[1] == (burn["exhaustion"]["amount_on"] or "")


def test_hours_and_money_are_one_switch_apart(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}")
    page.one('[data-unit="minutes"]').click()
    burn = read(page.url, f"v1/contracts/{CONTRACT}")["burn"]
    minutes = burn["approved"]["billable_minutes"]
    assert page.figure("approved.billable_minutes") == (hours(minutes), str(minutes))
    assert "unit=minutes" in page.driver.current_url


def test_readiness_shows_blockers_in_order_of_cash_with_their_fix(browser: Any, live: str) -> None:
    page = Page(browser, live)
    rows = [row for row in read_all(live, "v1/contracts") if len(row["readiness"]["blockers"]) > 1]
    contract_id = rows[0]["contract_id"]
    page.open(f"#/contracts/{contract_id}")
    page.one(".blockers > li")
    said = read(live, f"v1/contracts/{contract_id}/readiness")
    for name in ("ready_amount", "blocked_amount", "invoiced_amount"):
        assert page.figure(name) == (money(said[name]), said[name])
    cash = {item["code"]: float(item["amount"] or 0) for item in said["blockers"]}
    shown = [str(item.get_attribute("data-code")) for item in page.all(".blockers > li")]
    assert sorted(shown) == sorted(cash)
    assert [cash[code] for code in shown] == sorted(cash.values(), reverse=True)
    for item in said["blockers"]:
        assert item["fix"] in page.text(".blockers")


def test_a_line_can_be_chosen_and_has_an_address(page: Page) -> None:
    row = next(
        row
        for row in read_all(page.url, "v1/contracts")
        if read(page.url, f"v1/contracts/{row['contract_id']}")["lines"][1:]
    )
    contract_id = row["contract_id"]
    line = read(page.url, f"v1/contracts/{contract_id}")["lines"][0]
    page.open(f"#/contracts/{contract_id}?line={line['line_id']}&unit=amount")
    amount = line["burn"]["approved"]["amount"]
    page.until(lambda: page.figure("approved.amount")[1] == amount, "the figures of the line")
    of_line = read_all(page.url, f"v1/contracts/{contract_id}/entries?line_id={line['line_id']}")
    page.until(
        lambda: page.text(".entries-card .counted").startswith(f"{min(len(of_line), 200)} entr"), "the line's entries"
    )


def test_the_data_table_of_the_chart_ends_at_the_approved_amount(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}?unit=amount")
    page.one(".data summary").click()
    amount = read(page.url, f"v1/contracts/{CONTRACT}")["burn"]["approved"]["amount"]
    last = page.until(lambda: page.all(".data tbody tr"), "the rows")[-1]
    assert last.find_elements(By.TAG_NAME, "td")[1].text == money(amount)


def test_the_chart_says_in_words_what_it_draws(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}?unit=amount")
    burn = read(page.url, f"v1/contracts/{CONTRACT}")["burn"]
    page.one(".chart canvas")
    said = page.text(".says")
    assert f"{money(burn['approved']['amount'])} {burn['currency']}" in said
    assert money(burn["budget"]["amount"]) in said
    assert "In half of 200 drawn futures" in said
    assert "50 to 90 %" in page.text(".legend")


def test_the_chart_is_read_day_by_day_with_the_arrow_keys(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}?unit=amount")
    page.one(".chart canvas")
    before = page.text(".readout")
    page.run("document.querySelector('.chart').focus()")
    page.keys(Keys.PAGE_UP)
    page.until(lambda: page.text(".readout") != before, "another day")


def test_entries_are_those_the_filter_asks_for(page: Page) -> None:
    rows = read_all(page.url, "v1/contracts")
    row = next(row for row in rows if any(item["code"] == "TIME_NOT_APPROVED" for item in row["readiness"]["blockers"]))
    submitted = read_all(page.url, f"v1/contracts/{row['contract_id']}/entries?status=submitted")
    page.open(f"#/contracts/{row['contract_id']}?status=submitted")
    noun = "entry" if len(submitted) == 1 else "entries"
    page.until(lambda: page.text(".entries-card .counted") == f"{len(submitted)} {noun}", "the submitted entries")
    assert all("Submitted" in item.text for item in page.all(".entries .status .pill"))


def test_scrolling_reads_the_entries_to_the_last(page: Page) -> None:
    rows = read_all(page.url, "v1/contracts")
    entries = {
        row["contract_id"]: len(read_all(page.url, f"v1/contracts/{row['contract_id']}/entries")) for row in rows[:12]
    }
    contract_id, total = max(entries.items(), key=lambda item: item[1])
    assert total > 200
    page.open(f"#/contracts/{contract_id}")
    page.until(lambda: "more below" in page.text(".entries-card .counted"), "the first page")
    page.run("scrollTo(0, document.body.scrollHeight)")
    page.until(lambda: page.text(".entries-card .counted") == f"{total} entries", "every entry")


def test_a_figure_leads_to_its_arithmetic_and_to_the_original_event(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}?unit=amount")
    page.one('[data-figure="approved.amount"]').click()
    said = read(page.url, f"v1/contracts/{CONTRACT}/explain?figure=approved.amount")
    page.one(".drawer .steps")
    assert page.text(".drawer .value") == f"{money(said['value'])} {said['unit']}"
    assert "It agrees" in page.text(".drawer .verdict")
    assert said["formula"] in page.text(".drawer")
    first = page.all(".drawer .steps tbody tr")[0]
    assert said["steps"][0]["arithmetic"] in first.text
    first.find_element(By.TAG_NAME, "button").click()
    shown = json.loads(page.text(".drawer .json"))
    assert shown == read(page.url, f"v1/events?source=/psa/emea&id={said['steps'][0]['event_id']}")


def test_a_figure_that_does_not_agree_raises_the_alarm(page: Page, server: Server) -> None:
    server.site.firm.honest = False
    page.open(f"#/contracts/{CONTRACT}?explain=approved.amount")
    page.until(lambda: "does not agree" in page.text(".drawer [role=alert]"), "the alarm")


def test_a_figure_that_others_make_leads_to_them(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}?explain=remaining.amount")
    page.one('.drawer [aria-label="Approved amount"]').click()
    page.until(lambda: "explain=approved.amount" in page.driver.current_url, "the figure it is made of")
    page.until(lambda: page.text(".drawer h2") == "Approved amount", "its explanation")


def test_escape_closes_the_explanation_and_takes_it_out_of_the_address(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}?explain=approved.amount")
    page.one(".drawer[open] .steps")
    page.keys(Keys.ESCAPE)
    page.until(lambda: "explain" not in page.driver.current_url, "the plain address")
    assert not page.all(".drawer[open]")


def test_a_statement_changes_the_figures_in_place(page: Page, server: Server) -> None:
    page.open(f"#/contracts/{CONTRACT}?unit=amount")
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    page.one(".tiles")
    server.approve(CONTRACT, 60)
    amount = read(page.url, f"v1/contracts/{CONTRACT}")["burn"]["approved"]["amount"]
    page.until(lambda: page.figure("approved.amount") == (money(amount), amount), "the new amount")
    assert page.one(".news").is_displayed()


def test_an_unknown_contract_says_what_was_asked_for(page: Page) -> None:
    page.open("#/contracts/C-none")
    page.until(lambda: "C-none" in page.text(".failure"), "the reason")


def test_versions_stand_newest_on_top(page: Page) -> None:
    page.open(f"#/contracts/{CONTRACT}")
    page.one(".timeline li")
    assert [item.text.split()[1] for item in page.all(".timeline > li .line")] == ["v3", "v2", "v1"]
