"""A server of each test's own on a free port of the loopback, over the fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.web.app import create_app
from app.web.settings import WebSettings
from tests.web.fakes import Counter, Firm, Journal, Supposing, Tape


@dataclass
class House:
    """A running server, and the ports behind it. `get` and `post` are the client's."""

    firm: Firm
    journal: Journal
    tape: Tape
    client: TestClient[Any, Any]

    @property
    def get(self) -> Callable[..., Any]:
        return self.client.get

    @property
    def post(self) -> Callable[..., Any]:
        return self.client.post


Opening = Callable[..., Awaitable[House]]


@pytest.fixture
async def opened() -> AsyncIterator[Opening]:
    """Open a server with other ports or settings than usual; it closes with the test."""
    houses: list[House] = []

    async def open_house(firm: Firm | None = None, tape: Tape | None = None, **settings: Any) -> House:
        ports = firm or Firm(), Journal(), tape or Tape()
        app = create_app(*ports, Counter(), Supposing(), WebSettings(**settings))
        client: TestClient[Any, Any] = TestClient(TestServer(app))
        await client.start_server()
        houses.append(House(*ports, client))
        return houses[-1]

    yield open_house
    for house in houses:
        await house.client.close()


@pytest.fixture
async def house(opened: Opening) -> House:
    return await opened()
