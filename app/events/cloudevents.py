"""CloudEvents 1.0 as headrace writes them: binary mode for Kafka, structured mode for files and HTTP.

Attribute values are strings that are already in the form of the specification; data is a JSON object's bytes. What is
None is left out. The names and the `ce_` prefix are those of the Kafka protocol binding.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import orjson

from app.events.fact import Fact

Headers = list[tuple[str, bytes]]

JSON: Final = b"application/json"
STRUCTURED: Final = b"application/cloudevents+json"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def binary(attributes: Mapping[str, str | None], data: bytes) -> tuple[Headers, bytes]:
    """Headers and value of a record in binary mode; the value is the data itself.

    What the data is stands in `content-type`, so `datacontenttype` has no header of its own.

    >>> binary({"id": "1", "subject": None}, b"{}")
    ([('ce_specversion', b'1.0'), ('ce_id', b'1'), ('content-type', b'application/json')], b'{}')
    """
    headers = [("ce_specversion", b"1.0")]
    headers += [
        (f"ce_{name}", value.encode())
        for name, value in attributes.items()
        if value is not None and name != "datacontenttype"
    ]
    headers.append(("content-type", JSON))
    return headers, data


def structured(attributes: Mapping[str, str | None], data: bytes) -> bytes:
    """One JSON object with the attributes and the data, without a newline.

    >>> structured({"id": "1", "subject": None}, b"{}")
    b'{"specversion":"1.0","id":"1","data":{}}'
    """
    present = {name: value for name, value in attributes.items() if value is not None}
    return orjson.dumps({"specversion": "1.0", **present, "data": orjson.Fragment(data)})


def exported(fact: Fact) -> bytes:
    """The event a fact came from, in structured mode, with the moment it was accepted.

    Reading it gives the same fact again, but for the origin.
    """
    return structured(
        {
            "id": fact.id,
            "source": fact.source,
            "type": fact.type,
            "time": timestamp(fact.time),
            "recordedtime": timestamp(fact.recorded),
            "acceptedtime": timestamp(fact.accepted),
            "correlationid": fact.correlation,
            "causationid": fact.causation,
        },
        bytes(fact.data),
    )


def timestamp(micros: int) -> str:
    """Microseconds since 1970-01-01T00:00:00Z as RFC 3339 in UTC, with as many decimals as it takes, 0, 3 or 6.

    >>> timestamp(1_773_075_600_250_000), timestamp(0)
    ('2026-03-09T17:00:00.250Z', '1970-01-01T00:00:00Z')
    """
    seconds, rest = divmod(micros, 1_000_000)
    if rest == 0:
        return f"{_second(seconds)}Z"
    return f"{_second(seconds)}.{rest:06d}Z" if rest % 1_000 else f"{_second(seconds)}.{rest // 1_000:03d}Z"


@lru_cache(4_096)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
