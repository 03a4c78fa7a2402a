"""A store that holds a faulty firm, for commands that only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.runs import firm, headrace, written


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = firm(events=1_200, malformed_ratio=0.02, duplicate_ratio=0.03, conflict_ratio=0.01, disorder=20)
    return written(tmp_path_factory.mktemp("log") / "log.jsonl", [*lines, b"\xff\xfe"])


@pytest.fixture(scope="session")
def store(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    done = headrace("publish", log, "--store", path)
    assert done.returncode == 0, done.stderr.decode()  # some were refused
    return path
