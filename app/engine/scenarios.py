"""What if: the figures with events that nobody published, beside those without them.

The facts behind whatever the events touch are folded twice more, in memory, so the answer can follow no other rules
than the live one. Nothing is kept, and nothing is told to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import orjson

from app.domain import calendar
from app.domain.utilization import Window
from app.engine.figures import Figures, as_known
from app.engine.parts import Answered, Frame, joined
from app.engine.roster import mondays_of
from app.engine.shapes import Answer
from app.engine.workforce import Workforce, people_as_known
from app.events.fact import Fact
from app.events.reader import Accepted, Reader
from app.events.refusal import Refusal

CONTRACTS: Final = 50
PEOPLE: Final = 200
"""What one scenario may touch: more than that is for `headrace replay --what-if`, which holds up nobody."""

_encode: Final = msgspec.json.Encoder().encode
_EVER: Final = 2**63 - 1
_UNTOLD: Final = frozenset({"as_of", "state_version", "engine_version", "revision"})
"""Fields that say of a row when and how it was made."""
_MOVING: Final = frozenset({"time", "expense", "assignment", "demand"})
_PERSONAL: Final = frozenset({"resource", "leave", "assignment", "time"})
_TOO_WIDE: Final = (
    f"the events touch more than {CONTRACTS} contracts or {PEOPLE} people; send fewer, or events that name a contract,"
    " or use `headrace replay --what-if`, which works out everything"
)


class Impossible(Exception):  # noqa: N818 - an outcome: nothing was worked out, and this says why
    """A scenario that cannot be worked out. `code` is for programs; `errors` names each event that is wrong."""

    def __init__(self, code: str, message: str, errors: Sequence[Answer] = ()) -> None:
        super().__init__(message)
        self.code, self.errors = code, list(errors)


class Evidence(Protocol):
    """Where the facts are (`app.engine.gather.Gather`). Calls may raise `Unavailable`."""

    @property
    def partitions(self) -> int: ...

    @property
    def window(self) -> Window: ...

    async def ids(self, limit: int) -> tuple[list[str], Frame]: ...

    async def behind_contract(self, contract_id: str) -> tuple[bool, list[Fact], list[Frame]]: ...

    async def behind_person(self, resource_id: str) -> tuple[list[Fact], list[Frame]]: ...

    async def messages(self, entities: Iterable[str]) -> tuple[list[Fact], list[Frame]]: ...


class Touched(NamedTuple):
    contracts: set[str]
    people: set[str]


class Scenarios:
    def __init__(self, evidence: Evidence, reader: Reader, now: Callable[[], int]) -> None:
        """`reader` is the intake's own: a scenario cannot say what nobody may say. `now` is in microseconds."""
        self._evidence, self._reader, self._now = evidence, reader, now

    async def work_out(
        self,
        lines: Sequence[bytes],
        headers: Sequence[tuple[str, bytes]],
        contract_id: str | None,
        as_of: date | None,
        known_at: int | None,
    ) -> Answered[Answer]:
        """What the events would change of the contracts and people that they touch, and of `contract_id`.

        Raises Impossible for a scenario with an event that intake would refuse, or one that touches too much.
        """
        accepted = self._read(lines, headers, self._now() if known_at is None else known_at)
        ids, whole = await self._evidence.ids(CONTRACTS + 1)
        day = as_of.toordinal() if as_of is not None else whole.today()
        if day is None:
            raise Impossible("no_today", "no day has begun here yet; send as_of")
        touched = await self._touched(accepted, ids)
        touched.contracts.update([contract_id] if contract_id is not None else [])
        if len(touched.contracts) > CONTRACTS or len(touched.people) > PEOPLE:
            raise Impossible("too_wide", _TOO_WIDE)
        facts, frames = await self._behind(touched)
        before = [fact for fact in facts if fact.accepted <= (_EVER if known_at is None else known_at)]
        after = [*before, *(one.fact for one in accepted)]
        told = {
            "as_of": calendar.text_of(day),
            "events": len(accepted),
            "contracts": _contracts(sorted(touched.contracts), before, after, day),
            "resources": _people(sorted(touched.people), before, after, day, self._evidence.window),
        }
        return Answered(told, joined([whole, *frames]).meta(self._evidence.partitions))

    def _read(self, lines: Sequence[bytes], headers: Sequence[tuple[str, bytes]], moment: int) -> list[Accepted]:
        accepted: list[Accepted] = []
        errors: list[Answer] = []
        for place, line in enumerate(lines):
            try:
                one = self._reader.read(line, headers, accepted=moment)
            except Refusal as refusal:
                pointer = f"/{place}{refusal.pointer or ''}"
                errors.append({"event": place, "pointer": pointer, "code": refusal.code, "detail": refusal.message})
                continue
            if one.fact.kind == "clock":
                detail = "a scenario does not move today; send as_of"
                errors.append({"event": place, "pointer": f"/{place}", "code": "not_in_a_scenario", "detail": detail})
            accepted.append(one)
        if errors:
            first = errors[0]
            raise Impossible(first["code"], f"event {first['event']}: {first['detail']}", errors)
        return accepted

    async def _touched(self, accepted: Sequence[Accepted], ids: Sequence[str]) -> Touched:
        """Contracts and people that any of the events names, or named before it moved from them; all there are (`ids`)
        where one names neither."""
        touched = Touched(set(), set())
        moving = {f"{one.fact.kind}/{one.fact.entity}" for one in accepted if one.fact.kind in _MOVING}
        earlier, _ = await self._evidence.messages(sorted(moving))
        for fact in chain(earlier, (one.fact for one in accepted)):
            touched.contracts.update(_named(fact, "contract_id"))
            if fact.kind in _PERSONAL:
                touched.people.update(_named(fact, "resource_id"))
        for resource_id in sorted({one.key for one in accepted if one.journal == "resources"}):
            facts, _ = await self._evidence.behind_person(resource_id)
            for fact in facts:
                if fact.kind == "assignment":
                    touched.contracts.update(_named(fact, "contract_id"))
        if any(one.journal == "every" and not _named(one.fact, "contract_id") for one in accepted):
            touched.contracts.update(ids)
        return touched

    async def _behind(self, touched: Touched) -> tuple[list[Fact], list[Frame]]:
        """Every message behind them, each once."""
        found: dict[bytes, Fact] = {}
        frames: list[Frame] = []

        def keep(facts: Iterable[Fact], met: Iterable[Frame]) -> None:
            found.update((_encode(fact), fact) for fact in facts)
            frames.extend(met)

        for contract_id in sorted(touched.contracts):
            _, facts, met = await self._evidence.behind_contract(contract_id)
            keep(facts, met)
        for resource_id in sorted(touched.people):
            keep(*await self._evidence.behind_person(resource_id))
        return list(found.values()), frames


