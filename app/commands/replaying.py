"""`replay`, `verify`, `export`: recorded logs and the state they lead to."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import ExitStack
from time import monotonic
from typing import BinaryIO

from agents.effects import ENGAGEMENTS, JOURNALS
from app.commands.output import progress, records, say_json, say_verdict, screen
from app.engine.store import Store
from app.events.cloudevents import exported, timestamp
from app.misuse import Misuse
from app.replay import verify as verifying
from app.replay.lines import check
from app.replay.run import replay as fold
from app.replay.run import write
from app.replay.workers import Job
from app.settings import Settings


def replay(options: argparse.Namespace) -> None:
    paths = [*options.files, *([options.what_if] if options.what_if else [])]
    for name, value in (("partitions", options.partitions), ("workers", options.workers)):
        if value < 1:
            raise Misuse(f"--{name} is {value}; give 1 or more")
    size = check(paths)
    settings = Settings.load()
    job = Job(
        as_of=options.as_of.toordinal() if options.as_of else None,
        known_at=options.known_at,
        partitions=options.partitions,
        authority=settings.authority or None,
        max_event_bytes=settings.max_event_bytes,
    )
    begun = monotonic()
    workers = 1 if options.partitions > 1 else options.workers
    with progress(options, f"Replaying {len(paths)} file{'s' if len(paths) > 1 else ''}", size) as advance:
        parts = fold(paths, job, workers=workers, progress=advance)
    asked = {
        "files": [path.name for path in options.files],
        "known_at": timestamp(options.known_at) if options.known_at is not None else None,
        "what_if": options.what_if.name if options.what_if else None,
    }
    summary = write(parts, paths, options.out, asked)
    elapsed = monotonic() - begun
    if options.json:
        say_json({**summary, "seconds": round(elapsed, 3)})
        return
    counts = summary["records"]
    records(f"{counts['read']:,} records in {elapsed:.1f} s ({counts['read'] / elapsed:,.0f} a second)", counts)
    screen.print(f"figures as of {summary['as_of'] or 'no day (no tick, no --as-of)'} are in {options.out}")


def verify(options: argparse.Namespace) -> bool:
    settings = Settings.load(store=options.store)
    with Store(settings.store, read_only=True) as store:
        total = sum(store.end(topic, p) for topic in JOURNALS for p in range(store.partitions))
        with progress(options, f"Replaying the journal of {settings.store}", total) as advance:
            verdict = asyncio.run(verifying.verify(store, advance))
    if options.json:
        say_json(verdict.answer())
    else:
        say_verdict(verdict)
    return verdict.agrees


def export(options: argparse.Namespace) -> None:
    """Every event the journals hold, once, as structured CloudEvents with the moment each was accepted."""
    settings = Settings.load(store=options.store)
    count = 0
    with Store(settings.store, read_only=True) as store, ExitStack() as stack:
        try:
            out: BinaryIO = stack.enter_context(options.out.open("wb")) if options.out else sys.stdout.buffer
        except OSError as error:
            raise Misuse(f"cannot write {options.out}: {error.strerror}; name another file with --out") from error
        for topic in JOURNALS:
            for partition in range(store.partitions):
                for fact in verifying.facts_of(store, topic, partition):
                    if topic != ENGAGEMENTS or partition == 0 or verifying.has_home(fact):
                        out.write(exported(fact) + b"\n")
                        count += 1
        out.flush()
    if options.json and options.out:
        say_json({"events": count, "out": str(options.out)})
