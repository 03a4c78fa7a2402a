"""Workers in one process: each a server of its own over some slices of the same tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from agents.effects import Effects
from app.domain.utilization import WINDOW, Window
from app.engine.desk import Desk
from app.engine.gather import Gather
from app.engine.host import Letters, Place
from app.engine.peers import Peers
from app.engine.placement import Taken
from app.engine.scenarios import Scenarios
from app.events.reader import Reader
from app.web.app import create_app
from app.web.ports import Metric
from app.web.settings import WebSettings
from tables import Store
from tests.web.fakes import Journal, Tape


@dataclass
class Share:
    """A host (`app.engine.host.Host`) that holds some slices; `lags` are those of its own."""

    partitions: int
    tables: dict[int, Store]
    lags: Mapping[Place, tuple[int, int]] = field(default_factory=dict)
    ends: Mapping[Place, int] = field(default_factory=dict)
    processed: int = 0
    stated: int = 0
    owners: dict[int, str] = field(default_factory=dict)
    address: str = ""
    window: Window = WINDOW
    listeners: list[Callable[[Effects], None]] = field(default_factory=list)

    def lag(self) -> dict[Place, tuple[int, int]]:
        return {place: found for place, found in self.lags.items() if place[1] in self.tables}

    @property
    def stale(self) -> bool:
        return any(position < end for position, end in self.lag().values())

    def written(self) -> dict[Place, int]:
        return {place: end for place, end in self.ends.items() if place[1] in self.tables}

    def about(self) -> dict[str, Any]:
        return {"host": self.address, "slices": sorted(self.tables)}

    def ready(self) -> tuple[bool, str]:
        return True, f"{len(self.tables)} slices are held here"


async def _taking_nothing(lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]]) -> Sequence[Taken]:
    raise AssertionError("nobody acts here")


class NoLetters:
    """Nothing was ever refused."""

    async def read(self, after: str, limit: int) -> Sequence[dict[str, Any]]:
        return []


class Answers(Gather):
    """The engine's answers under the web's port."""

    def metrics(self) -> list[Metric]:
        return [
            Metric(name, "counter" if kind == "counter" else "gauge", text, samples)
            for name, kind, text, samples in self.samples()
        ]


@dataclass
class Worker:
    share: Share
    answers: Answers
    client: TestClient[Any, Any]

    async def get(self, path: str, **options: Any) -> tuple[int, Any, Mapping[str, str]]:
        """(status, body, headers) of an answer; a body of JSON is read."""
        return await self._asked(self.client.get(path, **options))

    async def post(self, path: str, **options: Any) -> tuple[int, Any, Mapping[str, str]]:
        """The same of something that is sent."""
        return await self._asked(self.client.post(path, **options))

    @staticmethod
    async def _asked(asked: Any) -> tuple[int, Any, Mapping[str, str]]:
        async with asked as response:
            is_json = response.content_type.endswith("json")
            body = await (response.json(content_type=None) if is_json else response.text())
            return response.status, body, response.headers

    async def stop(self) -> None:
        """Gone, as far as the others can see: nothing listens at its address any more."""
        await self.answers.close()
        await self.client.close()


async def started(share: Share, letters: Letters, *, seconds: float = 5.0, **settings: Any) -> Worker:
    """A worker that listens at an address of its own; it waits `seconds` for others."""
    tokens: Mapping[str, str] = settings.get("tokens", {})
    answers = Answers(share, lambda: 0.0, letters, Peers(next(iter(tokens), ""), seconds))
    desk = Desk(answers, _taking_nothing, Reader(), lambda: 0)
    scenarios = Scenarios(answers, Reader(), lambda: 1_774_000_000_000_000)
    app = create_app(answers, Journal(), Tape(), desk, scenarios, WebSettings(**settings))
    client: TestClient[Any, Any] = TestClient(TestServer(app))
    await client.start_server()
    share.address = str(client.make_url("")).rstrip("/")
    return Worker(share, answers, client)


def introduced(workers: Sequence[Worker]) -> None:
    """Tell every worker who has which slice."""
    owners = {number: worker.share.address for worker in workers for number in worker.share.tables}
    for worker in workers:
        worker.share.owners = dict(owners)
