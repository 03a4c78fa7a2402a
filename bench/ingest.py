"""The embedded host live: events into a SQLite file, tables, statements; every batch one durable transaction."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Row, log, timed

SAMPLE = 100_000


def run(events: int, folder: Path) -> list[Row]:
    size = min(events, SAMPLE)
    path = log(folder, size, ticks=True)
    rows: list[Row] = [("embedded", "events/s", "CPU µs/event", "peak MB", "store bytes/event")]
    for batch in (500, 2_000, 10_000):
        store = folder / "ingest.sqlite"
        for old in folder.glob("ingest.sqlite*"):
            old.unlink()
        cost = timed(["-m", "bench.ingest_child", str(path), str(store), str(batch)])
        stored = sum(part.stat().st_size for part in folder.glob("ingest.sqlite*"))
        rows.append(
            (
                f"batches of {batch:,}",
                f"{size / cost.wall:,.0f}",
                f"{cost.cpu / size * 1e6:.1f}",
                f"{cost.memory:,}",
                f"{stored / size:,.0f}",
            )
        )
    return rows
