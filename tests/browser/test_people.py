"""The heat map: what a cell says, how one walks it, and what is behind."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import read, read_all
from tests.browser.page import Page
from tests.browser.server import Server

pytestmark = pytest.mark.browser

NOW = "2026-W47"
CELLS = """
return [...document.querySelectorAll('.heatmap tbody tr[data-id]')].flatMap((tr) =>
  [...tr.querySelectorAll('.heat')].map((cell) => [tr.dataset.id, cell.dataset.week, cell.dataset.value]));
"""


def opened(page: Page, address: str = "#/people") -> None:
    page.open(address)
    page.one(".heatmap .heat")


def cell(who: str, week: str) -> str:
    return f'.heatmap tr[data-id="{who}"] .heat[data-week="{week}"]'


def test_every_cell_is_the_ratio_that_the_api_says(browser: Any, live: str) -> None:
    page = Page(browser, live)
    opened(page)
    shown = page.run(CELLS)
    first = min(week for _, week, _ in shown)
    said = {
        (row["resource_id"], week["week"]): week["utilization_ratio"] or ""
        for row in read_all(live, f"v1/resources?from={first}&weeks=17")
        for week in row["weeks"]
    }
    assert len(shown) >= 17
    assert {(who, week): value for who, week, value in shown}.items() <= said.items()


def test_a_cell_has_its_number_its_band_and_its_name(page: Page) -> None:
    opened(page)
    weeks = {week["week"]: week for week in read(page.url, "v1/resources?limit=1")["items"][0]["weeks"]}
    for name in ("2026-W43", NOW, "2026-W50"):
        week, found = weeks[name], page.one(cell("R-001", name))
        points = f"{int(float(week['utilization_ratio']) * 100)}"
        assert points in found.text
        assert found.get_attribute("data-band") in {"free", "near", "full", "over"}
        said = str(found.get_attribute("aria-label"))
        assert f"R-001, {name}: {points}.0" in said
        assert "of 40:00 hours" in said
        assert ("target" in said) or ("over capacity" in said)


@pytest.mark.parametrize(
    ("ratio", "target", "over", "band"),
    [
        ("0.7500", "0.7500", "false", "full"),  # at the target is on it
        ("0.7499", "0.7500", "false", "near"),
        ("0.5500", "0.7500", "false", "near"),  # 20 points under still is
        ("0.5499", "0.7500", "false", "free"),
        ("0.8000", None, "false", "full"),  # without a target 80 %
        ("0.5900", None, "false", "free"),
        ("1.0000", "0.7500", "true", "over"),
        (None, "0.7500", "false", "none"),
        (None, None, "true", "over"),
    ],
)
def test_bands_follow_the_target(page: Page, ratio: str | None, target: str | None, over: str, band: str) -> None:
    # R38: at the target or above, up to 20 points under it, below that.
    page.open()
    week = {"utilization_ratio": ratio, "target_ratio": target, "overallocated": over == "true"}
    script = "const {bandOf} = await import('./static/js/heat.js'); return bandOf(given[0])"
    assert page.run(script, week) == band


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ('weekOf("2026-12-31")', "2026-W53"),
        ('weekOf("2027-01-03")', "2026-W53"),
        ('weekOf("2027-01-04")', "2027-W01"),
        ('weekOf("2024-12-30")', "2025-W01"),
        ('weekOf("2028-02-29")', "2028-W09"),
        ('mondayIn("2026-W53")', "2026-12-28"),
        ('mondayIn("2025-W01")', "2024-12-30"),
        ('later("2026-W53", 1)', "2027-W01"),
        ('later("2026-W02", -4)', "2025-W50"),
        ('spanOf("2026-W53")', "28 Dec 2026 to 3 Jan 2027"),
        ('spanOf("2026-W11")', "9 Mar to 15 Mar 2026"),
    ],
)
def test_weeks_are_iso_weeks(page: Page, call: str, value: str) -> None:
    page.open()
    assert page.run(f"const weeks = await import('./static/js/weeks.js'); return weeks.{call}") == value


def test_today_is_marked_and_what_lies_ahead_is_lighter(page: Page) -> None:
    opened(page)
    assert page.text('.heatmap [aria-current="date"]').startswith("W47")
    for week, when in (("2026-W46", "past"), (NOW, "now"), ("2026-W48", "ahead")):
        assert page.one(cell("R-001", week)).get_attribute("data-when") == when


def test_the_keyboard_reaches_every_cell(page: Page) -> None:
    opened(page)
    page.run("document.querySelector('.heatmap .heat[tabindex=\"0\"]').focus()")

    def at() -> list[str]:
        script = "const here = document.activeElement; return [here.closest('tr').dataset.id, here.dataset.week]"
        place: list[str] = page.run(script)
        return place

    assert at() == ["R-001", "2026-W43"]
    for key, place in (
        ("ARROW_RIGHT", ["R-001", "2026-W44"]),
        ("ARROW_DOWN", ["R-002", "2026-W44"]),
        ("END", ["R-002", "2027-W06"]),
        ("ARROW_UP", ["R-001", "2027-W06"]),
        ("PAGE_DOWN", ["R-011", "2027-W06"]),
        ("HOME", ["R-011", "2026-W43"]),
    ):
        page.keys(getattr(Keys, key))
        assert at() == place, key
    assert len(page.all('.heatmap .heat[tabindex="0"]')) == 1


def test_who_will_have_nothing_to_do_is_listed_and_leads_to_the_week(page: Page) -> None:
    opened(page)
    page.one('[data-alerts="bench"] [data-id="R-003"]')
    assert "W49: 3 weeks, 90:00 hours free" in page.text('[data-alerts="bench"]')
    assert page.text('[data-alerts="roll_off"]') == "Nobody: all are booked for longer, or not at all."
    page.one('[data-alerts="bench"] [data-id="R-003"] button').click()
    page.one("#drawer .value")
    assert "cell=2026-W49" in page.run("return location.hash")


def test_a_cell_opens_what_it_is_made_of(page: Page) -> None:
    opened(page)
    page.one(cell("R-001", "2026-W43")).click()
    page.one("#drawer .value")
    said = read(page.url, "v1/resources/R-001/weeks/2026-W43")
    assert page.one("#drawer .value").get_attribute("data-value") == said["utilization_ratio"]
    for heading in ("Days", "Bookings", "Time entries"):
        assert heading in page.text("#drawer .content")
    assert page.all('#drawer a[href="#/contracts/C-0003"]')
    assert "cell=2026-W43" in page.run("return location.hash")
    page.keys(Keys.ESCAPE)
    page.until(lambda: not page.run("return document.getElementById('drawer').open"), "the drawer to close")
    assert "cell" not in page.run("return location.hash")


def test_a_link_to_a_cell_opens_it(page: Page) -> None:
    opened(page, "#/people?cell=2026-W43%20R-003")
    assert page.text("#drawer-title") == "R-003"


def test_roles_and_practices_lead_to_their_people(page: Page) -> None:
    opened(page, "#/people?show=practices")
    assert {who for who, _, _ in page.run(CELLS)} == {"Data", "Operations"}
    assert page.one("#foot a").get_attribute("href") == f"{page.url}v1/practices"
    page.one(cell("Data", NOW)).click()
    page.until(lambda: page.all('.heatmap tr[data-id="R-002"]'), "the people of the practice")
    expected = {row["resource_id"] for row in read_all(page.url, "v1/resources?practice=Data&weeks=1")}
    assert {who for who, _, _ in page.run(CELLS)} <= expected
    assert page.run("return location.hash") == "#/people?show=people&practice=Data"


def test_the_foot_adds_up_what_is_free_and_who_has_too_much(page: Page) -> None:
    opened(page)
    people = read_all(page.url, f"v1/resources?from={NOW}&weeks=1")
    weeks = [row["weeks"][0] for row in people]
    free = sum(week["bench_minutes"] for week in weeks)
    over = sum(week["overallocated"] for week in weeks)
    assert page.figure(f"bench.{NOW}")[0] == f"{free // 60:,}:{free % 60:02d}"
    assert page.figure(f"over.{NOW}")[1] == str(over)


def test_a_statement_changes_its_cell(page: Page, server: Server) -> None:
    opened(page)
    page.until(lambda: page.text(".connection") == "Live", "the stream")
    server.do(lambda site: site.rebook("R-002", "2026-W48", 2220))
    # by hand: 2220 ÷ 2400 = 0.9250
    found = page.until(
        lambda: page.one(cell("R-002", "2026-W48")).get_attribute("data-value") == "0.9250" or None, "the new figure"
    )
    assert found
    assert "92" in page.one(cell("R-002", "2026-W48")).text


def test_other_weeks_are_an_address_away(page: Page) -> None:
    opened(page, "#/people?from=2026-W30")
    assert min(week for _, week, _ in page.run(CELLS)) == "2026-W30"
    page.one('.steps-of-weeks [aria-label="Later weeks"]').click()
    page.until(lambda: page.run("return location.hash").endswith("from=2026-W34"), "the address")
    page.until(lambda: min(week for _, week, _ in page.run(CELLS)) == "2026-W34", "the weeks")


def test_nobody_who_fits_is_said(page: Page) -> None:
    page.open("#/people?role=Nobody")
    page.until(lambda: "Nobody here" in page.text(".blank"), "the reason")
    assert page.all(".blank button")


def test_how_good_forecasts_were_stands_below_the_map(page: Page) -> None:
    opened(page)
    page.one('.accuracy [data-week="2026-W46"]')
    assert len(page.all(".accuracy [data-week]")) == 3
    said = str(page.one(".promises svg").get_attribute("aria-label"))
    assert "2026-W46: promised 40:00, done 39:00 hours" in said
    bias = page.one('.accuracy [data-booking="all"] [data-figure="bias_ratio"]')
    assert (bias.text, bias.get_attribute("data-value")) == ("\u22122.5\u202f%", "-0.0250")


def test_forecasts_may_be_chosen_by_how_far_ahead_and_by_group(page: Page) -> None:
    opened(page, "#/people?show=practices")
    page.until(lambda: len(page.all(".accuracy select option")) == 2, "the practices")
    page.one('.accuracy [data-ahead="8"]').click()
    page.until(lambda: "No forecast has come to its end yet" in page.one(".accuracy").text, "no week is over")
