"""What every adapter is: a pure mapping from a vendor's message to our events, and from our document to its request.

An adapter knows no network and keeps nothing. What it cannot say from the message alone it asks for (`Want`): somebody
fetches the record from the vendor and posts it to the same adapter. An event's id is the vendor's own id and version,
so a message delivered twice is a duplicate. What we caused ourselves is recognised and dropped, so no change goes in
circles.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any, Final, NamedTuple

from app.events.cloudevents import timestamp
from app.events.instant import micros

Body = Mapping[str, Any]
Event = dict[str, Any]
MARK: Final = "headrace:"
"""What begins the name that a vendor's record has from us: `headrace:<document key>#<revision>`."""


class Unmapped(Exception):  # noqa: N818 - an outcome: nothing was taken of the message
    """A message the adapter cannot read; says which part, and what it must be."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class Want(NamedTuple):
    """A record to fetch from the vendor, as the message did not carry it; no ids: all of the entity."""

    entity: str
    ids: tuple[str, ...]
    why: str


class Received(NamedTuple):
    """What a message comes to: events, records to fetch, and why the rest was left alone."""

    events: Sequence[Event] = ()
    wants: Sequence[Want] = ()
    dropped: Sequence[str] = ()


class Request(NamedTuple):
    """A request to the vendor, who knows a document by its mark: sent twice, it changes nothing there."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Instance:
    """One vendor system of the firm: its name in `source`, the secret it shows, and who we are there.

    `own` are the vendor's ids of ourselves (a user, a connected app): what they changed is our own doing. `contracts`
    says which contract a project, an issue or an opportunity belongs to, where the vendor does not know.
    """

    name: str = "main"
    secret: str = field(default="", repr=False)
    own: frozenset[str] = frozenset()
    contracts: Mapping[str, str] = field(default_factory=dict)

    def contract(self, native: str) -> str:
        """The contract of a vendor's project; its own id where nothing else is said."""
        return self.contracts.get(native, native)


Headers = Mapping[str, str]
"""Names in lower case."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """`verify` may look at the bytes alone; `read` is given them parsed, decimals exact."""

    name: str
    verify: Callable[[Instance, Headers, bytes], bool]
    read: Callable[[Instance, Any], Received]
    write: Callable[[Instance, Body], Request | None]


def receive(adapter: Adapter, instance: Instance, body: bytes) -> Received:
    """What a message comes to. Raises Unmapped for one of another shape than the vendor documents, and nothing else."""
    said = parse(body)
    try:
        return adapter.read(instance, said)
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise Unmapped(f"the message has not the shape that {adapter.name} documents: {error!r}") from error


def parse(body: bytes) -> Any:
    """JSON with exact decimals. Raises Unmapped."""
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise Unmapped(f"the body is not JSON: {error}") from error


def say(
    vendor: str, instance: Instance, kind: str, native: str, version: int, at: int, data: Body, cause: str | None = None
) -> Event:
    """An event of ours about the vendor's record `native` at its `version`; `at` in microseconds."""
    return {
        "specversion": "1.0",
        "id": f"{kind}/{native}@{version}",
        "source": f"/adapters/{vendor}/{instance.name}",
        "type": f"{kind}.v1",
        "time": timestamp(at),
        **({"causationid": cause} if cause else {}),
        "data": {name: value for name, value in data.items() if value is not None},
    }


# -- who sent it ------------------------------------------------------------------------------------------------------


def by_key(instance: Instance, headers: Headers, body: bytes) -> bool:
    """A fixed key in `x-adapter-key`, or as a bearer token: for vendors that sign nothing."""
    given = headers.get("x-adapter-key") or headers.get("authorization", "").removeprefix("Bearer ")
    return _same(given, instance.secret)


def by_hex_digest(header: str) -> Callable[[Instance, Headers, bytes], bool]:
    """HMAC-SHA256 of the body in hexadecimal behind `sha256=`."""

    def verify(instance: Instance, headers: Headers, body: bytes) -> bool:
        wanted = hmac.new(instance.secret.encode(), body, sha256).hexdigest()
        return _same(headers.get(header, "").removeprefix("sha256="), wanted) and bool(instance.secret)

    return verify


def by_base64_digest(prefix: str) -> Callable[[Instance, Headers, bytes], bool]:
    """HMAC-SHA256 of the body in base64, in any header that begins so: one for each key in use."""

    def verify(instance: Instance, headers: Headers, body: bytes) -> bool:
        wanted = base64.b64encode(hmac.new(instance.secret.encode(), body, sha256).digest()).decode()
        given = [value for name, value in headers.items() if name.startswith(prefix)]
        return (
            bool(instance.secret) and sum(_same(value, wanted) for value in given) > 0
        )  # all compared, whichever matches

    return verify


def _same(given: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


# -- reading values ---------------------------------------------------------------------------------------------------


def need(body: Any, *path: str) -> Any:
    """A value that the message must have. Raises Unmapped with the JSON pointer of what is missing."""
    value = body
    for place, name in enumerate(path, 1):
        value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            pointer = "/" + "/".join(path[:place])
            raise Unmapped(f"{pointer} is missing; the vendor sends it with every message of this kind", pointer)
    return value


def text(value: Any) -> str:
    """An id or a word, whatever JSON type the vendor has it in."""
    return str(value)


def minutes_of_hours(hours: Any) -> int:
    """Whole minutes, to the nearest, half a minute up: vendors keep hours with two decimals, 0.33 being 20 minutes.

    >>> minutes_of_hours(Decimal("7.5")), minutes_of_hours("0.33")
    (450, 20)
    """
    return _whole(Decimal(str(hours)) * 60)


def minutes_of_seconds(seconds: Any) -> int:
    return _whole(Decimal(str(seconds)) / 60)


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def amount(value: Any) -> str:
    """A decimal string of a number as it was written."""
    return format(Decimal(str(value)), "f")


def instant(value: Any) -> int:
    """Microseconds of an instant, with or without a colon in its offset. Raises Unmapped."""
    said = str(value)
    if len(said) > 5 and said[-5] in "+-" and ":" not in said[-5:]:
        said = f"{said[:-2]}:{said[-2:]}"
    try:
        return micros(said)
    except ValueError as error:
        raise Unmapped(f"{said!r} is no instant: {error}") from error


def millis(at: int) -> int:
    """A revision from a moment in microseconds: later is higher, and the same moment is the same message."""
    return at // 1_000


def mark(document: Body) -> str:
    """What a vendor's record is called so that it is known again, here and there."""
    return f"{MARK}{document['document_key']}#{document['revision']}"


def marked(value: Any) -> tuple[str, int] | None:
    """(document key, revision) of one of our marks; None for anything else."""
    if not isinstance(value, str) or not value.startswith(MARK):
        return None
    key, _, revision = value.removeprefix(MARK).rpartition("#")
    return (key, int(revision)) if key and revision.isdigit() else None


def acknowledged(
    vendor: str, instance: Instance, document: tuple[str, int], at: int, *, target: str, erp_id: str, reason: str | None
) -> Event:
    """The ERP has the document, or (with a reason) refused it. The contract is what begins the document's key."""
    key, revision = document
    data = {
        "document_key": key,
        "revision": revision,
        "contract_id": key.split("/")[0].replace("%2F", "/").replace("%25", "%"),
        "target": target,
        "status": "rejected" if reason else "accepted",
        "erp_id": erp_id,
        "reason": reason,
    }
    return say(vendor, instance, "erp.acknowledged", f"{target}/{key}", revision, at, data)
