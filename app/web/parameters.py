"""Query parameters: how each is written, read, refused and documented."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from multidict import MultiMapping

from app.events.instant import civil_date, micros
from app.web.problems import VALIDATION, Problem

T = TypeVar("T")

LIMIT_DEFAULT = 50
WEEKS_MAX = 105
LIMIT_MAX = 500

_POSITION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._~-]*")
_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One query parameter. `parse` raises ValueError for what is not `expected`; `schema` says it as JSON Schema."""

    name: str
    parse: Callable[[str], T]
    expected: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    required: bool = False


def text(name: str, about: str, *, required: bool = False) -> Parameter[str]:
    """Any text but the empty one."""
    schema = {"type": "string", "minLength": 1}
    return Parameter(name, _some_text, "some text, percent-encoded", about, schema, required)


def choice(name: str, allowed: Sequence[str], about: str) -> Parameter[str]:
    """One word of a closed list."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(value)
        return value

    return Parameter(name, parse, "one of " + ", ".join(allowed), about, {"type": "string", "enum": list(allowed)})


def choices(name: str, allowed: Sequence[str], about: str) -> Parameter[frozenset[str]]:
    """Some words of a closed list, with commas between."""

    def parse(value: str) -> frozenset[str]:
        words = value.split(",")
        if not set(words) <= set(allowed):
            raise ValueError(value)
        return frozenset(words)

    expected = "one or more of " + ", ".join(allowed) + ", with commas between"
    return Parameter(name, parse, expected, about)


def parse_instant(value: str) -> int:
    """Microseconds since 1970 of an RFC 3339 instant with Z or an offset, in the years that the catalogue has."""
    civil_date(value[:10])
    return micros(value)


def _some_text(value: str) -> str:
    if not value:
        raise ValueError(value)
    return value


def _parse_limit(value: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", value) or not 1 <= int(value) <= LIMIT_MAX:
        raise ValueError(value)
    return int(value)


def _parse_period(value: str) -> str:
    if not _PERIOD.fullmatch(value):
        raise ValueError(value)
    return value


def parse_week(value: str) -> int:
    """The day number of the Monday of an ISO week, `2026-W53`. Raises ValueError for a week that year does not have."""
    found = _WEEK.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return date.fromisocalendar(int(found[1]), int(found[2]), 1).toordinal()


def _parse_from(value: str) -> int:
    """The Monday of a week, or of the week that a business date is in."""
    if _WEEK.fullmatch(value):
        return parse_week(value)
    on = civil_date(value)
    return on.toordinal() - on.weekday()


def _parse_weeks(value: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", value) or not 1 <= int(value) <= WEEKS_MAX:
        raise ValueError(value)
    return int(value)


def _parse_position(value: str) -> str:
    if not _POSITION.fullmatch(value):
        raise ValueError(value)
    return value


AS_OF = Parameter(
    "as_of",
    civil_date,
    "a business date, YYYY-MM-DD",
    "Recompute the answer as of the end of this business date instead of today.",
    {"type": "string", "format": "date"},
)
KNOWN_AT = Parameter(
    "known_at",
    parse_instant,
    "an instant with its zone, such as 2026-03-09T17:00:00Z (a + must be written %2B)",
    "Count only what had been accepted at this instant.",
    {"type": "string", "format": "date-time"},
)
LIMIT = Parameter(
    "limit",
    _parse_limit,
    f"a whole number from 1 to {LIMIT_MAX}",
    "Number of items at most.",
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
)
CURSOR = text("cursor", "Where to go on: `next` of the answer before. Other filters need a new start.")
PERIOD = Parameter(
    "period",
    _parse_period,
    "a month, YYYY-MM",
    "Only work dates of this month.",
    {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"},
)
ON = Parameter(
    "on", civil_date, "a business date, YYYY-MM-DD", "Only this work date.", {"type": "string", "format": "date"}
)
FROM = Parameter(
    "from",
    _parse_from,
    "an ISO week, YYYY-Www, or a business date in it",
    "The first week; 8 weeks before as-of where it is not given.",
)
WEEKS = Parameter(
    "weeks",
    _parse_weeks,
    f"a whole number from 1 to {WEEKS_MAX}",
    "How many weeks; up to 26 weeks after as-of where it is not given, or 35 from a given first one.",
    {"type": "integer", "minimum": 1, "maximum": WEEKS_MAX},
)
AFTER = Parameter(
    "after",
    _parse_position,
    "the id of the last statement received, as it came",
    "Resume after this statement; the header Last-Event-ID, which a browser sends by itself, goes before it.",
    {"type": "string", "pattern": f"^{_POSITION.pattern}$"},
)


def read(query: MultiMapping[str], known: Iterable[Parameter[Any]]) -> dict[str, Any]:
    """The values given, by name. Whatever is wrong with them is told at once, in one problem.

    Raises Problem for an unknown parameter, one given twice, a required one left out, a value that cannot be read.
    """
    parameters = {parameter.name: parameter for parameter in known}
    values: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    for name in dict.fromkeys(query):
        parameter, given = parameters.get(name), query.getall(name)
        if parameter is None:
            allowed = ", ".join(parameters) or "none"
            errors.append(_error(name, "unknown_parameter", given[0], f"no such parameter; known here: {allowed}"))
        elif len(given) > 1:
            errors.append(_error(name, "repeated_parameter", ",".join(given), "expected once"))
        else:
            try:
                values[name] = parameter.parse(given[0])
            except ValueError:
                errors.append(_error(name, "invalid_parameter", given[0], f"expected {parameter.expected}"))
    errors += [
        _error(parameter.name, "missing_parameter", None, f"required: {parameter.expected}")
        for parameter in parameters.values()
        if parameter.required and parameter.name not in query
    ]
    if errors:
        raise invalid(errors)
    return values


def invalid_value(name: str, value: str, detail: str) -> Problem:
    """One parameter whose value was found wrong later than by its form."""
    return invalid([_error(name, "invalid_parameter", value, detail)])


def invalid(errors: list[dict[str, Any]]) -> Problem:
    """Every error in the document; the first gives the problem its code."""
    return Problem(
        VALIDATION, "; ".join(_sentence(error) for error in errors), code=str(errors[0]["code"]), errors=errors
    )


def _sentence(error: Mapping[str, Any]) -> str:
    given = "" if error["value"] is None else f"={error['value']!r}"
    return f"{error['parameter']}{given}: {error['detail']}"


def _error(name: str, code: str, value: str | None, detail: str) -> dict[str, Any]:
    return {"parameter": name, "code": code, "value": value, "detail": detail}
