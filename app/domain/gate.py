"""The gate to ERP: which target a document goes to, when a target may be sent to, how much, and when again.

Sources: domain 1A 37, 41, 42, 50; design section 4 (the schedule is the host's, so instants are arguments). Moments
are microseconds, days day numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from app.domain import calendar
from app.domain.money import micro

ANY: Final = ""
"""The target where no routes are set: the one ERP there is, whatever it calls itself."""

WINDOW: Final = "window"
LIMIT: Final = "limit"
HALTED: Final = "halted"
NO_ROUTE: Final = "no_route"
LEAVING: Final = "leaving"

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND

PULSE: Final = SECOND // 4
"""While documents wait for a limit, the moment is asked for so often at most."""

LONGEST: Final = 6
"""Doublings of the pause between two attempts, at most."""


class Route(NamedTuple):
    """Documents of a legal entity (None: of all) and of periods that begin between two days go to `target`.

    A route that is not `live` is a shadow: its target is told the same, and counts for nothing.
    """

    target: str
    legal_entity_id: str | None = None
    first: int = calendar.BEGINNING
    last: int = calendar.FOREVER
    live: bool = True


class Limit(NamedTuple):
    """What a target takes: documents `per_minute` (0: as many as there are), of which `burst` at once.

    Where it answers, it is told again when it has not within `ack` microseconds, `attempts` times in all; 0: no answer
    is waited for.
    """

    per_minute: int = 0
    burst: int = 1
    ack: int = 0
    attempts: int = 5


NO_LIMIT: Final = Limit()


class Rules(NamedTuple):
    """What the firm has set: `limits` by target, `*` for any other."""

    routes: tuple[Route, ...] = ()
    limits: Mapping[str, Limit] = {}

    def limit(self, target: str) -> Limit:
        return self.limits.get(target) or self.limits.get("*") or NO_LIMIT

    def target(self, legal_entity_id: str | None, day: int) -> str | None:
        """Where a document of a period that begins on `day` goes; None where routes are set and none is for it."""
        if not self.routes:
            return ANY
        found = [one for one in self.routes if one.live and _suits(one, legal_entity_id, day)]
        return max(found, key=_rank).target if found else None

    def shadows(self, legal_entity_id: str | None, day: int) -> list[str]:
        """Targets that are told the same."""
        return sorted({one.target for one in self.routes if not one.live and _suits(one, legal_entity_id, day)})


OPEN: Final = Rules()
"""Nothing is set: one ERP, no limit, no answer waited for."""


def _suits(route: Route, legal_entity_id: str | None, day: int) -> bool:
    return route.legal_entity_id in (None, legal_entity_id) and route.first <= day <= route.last


def _rank(route: Route) -> tuple[bool, int, str]:
    """A route for the entity before one for all, then the one that begins later."""
    return route.legal_entity_id is not None, route.first, route.target


def rules(routes: list[dict[str, Any]], limits: Mapping[str, Mapping[str, Any]]) -> Rules:
    """What settings say. Raises ValueError with a sentence for what cannot be.

    >>> rules([{"target": "sap", "from": "2026-07-01"}], {}).target(None, calendar.number("2026-06-01")) is None
    True
    """
    return Rules(tuple(map(_route, routes)), {target: _limit(target, given) for target, given in limits.items()})


def _route(given: Mapping[str, Any]) -> Route:
    unknown = sorted(given.keys() - {"target", "legal_entity_id", "from", "to", "mode"})
    if unknown or not isinstance(given.get("target"), str) or not given["target"]:
        raise ValueError(f"a route has a target, and may have legal_entity_id, from, to and mode; this one: {given}")
    mode = given.get("mode", "live")
    if mode not in ("live", "shadow"):
        raise ValueError(f"the mode of a route is live or shadow, not {mode!r}")
    first, last = given.get("from"), given.get("to")
    return Route(
        given["target"],
        given.get("legal_entity_id"),
        calendar.number(first) if first else calendar.BEGINNING,
        calendar.number(last) if last else calendar.FOREVER,
        mode == "live",
    )


def _limit(target: str, given: Mapping[str, Any]) -> Limit:
    unknown = sorted(given.keys() - {"per_minute", "burst", "ack_minutes", "attempts"})
    if unknown:
        raise ValueError(f"{target} has {unknown[0]!r}; a limit may have per_minute, burst, ack_minutes and attempts")
    per_minute, burst, attempts = (int(given.get(name, 0)) for name in ("per_minute", "burst", "attempts"))
    ack = micro(str(given.get("ack_minutes", 0))) * 60
    if min(per_minute, burst, attempts, ack) < 0:
        raise ValueError(f"{target} has a limit below 0: {dict(given)}")
    return Limit(per_minute, burst or max(1, per_minute // 60), ack, attempts or Limit().attempts)


# -- how much ---------------------------------------------------------------------------------------------------------


def cost(slices: int) -> int:
    """What one document takes of a target's credit, where `slices` share what it takes: micro-tokens times a minute.

    In this unit credit grows by `per_minute` each microsecond, exactly.
    """
    return MINUTE * slices


def full(limit: Limit, slices: int) -> int:
    """The credit of a target that nothing was sent to for long; each slice has its part of the burst, at least one."""
    return max(limit.burst * MINUTE, cost(slices))


def grown(credit: int, limit: Limit, elapsed: int, slices: int, spent: int = 0) -> int:
    """The credit after so many microseconds. What was `spent` meanwhile, nobody knows when, counts as spent now: else
    what leaves as soon as a target takes documents again would be made good by the time in which it took none.

    >>> grown(0, Limit(per_minute=120, burst=2), SECOND, 1) // cost(1)  # 120 a minute are 2 a second
    2
    >>> grown(0, Limit(per_minute=120, burst=2), 3600 * SECOND, 1, spent=2 * cost(1))
    0
    """
    return min(full(limit, slices), credit + spent + max(0, elapsed) * limit.per_minute) - spent


def affordable_in(credit: int, limit: Limit, slices: int) -> int:
    """Microseconds until one document can be sent."""
    missing = cost(slices) - credit
    return 0 if missing <= 0 else -(-missing // limit.per_minute)


# -- again ------------------------------------------------------------------------------------------------------------


def patience(key: str, limit: Limit, attempts: int) -> int:
    """How long an answer to the attempt with this number is waited for: twice as long each time, up to a point, and up
    to a quarter longer, so that what was sent together is not sent again together.

    >>> waits = [patience("C/2026-03/time/1", Limit(ack=MINUTE), n) // SECOND for n in (1, 2, 3)]
    >>> [60 * 2**n <= wait <= 75 * 2**n for n, wait in enumerate(waits)]
    [True, True, True]
    """
    base = limit.ack << min(attempts - 1, LONGEST)
    drawn = int.from_bytes(blake2b(f"{key}\n{attempts}".encode("utf-8", "surrogatepass"), digest_size=4).digest())
    return base + base * drawn // (4 << 32)
