"""The normalised event: what intake writes to the journals and every agent reads."""

from __future__ import annotations

import msgspec


class Fact(msgspec.Struct, array_like=True, gc=False, tag_field="shape", tag="fact"):
    """One accepted event. Positional on the wire: fields are only ever appended.

    Instants are integer microseconds since 1970-01-01T00:00:00Z. `data` is the event's JSON object: what the
    producer sent, with decimals as strings. `accepted` is the moment the first copy entered the journal, the
    instant that known-at is compared with. `topic`, `partition`, `offset` say where the record was read.
    """

    type: str
    entity: str
    revision: int
    source: str
    id: str
    time: int
    recorded: int
    accepted: int
    correlation: str | None
    causation: str | None
    topic: str
    partition: int
    offset: int
    data: msgspec.Raw

    @property
    def kind(self) -> str:
        """The entity kind: the type's first word (`time` of `time.approved.v1`)."""
        return self.type[: self.type.index(".")]
