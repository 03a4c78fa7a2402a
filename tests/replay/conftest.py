"""One faulty log and its replay, shared by the tests that only read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replay.runs import Replayed, firm, replay, written


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("log") / "faulty.jsonl", firm())


@pytest.fixture(scope="session")
def replayed(faulty: Path, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    return replay(tmp_path_factory.mktemp("replay") / "out", faulty)
