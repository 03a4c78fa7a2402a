"""Wiring, once: which store, which host, which agents' answers, which routes.

Read this first, then follow an import.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from time import monotonic, time_ns
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web

from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.host import PREFIX
from app.engine.letters import StoredLetters
from app.engine.placement import Taken
from app.engine.store import Store, StoreError
from app.events.reader import Reader
from app.settings import Settings
from app.supervisor import LIFELINE
from app.web.app import create_app
from app.web.ports import Metric, Receipt
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


class _Answers(Gather):
    """The engine's answers as the web port wants them."""

    def metrics(self) -> Sequence[Metric]:
        return [
            Metric(name, "counter" if kind == "counter" else "gauge", text, samples)
            for name, kind, text, samples in self.samples()
        ]


Take = Callable[[Sequence[bytes], Sequence[tuple[str, bytes]]], Awaitable[Sequence[Taken]]]


class _Door:
    """Posted events go to the host's input topics: `take` returns once they are kept."""

    def __init__(self, take: Take) -> None:
        self._take = take

    async def accept(self, lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = ()) -> Sequence[Receipt]:
        receipts = []
        for taken in await self._take(lines, headers):
            offset = taken.offset if taken.offset >= 0 else None  # what no topic takes is kept nowhere
            place = (PREFIX + taken.topic, taken.partition, offset)
            if taken.refusal is not None:
                said = taken.refusal
                receipts.append(Receipt("refused", None, None, said.code, said.message, said.pointer, *place))
            elif taken.accepted is not None:
                fact = taken.accepted.fact
                receipts.append(Receipt("accepted", fact.id, fact.source, None, None, None, *place))
        return receipts


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

    async def take(lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]]) -> Sequence[Taken]:
        return host.take(lines, headers)

    answers = _Answers(host, monotonic, StoredLetters(host.store))
    app = create_app(answers, _Door(take), host.feed, WebSettings(tokens=settings.tokens))
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
    stopping = _stop_signals()
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


async def serve_kafka(settings: Settings, *, ready: Callable[[str], None], ticks: bool = True) -> None:
    """Run one worker of the group until SIGTERM or SIGINT, or until its supervisor is gone.

    It ends itself, with one of the codes of `app.engine.kafka.ending`, when it cannot go on.
    """
    # Faust takes a second to import: only who needs it waits.
    from app.engine.kafka.ending import Exit, Unfit, end
    from app.engine.kafka.host import KafkaHost
    from app.engine.kafka.job import firm

    stopping = _stop_signals()
    _watch_lifeline(stopping)
    address = settings.kafka_advertised.rstrip("/") or f"http://{settings.host}:{settings.port}"
    host = KafkaHost(settings, firm(settings.kafka_group, reader(settings)), address)
    try:
        await host.start()
    except Unfit as error:
        end(Exit.CONFIGURATION, str(error))
    except ConnectionError as error:
        end(Exit.BROKER, str(error))
    ready(address)
    await stopping.wait()
    await host.stop()


def _stop_signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    return stopping


def _watch_lifeline(stopping: asyncio.Event) -> None:
    """Stop when the supervisor is gone: a worker that nobody starts again is one that nobody stops either."""
    if descriptor := os.environ.pop(LIFELINE, ""):
        asyncio.get_running_loop().add_reader(int(descriptor), stopping.set)
