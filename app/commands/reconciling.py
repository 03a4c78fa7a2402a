"""`reconcile`: the engine against extracts of a PSA and an ERP."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import orjson

from app.commands.output import say_json, screen, table
from app.domain.reconciliation import Entry, Line, Version
from app.engine.extracts import events_of, of_erp, of_psa, read
from app.engine.letters import StoredLetters
from app.engine.runner import finish
from app.engine.store import Store
from app.main import now
from app.misuse import Misuse
from app.replay.reconcile import compare, engine_side
from app.settings import Settings
from tables import Store as Tables
from tables.controls import CONTROLS

LETTERS = 100_000
Psa = tuple[Sequence[Entry], Sequence[Version]]
Erp = tuple[Sequence[Line], Sequence[Version]]
SHOWN = 50


def reconcile(options: argparse.Namespace) -> bool:
    """Compare, and say whether everything agrees; or write what the extracts say as events."""
    psa, erp = extracts(options)
    if options.events is not None:
        return keep(options, psa, erp)
    with Store(Settings.load(store=options.store).store, read_only=True) as store:
        stores = [store.tables(p) for p in range(store.partitions)]
        letters = finish(StoredLetters(store).read("", LETTERS))
        return compared(options, stores, letters, psa, erp)


def extracts(options: argparse.Namespace) -> tuple[Psa | None, Erp | None]:
    """What to compare with. Raises Misuse."""
    if options.psa is None and options.erp is None:
        raise Misuse("name what to compare with: --psa FILE, --erp FILE, or both")
    return (
        of_psa(read(options.psa)) if options.psa else None,
        of_erp(read(options.erp)) if options.erp else None,
    )


def keep(options: argparse.Namespace, psa: Psa | None, erp: Erp | None) -> bool:
    """Write the events that keep the extracts: published, they are compared with from then on. Always True."""
    moment = now()
    events: list[dict[str, Any]] = []
    if psa is not None:
        events += events_of("psa", psa[0], (), psa[1], moment, options.psa.name)
    if erp is not None:
        events += events_of("erp", (), erp[0], erp[1], moment, options.erp.name)
    try:
        options.events.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    except OSError as error:
        raise Misuse(f"cannot write {options.events}: {error.strerror}; name another file with --events") from error
    screen.print(f"{len(events):,} events in {options.events}; publish them, and GET /v1/reconciliation compares")
    return True


def compared(
    options: argparse.Namespace,
    stores: Sequence[Tables],
    letters: Sequence[dict[str, Any]],
    psa: Psa | None,
    erp: Erp | None,
) -> bool:
    """Compare, show, and say whether everything agrees."""
    latest = max((c.today for s in stores for _, c in s.scan(CONTROLS, "engagement/")), default=0) or None
    today = options.as_of.toordinal() if options.as_of else latest
    refused = [letter["value"] for letter in letters if letter["value"]]
    figured = {one.contract_id for side in (psa, erp) for one in (side[1] if side else ()) if one[3:] != (None, None)}
    answer = compare(engine_side(stores, refused, today, figured), psa, erp, today)
    if options.json:
        say_json(answer)
    else:
        _show(answer)
    return bool(answer["agrees"])


def _show(answer: dict[str, Any]) -> None:
    if answer["causes"]:
        table(
            "Drift by cause",
            ("cause", "count", "what it means"),
            [(one["cause"], one["count"], one["meaning"]) for one in answer["causes"]],
            right=(1,),
        )
        rows = [
            (
                d["system"],
                d["contract_id"],
                d["id"],
                d["field"],
                d["engine"],
                d["other"],
                d["cause"],
                ", ".join((*d["behind"], *([d["row"]] if d["row"] else []))),
            )
            for d in answer["drift"][:SHOWN]
        ]
        columns = ("system", "contract", "what", "field", "engine", "theirs", "cause", "behind it")
        table("Differences", columns, rows, right=(4, 5))
        if len(answer["drift"]) > SHOWN:
            screen.print(f"and {len(answer['drift']) - SHOWN:,} more; --json has them all")
    if answer["unacknowledged"]:
        table(
            f"Approved and not invoiced, by days since approval, as of {answer['as_of']}",
            ("currency", "days", "entries", "amount", "oldest", "its days"),
            [tuple(one.values()) for one in answer["unacknowledged"]],
            right=(2, 3),
        )
    compared = answer["compared"]
    said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in compared.items() if count is not None)
    verdict = "[green]agrees[/green]" if answer["agrees"] else f"[red]{len(answer['drift']):,} differences[/red]"
    screen.print(f"{verdict}: {said}")
