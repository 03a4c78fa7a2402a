"""Wiring, once: which store, which host, which agents' answers, which routes.

Read this first, then follow an import.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import date, datetime, timedelta
from time import monotonic, time_ns
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web

from app.adapters import ADAPTERS
from app.adapters.adapter import Instance
from app.domain.gate import Rules, rules
from app.domain.sla import targets
from app.domain.utilization import Window
from app.engine.desk import Desk
from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.host import PREFIX
from app.engine.letters import StoredLetters
from app.engine.peers import Peers
from app.engine.placement import Taken
from app.engine.scenarios import Scenarios
from app.engine.store import Store, StoreError
from app.events.reader import Reader
from app.misuse import Misuse
from app.settings import Settings
from app.supervisor import LIFELINE, STOP_SECONDS
from app.web.app import create_app
from app.web.ports import Metric, Receipt, Unavailable
from app.web.settings import WebSettings

if TYPE_CHECKING:
    from app.engine.kafka.host import KafkaHost
    from app.engine.kafka.publisher import Publisher


def now() -> int:
    """This moment in microseconds. This and `today` are the only clocks of the product."""
    return time_ns() // 1_000


def today(zone: str) -> date:
    """The business date in the firm's zone."""
    return datetime.now(ZoneInfo(zone)).date()


def reader(settings: Settings) -> Reader:
    return Reader(settings.authority or None, settings.max_event_bytes)


def window(settings: Settings) -> Window:
    return Window(settings.weeks_behind, settings.weeks_ahead)


def routes(settings: Settings) -> Rules:
    """How documents go to ERP. Raises Misuse for what cannot be."""
    try:
        return rules(settings.erp_routes, settings.erp_limits)
    except ValueError as error:
        raise Misuse(f"HEADRACE_ERP_ROUTES, HEADRACE_ERP_LIMITS: {error}") from None


def open_host(settings: Settings, *, address: str = "", clock: Callable[[], int | None] = now) -> EmbeddedHost:
    """The embedded host over its store; `clock` stamps what it accepts. Raises StoreError with one sentence."""
    store = Store(settings.store, partitions=settings.partitions, address=address)
    return EmbeddedHost(
        store,
        clock,
        reader=reader(settings),
        batch_size=settings.batch_size,
        window=window(settings),
        rules=routes(settings),
        targets=_targets(settings),
        clock=now,
    )


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


def policies(settings: Settings) -> list[bytes]:
    """The events that turn on the checks of the settings: the same bytes for the same settings, at every start.

    One that is wrong is refused like any event, and found among the dead letters.
    """
    events = []
    for given in settings.policy:
        region = f"region/{given['region']}" if given.get("region") else "firm"
        scope = given.get("contract_id") or given.get("client_id") or region
        data = {"policy_id": f"settings/{scope}/{given.get('code')}", "revision": 1, **given}
        event = {
            "specversion": "1.0",
            "id": f"policy/{data['policy_id']}/{data['revision']}",
            "source": "/headrace/settings",
            "type": "policy.set.v1",
            "time": "1970-01-01T00:00:00Z",
            "data": data,
        }
        events.append(orjson.dumps(event))
    return events


def _web(settings: Settings) -> WebSettings:
    """Raises Misuse for an adapter that there is not, or one that is set up with what it does not have."""
    unknown = sorted(set(settings.adapters) - set(ADAPTERS))
    if unknown:
        raise Misuse(f"HEADRACE_ADAPTERS names {unknown[0]!r}; there are {', '.join(ADAPTERS)}")
    adapters = {}
    for name, given in settings.adapters.items():
        known = {"name", "secret", "own", "contracts"}
        if set(given) - known or not given.get("secret"):
            wanted = ", ".join(sorted(known))
            raise Misuse(f"HEADRACE_ADAPTERS for {name!r} must have a secret, and may have of {wanted} only")
        adapters[name] = Instance(**{**given, "own": frozenset(given.get("own", ()))})
    return WebSettings(tokens=settings.tokens, adapters=adapters)


