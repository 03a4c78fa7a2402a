"""Keeping entities: the part that every agent which owns entities has in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from agents.alarms import CONFLICT, kept, raised, resolved
from agents.effects import Effects
from app.domain.resolution import CANCELLING, conflicts, counting, effective, insert, name_of
from app.events.fact import Fact
from tables import Store, Table
from tables.controls import CONTROLS, Control, new
from tables.entities import Entity
from tables.exceptions import EXCEPTIONS as RAISED
from tables.exceptions import Raised


class Register:
    """Counts records once, whatever is delivered again.

    After a crash here they are known by their journal offset, after one upstream by their origin.
    """

    def __init__(self, store: Store, key: str) -> None:
        self.key = key
        self.control: Control = store.get(CONTROLS, key) or new()
        self._place: tuple[str, int] | None = None
        self._name = ""
        self._seen = -1

    def redelivered(self, offset: int, fact: Fact) -> bool:
        """Whether an earlier record of this journal already carried this input record."""
        if self._place != (fact.topic, fact.partition):
            self.settle()
            self._place = (fact.topic, fact.partition)
            self._name = f"{fact.topic}/{fact.partition}"
            self._seen = self.control.origins.get(self._name, -1)
        if offset <= self.control.fence:
            return False
        if fact.offset <= self._seen:
            return True
        self._seen = fact.offset
        if fact.time > self.control.watermark:
            self.control.watermark = fact.time
        return False

    def settle(self) -> None:
        if self._place is not None:
            self.control.origins[self._name] = self._seen

    def count(self, offset: int, disposition: str) -> None:
        if offset > self.control.fence:
            self.control.counts[disposition] += 1

    def closing(self, offset: int) -> tuple[Table[Any], str, Any]:
        """The control value as it stands after the record at `offset`."""
        self.settle()
        self.control.fence = max(self.control.fence, offset)
        return CONTROLS, self.key, self.control


def merge(facts: list[Fact], fact: Fact) -> str:
    """Keep `fact` among an entity's messages and say what it did: applied, duplicate or stale."""
    top = facts[-1]
    if fact.revision > top.revision and fact.type not in CANCELLING and not _copy(facts, fact):
        facts.append(fact)
        return "applied"
    before = effective(facts)
    copy = _copy(facts, fact)
    if not insert(facts, fact):
        return "duplicate"
    after = effective(facts)
    if after[0] is not before[0] or after[1] != before[1]:
        return "applied"
    return "duplicate" if copy else "stale"


def merge_version(facts: list[Fact], fact: Fact) -> str:
    """The same where every revision counts in its own right, from the date it names."""
    if not facts:
        facts.append(fact)
        return "applied"
    before = counting(facts)
    copy = _copy(facts, fact)
    if not insert(facts, fact):
        return "duplicate"
    after = counting(facts)
    same = len(before) == len(after) and all(one is other for one, other in zip(before, after, strict=True))
    return ("duplicate" if copy else "stale") if same else "applied"


def recalled(facts: Sequence[Fact], fact: Fact) -> str:
    """What to count for a record that an entity includes but a crash left uncounted.

    Whether it was stale can no longer be told; the sum of the dispositions is right all the same.
    """
    place = fact.topic, fact.partition, fact.offset
    return "applied" if any((kept.topic, kept.partition, kept.offset) == place for kept in facts) else "duplicate"


def _copy(facts: Sequence[Fact], fact: Fact) -> bool:
    return any(known.id == fact.id and known.source == fact.source for known in facts)


class Custody(Register):
    """The entities of one table and partition that a batch touches."""

    def __init__(self, store: Store, table: Table[Entity], key: str) -> None:
        super().__init__(store, key)
        self._store, self._table = store, table
        self.touched: dict[str, Entity] = {}

    def keep(self, offset: int, fact: Fact) -> Entity | None:
        """Take one message in. None for a copy that an upstream crash delivered twice."""
        if self.redelivered(offset, fact):
            return None
        key = f"{fact.kind}/{fact.entity}"
        entity = self.touched.get(key) or self._store.get(self._table, key)
        if entity is None:
            entity = self.touched[key] = Entity(offset, 1, [fact])
            self.count(offset, "applied")
            return entity
        self.touched[key] = entity
        if offset > entity.fence:
            self.count(offset, merge(entity.facts, fact))
            entity.fence = offset
            entity.n += 1
        else:
            self.count(offset, recalled(entity.facts, fact))
        return entity


def raise_conflicts(
    effects: Effects, subject: str, facts: Sequence[Fact], fence: int, explained: Collection[str] = ()
) -> None:
    """Raise an exception for every revision of `subject` about which two messages disagree.

    `fence` is the last record that the facts include, which after a crash may be later than the one that is read again:
    a version must not say two things.
    Messages that are `explained` (`source#id`) contradict nothing; what was raised because of them is taken back.
    """
    if _distinct(facts):
        return
    cause = cause_of(facts)
    found = conflicts(facts)
    if explained:
        standing = conflicts([fact for fact in facts if name_of(fact) not in explained])
        for revision in {one.revision for one in found} - {one.revision for one in standing}:
            name = _conflict(subject, revision)
            effects.writes.append((RAISED, name, None))
            effects.statements.append(resolved(name, "REVISION_CONFLICT", subject, fence, cause))
        found = standing
    for conflict in found:
        evidence = [name_of(message) for message in conflict.messages]
        said = Raised(
            fence,
            "REVISION_CONFLICT",
            "warning",
            "data owner",
            subject,
            f"revision {conflict.revision} of {subject} was said in {len(evidence)} ways;"
            " publish a higher revision that settles it",
            evidence,
            min(message.time for message in conflict.messages),
        )
        name = _conflict(subject, conflict.revision)
        effects.writes.append((RAISED, name, said))
        effects.statements.append(raised(kept(CONFLICT, name, said), fence, cause))


def _conflict(subject: str, revision: int) -> str:
    return f"REVISION_CONFLICT/{subject}/{revision}"


def cause_of(facts: Sequence[Fact]) -> tuple[int, str, str, str]:
    """The latest of several facts as the cause of a statement."""
    fact = max(facts, key=lambda fact: (fact.time, fact.source, fact.id))
    return fact.time, fact.source, fact.id, fact.correlation or ""


def _distinct(facts: Sequence[Fact]) -> bool:
    if len(facts) == 2:
        one, other = facts
        return one.revision != other.revision and (one.id != other.id or one.source != other.source)
    return len({fact.revision for fact in facts}) == len(facts) == len({(fact.source, fact.id) for fact in facts})
