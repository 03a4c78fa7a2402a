"""The firm over HTTP, under the headers and the strict policy of the real server, in a thread of its own."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TypeVar

from aiohttp import web

from tests.browser.crew import Crew, mondays
from tests.browser.firm import AS_OF, Contract, Firm, Json, burn, readiness

STATIC = Path(__file__).parents[2] / "app" / "web" / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TOPICS = {
    "burn.updated": "burn",
    "readiness.updated": "readiness",
    "utilization.week_updated": "forecast.utilization",
}
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """The routes over one firm; `outage` makes the stream refuse callers until it is lifted."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.crew = Crew(AS_OF)
        self.outage = False
        self.resumed_from: list[str | None] = []
        self.readers: dict[asyncio.Queue[bytes | None], set[str]] = {}
        self.sent: list[tuple[str, bytes]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self.index)
        app.router.add_static("/static", STATIC)
        app.router.add_get("/v1/overview", self.answer(lambda _: self.firm.overview()))
        app.router.add_get("/v1/contracts", self.answer(self.contracts))
        app.router.add_get("/v1/contracts/{id}", self.of_contract(lambda contract, _: self.firm.contract(contract)))
        app.router.add_get(
            "/v1/contracts/{id}/readiness", self.of_contract(lambda contract, _: readiness(contract) | self.firm.meta())
        )
        app.router.add_get("/v1/contracts/{id}/daily", self.of_contract(lambda contract, _: self.firm.daily(contract)))
        app.router.add_get("/v1/contracts/{id}/entries", self.of_contract(self.entries))
        app.router.add_get("/v1/contracts/{id}/explain", self.of_contract(self.explain))
        app.router.add_get("/v1/resources", self.answer(self.people))
        app.router.add_get("/v1/alerts", self.answer(self.alerts))
        app.router.add_get("/v1/resources/{id}/weeks/{week}", self.answer(self.cell))
        app.router.add_get("/v1/roles", self.answer(lambda request: self.groups("role", request)))
        app.router.add_get("/v1/practices", self.answer(lambda request: self.groups("practice", request)))
        app.router.add_get("/v1/forecast/accuracy", self.answer(self.accuracy))
        app.router.add_get("/v1/events", self.answer(lambda request: self.firm.event(request.query["id"])))
        app.router.add_get("/v1/gate", self.answer(lambda _: self.firm.gate()))
        app.router.add_get("/v1/gate/shadow", self.answer(lambda _: self.firm.shadow()))
        app.router.add_get("/v1/slas", self.answer(lambda _: self.firm.slas()))
        app.router.add_get("/v1/streams", self.answer(lambda _: self.firm.streams()))
        app.router.add_get("/v1/stream", self.stream)
        app.on_response_prepare.append(harden)
        return app

    async def index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "index.html")

    def answer(self, build: Callable[[web.Request], Json | None]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            found = build(request)
            if found is None:
                return problem(404, "Not found", f"Nothing is known of {request.path_qs}.")
            response = web.json_response(found)
            response.enable_compression()
            return response

        return handle

    def accuracy(self, request: web.Request) -> Json:
        scored = self.crew.scored(request.query["kind"], int(request.query["weeks_ahead"]))
        return {"items": scored, "next": None, **self.firm.meta()}

    def of_contract(self, build: Callable[[Contract, web.Request], Json | None]) -> Handler:
        def find(request: web.Request) -> Json | None:
            contract = self.firm.contracts.get(request.match_info["id"])
            return None if contract is None else build(contract, request)

        return self.answer(find)

    def contracts(self, request: web.Request) -> Json:
        after, limit = request.query.get("cursor", ""), int(request.query.get("limit", "50"))
        later = [contract for contract_id, contract in sorted(self.firm.contracts.items()) if contract_id > after]
        page = later[:limit]
        return self.firm.meta() | {
            "items": [self.firm.row(contract) for contract in page],
            "next": page[-1].contract_id if len(later) > limit else None,
        }

    def entries(self, contract: Contract, request: web.Request) -> Json:
        start, limit = int(request.query.get("cursor", "0")), int(request.query.get("limit", "50"))
        found = self.firm.entries(contract, dict(request.query))
        return self.firm.meta() | {
            "items": found[start : start + limit],
            "next": str(start + limit) if len(found) > start + limit else None,
        }

    def people(self, request: web.Request) -> Json:
        query = request.query
        weeks = mondays(query.get("from"), int(query.get("weeks", "35")), AS_OF)
        after, limit = query.get("cursor", ""), int(query.get("limit", "50"))
        later = [
            one
            for one in self.crew.people
            if one.resource_id > after
            and query.get("role", one.role) == one.role
            and query.get("practice", one.practice) == one.practice
        ]
        return self.firm.meta() | {
            "items": [self.crew.row(one, weeks) for one in later[:limit]],
            "next": later[limit - 1].resource_id if len(later) > limit else None,
        }

    def alerts(self, request: web.Request) -> Json:
        """Two people will be on the bench, nobody rolls off."""
        role = request.query.get("role")
        idle = [one for one in self.crew.people[2:4] if role in (None, one.role)]
        bench = {"from_week": "2026-W49", "weeks": 3, "free_minutes": 5400}
        rows = [
            {
                "resource_id": one.resource_id,
                "role": one.role,
                "practice": one.practice,
                "bench": bench,
                "roll_off": None,
            }
            for one in idle
            if request.query.get("kind") != "roll_off"
        ]
        return self.firm.meta() | {"items": rows, "next": None}

    def groups(self, kind: str, request: web.Request) -> Json:
        weeks = mondays(request.query.get("from"), int(request.query.get("weeks", "35")), AS_OF)
        names = sorted({str(getattr(one, kind)) for one in self.crew.people})
        return self.firm.meta() | {"items": [self.crew.group(kind, name, weeks) for name in names], "next": None}

    def cell(self, request: web.Request) -> Json | None:
        found = [one for one in self.crew.people if one.resource_id == request.match_info["id"]]
        [monday] = mondays(request.match_info["week"], 1, AS_OF)
        return self.firm.meta() | self.crew.cell(found[0], monday) if found else None

    def rebook(self, resource_id: str, week: str, minutes: int) -> None:
        """Book somebody otherwise and publish what the week comes to."""
        data = self.crew.rebook(resource_id, week, minutes)
        key = f"resource/{resource_id}/{week}"
        self._send("utilization.week_updated", statement("utilization.week_updated", key, self.crew.version, data))

    def explain(self, contract: Contract, request: web.Request) -> Json | None:
        return self.firm.explain(contract, request.query["figure"], request.query.get("line_id"))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        if self.outage:
            return problem(503, "Not ready", "The stream is closed for the moment.")
        after = request.headers.get("Last-Event-ID")
        self.resumed_from.append(after)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b": here\n\n")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        topics = set(request.query["topics"].split(","))
        for topic, missed in self.sent[int(after) :] if after is not None else []:
            if topic in topics:
                queue.put_nowait(missed)
        self.readers[queue] = topics
        try:
            while (block := await queue.get()) is not None:
                await response.write(block)
        finally:
            self.readers.pop(queue, None)
        return response

    def publish(self, contract: Contract) -> None:
        """Send the statements of a contract and of its lines to everyone who reads."""
        lines = [burn(contract, line_id) for line_id in (None, *contract.lines)]
        statements = [
            (
                "burn.updated",
                contract.contract_id if data["line_id"] is None else f"{contract.contract_id}/{data['line_id']}",
                data,
            )
            for data in lines
        ]
        for kind, key, data in [*statements, ("readiness.updated", contract.contract_id, readiness(contract))]:
            self._send(kind, statement(kind, key, contract.version, data))

    def _send(self, kind: str, said: Json) -> None:
        block = f"event: {kind}\nid: {len(self.sent) + 1}\ndata: {json.dumps(said)}\n\n".encode()
        topic = TOPICS[kind]
        self.sent.append((topic, block))
        for queue, topics in self.readers.items():
            if topic in topics:
                queue.put_nowait(block)

    def reset(self) -> None:
        """Tell everyone who reads that what they know may be wrong."""
        for queue in self.readers:
            queue.put_nowait(b'event: reset\nid:\ndata: {"type":"reset"}\n\n')

    def drop(self) -> None:
        """End every stream."""
        for queue in self.readers:
            queue.put_nowait(None)


