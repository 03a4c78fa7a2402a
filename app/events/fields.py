"""The kinds of field an event is made of: what each accepts, what it is called when it is wrong, its JSON Schema.

Every check is strict: "480" and 480.0 are no minutes, 1 is no flag. A check raises `PydanticCustomError` whose type is
a code of `refusal.REFUSALS` and whose text continues "the field …".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, NoReturn

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function, no_info_plain_validator_function

from app.domain.currency import EXPONENTS
from app.events.instant import FIRST_YEAR, LAST_YEAR, civil_date, micros

LONGEST_ID: Final = 200
LAST_REVISION: Final = 10**15
LARGEST_AMOUNT: Final = Decimal(10**12)
MINUTES_OF_A_DAY: Final = 1_440
MINUTES_OF_A_WEEK: Final = 10_080
MOST_MINUTES: Final = 10**9

DECIMAL_PATTERN: Final = r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$"
DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DECIMAL: Final = re.compile(DECIMAL_PATTERN[1:-1])
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


class Number:
    """A JSON number as it was written, where a float or 64 bits might change it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    @property
    def whole(self) -> bool:
        """Whether it is written without point and exponent; then it has more digits than any field allows."""
        return self.text.removeprefix("-").isdigit()


def fail(code: str, text: str) -> NoReturn:
    """Refuse the value at hand; `text` reads on from "the field"."""
    raise PydanticCustomError(code, "{text}", {"text": text})


def absent(value: object) -> None:
    """Refuse null where a value is required."""
    if value is None:
        fail("missing_field", "is required; send a value")


def identifier(value: object) -> str:
    """A name that keys can be made of."""
    if type(value) is not str:
        absent(value)
        fail("bad_type", "must be a string")
    # Asking for printable text first is quicker; not all that is unprintable is a control character.
    if not value or len(value) > LONGEST_ID or not (value.isprintable() or _CONTROL.search(value) is None):
        fail("bad_type", f"must have 1 to {LONGEST_ID} characters, none of them a control character")
    return value


def text(value: object) -> str:
    """Any string."""
    if type(value) is not str:
        absent(value)
        fail("bad_type", "must be a string")
    return value


def flag(value: object) -> bool:
    """True or false."""
    if type(value) is not bool:
        absent(value)
        fail("bad_type", "must be true or false")
    return value


def address(value: object) -> str | dict[str, Any]:
    """An address as its owner keeps it: one string, or an object."""
    if not isinstance(value, str | dict):
        absent(value)
        fail("bad_type", "must be a string or an object")
    return value


def day(value: object) -> date:
    """A business date."""
    known = text(value)
    try:
        return civil_date(known)
    except ValueError:
        fail("bad_date", f"must be a real day YYYY-MM-DD of the years {FIRST_YEAR} to {LAST_YEAR}")


def instant(value: object) -> int:
    """A moment, as microseconds since 1970-01-01T00:00:00Z."""
    known = text(value)
    try:
        return micros(known)
    except ValueError:
        fail("bad_date", "must be an instant of RFC 3339 with Z or an offset, such as 2026-03-09T17:00:00Z")


def month(value: object) -> str:
    """A billing period."""
    found = _MONTH.fullmatch(text(value))
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        fail("bad_date", f"must be a month YYYY-MM of the years {FIRST_YEAR} to {LAST_YEAR}")
    return found[0]


def currency(value: object) -> str:
    """A currency that money can be owed in."""
    code = text(value)
    if code not in EXPONENTS:
        fail("bad_currency", "must be an alphabetic code of ISO 4217 such as EUR")
    return code


def decimal(value: object) -> Decimal:
    """A plain decimal. Numbers have become their digits before they come here (`exact.restate`)."""
    if type(value) is not str:
        absent(value)
        fail("bad_type", "must be a decimal string such as 1350.00")
    if DECIMAL.fullmatch(value) is None:
        fail("bad_decimal", "must be plain digits, at most 15 before and 6 after the point, without an exponent")
    return Decimal(value)


@dataclass(frozen=True, eq=False)
class Rule:
    """A field's check and the JSON Schema that says the same to producers.

    `exact` marks a decimal: a JSON number in its place is taken by its own digits and kept as a string.
    """

    check: Callable[[object], object]
    schema: dict[str, Any]
    exact: bool = False

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let the check alone decide."""
        return no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Publish the schema as it stands."""
        return dict(self.schema)