def _named(fact: Fact, field: str) -> list[str]:
    value = orjson.loads(bytes(fact.data)).get(field)
    return [value] if isinstance(value, str) else []


Rows = dict[str, Any]
"""Rows of one subject by what they are (`burn`, `readiness`, …)."""


def _contracts(ids: Sequence[str], before: Sequence[Fact], after: Sequence[Fact], day: int) -> list[Answer]:
    then, now = as_known(before, _EVER), as_known(after, _EVER)
    return [_compared("contract_id", name, _rows(then, name, day), _rows(now, name, day)) for name in ids]


def _rows(figures: Figures, contract_id: str, day: int) -> Rows:
    return {
        "burn": figures.burn(contract_id, day),
        "readiness": figures.readiness(contract_id, day),
        "forecast": figures.forecast(contract_id, day),
        "revenue": figures.revenue(contract_id, day),
        "documents": figures.documents(contract_id, day),
    }


def _people(
    ids: Sequence[str], before: Sequence[Fact], after: Sequence[Fact], day: int, window: Window
) -> list[Answer]:
    if not ids:
        return []
    then, now = people_as_known(before, _EVER), people_as_known(after, _EVER)
    mondays = mondays_of((None, None), day, window)
    return [
        _compared("resource_id", name, _weeks(then, name, day, mondays), _weeks(now, name, day, mondays))
        for name in ids
    ]


def _weeks(workforce: Workforce, resource_id: str, day: int, mondays: Sequence[int]) -> Rows:
    return {"weeks": [row.payload for row in workforce.weeks(resource_id, day, mondays)]}


# -- comparing ------------------------------------------------------------------------------------------------------


def _compared(name: str, subject: str, before: Rows, after: Rows) -> Answer:
    return {name: subject, "changes": list(changes(before, after)), "before": before, "after": after}


def changes(before: Rows, after: Rows) -> Iterator[Answer]:
    """Every figure that differs: which row, which figure, what it was and would be, and the difference of numbers.

    A row that is on one side only has null on the other; what stands in both, however deep, is compared by itself.
    """
    for kind in after:
        then, now = _by_key(before[kind]), _by_key(after[kind])
        for key in dict.fromkeys((*then, *now)):
            old, new = _leaves(then.get(key)), _leaves(now.get(key))
            for figure in dict.fromkeys((*old, *new)):
                was, would_be = old.get(figure), new.get(figure)
                if was != would_be:
                    told = {"row": kind, "key": key, "figure": figure, "before": was, "after": would_be}
                    yield {**told, "difference": _difference(was, would_be)}


def _by_key(rows: Any) -> dict[str | None, Mapping[str, Any]]:
    """Rows by what tells them apart; one row alone has the key None."""
    if isinstance(rows, Mapping):
        return {None: rows}
    return {_key(row): row for row in rows}


def _key(row: Mapping[str, Any]) -> str | None:
    if "document_key" in row:
        return str(row["document_key"])
    if "week" in row:
        return str(row["week"])
    return "/".join(part for part in (row["line_id"], row.get("period")) if part is not None) or None


def _leaves(row: Mapping[str, Any] | None, path: str = "") -> dict[str, Any]:
    """Values by dotted path. A list is one value."""
    found: dict[str, Any] = {}
    for name, value in (row or {}).items():
        if isinstance(value, Mapping):
            found.update(_leaves(value, f"{path}{name}."))
        elif path or name not in _UNTOLD:
            found[path + name] = value
    return found


def _difference(was: Any, would_be: Any) -> Any:
    """After less before, where both are numbers; a side that is not there counts as nothing."""
    known = [value for value in (was, would_be) if value is not None]
    if all(isinstance(value, int) and not isinstance(value, bool) for value in known):
        return (would_be or 0) - (was or 0)
    if all(isinstance(value, str) and _numeric(value) for value in known):
        return str(Decimal(would_be or 0) - Decimal(was or 0))
    return None


def _numeric(text: str) -> bool:
    whole, _, part = text.removeprefix("-").partition(".")
    return whole.isascii() and whole.isdecimal() and (part == "" or (part.isascii() and part.isdecimal()))
