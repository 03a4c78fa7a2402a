"""`replay`, `verify`, `export`: recorded logs and the state they lead to."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from app.commands.output import progress, records, say_json, say_verdict, screen
from app.domain.utilization import Window
from app.engine.store import Store
from app.events.cloudevents import timestamp
from app.garbage import left_behind, uncollected
from app.misuse import Misuse
from app.replay.exports import Export, JsonLines, Parquet
from app.replay.journals import READ_IN_ORDER, Journals, StoredJournals, accepted, total
from app.replay.lines import check
from app.replay.run import refused_lines, write
from app.replay.run import replay as fold
from app.replay.verify import verify as verified
from app.replay.workers import Job
from app.settings import Settings


def replay(options: argparse.Namespace) -> None:
    """Fold files into result files."""
    if not options.files:
        raise Misuse("name the files to replay, or a deployment with --from-kafka")
    paths = [*options.files, *([options.what_if] if options.what_if else [])]
    size = check(paths)
    job = job_of(options)
    begun = monotonic()
    workers = 1 if job.partitions > 1 else options.workers or os.cpu_count() or 1
    with uncollected():
        with progress(options, f"Replaying {len(paths)} file{'s' if len(paths) > 1 else ''}", size) as advance:
            parts = fold(paths, job, workers=workers, progress=advance)
        left_behind()
    summary = write(parts, refused_lines(parts, paths), options.out, asked(options, [p.name for p in options.files]))
    say_replay(options, summary, monotonic() - begun)


def job_of(options: argparse.Namespace) -> Job:
    """What the options ask of a replay. Raises Misuse."""
    for name, value in (("partitions", options.partitions), ("workers", options.workers)):
        if value is not None and value < 1:
            raise Misuse(f"--{name} is {value}; give 1 or more")
    settings = Settings.load()
    return Job(
        as_of=options.as_of.toordinal() if options.as_of else None,
        known_at=options.known_at,
        partitions=options.partitions or 1,
        authority=settings.authority or None,
        max_event_bytes=settings.max_event_bytes,
        window=Window(settings.weeks_behind, settings.weeks_ahead),
        supposed=len(options.files) if options.what_if else None,
    )


def asked(options: argparse.Namespace, files: list[str]) -> dict[str, Any]:
    """What a summary says that it is of."""
    return {
        "files": files,
        "known_at": timestamp(options.known_at) if options.known_at is not None else None,
        "what_if": options.what_if.name if options.what_if else None,
    }


def say_replay(options: argparse.Namespace, summary: dict[str, Any], elapsed: float) -> None:
    if options.json:
        say_json({**summary, "seconds": round(elapsed, 3)})
        return
    counts = summary["records"]
    records(f"{counts['read']:,} records in {elapsed:.1f} s ({counts['read'] / elapsed:,.0f} a second)", counts)
    screen.print(f"figures as of {summary['as_of'] or 'no day (no tick, no --as-of)'} are in {options.out}")


def verify(options: argparse.Namespace) -> bool:
    settings = Settings.load(store=options.store)
    with Store(settings.store, read_only=True) as store:
        records_of = total(StoredJournals(store))
        with progress(options, f"Replaying the journal of {settings.store}", records_of) as advance:
            verdict = asyncio.run(verified(store, advance))
    if options.json:
        say_json(verdict.answer())
    else:
        say_verdict(verdict)
    return verdict.agrees


def export(options: argparse.Namespace) -> None:
    """Every event that the journals of a store hold, once."""
    settings = Settings.load(store=options.store)
    with Store(settings.store, read_only=True) as store:
        asyncio.run(write_export(options, StoredJournals(store)))


async def write_export(options: argparse.Namespace, journals: Journals) -> None:
    """Write every event as the options ask, and say how many there were. Raises Misuse."""
    count = 0
    with _export(options) as out, progress(options, "Exporting the journals", total(journals)) as advance:
        for topic in READ_IN_ORDER:
            async for facts in accepted(journals, topic, advance):
                out.write(facts)
                count += len(facts)
        out.close()
    if options.json and options.out:
        say_json({"events": count, "out": str(options.out)})


@contextmanager
def _export(options: argparse.Namespace) -> Iterator[Export]:
    if options.format == "parquet":
        if options.out is None:
            raise Misuse("Parquet is no text for the terminal; name a file with --out")
        yield Parquet(options.out)
    elif options.out is None:
        yield JsonLines(sys.stdout.buffer)
    else:
        try:
            file = options.out.open("wb")
        except OSError as error:
            raise Misuse(f"cannot write {options.out}: {error.strerror}; name another file with --out") from error
        with file:
            yield JsonLines(file)
