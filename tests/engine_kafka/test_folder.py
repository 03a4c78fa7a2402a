"""The folder of tables on disk is one worker's at a time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from app.engine.kafka.ending import Unfit
from app.engine.kafka.folder import claim


async def test_a_second_worker_is_told_who_has_the_folder(tmp_path: Path) -> None:
    held = await claim(tmp_path / "tables", 0)
    with pytest.raises(Unfit, match=f"in use by process {os.getpid()}; stop it, or give each worker a folder"):
        await claim(tmp_path / "tables", 0)
    os.close(held)


async def test_who_takes_the_place_of_a_worker_waits_until_it_is_gone(tmp_path: Path) -> None:
    held = await claim(tmp_path, 0)
    next_one = asyncio.create_task(claim(tmp_path, 5))
    await asyncio.sleep(0.15)
    assert not next_one.done()
    os.close(held)  # as the end of a process does
    os.close(await next_one)
