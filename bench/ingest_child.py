"""The process that `bench.ingest` times: `python -m bench.ingest_child LOG STORE BATCH`."""

from __future__ import annotations

import asyncio
import gc
import sys
from itertools import islice
from pathlib import Path

from app.main import open_host
from app.settings import Settings


async def ingest(path: Path, store: Path, batch: int) -> None:
    settings = Settings.load(store=store, batch_size=batch)
    with open_host(settings) as host, path.open("rb") as file:
        gc.freeze()
        while lines := [line.rstrip(b"\n") for line in islice(file, batch)]:
            host.append(lines)
            await host.work()
        await host.drain()


if __name__ == "__main__":
    asyncio.run(ingest(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
