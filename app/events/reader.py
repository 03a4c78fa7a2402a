"""From the bytes of one record to a normalised fact, or a refusal: the only gate into the journals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import orjson
from msgspec import Raw
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.events.catalogue import TYPES, EventType
from app.events.envelope import Envelope, binary_attributes, envelope
from app.events.exact import dumps, has_numbers, loads, restate
from app.events.fact import Fact
from app.events.refusal import PRECEDENCE, Refusal, shown
from app.events.timecard import CARD_TYPES, card_of, fact_of_line

Origin = tuple[str, int, int]

_NOWHERE: Final[Origin] = ("", 0, 0)
_MISSING: Final = "is required; send a value"
_WRONG_TYPE: Final = {
    "list_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


class Accepted(msgspec.Struct, gc=False):
    """A fact and where it goes: `journal` is facts, engagements, resources or every; `key` is "" for every."""

    fact: Fact
    journal: str
    key: str


class _Data(msgspec.Struct, gc=False):
    data: Raw


_data: Final = msgspec.json.Decoder(_Data).decode


class Reader:
    """Reads records as producers send them; keeps nothing from one to the next.

    `authority` names, per entity kind (the first word of a type), the sources that may speak for it; for a kind that
    it does not name every source may. Records of more than `max_bytes` are refused unread.
    """

    def __init__(self, authority: Mapping[str, frozenset[str]] | None = None, max_bytes: int = 1_000_000) -> None:
        self._authority = dict(authority or {})
        self._clerks = self._authority.get("time")
        self._max_bytes = max_bytes

    def read(
        self,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        *,
        accepted: int | None = None,
        origin: Origin = _NOWHERE,
    ) -> Accepted:
        """Read one record; raises `Refusal` and nothing else.

        `accepted` is the moment it entered the journal, in microseconds since 1970-01-01T00:00:00Z. Without it the
        record's own `acceptedtime` counts, then `recordedtime`, then `time`. `origin` is topic, partition, offset.
        The same record gives the same fact, whether it comes in structured or in binary mode.
        """
        if not value:  # a Kafka record may have no value at all
            raise Refusal("not_json", "the record is empty; send one event")
        if len(value) > self._max_bytes:
            problem = f"the record has {len(value)} bytes, the limit is {self._max_bytes}; send less in one event"
            raise Refusal("too_large", problem)
        attributes = binary_attributes(headers) if headers else None
        if attributes is not None:
            return self._binary(value, attributes, accepted, origin)
        fact = fact_of_line(value, accepted, origin)
        if fact is not None and (self._clerks is None or fact.source in self._clerks):
            return Accepted(fact, "facts", "time/" + fact.entity)
        return self._structured(value, accepted, origin)

    def _structured(self, value: bytes, accepted: int | None, origin: Origin) -> Accepted:
        event = _parse(value)
        if type(event) is not dict:
            raise Refusal("not_an_event", f"the record must be one JSON object, not {shown(event)}")
        tree = event.get("data")
        if type(tree) is not dict:
            head = envelope(event)
            problem = f"data of {shown(head.type)} must be a JSON object, not {shown(tree)}"
            raise Refusal("not_an_event", problem, "/data")
        try:
            raw = bytes(_data(value).data)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise _unreadable(error) from None
        compact = _compact(tree)
        return self._accept(envelope(event), raw, compact, tree, accepted, origin)

    def _binary(self, value: bytes, attributes: Mapping[str, object], accepted: int | None, origin: Origin) -> Accepted:
        read = card_of(value) if attributes.get("type") in CARD_TYPES else None
        if read is not None:
            card, data = read
            fact = _fact(envelope(attributes), card.entry_id, card.revision, data, accepted, origin)
            if self._clerks is None or fact.source in self._clerks:
                return Accepted(fact, "facts", "time/" + fact.entity)
        tree = _parse(value)
        compact = _compact(tree)
        head = envelope(attributes)
        if type(tree) is not dict:
            problem = f"data of {shown(head.type)} must be a JSON object, not {shown(tree)}"
            raise Refusal("not_an_event", problem, "/data")
        return self._accept(head, value, compact, tree, accepted, origin)

    def _accept(
        self,
        head: Envelope,
        raw: bytes,
        compact: bytes,
        tree: dict[str, Any],
        accepted: int | None,
        origin: Origin,
    ) -> Accepted:
        known = self._known(head)
        if raw != compact or has_numbers(tree, known.exact):
            tree = _exactly(raw)
            restate(tree, known.exact)
            raw = dumps(tree)
        try:
            known.model.__pydantic_validator__.validate_python(tree)
        except ValidationError as error:
            raise _refusal(error) from None
        entity = known.entity(tree)
        journal, key = known.destination(entity, tree)
        return Accepted(_fact(head, entity, known.revision(tree), raw, accepted, origin), journal, key)

    def _known(self, head: Envelope) -> EventType:
        known = TYPES.get(head.type)
        if known is None:
            problem = (
                f"{shown(head.type)} is not in the catalogue; send one of the types in docs/events.md, version included"
            )
            raise Refusal("unknown_type", problem, "/type")
        allowed = self._authority.get(known.kind)
        if allowed is not None and head.source not in allowed:
            owners = ", ".join(sorted(allowed)) or "nobody"
            problem = f"{shown(head.source)} may not speak for {known.kind}; its source of record is {owners}"
            raise Refusal("not_authorised", problem, "/source")
        return known


def _fact(head: Envelope, entity: str, revision: int, data: bytes, accepted: int | None, origin: Origin) -> Fact:
    if accepted is None:
        accepted = head.recorded if head.accepted is None else head.accepted
    return Fact(
        head.type,
        entity,
        revision,
        head.source,
        head.id,
        head.time,
        head.recorded,
        accepted,
        head.correlation,
        head.causation,
        *origin,
        Raw(data),
    )


def _parse(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _unreadable(error) from None


def _compact(tree: Any) -> bytes:
    """The tree as JSON without spaces and repeated members; refuses what is nested too deep to be written."""
    try:
        return orjson.dumps(tree)
    except orjson.JSONEncodeError as error:
        raise _unreadable(error) from None


def _exactly(raw: bytes) -> Any:
    try:
        return loads(raw)
    except (ValueError, RecursionError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> Refusal:
    return Refusal("not_json", f"{error}; send one JSON text in UTF-8")


def _refusal(error: ValidationError) -> Refusal:
    """The fault that stands first in `REFUSALS`, of equal ones the first in the order of the model's fields."""
    faults = error.errors(include_url=False)
    return min((_fault(fault) for fault in faults), key=lambda refusal: PRECEDENCE[refusal.code])


def _fault(fault: ErrorDetails) -> Refusal:
    steps = [str(step) for step in fault["loc"]]
    pointer = "/".join(["/data", *(step.replace("~", "~0").replace("/", "~1") for step in steps)])
    field = ".".join(["data", *steps])
    kind, value = fault["type"], fault["input"]
    if kind in PRECEDENCE:
        problem = f"{field} {fault['msg']}"
        return Refusal(kind, problem if kind == "missing_field" else f"{problem}, not {shown(value)}", pointer)
    if kind == "missing" or value is None:
        return Refusal("missing_field", f"{field} {_MISSING}", pointer)
    if kind == "literal_error":
        words = f"must be {fault['ctx']['expected']}"
    else:
        words = _WRONG_TYPE.get(kind, fault["msg"])
    return Refusal("bad_type", f"{field} {words}, not {shown(value)}", pointer)
