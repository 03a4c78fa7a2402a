"""A refused record: which rule it broke, where, with which value, and what to do about it."""

from __future__ import annotations

from typing import Final

REFUSALS: Final[dict[str, str]] = {
    "too_large": "The record is larger than this deployment accepts.",
    "not_json": "The bytes are not one JSON text in UTF-8.",
    "not_an_event": "There is no valid CloudEvents 1.0 envelope around the data.",
    "unknown_type": "The event type is not in the catalogue.",
    "not_authorised": "The source may not speak for entities of this kind.",
    "missing_field": "A required field is absent or null.",
    "bad_type": "A field has the wrong JSON type, or a value outside its list.",
    "bad_revision": "The revision of the entity is below 1.",
    "bad_date": "A business date, instant or period is not a real one in the required form.",
    "bad_decimal": "A decimal is not plain digits with at most 15 before and 6 after the point.",
    "bad_currency": "The currency is not an ISO 4217 code with a minor unit.",
    "bad_interval": "An interval ends before it starts.",
    "out_of_range": "A number is outside the range its field allows.",
}
"""Code to meaning. A record with several faults is refused for the one that stands first."""

PRECEDENCE: Final[dict[str, int]] = {code: rank for rank, code in enumerate(REFUSALS)}

_SHOWN = 80


class Refusal(Exception):  # noqa: N818 - the firm's noun for it; nothing is in error but the record
    """Why one record was refused: a code of `REFUSALS`, a sentence for whoever sent it, a JSON pointer to the field.

    The pointer is into the structured form of the event and empty when the record as a whole is at fault.
    """

    def __init__(self, code: str, message: str, pointer: str = "") -> None:
        super().__init__(code, message, pointer)
        self.code = code
        self.message = message
        self.pointer = pointer

    def __str__(self) -> str:
        return f"{self.code} at {self.pointer or 'the record'}: {self.message}"


def shown(value: object) -> str:
    """The value as a message may carry it: printable ASCII, cut short, whatever it holds.

    >>> shown("1,50"), shown([1])
    ("'1,50'", 'a list')
    """
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = ascii(value[: _SHOWN + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
