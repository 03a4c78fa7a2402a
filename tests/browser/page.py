"""The page as its readers use it: open a view, read figures, point, type, wait."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

T = TypeVar("T")
PATIENCE_S = 15


class Page:
    """One tab, at one server."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, address: str = "#/", width: int = 1440, height: int = 1000, dark: bool = False) -> None:
        """Load the page afresh at an address, in a window of this size, and forget what was logged before."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get_log("browser")
        self.driver.get(self.url + address)
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, "main > :not(.waiting)"), "a view")

    def until(self, condition: Callable[[], T], what: str) -> T:
        """Wait for a condition to hold and return it."""
        waiting = WebDriverWait(self.driver, PATIENCE_S, 0.05, ignored_exceptions=[StaleElementReferenceException])
        found: T = waiting.until(lambda _: condition(), f"waited {PATIENCE_S} s for {what}")
        return found

    def all(self, css: str) -> list[WebElement]:
        found: list[WebElement] = self.driver.find_elements(By.CSS_SELECTOR, css)
        return found

    def one(self, css: str) -> WebElement:
        """The element, as soon as it is there."""
        return self.until(lambda: next(iter(self.all(css)), None), css)  # type: ignore[return-value]

    def text(self, css: str) -> str:
        return self.one(css).text

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript; `await` is allowed, `return` gives the answer."""
        wrapped = (
            "const done = arguments[arguments.length - 1];"
            f"(async (...given) => {{ {script} }})(...arguments).then(value => done([value, null]), "
            "error => done([null, String(error)]))"
        )
        value, error = self.driver.execute_async_script(wrapped, *arguments)
        assert error is None, error
        return value

    def figure(self, name: str) -> tuple[str, str]:
        """What a figure shows, and the value the API gave for it."""
        found = self.one(f'[data-figure="{name}"]')
        return found.text, str(found.get_attribute("data-value"))

    def contracts(self) -> list[str]:
        """The ids of the contracts in sight and around it, from the top."""
        ids: list[str] = self.run(
            "return [...document.querySelectorAll('[data-contract]')].map(r => r.dataset.contract)"
        )
        return ids

    def counted(self, text: str) -> None:
        """Wait until the view says how many it shows."""
        self.until(lambda: self.text(".counted") == text, text)

    def keys(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def point_at(self, css: str) -> None:
        ActionChains(self.driver).move_to_element(self.one(css)).perform()

    def focused(self) -> str:
        """What the focused element is called, for a test to compare."""
        return str(self.run("const e = document.activeElement; return e.dataset.contract ?? e.id ?? e.textContent"))

    def complaints(self) -> list[str]:
        """What the browser logged as an error since the page was opened; refused scripts and styles among it."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


def money(amount: str) -> str:
    """How an amount reads: "-1234.50" as "−1,234.50". Worked out apart from the page's own formatter."""
    places = len(amount.partition(".")[2])
    return f"{Decimal(amount):,.{places}f}".replace("-", "\u2212")


def hours(minutes: int) -> str:
    """435 minutes as 7:15."""
    sign = "\u2212" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60:,}:{abs(minutes) % 60:02d}"
