"""Refused records, as the brokers keep them."""

from __future__ import annotations

from typing import Any

import orjson

from agents.effects import DEAD_LETTERS, INPUTS
from app.engine import shapes
from app.engine.host import Unavailable
from app.engine.kafka.log import Log, LogError, Place, Stretch
from app.engine.shapes import Answer
from app.settings import Settings


class KafkaLetters:
    """Dead letters of every input topic, by topic, partition and offset (`app.engine.host.Letters`).

    Each page is read from the brokers anew, on a connection of its own: somebody looks at these now and then.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def read(self, after: str, limit: int) -> list[Answer]:
        begun: list[Any] = orjson.loads(after) if after else ["", 0, -1]
        names = [name for name in sorted(INPUTS) if name >= begun[0]]
        rows: list[Answer] = []
        try:
            async with Log(self._settings) as log:
                topics = {self._settings.kafka_prefix + name + DEAD_LETTERS: name for name in names}
                stretches = await log.stretches(await log.places(topics))
                for place in sorted(stretches):
                    name = topics[place.topic]
                    first, end = _behind(begun, name, place, stretches[place])
                    if first < end and len(rows) < limit:
                        rows += await _page(log, name, place, Stretch(first, min(end, first + limit - len(rows))))
        except LogError as error:
            raise Unavailable(str(error)) from error
        return rows


def _behind(begun: list[Any], name: str, place: Place, held: Stretch) -> Stretch:
    """What of this partition follows the place [topic, partition, offset]."""
    if [name, place.partition] < begun[:2]:
        return Stretch(held.end, held.end)
    if [name, place.partition] == begun[:2]:
        return Stretch(max(held.first, begun[2] + 1), held.end)
    return held


async def _page(log: Log, name: str, place: Place, stretch: Stretch) -> list[Answer]:
    return [
        {
            **shapes.dead_letter(name, record.offset, record.value or b"", record.headers),
            "cursor": orjson.dumps([name, record.partition, record.offset]).decode(),
        }
        async for _, records in log.read({place: stretch})
        for record in records
    ]
