"""What commands do to a deployment on Kafka: publish to it, replay, verify and export it, look at its topics."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from agents.effects import DEAD_LETTERS, DERIVED, INPUTS
from app.commands.feeding import CHUNK, chunks, lines_of
from app.commands.output import aside, progress, say_json, say_verdict, screen, table
from app.commands.reconciling import LETTERS, Erp, Psa, compared, extracts, keep
from app.commands.replaying import asked, job_of, say_replay, write_export
from app.engine.kafka.journals import KafkaJournals, dead_letters
from app.engine.kafka.letters import KafkaLetters
from app.engine.kafka.log import Log, Stretch, speaking
from app.engine.kafka.publisher import NOWHERE, Publisher
from app.engine.kafka.records import letter_of, structured_statement
from app.engine.kafka.security import client_arguments
from app.engine.kafka.topics import admin, create, product
from app.engine.placement import Taken
from app.events.reader import Reader
from app.misuse import Misuse
from app.replay.deployment import tables_now
from app.replay.deployment import verify as verified
from app.replay.journals import READ_IN_ORDER, total
from app.replay.lines import check, spans
from app.replay.run import refused_lines, refused_records, write
from app.replay.workers import fold_journals
from app.settings import Settings

IN_FLIGHT = 4
"""Chunks of events under way at once."""


def _settings(options: argparse.Namespace, **given: Any) -> Settings:
    return Settings.load(kafka_bootstrap=options.kafka, kafka_group=options.group, **given)


# -- in -----------------------------------------------------------------------------------------------------------


def publish(options: argparse.Namespace) -> bool:
    """Write events to the input topics and wait until the brokers have them.

    An event that cannot be read is published all the same: intake keeps it as a dead letter. False if the brokers
    would not keep every one.
    """
    if options.token:
        raise Misuse("--token goes with --url; brokers are told who we are with HEADRACE_KAFKA_SASL_*")
    check([Path(name) for name in options.files if name != "-"])
    return asyncio.run(_publish(options, _settings(options)))


async def _publish(options: argparse.Namespace, settings: Settings) -> bool:
    counts = {"published": 0, "unreadable": 0, "too_large": 0}
    begun = monotonic()
    reader = Reader(settings.authority or None, settings.max_event_bytes)
    with progress(options, f"Publishing to {settings.kafka_bootstrap}", None) as advance:
        async with Publisher(settings, reader) as publisher:
            under_way: set[asyncio.Task[list[Taken]]] = set()
            for chunk in chunks(lines_of(options.files), CHUNK):
                if len(under_way) >= IN_FLIGHT:
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    _count(done, counts)
                under_way.add(asyncio.create_task(publisher.take(chunk)))
                advance(len(chunk))
            if under_way:
                _count((await asyncio.wait(under_way))[0], counts)
    if options.json:
        say_json({**counts, "seconds": round(monotonic() - begun, 3)})
    else:
        unread = f", {counts['unreadable']:,} of them unreadable (kept as dead letters)" if counts["unreadable"] else ""
        screen.print(f"{counts['published']:,} events published to {settings.kafka_prefix}*{unread}")
    return not counts["too_large"]


def _count(done: Iterable[asyncio.Task[list[Taken]]], counts: dict[str, int]) -> None:
    for task in done:
        for taken in task.result():
            if taken.offset == NOWHERE and taken.refusal is not None:
                counts["too_large"] += 1
                print(f"headrace: not published: {taken.refusal.message}", file=sys.stderr)
            else:
                counts["published"] += 1
                counts["unreadable"] += taken.refusal is not None


# -- out ----------------------------------------------------------------------------------------------------------


def reconcile(options: argparse.Namespace) -> bool:
    """Compare the deployment, as it is, with extracts of other systems."""
    psa, erp = extracts(options)
    if options.events is not None:
        return keep(options, psa, erp)
    return asyncio.run(_reconcile(options, _settings(options), psa, erp))


async def _reconcile(options: argparse.Namespace, settings: Settings, psa: Psa | None, erp: Erp | None) -> bool:
    async with Log(settings) as log:
        stores = await tables_now(log, settings)
    letters = await KafkaLetters(settings).read("", LETTERS)
    return compared(options, stores, letters, psa, erp)


def replay(options: argparse.Namespace) -> None:
    """Fold the journals of a deployment into result files, with the dead letters that intake made."""
    if options.files:
        raise Misuse("replay either files or a deployment: leave out the files, or --from-kafka")
    for name in ("partitions", "workers"):
        if getattr(options, name) is not None:
            raise Misuse(f"--{name} is for files; journals are folded in one process")
    asyncio.run(_replay(options, _settings(options)))


async def _replay(options: argparse.Namespace, settings: Settings) -> None:
    paths = [options.what_if] if options.what_if else []
    size = check(paths)
    job = job_of(options)
    begun = monotonic()
    async with Log(settings) as log:
        journals = await KafkaJournals.at(log, settings)
        refused = await dead_letters(log, settings)
        with progress(options, f"Replaying the journals of {settings.kafka_group}", total(journals)) as advance:
            part = await fold_journals(journals, refused, spans(paths, max(size, 1)), job, advance)
    letters = [*refused_records(refused, settings.kafka_prefix), *refused_lines([part], paths)]
    topics = [settings.kafka_prefix + topic for topic in READ_IN_ORDER]
    summary = write([part], letters, options.out, asked(options, topics))
    say_replay(options, summary, monotonic() - begun)


def verify(options: argparse.Namespace) -> bool:
    """Compare the tables in the changelog with a replay of the journals."""
    settings = _settings(options)

    async def run() -> bool:
        async with Log(settings) as log:
            with progress(options, f"Replaying the journals of {settings.kafka_group}", None) as advance:
                verdict = await verified(log, settings, advance, options.wait)
        if options.json:
            say_json(verdict.answer())
        else:
            say_verdict(verdict)
        return verdict.agrees

    return asyncio.run(run())


def export(options: argparse.Namespace) -> None:
    """Every event that the journals of a deployment hold, once."""
    settings = _settings(options)

    async def run() -> None:
        async with Log(settings) as log:
            await write_export(options, await KafkaJournals.at(log, settings))

    asyncio.run(run())


# -- topics -------------------------------------------------------------------------------------------------------


def topics(options: argparse.Namespace) -> None:
    """Make, list or read the topics of a deployment."""
    settings = _settings(options, kafka_partitions=options.partitions)
    if options.action == "tail":
        if options.topic is None:
            raise Misuse("name the topic to read, like `headrace topics tail burn`")
        asyncio.run(_tail(options, settings))
        return
    made = asyncio.run(_create(settings)) if options.create else []
    rows = asyncio.run(_list(settings))
    if options.json:
        say_json({"made": made, "topics": rows} if options.create else rows)
        return
    for name in made:
        aside.print(f"made {name}")
    columns = ("topic", "partition", "records", "lag")
    table(f"Topics of {settings.kafka_group}", columns, [list(row.values()) for row in rows], right=(1, 2, 3))


async def _create(settings: Settings) -> list[str]:
    with speaking(settings):
        client = await admin(client_arguments(settings))
        try:
            wanted = product(settings.kafka_group)
            return await create(client, wanted, settings.kafka_partitions, settings.kafka_replication)
        finally:
            await client.close()


async def _list(settings: Settings) -> list[dict[str, Any]]:
    """`records` counts offsets: of a compacted topic fewer are left. `lag` is what the group has not acknowledged."""
    async with Log(settings) as log:
        stretches = await log.stretches(await log.places())
        committed = await log.committed()
    return [
        {
            "topic": place.topic,
            "partition": place.partition,
            "records": stretch.end - stretch.first,
            "lag": stretch.end - committed[place] if place in committed else None,
        }
        for place, stretch in sorted(stretches.items())
    ]


async def _tail(options: argparse.Namespace, settings: Settings) -> None:
    """The last records of a topic as JSON Lines, the oldest of them first: by the moment the brokers took them in."""
    known = (*DERIVED, *(name + DEAD_LETTERS for name in INPUTS), *INPUTS)
    topic = options.topic.removeprefix(settings.kafka_prefix)
    if topic not in known:
        raise Misuse(f"topic is {options.topic!r}; read one of {', '.join(known)}")
    async with Log(settings) as log:
        held = await log.stretches(await log.places([settings.kafka_prefix + topic]))
        if options.n and not options.latest:
            held = {place: Stretch(max(one.first, one.end - options.n), one.end) for place, one in held.items()}
        found = [record async for _, records in log.read(held) for record in records]
    found.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
    if options.latest:
        found = sorted({record.key: record for record in found}.values(), key=lambda record: record.key)
    for line in _lines(topic, settings.kafka_prefix, found[-options.n :] if options.n else found):
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _lines(topic: str, prefix: str, found: Sequence[Any]) -> Iterator[bytes]:
    for record in found:
        if topic in DERIVED:
            yield structured_statement(record.value, record.headers)
        elif topic.endswith(DEAD_LETTERS):
            (row,) = refused_records([letter_of(record.value, record.headers)], prefix)
            yield orjson.dumps(row)
        else:
            yield record.value
