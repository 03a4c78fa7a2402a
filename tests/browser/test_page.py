"""Rules for the page as a whole: no complaint of the browser, names, contrast, width, exact parts."""

from typing import Any

import pytest

from tests.browser.conftest import read
from tests.browser.page import Page
from tests.browser.server import Server

pytestmark = pytest.mark.browser

ADDRESSES = [
    "#/",
    "#/gate",
    "#/promises",
    "#/streams",
    "#/people",
    "#/people?show=practices",
    "#/people?cell=2026-W47%20R-001",
    "#/contracts/C-0003",
    "#/contracts/C-0003?explain=approved.amount",
    "#/nowhere",
]
UNNAMED = """
const controls = [...document.querySelectorAll('a[href], button, input, select, summary, [role=img], dialog[open]')];
const name = (node) => node.getAttribute('aria-label') || node.textContent.trim() || node.title
  || document.getElementById(node.getAttribute('aria-labelledby'))?.textContent.trim();
return controls.filter((node) => node.checkVisibility() && !name(node)).map((node) => node.outerHTML.slice(0, 200));
"""
CONTRAST = """
const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const light = (colour) => {
  probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue('--' + name).trim();
const pairs = [['ink', 'surface'], ['ink', 'ground'], ['muted', 'surface'], ['muted', 'ground'], ['accent', 'surface'],
  ['accent', 'accent-soft'], ['over', 'surface'], ['good', 'surface'], ['ink', 'over-soft'],
  ...[0, 1, 2, 3, 4].map((band) => ['on-band-' + band, 'band-' + band])];
return Object.fromEntries(pairs.map(([front, back]) => {
  const [a, b] = [light(colour(front)), light(colour(back))].sort();
  return [front + ' on ' + back, (b + 0.05) / (a + 0.05)];
}));
"""


def settled(page: Page) -> None:
    waiting = "return [...document.querySelectorAll('.waiting')].some((node) => node.checkVisibility())"
    page.until(lambda: page.text(".connection") == "Live" and not page.run(waiting), "everything to be read")


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_browser_has_nothing_to_complain_about(page: Page, address: str) -> None:
    page.open(address)
    settled(page)
    assert page.complaints() == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_control_and_image_has_a_name(page: Page, address: str) -> None:
    page.open(address)
    settled(page)
    assert page.run(UNNAMED) == []


@pytest.mark.parametrize("address", ["#/", "#/gate", "#/promises", "#/streams", "#/people", "#/contracts/C-0003"])
def test_a_view_has_one_main_heading_and_its_landmarks(page: Page, address: str) -> None:
    page.open(address)
    settled(page)
    assert len(page.all("h1")) == 1
    for landmark in ("header.shell", "nav[aria-label]", "main", "footer"):
        assert len(page.all(f"body > {landmark}, body > header > {landmark}")) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(page: Page, dark: bool) -> None:
    page.open(dark=dark)
    too_faint = {pair: ratio for pair, ratio in page.run(CONTRAST).items() if ratio < 4.5}
    assert too_faint == {}


@pytest.mark.parametrize("address", ["#/", "#/gate", "#/promises", "#/streams", "#/people", "#/contracts/C-0003"])
def test_a_phone_never_scrolls_sideways(page: Page, address: str) -> None:
    page.open(address, width=390, height=844)
    settled(page)
    assert page.run("return document.documentElement.scrollWidth") <= 390


def test_the_header_says_as_of_and_known_at(page: Page) -> None:
    page.open()
    settled(page)
    said = page.text("#state")
    assert "20 Nov 2026" in said
    assert "20 Nov 2026 16:42 UTC" in said


def test_stream_health_adds_up(browser: Any, live: str) -> None:
    page = Page(browser, live)
    page.open("#/streams")
    page.one("[data-sum]")
    assert all("Yes" in cell.text for cell in page.all("[data-sum]"))
    lag = sum(topic["lag"] for topic in read(live, "v1/streams")["topics"])
    assert page.figure("lag")[1] == str(lag)


def test_each_view_names_the_answer_it_is_made_of(page: Page) -> None:
    page.open("#/contracts/C-0003")
    settled(page)
    assert page.one("#foot a").get_attribute("href") == f"{page.url}v1/contracts/C-0003"


