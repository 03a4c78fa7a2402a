"""The other workers: asked over HTTP for what only they hold."""

from __future__ import annotations

import aiohttp
import msgspec

from app.engine.parts import Part, Question, decode_part, encode

PATH = "/internal/v1/ask"
TIMEOUT_SECONDS = 2.0


class Silent(Exception):  # noqa: N818 - an outcome, named for what is so
    """A worker did not answer, or not with what was asked; the message is a sentence."""


class Peers:
    """One client for all of them; it connects when somebody asks first, and is closed once."""

    def __init__(self, token: str = "", timeout: float = TIMEOUT_SECONDS) -> None:
        """`token` is one that every worker knows (empty: they have none); `timeout` is in seconds."""
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, address: str, question: Question) -> Part:
        """The part of the worker at `address` (`http://host:port`). Raises Silent."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        url = address.rstrip("/") + PATH
        try:
            async with self._session.post(url, data=encode(question), headers=self._headers) as response:
                body = await response.read()
                if response.status != 200:
                    raise Silent(f"{url} answered {response.status}: {body[:200].decode(errors='replace')}")
                return decode_part(question.name, body)
        except TimeoutError:
            raise Silent(f"{url} did not answer within {self._timeout.total} s") from None
        except aiohttp.ClientError as error:
            raise Silent(f"{url} cannot be asked: {error or type(error).__name__}") from error
        except msgspec.MsgspecError as error:
            raise Silent(f"{url} did not answer as this release does: {error}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