def _targets(settings: Settings) -> dict[str, int]:
    try:
        return targets(settings.sla_targets)
    except ValueError as error:
        raise Misuse(f"HEADRACE_SLA_TARGETS: {error}") from None


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
        try:
            found = await self._take(lines, headers)
        except Misuse as error:  # brokers that do not answer: it is not the sender's doing
            raise Unavailable(str(error)) from error
        receipts = []
        for taken in found:
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

    answers = _Answers(host, monotonic, StoredLetters(host.store), targets=_targets(settings))
    desk = Desk(answers, take, reader(settings), now)
    scenarios = Scenarios(answers, reader(settings), now)
    app = create_app(answers, _Door(take), host.feed, desk, scenarios, _web(settings))
    async with _listening(app, settings) as address:
        host.take(policies(settings))
        ready(address + "/")
        await _until_stopped(host, settings, feeder, ticks=ticks)


@asynccontextmanager
async def _listening(app: web.Application, settings: Settings) -> AsyncIterator[str]:
    """Serve the application; yields its address. Raises StoreError where that is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        await runner.cleanup()
        raise StoreError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error};"
            " stop what uses it, or choose another with --port"
        ) from error
    try:
        yield f"http://{settings.host}:{runner.addresses[0][1]}"
    finally:
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
    """Run one worker of the group, its page and API, until SIGTERM or SIGINT, or until its supervisor is gone.

    It ends itself, with one of the codes of `app.engine.kafka.ending`, when it cannot go on. The page is there from the
    first moment, `/readyz` says when it is of use.
    """
    # Faust takes a second to import: only who needs it waits.
    from app.engine.kafka.ending import Exit, Lines, Unfit, end
    from app.engine.kafka.host import KafkaHost
    from app.engine.kafka.job import firm
    from app.engine.kafka.letters import KafkaLetters
    from app.engine.kafka.publisher import Publisher
    from app.engine.kafka.tape import Tape
    from app.engine.kafka.writer import DELIVERY_ERRORS

    logging.basicConfig(handlers=[Lines(logging.WARNING)])
    stopping = _stop_signals()
    _watch_lifeline(stopping)
    hurrying = asyncio.create_task(_stop_in_time(stopping))
    job = firm(settings.kafka_group, reader(settings), window(settings), routes(settings), _targets(settings))
    host = KafkaHost(settings, job, clock=now)
    try:
        await host.prepare()
        async with Publisher(settings, reader(settings)) as publisher:
            answers = _Answers(
                host, monotonic, KafkaLetters(settings), Peers(_inner_token(settings)), _targets(settings)
            )
            tape = Tape(settings, host.partitions)
            desk = Desk(answers, publisher.take, reader(settings), now)
            scenarios = Scenarios(answers, reader(settings), now)
            app = create_app(answers, _Door(publisher.take), tape, desk, scenarios, _web(settings))
            async with _listening(app, settings) as address:
                host.address = settings.kafka_advertised.rstrip("/") or address
                await host.start()
                ready(host.address + "/")
                ticking = (
                    asyncio.create_task(_tick_on_kafka(host, publisher, settings.zone, policies(settings)))
                    if ticks
                    else None
                )
                await stopping.wait()
                if ticking is not None:
                    ticking.cancel()
                await host.stop()
                await tape.close()
                await answers.close()
    except Unfit as error:
        end(Exit.CONFIGURATION, str(error))
    except (*DELIVERY_ERRORS, StoreError, Misuse) as error:
        end(Exit.BROKER, str(error) or repr(error))
    hurrying.cancel()


async def _stop_in_time(stopping: asyncio.Event) -> None:
    """End a worker that was asked to stop and cannot, before its supervisor would: there may be none any more."""
    from app.engine.kafka.ending import Exit, end

    await stopping.wait()
    await asyncio.sleep(STOP_SECONDS - 5)
    end(Exit.STALLED, f"it was asked to stop {STOP_SECONDS - 5:.0f} s ago, and something does not end")


def _inner_token(settings: Settings) -> str:
    """A token that every worker knows, for what workers ask of each other: the first one that may read."""
    return min((token for token, right in settings.tokens.items() if right == "read"), default="") or min(
        settings.tokens, default=""
    )


async def _tick_on_kafka(host: KafkaHost, publisher: Publisher, zone: str, news: Sequence[bytes] = ()) -> None:
    """One tick, and `news`, whenever a day begins or the first slice comes here: its holder keeps the group's clock."""
    told = ""
    while True:
        today_is = today(zone).isoformat()
        if 0 not in host.tables:
            told = ""
        elif told != today_is:
            with suppress(Misuse):  # the lease will tell whether brokers are gone
                await publisher.take([*news, tick(today_is, zone)])
                told = today_is
        await asyncio.sleep(1)


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