def test_the_server_being_away_is_said_and_can_be_tried_again(page: Page, server: Server) -> None:
    page.open()
    settled(page)
    page.run("window.fetch = () => Promise.reject(new TypeError('away')); location.hash = '#/contracts/C-0009'")
    page.until(lambda: "No answer from the server" in page.text(".failure"), "the reason")
    assert page.all(".failure button")


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ('money("-1234567.50")', "\u22121,234,567.50"),
        ('money("1000")', "1,000"),
        ('money("12.345")', "12.345"),
        ("money(null)", "–"),
        ("hours(435)", "7:15"),
        ("hours(-90)", "\u22121:30"),
        ('hours("2310.50")', "38:31"),
        ('percent("0.9999")', "99.9\u202f%"),
        ('percent("1.1250")', "112.5\u202f%"),
        ('day("2026-03-12", "2026-11-20")', "12 Mar"),
        ('day("2027-03-12", "2026-11-20")', "12 Mar 2027"),
        ('week("2026-W11")', "W11"),
        ('instant("2026-03-09T17:04:11Z")', "9 Mar 2026 17:04 UTC"),
        ('addDays("2024-02-28", 2)', "2024-03-01"),
        ("distance(-3)", "3 days ago"),
    ],
)
def test_figures_read_as_the_style_says(page: Page, call: str, shown: str) -> None:
    page.open()
    assert page.run(f"const format = await import('./static/js/format.js'); return format.{call}") == shown


def test_sums_of_amounts_are_exact(page: Page) -> None:
    page.open()
    script = (
        "const {units, decimal} = await import('./static/js/decimal.js');"
        "return decimal(units(given[0]) + units(given[1]), 2)"
    )
    # 0.10 + 0.20 is 0.30000000000000004 in floats; 9007199254740993.01 has no float at all.
    assert page.run(script, "0.10", "0.20") == "0.30"
    assert page.run(script, "9007199254740993.01", "0.01") == "9007199254740993.02"
    assert page.run(script, "-0.05", "0.02") == "-0.03"


def test_a_stream_cut_anywhere_gives_the_same_events(page: Page) -> None:
    page.open()
    events = page.run(
        """
        const {eventsOf} = await import('./static/js/live.js');
        const text = ': beat\\n\\nid: 7\\r\\nevent: burn.updated\\r\\n'
          + 'data: {"a":\\r\\ndata: "ü"}\\r\\n\\r\\nevent: reset\\n\\n';
        const bytes = new TextEncoder().encode(text);
        const readings = [];
        for (const size of [1, 2, 3, 1000]) {
          const body = new ReadableStream({start(to) {
            for (let at = 0; at < bytes.length; at += size) to.enqueue(bytes.slice(at, at + size));
            to.close();
          }});
          const found = [];
          for await (const event of eventsOf(body)) found.push(event);
          readings.push(JSON.stringify(found));
        }
        return readings;
        """
    )
    assert len(set(events)) == 1
    assert '"id":"7"' in events[0]
    assert events[0].count('"type"') == 2


def test_a_contract_that_starts_next_month_can_be_drawn(page: Page) -> None:
    page.open()
    points = page.run(
        """
        const {curve} = await import('./static/js/curve.js');
        const budget = [{from: '2026-12-01', amount: '1000.00', minutes: null}];
        const daily = {days: [], budget, cap: null, exhaustion: {}};
        return curve(daily, {asOf: '2026-11-20', unit: 'amount'});
        """
    )
    assert points["dates"][0] == "2026-11-20"
    assert points["budget"][10:12] == [None, 1000]  # 30 Nov has no budget yet, 1 Dec has
    assert points["total"] == "0"


def test_a_budget_without_a_beginning_holds_from_the_first_day(page: Page) -> None:
    page.open()
    points = page.run(
        """
        const {curve} = await import('./static/js/curve.js');
        const days = [{on: '2026-11-02', minutes: 60, amount: '100.00'}];
        const budget = [{from: null, amount: '500.00', minutes: null}];
        const daily = {days, budget, cap: null, exhaustion: null};
        return curve(daily, {asOf: null, unit: 'amount'});
        """
    )
    assert points["dates"][0] == "2026-11-02"
    assert set(points["budget"]) == {500}


def test_the_projection_reaches_the_budget_on_the_day_the_api_names(page: Page) -> None:
    page.open()
    points = page.run(
        """
        const {curve} = await import('./static/js/curve.js');
        const {addDays} = await import('./static/js/format.js');
        const worked = (_, index) => ({on: addDays('2026-10-24', index), minutes: 60, amount: '100.00'});
        const days = Array.from({length: 28}, worked);
        const budget = [{from: '2026-10-24', amount: '3500.00', minutes: null}];
        const daily = {days, budget, cap: null, exhaustion: {amount_on: '2026-11-27'}};
        return curve(daily, {asOf: '2026-11-20', unit: 'amount'});
        """
    )
    # By hand: 28 days × 100.00 = 2800.00; 700.00 remain at 100.00 a day = 7 days after 20 Nov.
    assert points["total"] == "2800.00"
    at = points["dates"].index("2026-11-27")
    assert points["trailing"][at] == pytest.approx(3500)
    assert points["trailing"][at + 1] is None
