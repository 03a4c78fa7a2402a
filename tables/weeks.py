"""A person's time entries of an ISO week, by `resource|Monday`."""

from __future__ import annotations

import msgspec

from app.domain.utilization import Worked
from tables.heads import Latest
from tables.table import Table


class Week(msgspec.Struct, array_like=True, gc=False):
    """`gone` are entries that some message about them put here and that are not here now.

    `told`: of both, the number of the resolution that said so (`app.domain.resolution.is_news`).
    """

    fence: int
    latest: Latest
    rows: dict[str, Worked]
    gone: list[str]
    told: dict[str, int] = {}


WEEKS: Table[Week] = Table("weeks", 1, Week)


def key(resource_id: str, monday: int) -> str:
    return f"{resource_id}|{monday}"


def new() -> Week:
    return Week(-1, (0, "", "", ""), {}, [])
