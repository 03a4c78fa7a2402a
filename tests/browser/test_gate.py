"""What waits for ERP on the page: figures are the API's, reasons are in words, and it follows what changes."""

from typing import Any

import pytest

from tests.browser.conftest import read
from tests.browser.page import Page
from tests.browser.server import Server, Site

pytestmark = pytest.mark.browser


def name_of(row: dict[str, Any]) -> str:
    entity = row["legal_entity_id"]
    return f"{row['target'] or 'ERP'}{'' if entity is None else f', {entity}'}"


def test_every_row_of_the_gate_shows_what_the_api_says(page: Page) -> None:
    page.open("#/gate")
    page.one("[data-gate]")
    items = read(page.url, "v1/gate")["items"]
    assert [row.get_attribute("data-gate") for row in page.all("[data-gate]")] == list(map(name_of, items))
    for item in items:
        for part in ("waiting", "oldest", "next_release_at", "late", "rejected"):
            shown = "" if item[part] is None else str(item[part])
            assert page.figure(f"{name_of(item)}.{part}")[1] == shown, (item, part)
        state = page.text(f'[data-gate="{name_of(item)}"] .pill')
        assert ("Open" if item["open"] else "Closed") in state
    [shadow] = read(page.url, "v1/gate/shadow")["targets"]
    for part in ("same", "differs", "unanswered"):
        assert page.figure(f"next.{part}")[1] == str(shadow[part])


def test_why_and_until_when_it_waits_is_said_in_words(page: Page) -> None:
    page.open("#/gate")
    closed = page.one('[data-gate="old, LE-1"]').text
    assert "until 20 Nov 2026 20:00 UTC" in closed
    assert "ERP is closed (1,200)" in closed
    assert "A critical exception halts the contract (4)" in closed
    assert page.figure("old, LE-1.waiting")[0] == "1,204"
    # Nobody knows when a route is set: that is said, and not left out.
    assert page.figure("ERP.next_release_at") == ("not known", "")


def test_the_longest_row_fills_its_bar_and_what_changes_shows_by_itself(page: Page, server: Server) -> None:
    page.open("#/gate")
    page.one("[data-gate]")
    widths = page.run("return [...document.querySelectorAll('.gate .fill')].map(e => e.style.width)")
    assert widths[0] == "100%"
    assert float(widths[1].rstrip("%")) == pytest.approx(100 * 602 / 1204)

    def drained(site: Site) -> None:
        site.firm.queued = 0

    server.do(drained)
    page.until(lambda: page.figure("new, LE-2.waiting")[1] == "0", "the next look at the gate")


def test_where_nothing_waits_the_page_says_what_would_stand_here(browser: Any, headrace: str) -> None:
    page = Page(browser, headrace)
    page.open("#/gate")
    page.until(lambda: "Nothing waits" in page.text("main"), "an empty gate")
