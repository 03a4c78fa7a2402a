"""CloudEvents lines: structured JSON, one event a line, as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

CLM, PSA_EMEA, PSA_AMER, HR, ERP, CLOCK = "/clm", "/psa/emea", "/psa/amer", "/hr", "/erp", "/clock"
"""The systems that speak: contracts and prices, delivery by region, people, finance, and the clock."""

DAY_SECONDS = 86_400
MINUTES = tuple(f"T{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60))
SECONDS = tuple(f"{second:02d}Z" for second in range(60))


def clock_of(second: int) -> str:
    """The second of a day as the end of an instant.

    >>> clock_of(61)
    'T00:01:01Z'
    """
    return MINUTES[second // 60] + SECONDS[second % 60]


def line(
    *,
    source: str,
    what: str,
    entity: str,
    revision: int | None,
    time: str,
    recorded: str,
    data: Mapping[str, Any],
    correlation: str | None = None,
    causation: str | None = None,
) -> bytes:
    """One event. `what` is its type without the version; `revision` is None for the events that carry none.

    The id of an event is its entity's and its revision, so a message sent again has the id it had.
    """
    event = {
        "specversion": "1.0",
        "id": entity if revision is None else f"{entity}.{revision}",
        "source": source,
        "type": f"{what}.v1",
        "subject": f"{what[: what.rindex('.')]}/{entity}",
        "time": time,
        "recordedtime": recorded,
    }
    if correlation is not None:
        event["correlationid"] = correlation
    if causation is not None:
        event["causationid"] = causation
    return orjson.dumps(event | {"data": data})
