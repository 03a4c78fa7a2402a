"""A year of a person: the leave and the bookings that touch it, by `resource|year` (see `calendar.years_of`)."""

from __future__ import annotations

import msgspec

from app.domain.availability import Off
from app.domain.utilization import Booking
from tables.heads import Latest
from tables.table import Table


class Held(msgspec.Struct, array_like=True, gc=False):
    """A booking, with the latest of the messages about it and the time of the earliest."""

    booking: Booking
    latest: Latest
    since: int


class Schedule(msgspec.Struct, array_like=True, gc=False):
    """`gone` are the assignments that some message about them put here and that are not here now.

    `past` and `away`: of every booking and leave that any message put here, what was known of it from each moment on.
    `told`: of every assignment, the number of the resolution that is held (`app.domain.resolution.is_news`).
    """

    fence: int
    latest: Latest
    leave: dict[str, Off]
    bookings: dict[str, Held]
    gone: list[str]
    past: dict[str, list[tuple[int, Booking | None]]] = {}
    away: dict[str, list[tuple[int, Off | None]]] = {}
    told: dict[str, int] = {}


SCHEDULES: Table[Schedule] = Table("schedules", 1, Schedule)


def key(resource_id: str, year: int) -> str:
    return f"{resource_id}|{year}"


def new() -> Schedule:
    return Schedule(-1, (0, "", "", ""), {}, {}, [])
