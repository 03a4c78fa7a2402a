"""Replaying recorded logs through the agents, and writing what comes of it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from agents.effects import DeadLetter
from app.domain import calendar
from app.engine.statements import ENGINE_VERSION
from app.events.cloudevents import timestamp
from app.replay.digest import OF_MOMENTS, Digest
from app.replay.lines import ReplayError, check, line_numbers, spans
from app.replay.part import FIGURES, Part, forecasts, rolled_up, together
from app.replay.workers import Job, fold_alone, fold_together

SPAN = 16_000_000
"""Bytes a worker takes at a time. A smaller log is not worth a second process."""

Progress = Callable[[int], None]


def replay(paths: Sequence[Path], job: Job, *, workers: int = 1, progress: Progress = lambda read: None) -> list[Part]:
    """Fold the events of `paths`; `progress` is told bytes read. The parts add up, and do not depend on `workers`.

    Raises ReplayError for a file that cannot be read.
    """
    size = check(paths)
    try:
        if workers == 1 or size <= SPAN:
            return [fold_alone(spans(paths, max(size, 1)), job, progress)]
        return fold_together(spans(paths, SPAN), job, workers, progress)
    except OSError as error:
        raise ReplayError(f"cannot read {error.filename}: {error.strerror}") from error


def write(parts: Sequence[Part], letters: Iterable[dict[str, Any]], out: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Write the result files into `out` and return the summary. Raises ReplayError where that is impossible."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        grouped = {"utilization": (rolled_up, Digest()), "accuracy": (forecasts, Digest())}
        for name in FIGURES:
            with (out / f"{name}.jsonl").open("wb") as file:
                file.writelines(lines for _, lines in merge(*(part.rows[name] for part in parts), key=itemgetter(0)))
                if name in grouped:
                    lines_of, digest = grouped[name]
                    file.write(lines_of(parts, digest))
        _write_lines(out / "dead_letters.jsonl", letters)
        summary = _summary(parts, {name: digest for name, (_, digest) in grouped.items()}, asked)
        (out / "summary.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise ReplayError(f"cannot write to {out}: {error.strerror}; name another folder with --out") from error
    return summary


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(row) + b"\n" for row in rows)


def refused_lines(parts: Sequence[Part], paths: Sequence[Path]) -> Iterable[dict[str, Any]]:
    """Records that a replay of these files refused, by file and line."""
    letters = sorted((letter for part in parts for letter in part.dead_letters), key=lambda one: one[1:3])
    for number, group in groupby(letters, key=lambda letter: letter.partition):
        its = list(group)
        lines = line_numbers(paths[number], [letter.offset for letter in its])
        for letter in its:
            yield _letter(letter, letter.topic, lines[letter.offset], lines[letter.offset] + 1)


def refused_records(letters: Iterable[DeadLetter], prefix: str) -> Iterable[dict[str, Any]]:
    """Records that intake refused when they came in, by topic (its name with `prefix`), partition and offset."""
    for letter in letters:
        yield _letter(letter, prefix + letter.topic, letter.offset, None)


def _letter(letter: DeadLetter, topic: str, offset: int, line: int | None) -> dict[str, Any]:
    """A refused record: where it stood, why, and its bytes (as text too, where they are text)."""
    try:
        text: str | None = letter.value.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "topic": topic,
        "partition": letter.partition,
        "offset": offset,
        "line": line,
        "code": letter.code,
        "message": letter.message,
        "pointer": letter.pointer,
        "value_base64": b64encode(letter.value).decode(),
        "value": text,
    }


def _summary(parts: Sequence[Part], grouped: dict[str, Digest], asked: dict[str, Any]) -> dict[str, Any]:
    """`grouped` are the rows of roles and practices, by file."""
    digests = {name: Digest() for name in parts[0].digests}
    for part in parts:
        for name, digest in part.digests.items():
            digests[name].include(digest)
    for name, digest in grouped.items():
        digests[name].include(digest)
    watermark = max(part.watermark for part in parts)
    as_of = parts[0].as_of
    return {
        **asked,
        "as_of": calendar.text_of(as_of) if as_of is not None else None,
        "engine_version": ENGINE_VERSION,
        "watermark": timestamp(watermark) if watermark else None,
        "records": together(parts),
        "later": sum(part.later for part in parts),
        "rows": {name: digest.rows for name, digest in digests.items()},
        "digests": {name: digest.hex() for name, digest in digests.items() if name not in OF_MOMENTS},
    }
