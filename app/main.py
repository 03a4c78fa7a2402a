"""Wiring, once: which store, which host, which agents' answers, which routes.

Read this first, then follow an import.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from time import monotonic, time_ns
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web

from app.engine.embedded import EmbeddedHost
from app.engine.feed import Published
from app.engine.queries import Queries
from app.engine.store import Store, StoreError
from app.events.reader import Reader
from app.settings import Settings
from app.web.app import create_app
from app.web.ports import Metric, Receipt, Statement
from app.web.settings import WebSettings


def now() -> int:
    """This moment in microseconds. This and `today` are the only clocks of the product."""
    return time_ns() // 1_000


def today(zone: str) -> date:
    """The business date in the firm's zone."""
    return datetime.now(ZoneInfo(zone)).date()


def reader(settings: Settings) -> Reader:
    return Reader(settings.authority or None, settings.max_event_bytes)


def open_host(settings: Settings, *, address: str = "", clock: Callable[[], int | None] = now) -> EmbeddedHost:
    """The embedded host over its store; `clock` stamps what it accepts. Raises StoreError with one sentence."""
    store = Store(settings.store, partitions=settings.partitions, address=address)
    return EmbeddedHost(store, clock, reader=reader(settings), batch_size=settings.batch_size)


def tick(on: str, zone: str) -> bytes:
    """The event that moves today: the same bytes for the same day, so it may be sent again."""
    midnight = datetime.fromisoformat(on).replace(tzinfo=ZoneInfo(zone))
    event = {
        "specversion": "1.0",
        "id": f"clock/{on}",
        "source": "/headrace/clock",
        "type": "clock.ticked.v1",
        "time": midnight.isoformat(),
        "data": {"on": on},
    }
    return orjson.dumps(event)


class _Answers(Queries):
    """The engine's answers as the web port wants them."""

    def metrics(self) -> Sequence[Metric]:
        return [
            Metric(name, "counter" if kind == "counter" else "gauge", text, samples)
            for name, kind, text, samples in self.samples()
        ]


class _Door:
    """Posted events go to the host's input topics."""

    def __init__(self, host: EmbeddedHost) -> None:
        self._host = host

    async def accept(self, lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = ()) -> Sequence[Receipt]:
        receipts = []
        for taken in self._host.take(lines, headers):
            place = (f"headrace.{taken.topic}", taken.partition, taken.offset)
            if taken.refusal is not None:
                said = taken.refusal
                receipts.append(Receipt("refused", None, None, said.code, said.message, said.pointer, *place))
            elif taken.accepted is not None:
                fact = taken.accepted.fact
                receipts.append(Receipt("accepted", fact.id, fact.source, None, None, None, *place))
        return receipts


class _Tape:
    """The host's statements as the web port wants them."""

    def __init__(self, host: EmbeddedHost) -> None:
        self._host = host

    async def subscribe(self, after: int | None, topics: frozenset[str] | None) -> AsyncIterator[Statement]:
        async for published in self._host.feed.read(after, topics):
            yield _statement(published)


def _statement(published: Published) -> Statement:
    return Statement(published.position, published.full_topic, published.key, published.type, published.value)


Feeder = Callable[[EmbeddedHost], Awaitable[None]]


async def serve(
    host: EmbeddedHost,
    settings: Settings,
    *,
    feeder: Feeder | None = None,
    ready: Callable[[str], None] = lambda address: None,
    ticks: bool = True,
) -> None:
    """Run host, page and API until SIGTERM or SIGINT; `feeder` sends events meanwhile, `ready` is told the address.

    With `ticks` a business day begins at midnight of the firm's zone; without, days are the feeder's. Raises StoreError
    where the address is taken or the store fails.
    """
    web_settings = WebSettings(tokens=settings.tokens)
    app = create_app(_Answers(host, monotonic), _Door(host), _Tape(host), web_settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise StoreError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error};"
            " stop what uses it, or choose another with --port"
        ) from error
    port = runner.addresses[0][1]
    ready(f"http://{settings.host}:{port}/")
    await _until_stopped(host, settings, feeder, ticks=ticks)
    await runner.cleanup()


async def _until_stopped(host: EmbeddedHost, settings: Settings, feeder: Feeder | None, *, ticks: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    tasks = [asyncio.create_task(host.run())]
    if ticks:
        tasks.append(asyncio.create_task(_keep_ticking(host, settings.zone)))
    if feeder is not None:
        tasks.append(asyncio.ensure_future(feeder(host)))
    waiting = asyncio.create_task(stopping.wait())
    try:
        pending = {waiting, *tasks}
        while not stopping.is_set():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {waiting}:
                task.result()  # whatever failed stops the process; a feeder that is done does not
    finally:
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)


async def _keep_ticking(host: EmbeddedHost, zone: str) -> None:
    """One tick at start and one at each midnight of the firm's zone."""
    while True:
        moment = datetime.now(ZoneInfo(zone))
        host.take([tick(moment.date().isoformat(), zone)])
        midnight = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
        await asyncio.sleep(max(1.0, (midnight - moment).total_seconds()))