class Stays:
    """Marks an optional field that may be left out but not cleared with null, as every contract needs it."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Refuse null before the field's own check."""
        return no_info_before_validator_function(_present, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Publish the schema without null."""
        kept: dict[str, Any] = next(part for part in handler(core)["anyOf"] if part != {"type": "null"})
        return kept


def _present(value: object) -> object:
    absent(value)
    return value


def number(low: Decimal, high: Decimal, words: str, **limits: int) -> Rule:
    """A decimal from `low` to `high`, both included; `words` and the JSON Schema `limits` say so."""

    def check(value: object) -> Decimal:
        known = decimal(value)
        if not low <= known <= high:
            fail("out_of_range", f"must be {words}")
        return known

    schema = {"anyOf": [{"type": "string", "pattern": DECIMAL_PATTERN}, {"type": "number", **limits}]}
    return Rule(check, schema, exact=True)


def whole(low: int, high: int, *, below: str = "out_of_range") -> Rule:
    """A whole number from `low` to `high`, both included; `below` is the code for less than `low`."""

    def check(value: object) -> int:
        if isinstance(value, Number) and value.whole:
            fail(below if value.text.startswith("-") else "out_of_range", f"must be from {low} to {high}")
        if type(value) is not int:
            absent(value)
            fail("bad_type", "must be a whole number, written without quotes, point or exponent")
        if not low <= value <= high:
            fail(below if value < low else "out_of_range", f"must be from {low} to {high}")
        return value

    return Rule(check, {"type": "integer", "minimum": low, "maximum": high})


def working_days(value: object) -> list[int]:
    """The days of ISO weeks that are worked: Monday is 1."""
    if type(value) is not list or not all(type(item) is int for item in value):
        absent(value)
        fail("bad_type", "must be a list of whole numbers, Monday is 1")
    if not value or len(set(value)) < len(value) or not set(value) <= set(range(1, 8)):
        fail("out_of_range", "must name at least one of the days 1 to 7, none of them twice")
    return list(value)


_BELOW_LARGEST: Final = LARGEST_AMOUNT - Decimal("0.000001")
_NAME: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}
_DATE: Final = {"type": "string", "format": "date", "pattern": DATE_PATTERN}
_CURRENCY: Final = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "An alphabetic code of ISO 4217."}
_MONTHS: Final = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
_WORKED: Final = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 7},
    "minItems": 1,
    "uniqueItems": True,
}

AMOUNT: Final = number(Decimal(0), _BELOW_LARGEST, "from 0 to less than 10^12", minimum=0, exclusiveMaximum=10**12)

Id = Annotated[str, Rule(identifier, _NAME)]
Text = Annotated[str, Rule(text, {"type": "string"})]
Flag = Annotated[bool, Rule(flag, {"type": "boolean"})]
Address = Annotated[str | dict[str, Any], Rule(address, {"type": ["string", "object"]})]
Day = Annotated[date, Rule(day, _DATE)]
Instant = Annotated[int, Rule(instant, {"type": "string", "format": "date-time"})]
Month = Annotated[str, Rule(month, _MONTHS)]
CurrencyCode = Annotated[str, Rule(currency, _CURRENCY)]

Amount = Annotated[Decimal, AMOUNT]
SignedAmount = Annotated[
    Decimal,
    number(
        -_BELOW_LARGEST,
        _BELOW_LARGEST,
        "less than 10^12 either way",
        exclusiveMinimum=-(10**12),
        exclusiveMaximum=10**12,
    ),
]
Ratio = Annotated[Decimal, number(Decimal(0), Decimal(1), "from 0 to 1 (15 % is 0.15)", minimum=0, maximum=1)]
Markup = Annotated[Decimal, number(Decimal(0), _BELOW_LARGEST, "0 or more (15 % is 0.15)", minimum=0)]
FxRate = Annotated[Decimal, number(Decimal("0.000001"), _BELOW_LARGEST, "more than 0", exclusiveMinimum=0)]

Revision = Annotated[int, whole(1, LAST_REVISION, below="bad_revision")]
EntryMinutes = Annotated[int, whole(-MINUTES_OF_A_DAY, MINUTES_OF_A_DAY)]
DayMinutes = Annotated[int, whole(1, MINUTES_OF_A_DAY)]
LeaveMinutes = Annotated[int, whole(0, MINUTES_OF_A_DAY)]
WeekMinutes = Annotated[int, whole(0, MINUTES_OF_A_WEEK)]
Minutes = Annotated[int, whole(0, MOST_MINUTES)]
SignedMinutes = Annotated[int, whole(-MOST_MINUTES, MOST_MINUTES)]
Count = Annotated[int, whole(0, 1_000)]
MonthDay = Annotated[int, whole(1, 31)]
WorkingDays = Annotated[list[int], Rule(working_days, _WORKED)]
