"""`headrace replay` of a log as a user runs it: a whole process, figures, digests and files included."""

from __future__ import annotations

from pathlib import Path

from bench.measure import Row, log, timed

END = "2026-06-26"


def run(events: int, folder: Path) -> list[Row]:
    rows: list[Row] = [("log", "events/s", "CPU µs/event", "peak MB", "seconds")]
    for size in sorted({max(events // 10, 1_000), events}):
        for name, faults in (
            ("calm", {}),
            ("late, repeated, disordered", {"late_ratio": 0.02, "duplicate_ratio": 0.02, "disorder": 200}),
        ):
            path = log(folder, size, **faults)
            cost = timed(["-m", "app.cli", "replay", str(path), "--as-of", END, "--out", str(folder / "out"), "--json"])
            rows.append(
                (
                    f"{size:,} {name}",
                    f"{size / cost.wall:,.0f}",
                    f"{cost.cpu / size * 1e6:.1f}",
                    f"{cost.memory:,}",
                    f"{cost.wall:.1f}",
                )
            )
    return rows
