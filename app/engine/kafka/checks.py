"""Whether the topics still hold what the tables and the group know of: what was deleted, cut or made anew is noticed
before anything is made of it, and the worker ends with a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from app.engine.kafka.ending import Exit, Unfit, end
from app.engine.kafka.job import Job
from app.engine.kafka.records import parse_version
from app.engine.kafka.values import SliceTables, Values

_REBUILD = (
    "stop all workers, delete it and the consumer group, make it anew with `headrace topics --create`, start:"
    " it is rebuilt from the journals"
)


def check_slice(
    job: Job,
    partition: int,
    values: Values,
    committed: Mapping[tuple[str, int], int],
    extents: Mapping[tuple[str, int], tuple[int, int]],
) -> None:
    """A changelog that ends before what was acknowledged has lost something: refuse it, whatever it still holds.

    So is one that knows of records which their topic does not reach: the group forgets what it acknowledged when a
    topic is deleted, the tables do not. Raises Unfit for tables of another release.
    """
    others = sorted(name.decode() for name in values.tables() if job.tables and name.decode() not in job.tables)
    if others:
        raise Unfit(
            f"{job.changelog} partition {partition} holds tables of another release ({', '.join(others)}):"
            " this one keeps them in another shape; replay the journal into a new group (HEADRACE_KAFKA_GROUP)"
        )
    tops = dict(map(parse_version, values.tops.values()))
    tables = SliceTables(values)
    for seat in job.seats:
        for name in seat.topics:
            place = job.prefix + name, partition
            known = seat.reached(tables, name, partition) if seat.reached else tops.get(seat.number, -1)
            _check_source(job, place, known, committed.get(place), *extents[place])


def _check_source(job: Job, place: tuple[str, int], known: int, committed: int | None, first: int, end: int) -> None:
    """`known` is the last offset that the tables include, `first` and `end` are what the topic holds now."""
    topic, partition = place
    wanted = known + 1
    if committed is not None and committed > end:
        raise_ended(topic, partition, committed, end)
    if wanted > end:
        raise_ended(topic, partition, wanted, end)
    if committed is not None and committed < first:
        raise_unread(topic, partition, committed, first)
    if topic in job.gapless and wanted < first:
        raise_unread(topic, partition, wanted, first)
    # Of an input somebody may have given up what was deleted unread, and moved the group behind it.
    given_up = topic not in job.gapless and committed is not None and committed <= first
    if committed is not None and committed > wanted and not given_up:
        raise_lost(job.changelog, partition, topic, committed - 1, known)


def raise_ended(topic: str, partition: int, known: int, found: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{topic} partition {partition} ends at {found}, but {known} was reached before: the topic was deleted or cut;"
        " restore it, or publish an export into a new group (HEADRACE_KAFKA_GROUP)",
    )


def raise_unread(topic: str, partition: int, position: int, first: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{topic} partition {partition} begins at {first}, but was read up to {position} only: records were deleted"
        f" unread; publish {first - position} of them again from their source, then set the group's offset to {first}",
    )


def raise_shorter(changelog: str, partition: int, position: int, found: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{changelog} partition {partition} ends at {found}, but the tables on disk have followed it to {position}: it"
        f" was deleted or cut, and they may not be its any more; remove their folder, and if it has lost records,"
        f" {_REBUILD}",
    )


def raise_lost(changelog: str, partition: int, topic: str, acknowledged: int, known: int) -> NoReturn:
    held = f"what was made of {topic} up to {known}" if known >= 0 else f"nothing of what was made of {topic}"
    end(
        Exit.CONFIGURATION,
        f"{changelog} partition {partition} holds {held}, but records up to {acknowledged} were acknowledged: it was"
        f" deleted or cut; {_REBUILD}",
    )


def raise_lost_head(changelog: str, partition: int, first: int) -> NoReturn:
    end(
        Exit.CONFIGURATION,
        f"{changelog} partition {partition} begins at {first}, not at 0: records were deleted from it; {_REBUILD}",
    )
