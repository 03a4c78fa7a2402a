"""Parts of an answer: what one worker says about the slices it holds, and how parts become one answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from app.domain import calendar
from app.engine.shapes import Answer
from app.engine.statements import ENGINE_VERSION
from app.events.cloudevents import timestamp
from app.events.fact import Fact
from tables.openings import Openings

T = TypeVar("T")


class Answered(NamedTuple, Generic[T]):
    """An answer, and what is said of every answer: as of when, up to where, from how much of the tables."""

    value: T
    meta: Answer


class Frame(msgspec.Struct, frozen=True):
    """Which slices an answer is made from, and how far they are.

    `days`: today in each slice that had a tick or anything else. `watermark`: the latest event time in them, in
    microseconds. `version`: the highest journal offset in them. `stale`: records wait at the workers that answered.
    """

    slices: list[int]
    days: list[int]
    watermark: int
    version: int
    stale: bool

    def today(self) -> int | None:
        """The day that all slices have reached; None before any tick."""
        return min(self.days, default=0) or None

    def meta(self, total: int) -> Answer:
        """`total`: how many slices a whole answer rests on."""
        today = self.today()
        return {
            "as_of": calendar.text_of(today) if today else None,
            "watermark": timestamp(self.watermark) if self.watermark else None,
            "stale": self.stale,
            "partitions_answered": len(self.slices),
            "partitions_total": total,
            "engine_version": ENGINE_VERSION,
            "state_version": self.version,
        }


def joined(frames: Iterable[Frame]) -> Frame:
    """What several workers' frames come to. A watermark is the latest event that is counted, not a promise that all
    before it are: `stale` says whether something waits."""
    frames = list(frames)
    return Frame(
        sorted({number for frame in frames for number in frame.slices}),
        [day for frame in frames for day in frame.days],
        max((frame.watermark for frame in frames), default=0),
        max((frame.version for frame in frames), default=-1),
        any(frame.stale for frame in frames),
    )


class Question(msgspec.Struct, frozen=True):
    """What one worker asks another: an answer by its name, from those of these slices that the other one holds."""

    name: str
    slices: list[int]
    arguments: dict[str, Any]


class Part(msgspec.Struct, frozen=True):
    """One worker's answer. Slices that were asked about and are missing in the frame are not held there."""

    frame: Frame
    value: Any


class Behind(msgspec.Struct, frozen=True):
    """What the figures of a contract or a person rest on: messages kept in its own slice, and entities (`kind/id`) kept
    where their own names lead. `named`: whether anything ever named it; `people`: who was ever booked on the contract,
    and is kept apart."""

    named: bool
    facts: list[Fact]
    entities: list[str]
    people: list[str] = []


class Asked(msgspec.Struct, frozen=True):
    """Demand of groups by year, and what people come to: (kind, id, exact figures by week)."""

    sums: list[tuple[str, str, list[list[int | str]]]]
    wanted: list[tuple[tuple[str, str], int, Openings]]


class Scored(msgspec.Struct, frozen=True):
    """What groups' weeks come to, and of each week the first tick: (accepted, day)."""

    ticks: dict[int, tuple[int, int]]
    sums: list[tuple[str, str, dict[int, dict[int, dict[int, int | str]]]]]


class _Sent(msgspec.Struct, frozen=True):
    frame: Frame
    value: msgspec.Raw


_SHAPES: dict[str, Any] = {
    "behind": Behind,
    "facts": list[Fact],
    "behind_person": Behind,
    "behind_people": list[Fact],
    "demand": Asked,
    "accuracy": Scored,
}
"""Answers that are more than plain JSON."""

encode = msgspec.json.Encoder().encode
_decode_question = msgspec.json.Decoder(Question).decode
_decode_sent = msgspec.json.Decoder(_Sent).decode


def decode_question(body: bytes) -> Question:
    """Raises `msgspec.MsgspecError` for what is none."""
    return _decode_question(body)


def decode_part(name: str, body: bytes) -> Part:
    """The part that answers the question of this name. Raises `msgspec.MsgspecError` for what is none."""
    sent = _decode_sent(body)
    return Part(sent.frame, msgspec.json.decode(sent.value, type=_SHAPES.get(name, Any)))
