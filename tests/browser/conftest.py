"""A real Chromium for the page. These tests are collected only when asked for: `pytest -m browser tests/browser`.

The page is driven over a made-up firm (`firm.py`), which can misbehave on demand, and where figures are compared with
the API's also over a real headrace with a simulated firm.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.firm import Firm
from tests.browser.server import Server

if TYPE_CHECKING:
    from tests.browser.page import Page

CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,1000",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these tests out unless the marker is asked for by name: they need Chromium and take their time."""
    asked = str(config.getoption("markexpr"))
    return None if "browser" in asked and "not browser" not in asked else True


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Debian's Chromium with an empty profile."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*CHROMIUM_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def server() -> Iterator[Server]:
    """A firm of sixty contracts, fresh for each test."""
    server = Server(Firm(contracts=60))
    yield server
    server.close()


@pytest.fixture
def page(browser: Any, server: Server) -> "Page":
    """The page over the made-up firm."""
    from tests.browser.page import Page

    return Page(browser, server.url)


@pytest.fixture(scope="session")
def headrace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real worker over the store of a bounded demo; it ends with the session."""
    store = tmp_path_factory.mktemp("headrace") / "store.sqlite"
    command = [sys.executable, "-m", "app.cli"]
    folded = ["demo", "--events", "4000", "--end", "2026-06-26", "--no-serve", "--json", "--store", str(store)]
    subprocess.run([*command, *folded], check=True, stdout=subprocess.DEVNULL, timeout=120)
    serving = ["worker", "--store", str(store), "--port", "0", "--json"]
    worker = subprocess.Popen([*command, *serving], stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        said = "".join(iter(worker.stdout.readline, "}\n")) + "}"
        yield json.loads(said)["address"]
    finally:
        worker.terminate()
        worker.communicate(timeout=10)


@pytest.fixture(params=["firm", "headrace"])
def live(request: pytest.FixtureRequest) -> str:
    """The base URL of a server: the made-up firm's, then a real headrace's."""
    if request.param == "headrace":
        address: str = request.getfixturevalue("headrace")
        return address
    server: Server = request.getfixturevalue("server")
    return server.url


def read(base: str, path: str) -> Any:
    """The JSON at `path`, without a browser."""
    with urllib.request.urlopen(base + path, timeout=30) as answer:
        return json.load(answer)


def read_all(base: str, path: str) -> list[Any]:
    """Every item of a paged answer."""
    items: list[Any] = []
    cursor = ""
    while True:
        answer = read(base, f"{path}{'&' if '?' in path else '?'}limit=500{cursor and f'&cursor={cursor}'}")
        items += answer["items"]
        if answer["next"] is None:
            return items
        cursor = answer["next"]
