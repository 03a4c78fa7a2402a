"""Business SLAs on the page: figures are the API's, and what is drawn is said in words, too."""

from typing import Any

import pytest

from tests.browser.conftest import read
from tests.browser.page import Page

pytestmark = pytest.mark.browser

VERDICTS = {True: "Kept", False: "Missed", None: "Nothing measured"}


def test_every_promise_shows_what_the_api_says(browser: Any, live: str) -> None:
    page = Page(browser, live)
    page.open("#/promises")
    page.one("[data-sla]")
    items = read(live, "v1/slas")["items"]
    assert {row.get_attribute("data-sla") for row in page.all("[data-sla]")} == {item["sla"] for item in items}
    for item in items:
        name = item["sla"]
        assert VERDICTS[item["met"]] in page.text(f'[data-sla="{name}"] .pill')
        for part in (
            "target_seconds",
            "p50_seconds",
            "p95_seconds",
            "breaches",
            "open",
            "target_ratio",
            "ratio",
            "part",
        ):
            if part in item:
                shown = "" if item[part] is None else str(item[part])
                assert page.figure(f"{name}.{part}")[1] == shown, (name, part)


def test_durations_read_as_days_and_hours(page: Page) -> None:
    page.open("#/promises")
    page.one("[data-sla]")
    shown = {part: page.figure(f"invoice_readiness_lag.{part}")[0] for part in ("target_seconds", "p50_seconds")}
    assert shown == {"target_seconds": "3 d", "p50_seconds": "1 d 2 h"}
    assert page.figure("approved_time_to_acknowledged.oldest_open")[0] == "time/E-7, 40 d"


def test_a_chart_says_in_words_what_it_draws_and_late_is_not_by_colour_alone(page: Page) -> None:
    page.open("#/promises")
    page.one("[data-sla]")
    said = {
        row.get_attribute("data-sla"): row.find_element("css selector", "svg").get_attribute("aria-label")
        for row in page.all("[data-sla]")
    }
    assert said["invoice_readiness_lag"] == (
        "Invoice readiness lag: half within 1 d 2 h, 95 of 100 within 2 d 2 h, target 3 d"
    )
    assert said["amendment_sync_latency"] == "Amendment sync latency: nothing measured"
    late = page.one('[data-sla="approved_time_to_acknowledged"]')
    assert late.find_element("css selector", ".reached").get_attribute("data-late") == ""
    assert late.find_element("css selector", ".beyond").get_attribute("visibility") == "visible"
    assert "Missed" in late.text
