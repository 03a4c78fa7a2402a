"""A store that holds a small firm, made once and copied for whoever needs one of its own."""

from __future__ import annotations

from pathlib import Path
from shutil import copyfile

import pytest

from tests.host.runs import firm, headrace, written


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    done = headrace("publish", written(folder / "log.jsonl", firm()), "--store", folder / "store.sqlite")
    assert done.returncode == 0, done.stderr.decode()
    return folder / "store.sqlite"


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    """A copy: a closed store is one file, its log is folded into it."""
    copyfile(made, tmp_path / "store.sqlite")
    return tmp_path / "store.sqlite"
