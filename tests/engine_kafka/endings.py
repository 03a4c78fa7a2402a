"""Watching a process end itself: the last line it says, and its exit code."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import orjson


class Ended(NamedTuple):
    code: int
    said: dict[str, Any]  # the last JSON line on standard error


def ended(scenario: Callable[[], Coroutine[Any, Any, object]]) -> Ended:
    """Run `scenario` in a process of its own, which has to end itself; one that returns has the code 0."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 2)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        try:
            asyncio.run(scenario())
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        lines = said.read().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) != 1, b"\n".join(lines).decode()
    return Ended(os.waitstatus_to_exitcode(status), orjson.loads(lines[-1]) if lines else {})
