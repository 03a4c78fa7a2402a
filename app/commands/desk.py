"""`exceptions`: the desk, on a store or through a running worker of either host."""

from __future__ import annotations

import argparse
import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode

from app.commands.output import say_json, screen, table
from app.engine.desk import Desk, Rejected, shown
from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.placement import Taken
from app.engine.store import Store
from app.main import now, open_host, reader
from app.misuse import Misuse
from app.settings import Settings

Row = dict[str, Any]
SHOWN_LETTERS = 1_000
FILTERS = ("status", "kind", "owner", "claimed_by", "code", "tier", "fingerprint")


def exceptions(options: argparse.Namespace) -> None:
    """List exceptions or their groups, or act on one or on a group."""
    action = options.action
    if action in ("list", "groups"):
        _look(options)
        return
    if (options.id is None) == (options.fingerprint is None):
        raise Misuse(f"name the exception to {action} by its id, or with --fingerprint a group")
    if not options.by:
        raise Misuse(f"say with --by who is to {action}")
    said = _said(options)
    told = _act_through(options, said) if options.url else asyncio.run(_act_here(options, said))
    if options.json:
        say_json({"results": told})
    for one in () if options.json else told:
        what = f"{action} done" if one["done"] else f"not done: {one['detail']}"
        screen.print(f"{one['exception_id']}: {what}", highlight=False)


def _said(options: argparse.Namespace) -> Row:
    said: Row = {name: getattr(options, name) for name in ("text",) if getattr(options, name)}
    if options.to:
        said["owner"] = options.to
    if options.event is not None:
        try:
            said["event"] = json.loads(options.event.read_text())
        except (OSError, ValueError) as error:
            raise Misuse(f"--event {options.event}: {error}; give a file that holds one event as JSON") from error
    return said


# -- looking -----------------------------------------------------------------------------------------------------------


def _look(options: argparse.Namespace) -> None:
    wanted = {name: getattr(options, name) for name in FILTERS}
    groups = options.action == "groups"
    letters: list[Row] = []
    if options.url:
        rows = _read_all(options, "/v1/exceptions/groups" if groups else "/v1/exceptions", wanted)
    else:
        rows, letters = asyncio.run(_read_here(options, wanted, groups=groups))
    if options.json:
        say_json({"groups": rows} if groups else {"exceptions": rows, "dead_letters": letters})
    elif groups:
        _show_groups(rows)
    else:
        _show(rows)


def _show(rows: Sequence[Row]) -> None:
    table(
        f"Exceptions: {len(rows):,}, {sum(row['overdue'] for row in rows):,} overdue",
        ("exception", "owner", "age", "cash", "what to do"),
        [
            (
                row["exception_id"],
                _whose(row),
                _age(row),
                f"{row['amount']} {row['currency']}" if row["amount"] and row["currency"] else None,
                f"{row['code']}: {row['message']}",
            )
            for row in rows
        ],
        right=(2, 3),
        whole=(2, 3),
    )


def _whose(row: Row) -> str:
    """Who should act, who has claimed it, and whether it waits for ERP's answer."""
    notes = [row["claimed_by"], "sent again" if row["status"] == "resent" else None]
    said = ", ".join(filter(None, notes))
    return f"{row['owner']} ({said})" if said else str(row["owner"])


def _age(row: Row) -> str | None:
    if row["age_seconds"] is None:
        return None
    days, seconds = divmod(row["age_seconds"], 86_400)
    return f"{days} d {seconds // 3_600} h{' !' if row['overdue'] else ''}"


def _show_groups(rows: Sequence[Row]) -> None:
    table(
        "Exceptions by fingerprint",
        ("fingerprint", "count", "overdue", "owner", "the first says"),
        [
            (row["fingerprint"], row["count"], row["overdue"], row["owner"], f"{row['code']}: {row['message']}")
            for row in rows
        ],
        right=(1, 2),
        whole=(0,),
    )


async def _read_here(
    options: argparse.Namespace, wanted: dict[str, str | None], *, groups: bool
) -> tuple[list[Row], list[Row]]:
    settings = Settings.load(store=options.store)
    with EmbeddedHost(Store(settings.store, read_only=True), lambda: None) as host:
        desk, letters = _desk(host, settings), StoredLetters(host.store)
        rows, _ = await (desk.groups(wanted) if groups else desk.rows(wanted))
        return [shown(row) for row in rows], [] if groups else await letters.read("", SHOWN_LETTERS)


# -- acting ------------------------------------------------------------------------------------------------------------


def _desk(host: EmbeddedHost, settings: Settings) -> Desk:
    async def take(events: Sequence[bytes], headers: Sequence[tuple[str, bytes]]) -> Sequence[Taken]:
        taken = host.take(events, headers)
        await host.drain()
        return taken

    return Desk(Gather(host, monotonic, StoredLetters(host.store)), take, reader(settings), now)


async def _act_here(options: argparse.Namespace, said: Row) -> list[Row]:
    settings = Settings.load(store=options.store)
    with open_host(settings) as host:
        desk = _desk(host, settings)
        if options.fingerprint is not None:
            told = await desk.act_on_all(options.fingerprint, options.action, options.by, said)
            if not told:
                raise Misuse(f"no unresolved exception has the fingerprint {options.fingerprint!r}")
            return told
        try:
            done = await desk.act(options.id, options.action, options.by, said)
        except Rejected as rejected:
            raise Misuse(f"{options.id}: {rejected}") from None
        if done is None:
            raise Misuse(f"no exception {options.id!r}; `headrace exceptions` lists them")
        return [done]


def _act_through(options: argparse.Namespace, said: Row) -> list[Row]:
    what = f"groups/{quote(options.fingerprint, safe='')}" if options.fingerprint else quote(options.id, safe="")
    body = json.dumps({"by": options.by, **said}).encode()
    answer = ask(options, f"/v1/exceptions/{what}/{options.action}", body)
    return list(answer["results"]) if options.fingerprint else [answer]


def _read_all(options: argparse.Namespace, path: str, wanted: dict[str, str | None]) -> list[Row]:
    query = {name: value for name, value in wanted.items() if value is not None}
    rows: list[Row] = []
    cursor: str | None = ""
    while cursor is not None:
        page = {"cursor": cursor} if cursor else {}
        answer = ask(options, f"{path}?{urlencode({**query, **page})}")
        rows += answer["items"]
        cursor = answer.get("next")
    return rows


def ask(options: argparse.Namespace, path: str, body: bytes | None = None) -> Row:
    """The JSON answer of the worker at `--url`; Misuse says what it refused, or that it cannot be reached."""
    if not options.url.startswith(("http://", "https://")):
        raise Misuse(f"--url {options.url!r} is not an address; give one like http://127.0.0.1:8787")
    headers = {"Content-Type": "application/json"}
    if options.token:
        headers["Authorization"] = f"Bearer {options.token}"
    address = options.url.rstrip("/") + path
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=60) as response:
            answer: Row = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        said = json.loads(error.read() or b"{}")
        raise Misuse(f"{address} answered {error.code}: {said.get('detail', 'nothing more')}") from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise Misuse(f"cannot reach {address}: {error}; is a worker running there?") from error
