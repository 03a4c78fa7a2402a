"""Replaying recorded logs through the agents, and writing what comes of it."""

from __future__ import annotations

import gc
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from agents.effects import DeadLetter
from app.domain import calendar
from app.engine.figures import Figures
from app.engine.memory import MemoryHost
from app.engine.statements import ENGINE_VERSION, attributed
from app.events.cloudevents import timestamp
from app.events.reader import Reader
from app.replay.digest import FACT_TABLES, Digest, canonical, fact_pairs
from app.replay.lines import ReplayError, chunks
from tables.controls import CONTROLS

CHUNK = 20_000
"""Records a replay gives an agent at once: larger than live, so that a page or a head is rewritten less often."""

Progress = Callable[[int], None]


@dataclass(slots=True)
class Replay:
    """A replayed log: its tables, and what happened to its records."""

    host: MemoryHost
    dead_letters: list[DeadLetter] = field(default_factory=list)

    def records(self) -> dict[str, int]:
        """Counts by disposition; they add up to `read`. A parked record is one that waits for its contract."""
        counts = dict.fromkeys(("applied", "duplicate", "stale", "dead_lettered"), 0)
        for store in self.host.stores:
            for _, control in store.scan(CONTROLS):
                for name, count in control.counts.items():
                    counts[name] += count
        parked = Figures(self.host.stores).parked()
        return {"read": self.host.read, **counts, "applied": counts["applied"] - parked, "parked": parked}

    def today(self) -> int | None:
        """The greatest tick in the log, where no as-of stands for it."""
        ticks = [control.today for store in self.host.stores for _, control in store.scan(CONTROLS, "engagement/")]
        return max(ticks, default=0) or None


async def replay(
    paths: Sequence[Path],
    *,
    reader: Reader | None = None,
    known_at: int | None = None,
    partitions: int = 1,
    progress: Progress = lambda read: None,
) -> Replay:
    """Fold the events of `paths` in the order given; `progress` is told bytes read.

    `known_at` (microseconds) leaves out what was accepted later. Raises ReplayError for a file that cannot be read.
    """
    letters: list[DeadLetter] = []
    host = MemoryHost(
        partitions, reader=reader, batch_size=CHUNK, publish=False, until=known_at, on_dead_letter=letters.append
    )
    # Stored values hold no cycles, and there are millions of them: collecting would only walk them again and again.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number, path in enumerate(paths):
            for records in chunks(path, CHUNK, progress):
                await host.take(path.name, records, number)
    except OSError as error:
        raise ReplayError(f"cannot read {error.filename}: {error.strerror}") from error
    finally:
        if collecting:
            gc.enable()
    return Replay(host, letters)


def write(done: Replay, out: Path, as_of: int | None, asked: dict[str, Any]) -> dict[str, Any]:
    """Write the result files into `out` and return the summary. Raises ReplayError where that is impossible."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        digests = _write_figures(done, out, as_of)
        _write_lines(out / "utilization.jsonl", ())
        _write_lines(out / "documents.jsonl", ())
        _write_lines(out / "dead_letters.jsonl", map(_letter, done.dead_letters))
        summary = _summary(done, as_of, asked, digests)
        (out / "summary.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise ReplayError(f"cannot write to {out}: {error.strerror}; name another folder with --out") from error
    return summary


def _write_figures(done: Replay, out: Path, as_of: int | None) -> dict[str, Digest]:
    figures = Figures(done.host.stores)
    digests = {"burn": Digest(), "readiness": Digest()}
    with (out / "burn.jsonl").open("wb") as burn, (out / "readiness.jsonl").open("wb") as readiness:
        for contract_id in figures.ids():
            found = figures.of(contract_id)
            assert found is not None  # it was listed
            contracts, head = found
            position = contracts.position(contract_id, head, as_of)
            for row in contracts.burn(position):
                burn.write(orjson.dumps(attributed(row, head.latest)) + b"\n")
                digests["burn"].add(f"{contract_id}/{row['line_id'] or ''}", canonical(row))
            row = contracts.readiness(position, head)
            readiness.write(orjson.dumps(attributed(row, head.latest)) + b"\n")
            digests["readiness"].add(contract_id, canonical(row))
    return digests


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")


def _letter(letter: DeadLetter) -> dict[str, Any]:
    """A refused record: where it stood, why, and its bytes (as text too, where they are text)."""
    row: dict[str, Any] = {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "line": letter.offset + 1,
        "code": letter.code,
        "message": letter.message,
        "pointer": letter.pointer,
        "value_base64": b64encode(letter.value).decode(),
    }
    try:
        row["value"] = letter.value.decode()
    except UnicodeDecodeError:
        row["value"] = None
    return row


def _summary(done: Replay, as_of: int | None, asked: dict[str, Any], digests: dict[str, Digest]) -> dict[str, Any]:
    for table in FACT_TABLES:
        digests[table] = Digest()
        for key, value in fact_pairs(done.host.stores, table):
            digests[table].add(key, value)
    watermark = max((c.watermark for s in done.host.stores for _, c in s.scan(CONTROLS)), default=0)
    return {
        **asked,
        "as_of": calendar.text_of(as_of) if as_of is not None else None,
        "engine_version": ENGINE_VERSION,
        "watermark": timestamp(watermark) if watermark else None,
        "records": done.records(),
        "later": done.host.later,
        "rows": {name: digest.rows for name, digest in digests.items()},
        "digests": {name: digest.hex() for name, digest in digests.items()},
    }
