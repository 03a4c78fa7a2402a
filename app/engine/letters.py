"""Refused records, as the embedded host keeps them."""

from __future__ import annotations

from itertools import islice
from typing import Any

import orjson

from agents.effects import DEAD_LETTERS, INPUTS
from app.engine import shapes
from app.engine.shapes import Answer
from app.engine.store import Store


class StoredLetters:
    """Dead letters of every input topic, by topic and offset (`app.engine.host.Letters`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, after: str, limit: int) -> list[Answer]:
        begun: list[Any] = orjson.loads(after) if after else ["", -1]
        rows: list[Answer] = []
        for topic in sorted(INPUTS):
            if topic < begun[0]:
                continue
            offset = begun[1] + 1 if topic == begun[0] else 0
            for place, letter in islice(self._store.letters(topic + DEAD_LETTERS, 0, offset), limit - len(rows)):
                rows.append(shapes.dead_letter(topic, place, letter.value, letter.headers))
        return rows[:limit]
