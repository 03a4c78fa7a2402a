"""A worker that may be killed at any moment: takes a log from a file into a store, and goes on where the store ends.

    python -m tests.chaos.worker STORE LOG CHUNK

Every line of the log becomes exactly one record of an input topic, whatever is wrong with it, so the ends of those
topics say how many lines are durable. Writes that number to standard output, one a line, whenever it changes: that is
how whoever kills it chooses the moment. When nothing is left to do it says `idle` and waits for its standard input to
end.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import islice
from pathlib import Path

from agents.effects import INPUTS
from app.engine.embedded import EmbeddedHost
from app.main import open_host
from app.settings import Settings


def durable(host: EmbeddedHost) -> int:
    """How many lines of the log the store holds."""
    return sum(host.store.end(topic, p) for topic in INPUTS for p in range(host.store.partitions))


async def work(host: EmbeddedHost, log: Path, size: int) -> None:
    """Take what is missing, a round of work after each chunk of lines, then work off the rest."""
    with log.open("rb") as file:
        rest = (line.rstrip(b"\n") for line in islice(file, durable(host), None))
        while chunk := list(islice(rest, size)):
            host.take(chunk)
            print(durable(host), flush=True)
            await host.work()
    await host.drain()


def main(store: str, log: str, chunk: str) -> None:
    # A batch is smaller than what arrives between two rounds, so the worker falls behind and puts statements off.
    settings = Settings.load(store=Path(store), batch_size=int(chunk) // 2)
    # The events bring their own moment of acceptance: a restart must not show in the data.
    with open_host(settings, clock=lambda: None) as host:
        asyncio.run(work(host, Path(log), int(chunk)))
        print("idle", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
