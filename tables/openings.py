"""Demand of a group that touches a year, by `kind/group|year`."""

from __future__ import annotations

import msgspec

from app.domain.demand import Opening
from tables.heads import Latest
from tables.table import Table


class Openings(msgspec.Struct, array_like=True, gc=False):
    """`gone` are demands that some message about them put here and that are not open here now; `bare`: some message
    named the role alone, without a practice. `past`: of every demand that any message put here, what was known of it
    from each moment on; `filled` are those for which somebody was found; `told`: of every demand, the number of the
    resolution that is held (`app.domain.resolution.is_news`)."""

    fence: int
    latest: Latest
    open: dict[str, Opening]
    gone: list[str]
    bare: bool
    past: dict[str, list[tuple[int, Opening | None]]] = {}
    filled: list[str] = []
    told: dict[str, int] = {}


OPENINGS: Table[Openings] = Table("openings", 1, Openings)


def key(group: tuple[str, str], year: int) -> str:
    return f"{group[0]}/{group[1]}|{year}"


def new() -> Openings:
    return Openings(-1, (0, "", "", ""), {}, [], False)
