"""The folder of tables on disk: one worker's at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from time import monotonic

from app.engine.kafka.ending import Unfit

WAIT_SECONDS = 30.0
"""A worker whose supervisor is gone needs a while to stop; the one that takes its place waits for it."""


async def claim(folder: Path, seconds: float = WAIT_SECONDS) -> int:
    """Make the folder this process's own until it ends; the descriptor that holds it.

    Raises Unfit where another process has it for longer than `seconds`.
    """
    held = _opened(folder)
    until = monotonic() + seconds
    while not _locked(held):
        if monotonic() > until:
            owner = os.pread(held, 20, 0).decode() or "unknown"
            os.close(held)
            raise Unfit(
                f"the tables in {folder} are in use by process {owner};"
                " stop it, or give each worker a folder of its own with --store-dir (HEADRACE_KAFKA_DATA_DIR)"
            )
        await asyncio.sleep(0.1)
    os.ftruncate(held, 0)
    os.pwrite(held, b"%d" % os.getpid(), 0)
    return held


def _opened(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / "owner", os.O_RDWR | os.O_CREAT, 0o644)


def _locked(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
