"""The overview: figures equal the API's, it is live without jitter, honest, and holds five thousand contracts."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import read, read_all
from tests.browser.firm import AS_OF, Firm
from tests.browser.page import Page, money
from tests.browser.server import Server

pytestmark = pytest.mark.browser


def test_the_five_figures_are_those_of_the_api(browser: Any, live: str) -> None:
    page = Page(browser, live)
    page.open()
    page.one('[data-figure="health.lag"]')
    said = read(live, "v1/overview")
    for kind in ("ready", "blocked"):
        for item in said[kind]:
            assert page.figure(f"{kind}.{item['currency']}") == (money(item["amount"]), item["amount"])
    for name in ("contracts", "over_90", "exhausting_4_weeks"):
        assert page.figure(f"at_risk.{name}")[1] == str(said["at_risk"][name])
    for name in ("lag", "dead_letters", "parked", "exceptions"):
        assert page.figure(f"health.{name}")[1] == str(said["health"][name])


def test_every_row_in_sight_shows_what_the_api_says(browser: Any, live: str) -> None:
    page = Page(browser, live)
    page.open()
    rows = {row["contract_id"]: row for row in read_all(live, "v1/contracts")}
    page.counted(f"{len(rows):,} contract{'' if len(rows) == 1 else 's'}")
    shown = page.run(
        "return [...document.querySelectorAll('[data-contract]')].map(r => [r.dataset.contract,"
        " r.querySelector('td.ready .num').textContent, r.querySelector('td.blocked .num').textContent])"
    )
    assert shown
    for contract_id, ready, blocked in shown:
        readiness = rows[contract_id]["readiness"]
        assert (ready, blocked) == (money(readiness["ready_amount"]), money(readiness["blocked_amount"]))


def test_the_bar_and_the_percentage_speak_of_the_tighter_budget(page: Page) -> None:
    page.open("#/?sort=used")
    page.counted("60 contracts")
    rows = {row["contract_id"]: row["burn"]["ratio"] for row in read_all(page.url, "v1/contracts")}
    shown = page.run(
        "return [...document.querySelectorAll('[data-contract]')].map(r => [r.dataset.contract,"
        " r.querySelector('.used .num').dataset.value, r.querySelector('.burnbar').getAttribute('aria-label')])"
    )
    for contract_id, used, said in shown[:20]:
        ratio = rows[contract_id]
        assert used == max(ratio.values(), key=Decimal)
        assert ("hours" in said) == (Decimal(ratio["minutes"]) > Decimal(ratio["amount"]))


def test_the_most_urgent_contract_is_on_top(page: Page) -> None:
    page.open()
    page.counted("60 contracts")
    rows = sorted(read_all(page.url, "v1/contracts"), key=lambda row: (-row["urgency"], row["contract_id"]))
    assert page.contracts() == [row["contract_id"] for row in rows][: len(page.contracts())]


def at_risk(row: dict[str, Any]) -> bool:
    """Still burning, and past 90 % of a budget or running out within four weeks of as-of."""
    if row["status"] not in ("active", "suspended"):
        return False
    ratios = [Decimal(ratio) for ratio in row["burn"]["ratio"].values() if ratio is not None]
    ends = [date.fromisoformat(day) for day in row["burn"]["exhaustion"].values() if day is not None]
    return any(ratio >= Decimal("0.9") for ratio in ratios) or any(on <= AS_OF + timedelta(weeks=4) for on in ends)


def test_a_filter_has_an_address_that_can_be_sent(page: Page) -> None:
    wanted = [row for row in read_all(page.url, "v1/contracts") if at_risk(row) and row["currency"] == "EUR"]
    page.open("#/?show=risk&currency=EUR")
    page.counted(f"{len(wanted)} contracts")
    assert set(page.contracts()) <= {row["contract_id"] for row in wanted}


def test_the_filter_finds_as_many_contracts_at_risk_as_the_card_says(page: Page) -> None:
    page.open()
    page.counted("60 contracts")
    said = read(page.url, "v1/overview")["at_risk"]
    for show, name in (("risk", "contracts"), ("past", "over_90"), ("soon", "exhausting_4_weeks")):
        page.open(f"#/?show={show}")
        page.counted(f"{said[name]} contracts")


def test_the_currency_of_most_contracts_leads_in_every_card(page: Page) -> None:
    page.open()
    page.counted("60 contracts")
    used = Counter(row["currency"] for row in read_all(page.url, "v1/contracts"))
    wanted = [currency for currency, _ in used.most_common()]
    shown = "return [...document.querySelectorAll('.cash dt')].map((code) => code.textContent)"
    page.until(lambda: page.run(shown) == wanted + wanted, f"{wanted} in both cards")


def test_typing_narrows_the_list_and_the_address_follows(page: Page) -> None:
    page.open()
    page.counted("60 contracts")
    page.keys("/")
    page.keys("C-0007")
    page.counted("1 contract")
    assert page.contracts() == ["C-0007"]
    assert page.driver.current_url.endswith("#/?q=C-0007")


def test_a_statement_changes_the_row_and_nothing_else_moves(page: Page, server: Server) -> None:
    page.open("#/?q=C-0003")
    page.counted("1 contract")
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    before = Decimal(read(page.url, "v1/contracts/C-0003/readiness")["ready_amount"])
    server.approve("C-0003", 60)
    # By hand: 60 min × 180.00/h = 180.00 more is ready.
    page.until(lambda: page.text("td.ready .num") == money(str(before + 180)), "180.00 more")


def test_a_burst_of_statements_is_painted_at_most_once_a_second(page: Page, server: Server) -> None:
    page.open("#/?q=C-0003")
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    page.one("td.ready .num")
    before = Decimal(read(page.url, "v1/contracts/C-0003/readiness")["ready_amount"])
    page.run(
        "window.painted = 0; new MutationObserver(() => window.painted++)"
        ".observe(document.querySelector('td.ready .num'), {childList: true})"
    )
    for _ in range(30):
        server.approve("C-0003", 60)
    page.until(lambda: page.text("td.ready .num") == money(str(before + 30 * 180)), "all thirty")
    assert page.run("return window.painted") <= 3


def test_the_order_does_not_jump_under_the_cursor(page: Page, server: Server) -> None:
    page.open()
    page.counted("60 contracts")
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    order = page.contracts()
    page.point_at(f'[data-contract="{order[2]}"]')
    ready = f'[data-contract="{order[9]}"] td.ready .num'
    before = page.text(ready)
    for _ in range(6):
        server.approve(order[9], 1440)
    page.until(lambda: page.text(ready) != before, "the figure of the tenth contract")
    assert page.contracts() == order


def test_once_nobody_points_at_the_table_the_order_follows(page: Page, server: Server) -> None:
    page.open()
    page.counted("60 contracts")
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    page.point_at("h2")
    tenth = page.contracts()[9]
    for _ in range(20):
        server.approve(tenth, 1440)
    page.until(lambda: page.contracts().index(tenth) < 9, "the tenth contract to rise")


def test_a_lost_connection_says_so_and_catches_up_where_it_stopped(page: Page, server: Server) -> None:
    page.open("#/?q=C-0003")
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    before = Decimal(read(page.url, "v1/contracts/C-0003/readiness")["ready_amount"])
    server.approve("C-0003", 60)
    page.until(lambda: page.text("td.ready .num") == money(str(before + 180)), "the first change")
    heard = len(server.site.sent)
    server.site.outage = True
    server.do(lambda site: site.drop())
    page.until(lambda: "Connection lost" in page.text("#notice"), "the notice")
    assert page.run("return getComputedStyle(document.querySelector('main')).filter") != "none"
    server.approve("C-0003", 60)
    server.site.outage = False
    # One script, as the page may have come back by itself between finding the button and clicking it.
    page.run("document.querySelector('#notice button')?.click()")
    page.until(lambda: page.text("td.ready .num") == money(str(before + 360)), "what was missed")
    assert server.site.resumed_from[-1] == str(heard)
    assert not page.one("#notice").is_displayed()


def test_a_reset_reads_everything_again(page: Page, server: Server) -> None:
    page.open("#/?q=C-0003")
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    page.counted("1 contract")
    before = Decimal(read(page.url, "v1/contracts/C-0003/readiness")["ready_amount"])
    server.do(lambda site: site.firm.approve("C-0003", 60))
    server.do(lambda site: site.reset())
    page.until(lambda: page.text("td.ready .num") == money(str(before + 180)), "what no statement said")


def test_an_incomplete_or_stale_answer_says_so(page: Page, server: Server) -> None:
    server.site.firm.partitions_answered = 3
    server.site.firm.stale = True
    page.open()
    page.until(lambda: "1 of 4 partitions did not answer" in page.text("#notice"), "the notice")
    assert "Stale" in page.text("#notice")


def test_arrow_keys_walk_the_rows_and_enter_opens_the_contract(page: Page) -> None:
    page.open()
    page.counted("60 contracts")
    order = page.contracts()
    page.run("document.querySelector('[data-contract] a').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.run("return document.activeElement.closest('tr').dataset.contract") == order[2]
    page.keys(Keys.END)
    page.until(
        lambda: page.run("return document.activeElement.closest('tr')?.getAttribute('aria-rowindex')") == "61",
        "the last row",
    )
    page.keys(Keys.HOME, Keys.ENTER)
    page.until(lambda: order[0] in page.driver.current_url, "the contract's address")


def test_coming_back_finds_the_list_where_it_was(page: Page) -> None:
    page.open()
    page.counted("60 contracts")
    page.run("scrollTo(0, 1500)")
    page.until(lambda: page.run("return scrollY") == 1500, "the scroll")
    page.run("[...document.querySelectorAll('[data-contract] a')].at(-12).click()")
    page.one(".tiles")
    page.driver.back()
    page.until(lambda: page.run("return scrollY") == 1500, "the old place")


def test_a_firm_without_contracts_says_what_would_fill_it(browser: Any, empty: Server) -> None:
    page = Page(browser, empty.url)
    page.open()
    page.until(lambda: "No contract yet" in page.text(".blank"), "the empty state")
    assert "contract.approved" in page.text(".blank")
    assert "Nothing is ready" in page.text(".card.ready")


def test_a_filter_that_matches_nothing_can_be_cleared(page: Page) -> None:
    page.open("#/?q=nothing+is+called+this")
    page.until(lambda: "No contract matches" in page.text(".blank"), "the empty state")
    page.one(".blank button").click()
    page.counted("60 contracts")


def test_five_thousand_contracts_scroll_with_a_few_rows_alive(browser: Any, crowd: Server) -> None:
    page = Page(browser, crowd.url)
    page.open()
    page.counted("5,000 contracts")
    alive = page.run(
        "let most = 0; for (let y = 0; y < document.body.scrollHeight; y += 9000) { scrollTo(0, y);"
        " await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);"
        " most = Math.max(most, document.querySelectorAll('[data-contract]').length); } return most"
    )
    assert 10 < alive < 80
    page.run("scrollTo(0, document.body.scrollHeight)")
    page.until(lambda: page.all('[aria-rowindex="5001"]'), "the last row")
    lowest = min(
        read_all(crowd.url, "v1/contracts"), key=lambda row: (row["urgency"], [-ord(c) for c in row["contract_id"]])
    )
    assert page.contracts()[-1] == lowest["contract_id"]


@pytest.fixture
def empty() -> Iterator[Server]:
    server = Server(Firm(contracts=0))
    yield server
    server.close()


@pytest.fixture
def crowd() -> Iterator[Server]:
    """Five thousand contracts with about ten entries each."""
    server = Server(Firm(contracts=5000, entries=12))
    yield server
    server.close()
