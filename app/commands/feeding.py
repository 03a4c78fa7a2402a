"""`publish`: events in."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from app.commands.output import progress, records, say_json, screen
from app.engine.embedded import EmbeddedHost
from app.engine.queries import Queries
from app.main import open_host
from app.misuse import Misuse
from app.replay.lines import check
from app.settings import Settings

CHUNK = 2_000


def publish(options: argparse.Namespace) -> None:
    """Append events to a store and work them off, or post them to a running worker.

    A record that is refused is an outcome like any other: it is kept as a dead letter, and counted.
    """
    check([Path(name) for name in options.files if name != "-"])
    lines = lines_of(options.files)
    if options.url:
        _post(options, lines)
        return
    settings = Settings.load(store=options.store)
    with open_host(settings) as host:
        before = Queries(host, monotonic).counts()
        asyncio.run(_take(host, lines))
        after = Queries(host, monotonic).counts()
    gained = {name: after[name] - before[name] for name in after}
    if options.json:
        say_json({"records": gained})
    else:
        records(f"published to {settings.store}", gained)


async def _take(host: EmbeddedHost, lines: Iterator[bytes]) -> None:
    for chunk in chunks(lines, CHUNK):
        host.append(chunk)
        await host.work()
    await host.drain()


def lines_of(names: Iterable[str]) -> Iterator[bytes]:
    with ExitStack() as stack:
        for name in names:
            file: BinaryIO = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))
            yield from (line for raw in file if (line := raw.rstrip(b"\r\n")))


def _post(options: argparse.Namespace, lines: Iterator[bytes]) -> None:
    if not options.url.startswith(("http://", "https://")):
        raise Misuse(f"--url {options.url!r} is not an address; give one like http://127.0.0.1:8787")
    accepted = refused = 0
    headers = {"Content-Type": "application/x-ndjson"}
    if options.token:
        headers["Authorization"] = f"Bearer {options.token}"
    address = options.url.rstrip("/") + "/v1/events"
    with progress(options, f"Publishing to {address}", None) as advance:
        for chunk in chunks(lines, CHUNK):
            answer = _send(address, b"\n".join(chunk), headers)
            accepted += answer["accepted"]
            refused += answer["refused"]
            advance(len(chunk))
    if options.json:
        say_json({"accepted": accepted, "refused": refused})
    else:
        screen.print(f"{accepted:,} accepted, {refused:,} refused (kept as dead letters)")


def _send(address: str, body: bytes, headers: dict[str, str]) -> dict[str, int]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=60) as answer:
            said: dict[str, int] = json.load(answer)
            return said
    except urllib.error.HTTPError as error:
        raise Misuse(f"{address} answered {error.code}: {error.read().decode(errors='replace')[:300]}") from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise Misuse(f"cannot reach {address}: {error}; is a worker running there?") from error


def chunks(lines: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    """Lists of `size` lines; the last may be shorter."""
    while chunk := list(islice(lines, size)):
        yield chunk
