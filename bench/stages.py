"""Where the time of a replay goes: CPU per event of each stage, in one process."""

from __future__ import annotations

import gc
from pathlib import Path
from time import process_time

from app.engine.memory import MemoryHost
from app.engine.runner import finish
from app.engine.topology import WORKED_OFF
from app.replay.lines import Span, chunks
from bench.measure import Row, log

SAMPLE = 300_000
STAGES = ("read", "intake", *WORKED_OFF)


def run(events: int, folder: Path) -> list[Row]:
    path = log(folder, min(events, SAMPLE))
    rows: list[Row] = [("batch", *STAGES, "sum µs/event", "events per CPU second")]
    for batch in (2_000, 20_000, 100_000):
        spent, count = _fold(path, batch)
        total = sum(spent.values())
        rows.append(
            (
                f"{batch:,}",
                *(f"{spent[name] / count * 1e6:.1f}" for name in STAGES),
                f"{total / count * 1e6:.1f}",
                f"{count / total:,.0f}",
            )
        )
    return rows


def _fold(path: Path, batch: int) -> tuple[dict[str, float], int]:
    """Each journal is worked off as the host does it; a stage's writes and sends count to the stage."""
    host = MemoryHost(batch_size=batch, publish=False)
    spent = dict.fromkeys(STAGES, 0.0)
    count = 0
    source = chunks(Span(path, 0, 0, path.stat().st_size), batch)
    gc.disable()
    try:
        while True:
            begun = process_time()
            records = next(source, None)
            spent["read"] += process_time() - begun
            if records is None:
                return spent, count
            count += len(records)
            begun = process_time()
            finish(host.accept(path.name, records))
            spent["intake"] += process_time() - begun
            for topic in STAGES[2:]:
                begun = process_time()
                finish(host.drain([topic]))
                spent[topic] += process_time() - begun
    finally:
        gc.enable()
