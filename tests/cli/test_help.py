"""Asking for help is quick: a command's modules are imported when it runs."""

from __future__ import annotations

import subprocess
import sys

from app.engine.statements import ENGINE_VERSION
from tests.host.runs import ROOT, headrace

_HEAVY = ("aiohttp", "aiokafka", "faust", "msgspec", "orjson", "pydantic", "rich", "sqlite3")


def test_help_imports_nothing_that_it_does_not_show() -> None:
    program = f"import sys, app.cli; app.cli.parser(); print([name for name in {_HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_command_says_what_it_does() -> None:
    listed = headrace("--help").stdout.decode()
    for command in (
        "demo",
        "worker",
        "publish",
        "simulate",
        "replay",
        "verify",
        "export",
        "explain",
        "topics",
        "schema",
    ):
        assert f"\n    {command} " in listed
        assert headrace(command, "--help").returncode == 0


def test_the_version_is_that_of_the_engine() -> None:
    assert headrace("--version").stdout.decode() == f"headrace {ENGINE_VERSION}\n"
