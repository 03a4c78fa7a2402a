"""The short way for time entries, which are nearly all of the traffic.

It takes a record only when nothing in it could be read in two ways: no escapes, no control characters, no unknown
members, every value of its exact type and within its range. Whatever else comes, right or wrong, gets None and goes
the long way, whose models alone decide. A test compares both on the same records.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

import msgspec
import orjson
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from app.events.fact import Fact
from app.events.fields import AMOUNT, LAST_REVISION, LONGEST_ID, MINUTES_OF_A_DAY
from app.events.inputs import Category
from app.events.instant import civil_date, micros

_Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
_Filled = Annotated[str, Meta(min_length=1)]


class TimeCard(Struct, gc=False, forbid_unknown_fields=True):
    """`inputs.TimeCorrected`, for the types that carry a whole entry."""

    entry_id: _Name
    revision: Annotated[int, Meta(ge=1, le=LAST_REVISION)]
    contract_id: _Name
    resource_id: _Name
    work_date: str
    minutes: Annotated[int, Meta(ge=-MINUTES_OF_A_DAY, le=MINUTES_OF_A_DAY)]
    role: _Name | UnsetType | None = UNSET
    line_id: _Name | UnsetType | None = UNSET
    task: str | UnsetType | None = UNSET
    category: Category | UnsetType | None = UNSET
    billable: bool | UnsetType | None = UNSET
    rate_override: str | UnsetType | None = UNSET
    narrative: str | UnsetType | None = UNSET
    approved_by: _Name | UnsetType | None = UNSET
    status: Literal["approved", "submitted"] | UnsetType | None = UNSET


_Type = Literal["time.submitted.v1", "time.approved.v1", "time.rejected.v1", "time.corrected.v1", "time.reversed.v1"]

CARD_TYPES: Final = frozenset(get_args(_Type))


class _Attributes(Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    specversion: Literal["1.0"]
    id: _Filled
    source: _Filled
    type: _Type
    time: str
    subject: str | None = None
    recordedtime: str | None = None
    acceptedtime: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    partitionkey: str | None = None


class _TimeEvent(_Attributes, gc=False, forbid_unknown_fields=True, kw_only=True):
    data: TimeCard


class _RawEvent(_Attributes, gc=False, forbid_unknown_fields=True, kw_only=True):
    data: Raw


_BACKSLASH: Final = 0x5C
_DELETE: Final = 0x7F

_event: Final = msgspec.json.Decoder(_TimeEvent).decode
_raw_event: Final = msgspec.json.Decoder(_RawEvent).decode
_card: Final = msgspec.json.Decoder(TimeCard).decode
_encode: Final = msgspec.json.Encoder().encode


def fact_of_line(value: bytes, accepted: int | None, origin: tuple[str, int, int]) -> Fact | None:
    """The fact in a structured time event, or None where the long way must look."""
    if not plain(value):
        return None
    topic, partition, offset = origin
    try:
        event = _event(value)
        card = event.data
        civil_date(card.work_date)
        if type(card.rate_override) is str:
            AMOUNT.check(card.rate_override)
        time = micros(event.time)
        recorded = time if event.recordedtime is None else micros(event.recordedtime)
        if accepted is None:
            accepted = recorded if event.acceptedtime is None else micros(event.acceptedtime)
        elif event.acceptedtime is not None:
            micros(event.acceptedtime)
    except (msgspec.MsgspecError, ValueError):
        return None
    # No string here holds a quote, so `"data":{` is the member itself. What follows, less the closing brace, contains
    # the whole object; it is as short as our own encoding only if the object stands last and is compact.
    data = value[value.rfind(b'"data":{') + 7 : -1]
    if len(data) != len(_encode(card)):
        data = _compact(bytes(_raw_event(value).data))
    return Fact(
        event.type,
        card.entry_id,
        card.revision,
        event.source,
        event.id,
        time,
        recorded,
        accepted,
        event.correlationid,
        event.causationid,
        topic,
        partition,
        offset,
        Raw(data),
    )


def card_of(value: bytes) -> tuple[TimeCard, bytes] | None:
    """The time entry in the value of a binary-mode record and its normal bytes, or None as above."""
    if not plain(value):
        return None
    try:
        card = _card(value)
        civil_date(card.work_date)
        if type(card.rate_override) is str:
            AMOUNT.check(card.rate_override)
    except (msgspec.MsgspecError, ValueError):
        return None
    return card, value if len(value) == len(_encode(card)) else _compact(value)


def plain(value: bytes) -> bool:
    r"""Whether the bytes are UTF-8 without escapes and control characters, so that a string is what it looks like.

    >>> plain(b'{"a":"b"}'), plain(b'{"a":"\\u0062"}'), plain(b'{"a":"\x7f"}'), plain(b'\xff')
    (True, False, False, False)
    """
    if _BACKSLASH in value or _DELETE in value:
        return False
    if value.isascii():  # what is below 0x20 is refused by every JSON parser
        return True
    try:
        return value.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _compact(data: bytes) -> bytes:
    """Without spaces between tokens and with each member once, the last; numbers here are small integers."""
    return orjson.dumps(orjson.loads(data))
