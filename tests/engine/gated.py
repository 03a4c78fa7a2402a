"""The gate alone over stored bytes: records in, statements out, and a power cut where somebody asks for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from agents.effects import DOCUMENTS, EXCEPTIONS, Batch, Effects, Record, Statement
from agents.erp_gate import erp_gate
from app.domain.gate import OPEN, Rules
from app.engine.runner import Runner, finish
from app.events.fact import Fact
from app.events.journalled import Journalled
from app.events.posting import Draft, Halt, Moment, Reply, Resend
from tables.outbox import OUTBOX, Outbox
from tests.engine.lossy import ByteStore

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Journalled).decode

MINUTE = 60_000_000


def draft(key: str, revision: int = 1, *, kind: str = "proposed", version: int = 0, **said: Any) -> Draft:
    """A document of the contract that its key begins with; its content is its revision, unless `total` says more."""
    contract_id = key.split("/")[0]
    payload = {"document_key": key, "revision": revision, "contract_id": contract_id, "as_of": None, **said}
    content = "" if kind == "withdrawn" else f"{revision}{said.get('total', '')}"
    type_ = f"billing.{kind}.v1"
    return Draft(
        contract_id, key, type_, revision, version or revision, content, payload, 1, "/s", f"{key}#{revision}", ""
    )


def window(what: str, window_id: str = "W", revision: int = 1, offset: int = 0, **said: Any) -> Fact:
    """`what` is closed or opened; `offset` where the input had it."""
    data = orjson.dumps({"window_id": window_id, "target": "sap", "revision": revision, **said})
    type_, message = f"erp.window.{what}.v1", f"{window_id}#{revision}"
    return Fact(
        type_, window_id, revision, "/erp", message, revision, 0, 0, None, None, "log", 0, offset, msgspec.Raw(data)
    )


def reply(
    key: str,
    revision: int = 1,
    status: str = "accepted",
    target: str = "sap",
    reason: str | None = None,
    *,
    at: int = 0,
    name: str = "",
) -> Reply:
    """An answer, of the moment `at`; later revisions are answered later."""
    return Reply(key.split("/")[0], key, target, revision, status, f"ERP-{revision}", reason, at or revision, name)


def resend(key: str, refusal: str = "", *, revision: int = 1, number: int = 1, target: str | None = "sap") -> Resend:
    """Somebody's action of this `number` about a document that was refused by the answer `refusal`, or not answered."""
    case_id, refusals = (f"document/sap/{key}", [refusal]) if refusal else (f"gate/ACK_OVERDUE/{key}", [])
    return Resend(key.split("/")[0], key, target, revision, case_id, number, refusals)


@dataclass
class Gate:
    """`said` are the statements about documents that got out, `raised` those about exceptions, `due` the moment that is
    waited for."""

    rules: Rules = OPEN
    store: ByteStore = field(default_factory=ByteStore)
    journal: list[bytes] = field(default_factory=list)
    said: list[Statement] = field(default_factory=list)
    raised: list[Statement] = field(default_factory=list)
    position: int = 0
    due: int | None = None
    owing: int = 0
    notes: list[Callable[[Any, str, Any], None]] = field(default_factory=list)
    _runner: Runner | None = None

    def send(self, *values: Draft | Reply | Resend | Halt | Moment | Fact) -> list[tuple[str, int]]:
        """One batch of records; (key, revision) of what is said upon it."""
        self.add(*values)
        before = len(self.said)
        self.step(len(values))
        while self.owing:
            self.step(0)
        return told(self.said[before:])

    def add(self, *values: Draft | Reply | Resend | Halt | Moment | Fact) -> None:
        self.journal += [_encode(value) for value in values]

    def step(self, size: int, cut: Callable[[Effects], None] | None = None) -> None:
        """The next batch; `cut` keeps of its effects what it likes, and the process is gone before the batch was
        acknowledged."""
        values = self.journal[self.position : self.position + size]
        records = [Record(self.position + place, _decode(value)) for place, value in enumerate(values)]
        if self._runner is None:
            self._runner = Runner(lambda batches: erp_gate(batches, self.store, self.rules))
        effects = finish(self._runner.step(Batch(DOCUMENTS, 0, records)))
        if cut is not None:
            cut(effects)
            self.restart()
            return
        self.keep(effects.writes)
        self.hear(effects.statements)
        self.position += len(records)
        self.due, self.owing = effects.due, effects.owing

    def keep(self, writes: Sequence[Any]) -> None:
        for table, key, value in writes:
            self.store.put(table.name, key, None if value is None else table.encode(value))
            for note in self.notes:
                note(table, key, value)

    def hear(self, statements: Sequence[Statement]) -> None:
        """These got out."""
        self.said += [one for one in statements if one.topic != EXCEPTIONS]
        self.raised += [one for one in statements if one.topic == EXCEPTIONS]

    def standing(self) -> dict[str, tuple[str, Any]]:
        """What the latest statement of each exception that is not resolved says: (code, since)."""
        latest = {one.key: one for one in self.raised}
        stands = {key: one.payload for key, one in latest.items() if one.type == "exception.raised.v1"}
        return {key: (said["code"], said["since"]) for key, said in stands.items()}

    def restart(self) -> None:
        """A new process over the same tables."""
        self._runner = None

    def row(self, key: str) -> Outbox | None:
        return self.store.get(OUTBOX, key)

    def wait(self, most: int = 10_000) -> int:
        """Hand in every moment that is waited for, as soon as it is there; how many there were."""
        for count in range(most):
            if self.due is None:
                return count
            self.send(Moment(max(self.due, 1), 1))
        raise AssertionError(f"after {most} moments documents still wait for {self.due}")


def told(statements: Sequence[Statement]) -> list[tuple[str, int]]:
    return [(one.key, one.payload["revision"]) for one in statements]