def statement(kind: str, key: str, version: int, data: Json) -> Json:
    """A derived event in structured mode."""
    identity = {"specversion": "1.0", "id": f"{kind}/{key}@{version}", "source": "/headrace"}
    return identity | {"type": f"{kind}.v1", "subject": key, "data": data}


def problem(status: int, title: str, detail: str) -> web.Response:
    return web.json_response(
        {"title": title, "detail": detail, "status": status}, status=status, content_type="application/problem+json"
    )


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"


class Server:
    """A site on a free port of this machine; what happens to the firm is done in the server's own thread."""

    def __init__(self, firm: Firm, port: int = 0) -> None:
        self.site = Site(firm)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.runner = web.AppRunner(self.site.app(), shutdown_timeout=0.1)
        self.port = self._run(self._start(port))
        self.url = f"http://127.0.0.1:{self.port}/"

    async def _start(self, port: int) -> int:
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", port)
        await site.start()
        return int(self.runner.addresses[0][1])

    def _run(self, doing: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(60)

    def do(self, action: Callable[[Site], T]) -> T:
        """Run `action` on the site between two requests and return what it returns."""

        async def run() -> T:
            return action(self.site)

        return self._run(run())

    def approve(self, contract_id: str, minutes: int) -> None:
        """Approve one more entry and publish what it changed."""
        self.do(lambda site: site.publish(site.firm.approve(contract_id, minutes)))

    def close(self) -> None:
        self.do(Site.drop)
        self._run(self.runner.cleanup())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


def serve_forever(firm: Firm, port: int, every: float) -> None:
    """Serve until interrupted; every `every` seconds some contract gets one more approved entry."""
    server = Server(firm, port)
    print(f"The made-up firm is at {server.url}", flush=True)
    dice = Random(1)
    with suppress(KeyboardInterrupt):
        while True:
            threading.Event().wait(every or 3600)
            if every:
                server.approve(dice.choice(list(firm.contracts)), dice.choice([60, 240, 480]))
    server.close()
