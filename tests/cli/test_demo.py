"""`headrace demo`: a simulated firm from nothing, verified; and served until somebody asks it to end."""

from __future__ import annotations

import signal
import urllib.request
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.host.runs import TIMEOUT, headrace, refused, said, serving, worker

DISPOSITIONS = ("applied", "duplicate", "stale", "parked", "dead_lettered")
FAULTS = ("--malformed", 0.02, "--duplicates", 0.05, "--disorder", 50, "--late", 0.05, "--conflicts", 0.01)


def bounded(store: Path, *options: object) -> Any:
    return said("demo", "--events", 3_000, "--no-serve", "--end", "2026-06-26", "--store", store, *options)


@pytest.mark.parametrize("faults", [(), FAULTS], ids=["calm", "faulty"])
def test_a_bounded_demo_loses_nothing_and_verifies(tmp_path: Path, faults: tuple[object, ...]) -> None:
    done = bounded(tmp_path / "demo.sqlite", *faults)
    records = done["records"]
    assert records["read"] == sum(records[name] for name in DISPOSITIONS)
    assert records["read"] == 3_000
    assert done["verify"]["agrees"]
    assert done["overview"]["health"]["lag"] == 0
    if faults:
        # by dice 2 % of 3,000 lines = 60 are malformed and 5 % = 150 repeats: give or take three deviations (23, 36)
        assert 37 <= records["dead_lettered"] <= 83
        assert records["duplicate"] >= 114
        assert done["overview"]["health"]["exceptions"] > 0


def test_it_prints_totals_and_that_they_are_verified(tmp_path: Path) -> None:
    done = headrace("demo", "--events", 3_000, "--no-serve", "--store", tmp_path / "demo.sqlite")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "ready to invoice: " in text
    assert "verified: " in text


def test_a_demo_begins_anew_unless_told_to_keep(tmp_path: Path) -> None:
    store = tmp_path / "demo.sqlite"
    assert bounded(store)["records"]["read"] == 3_000
    assert bounded(store)["records"]["read"] == 3_000
    kept = bounded(store, "--keep")
    assert kept["records"]["read"] == 6_000
    assert kept["verify"]["agrees"]


def test_a_demo_does_not_take_the_store_of_a_running_worker(tmp_path: Path) -> None:
    with worker(tmp_path / "store.sqlite") as running:
        words = ("demo", "--no-serve", "--events", 100, "--store", tmp_path / "store.sqlite")
        assert f"is in use by process {running.process.pid}" in refused(headrace(*words))
        assert running.stop() == 0


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_serves_its_page_and_ends_when_asked(tmp_path: Path, asked: signal.Signals) -> None:
    with serving("demo", "--events", 2_000, "--store", tmp_path / "demo.sqlite", "--port", 0) as running:
        with urllib.request.urlopen(running.address + "/", timeout=10) as page:
            assert page.status == 200
            assert b"<title>" in page.read()
        begun = monotonic()
        running.process.send_signal(asked)
        assert running.process.wait(TIMEOUT) == 0
        assert monotonic() - begun < 3.0
