"""Showing results: tables for people, JSON for programs, progress on standard error only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from app.replay.verify import Verdict

screen = Console()
aside = Console(stderr=True)


def say_json(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
) -> None:
    """A table on the terminal; the columns at the positions `right` are figures, those at `whole` are never folded."""
    shown = Table(title=title, title_justify="left", header_style="bold")
    for place, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if place in right else "left"
        shown.add_column(name, justify=justify, overflow="fold", no_wrap=place in whole)
    for row in rows:
        shown.add_row(*("–" if value is None else str(value) for value in row))
    screen.print(shown)


def records(title: str, counts: Mapping[str, int]) -> None:
    """Dispositions, as the bars they are of all records read."""
    total = max(counts["read"], 1)
    rows = [
        (name.replace("_", " "), f"{count:,}", "█" * round(40 * count / total))
        for name, count in counts.items()
        if name != "read"
    ]
    table(title, ("records", "", ""), [("read", f"{counts['read']:,}", ""), *rows], right=(1,))


def say_verdict(verdict: Verdict) -> None:
    rows = [(name, f"{count:,}", verdict.digests.get(name, "")[:16]) for name, count in verdict.rows.items()]
    table("Live tables and a replay of their journal", ("table", "keys", "digest"), rows, right=(1,))
    if verdict.agrees:
        screen.print(f"[green]verified[/green]: {verdict.records:,} journal records give the same state, key by key")
        return
    screen.print(f"[red]{len(verdict.differences)} differences[/red], the first of them:")
    for name, key, what in verdict.differences[:20]:
        screen.print(f"  {name} {key}: {what}")


@contextmanager
def progress(options: argparse.Namespace, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error; nothing of it where the output is read by a program."""
    if options.json or not aside.is_terminal:
        yield lambda done: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=aside, transient=True)
    task = bar.add_task(text, total=total)

    def advance(done: int) -> None:
        bar.start()  # draws in a thread, which nobody wants before processes are forked
        bar.advance(task, done)

    try:
        yield advance
    finally:
        bar.stop()
