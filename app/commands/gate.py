"""`gate`: what waits for ERP, of a store or through a running worker of either host."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any

from app.commands.desk import ask
from app.commands.output import say_json, table
from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.store import Store
from app.settings import Settings

Row = dict[str, Any]


def gate(options: argparse.Namespace) -> None:
    """Show for each target and legal entity what waits, for what, since when, and when the next of it leaves."""
    if options.url:
        rows = ask(options, "/v1/gate")["items"]
    else:
        rows = asyncio.run(_read_here(options))
    if options.json:
        say_json({"items": rows})
        return
    _show(rows)


async def _read_here(options: argparse.Namespace) -> list[Row]:
    with EmbeddedHost(Store(Settings.load(store=options.store).store, read_only=True), lambda: None) as host:
        rows, _ = await Gather(host, monotonic, StoredLetters(host.store)).gate()
        return rows


def _show(rows: Sequence[Row]) -> None:
    table(
        f"What waits for ERP: {sum(row['waiting'] for row in rows):,}",
        ("to", "state", "waiting", "for", "since", "next leaves", "late", "refused"),
        [
            (
                _place(row),
                "open" if row["open"] else f"closed until {_minute(row['opens_at']) or 'it is opened'}",
                f"{row['waiting']:,}",
                "\n".join(f"{why.replace('_', ' ')} {count:,}" for why, count in sorted(row["why"].items())) or None,
                _minute(row["oldest"]),
                _minute(row["next_release_at"]) or ("not known" if row["waiting"] else None),
                row["late"],
                row["rejected"],
            )
            for row in rows
        ],
        right=(2, 6, 7),
        whole=(2, 3),
    )


def _place(row: Row) -> str:
    return ", ".join(filter(None, (row["target"] or "ERP", row["legal_entity_id"])))


def _minute(moment: str | None) -> str | None:
    """`2026-03-31T20:00:00Z` as one reads it."""
    return f"{moment[:10]} {moment[11:16]}" if moment else None
