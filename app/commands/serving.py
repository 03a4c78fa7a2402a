"""`demo` and `worker`: running the embedded host."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from pathlib import Path
from time import monotonic

from app import garbage
from app.commands.feeding import chunks
from app.commands.output import aside, progress, records, say_json, say_verdict, screen
from app.commands.simulating import scenario
from app.engine.embedded import EmbeddedHost
from app.engine.queries import Queries
from app.engine.roster import shown_use
from app.engine.store import Store
from app.main import open_host, serve, today
from app.replay.verify import verify
from app.settings import Settings
from app.simulation.firm import simulate
from app.simulation.pace import paced
from app.simulation.scenario import DEFAULT_EVENTS, Scenario

DEMO_STORE = Path(".headrace/demo.sqlite")
PRELOADED = 0.7
"""Share of the demo's history that is folded before the page opens, so that it has something to show."""


def worker(options: argparse.Namespace) -> None:
    """Run agents, page and API, on Kafka if the options or the environment name brokers."""
    if options.kafka or Settings.load().kafka_bootstrap:
        # Faust takes a second to import: only who needs it waits.
        from app.commands import fleet

        fleet.worker(options)
        return
    settings = Settings.load(
        store=options.store, host=options.host, port=options.port, partitions=options.partitions, zone=options.zone
    )
    _serve(settings, options)


def _serve(settings: Settings, options: argparse.Namespace) -> None:
    with open_host(settings, address=_address(settings)) as host:
        garbage.seldom()
        asyncio.run(serve(host, settings, ready=lambda address: _announce(options, address)))


def _address(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.port}/" if settings.port else ""


def _announce(options: argparse.Namespace, address: str) -> None:
    if options.json:
        say_json({"address": address})
    else:
        screen.print(f"headrace is at [bold]{address}[/bold]  (Ctrl-C stops it)")


def demo(options: argparse.Namespace) -> bool | None:
    """Fold most of a simulated firm's history, then serve the page while the rest arrives."""
    settings = Settings.load(store=options.store or DEMO_STORE, host=options.host, port=options.port)
    if options.end is None:
        options.end = today(settings.zone)
    firm = scenario(options, ticks=True)
    if not options.keep:
        _forget(settings.store)
    # The simulated firm lives in its own time: its events are accepted when they say they were recorded.
    with open_host(settings, address=_address(settings), clock=lambda: None) as host:
        garbage.seldom()
        return asyncio.run(_demo(host, settings, options, firm))


def _forget(path: Path) -> None:
    """Remove the store of an earlier demo, unless a process still has it."""
    with suppress(FileNotFoundError), Store(path):
        pass
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)


async def _demo(host: EmbeddedHost, settings: Settings, options: argparse.Namespace, firm: Scenario) -> bool | None:
    lines = simulate(firm)
    total = firm.events or DEFAULT_EVENTS
    share = 1.0 if options.no_serve else PRELOADED
    with progress(
        options, f"Folding {round(total * share):,} events of a simulated firm", round(total * share)
    ) as advance:
        begun = monotonic()
        for chunk in chunks(islice(lines, round(total * share)), 2_000):
            host.append(chunk)
            await host.work()
            advance(len(chunk))
        await host.drain()
        elapsed = monotonic() - begun
    if options.no_serve:
        return await _conclude(host, options, elapsed)

    async def feed(host: EmbeddedHost) -> None:
        async for chunk in paced(lines, options.speed, monotonic, asyncio.sleep):
            host.append(chunk)
        if not options.json:
            aside.print("The simulated firm has reached its last day; the page stays.")

    await serve(host, settings, feeder=feed, ready=lambda address: _announce(options, address), ticks=False)
    return None


async def _conclude(host: EmbeddedHost, options: argparse.Namespace, elapsed: float) -> bool:
    """Totals of a bounded run, and whether a replay of the journal reaches the same state."""
    queries = Queries(host, monotonic)
    counts = queries.counts()
    with progress(options, "Replaying the journal to verify", None) as advance:
        verdict = await verify(host.store, advance)
    overview = queries.overview()
    overview["utilization"] = shown_use([overview["utilization"]], queries.frame(queries.held()).today())
    if options.json:
        say_json({"records": counts, "seconds": round(elapsed, 3), "overview": overview, "verify": verdict.answer()})
    else:
        records(f"{counts['read']:,} records in {elapsed:.1f} s ({counts['read'] / elapsed:,.0f} a second)", counts)
        for name in ("ready", "blocked"):
            amounts = ", ".join(f"{one['currency']} {Decimal(one['amount']):,}" for one in overview[name])
            screen.print(f"{name} to invoice: {amounts or 'nothing'}")
        say_verdict(verdict)
    return verdict.agrees
