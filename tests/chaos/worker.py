"""A worker that may be killed at any moment: takes a log from a file into a store, and goes on where the store ends.

    python -m tests.chaos.worker STORE LOG CHUNK

Every line of the log becomes exactly one record of an input topic, whatever is wrong with it, so the ends of those
topics say how many lines are durable. After each round of work it writes to standard output how many records the
engagement agent, which is last, has acknowledged: that is how whoever kills it chooses the moment. When nothing is left
to do it says `idle` and waits for its standard input to end.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import islice
from pathlib import Path

from agents.effects import ENGAGEMENTS, INPUTS
from app.engine.embedded import EmbeddedHost
from app.main import open_host
from app.settings import Settings


def durable(host: EmbeddedHost) -> int:
    """How many lines of the log the store holds."""
    return sum(host.store.end(topic, p) for topic in INPUTS for p in range(host.store.partitions))


async def work(host: EmbeddedHost, log: Path, size: int) -> None:
    """Take what is missing, a round of work after each chunk of lines, then work off the rest."""

    def report(done: int = 0) -> None:
        print(host.store.position(ENGAGEMENTS, 0), flush=True)

    with log.open("rb") as file:
        rest = (line.rstrip(b"\n") for line in islice(file, durable(host), None))
        while chunk := list(islice(rest, size)):
            host.take(chunk)
            await host.work()
            report()
    await host.drain(report)


def main(store: str, log: str, chunk: str) -> None:
    # Each topic hands on a batch a round, and the engagement agent takes but one batch of all they hand on: it falls
    # far behind and puts statements off, so a kill finds some that were never made.
    settings = Settings.load(store=Path(store), batch_size=int(chunk) // 8)
    # The events bring their own moment of acceptance: a restart must not show in the data.
    with open_host(settings, clock=lambda: None) as host:
        asyncio.run(work(host, Path(log), int(chunk)))
        print("idle", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
