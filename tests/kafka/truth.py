"""The verdict on a deployment that came to rest: what it holds and said, against a run that nobody disturbed.

The undisturbed run is the host in memory over the very records that the input topics hold. Topics are read with a
client that is not ours (librdkafka), and folded here, not by the code under test.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from agents.effects import (
    DEAD_LETTERS,
    DERIVED,
    DOCUMENTS,
    ENGAGEMENTS,
    FACTS,
    INPUTS,
    JOURNALS,
    PRACTICES,
    RESOURCES,
    DeadLetter,
    Record,
    Statement,
)
from app.engine.figures import Figures
from app.engine.kafka.records import changelog_json, changelog_version, parse_changelog_key
from app.engine.kafka.topics import changelog_name
from app.engine.memory import MemoryHost, MemoryStore
from app.engine.runner import finish
from app.engine.statements import event_of
from app.engine.workforce import Workforce
from app.replay.digest import (
    FACT_TABLES,
    LEDGER_TABLES,
    fact_pairs,
    figure_pairs,
    ledger_pairs,
    replicas_agree,
    week_pairs,
)
from tables import TABLES, Store
from tables.controls import CONTROLS
from tests.chaos.runs import in_force
from tests.kafka.broker import Config

CUT = 1_000
"""Records of one batch of the undisturbed run; nothing may depend on it."""

SHOWN = 5
"""Differences of one kind that are told in full."""

READ_SECONDS = 120

_TABLES = {table.name: table for table in TABLES}
_AGENTS = {
    "facts": FACTS,
    "engagement": ENGAGEMENTS,
    "resource": RESOURCES,
    "practice": PRACTICES,
    "gate": DOCUMENTS,
}
_OURS = ("state_version", "engine_version")
"""What a statement says of the deployment that made it."""

_CAUSE = ("correlationid", "causationid")


class Kept(NamedTuple):
    """A record as it stands in a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int  # milliseconds


@dataclass
class Verdict:
    """Sentences about what is wrong, none if all is right; and what was counted on the way."""

    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.problems

    def blame(self, what: str, found: Iterable[str]) -> None:
        """Tell the first of the differences of one kind, and how many there are."""
        found = list(found)
        if found:
            self.problems.append(f"{what}: {len(found)}: " + "; ".join(found[:SHOWN]))


class Cluster:
    """What is asked of the broker, as any client could."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self.group, self.prefix = group, f"{group}."
        self._options: Config = {"bootstrap.servers": bootstrap, "log_level": 0}

    def sources(self) -> list[str]:
        return [self.prefix + name for name in (*INPUTS, *JOURNALS)]

    def written(self) -> list[str]:
        """Topics that are only written to."""
        derived = [self.prefix + name for name in DERIVED]
        return [*derived, *(self.prefix + name + DEAD_LETTERS for name in INPUTS), changelog_name(self.group)]

    def ends(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """The end of every partition. Raises KafkaException while no broker answers."""
        reader = self._reader()
        try:
            places = self._places(reader, topics)
            return {
                (topic, p): int(reader.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1])
                for topic, p in places
            }
        finally:
            reader.close()

    def committed(self) -> dict[tuple[str, int], int]:
        """Per partition the offset that the group goes on from. Raises KafkaException while no broker answers."""
        reader = self._reader()
        try:
            places = [TopicPartition(*place) for place in self._places(reader, self.sources())]
            found = reader.committed(places, timeout=10)
            return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}
        finally:
            reader.close()

    def read(self, topic: str) -> list[Kept]:
        """Every record of a topic, each partition in its order."""
        reader = self._reader()
        try:
            places = self._places(reader, [topic])
            reader.assign([TopicPartition(topic, p, 0) for _, p in places])
            found: list[Kept] = []
            ended: set[int | None] = set()  # a partition says so whenever its end is reached, so maybe twice
            until = time.monotonic() + READ_SECONDS
            while len(ended) < len(places) and time.monotonic() < until:
                for message in reader.consume(10_000, timeout=0.1):  # waits so long unless so many come
                    error = message.error()
                    if error is None:
                        found.append(_kept(message))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        ended.add(message.partition())
                    else:
                        raise KafkaException(error)
            if len(ended) < len(places):
                raise RuntimeError(f"{topic} could not be read to its end in {READ_SECONDS} s")
            found.sort(key=lambda record: record[:2])
            return found
        finally:
            reader.close()

    def _places(self, reader: Consumer, topics: Iterable[str]) -> list[tuple[str, int]]:
        known = reader.list_topics(timeout=10).topics
        return [(topic, p) for topic in topics for p in sorted(known[topic].partitions)]

    def _reader(self) -> Consumer:
        """A consumer that asks in the group's name, but never joins it, as it only assigns itself."""
        return Consumer(
            {
                **self._options,
                "group.id": self.group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
            }
        )


def _kept(message: Any) -> Kept:
    return Kept(
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
        message.timestamp()[1],
    )


class Calm:
    """The undisturbed run over the records that the input topics hold."""

    def __init__(self, inputs: Mapping[str, Sequence[Kept]], partitions: int) -> None:
        self.letters: dict[tuple[str, int, int], DeadLetter] = {}
        self.statements: dict[tuple[str, str], dict[str, Any]] = {}
        self.host = MemoryHost(partitions, on_dead_letter=self._refuse, on_statement=self._hear)
        self.records = sum(map(len, inputs.values()))
        for topic, chunk in _in_turn(inputs):
            records = [Record(one.offset, one.value or b"", one.headers, one.timestamp * 1_000) for one in chunk]
            finish(self.host.take(topic, records, chunk[0].partition))

    def _refuse(self, letter: DeadLetter) -> None:
        self.letters[letter[:3]] = letter

    def _hear(self, statement: Statement) -> None:
        attributes, data = event_of(statement)
        self.statements[statement.topic, statement.key] = comparable(attributes, data)


def _in_turn(inputs: Mapping[str, Sequence[Kept]]) -> Iterator[tuple[str, list[Kept]]]:
    """Chunks of one partition each, taking turns as records arrived."""
    chunks = []
    for topic, records in inputs.items():
        by_partition: defaultdict[int, list[Kept]] = defaultdict(list)
        for record in records:
            by_partition[record.partition].append(record)
        for own in by_partition.values():
            chunks += [(topic, own[start : start + CUT]) for start in range(0, len(own), CUT)]
    yield from sorted(chunks, key=lambda one: (one[1][0].timestamp, one[0], one[1][0].partition))


def comparable(attributes: Mapping[str, str | None], data: bytes) -> dict[str, Any]:
    """What a statement says, without what differs between two deployments by right."""
    payload = {name: value for name, value in orjson.loads(data).items() if name not in _OURS}
    said = {name: attributes.get(name) for name in ("type", "subject", "time", *_CAUSE)}
    return {**said, "data": payload}


def judge(bootstrap: str, group: str, partitions: int) -> Verdict:
    """Compare everything there is; call it when nothing moves any more."""
    cluster = Cluster(bootstrap, group)
    verdict = Verdict()
    inputs = {name: cluster.read(cluster.prefix + name) for name in INPUTS}
    calm = Calm(inputs, partitions)
    stores = _tables(verdict, cluster.read(changelog_name(group)), partitions)
    _compare_tables(verdict, stores, calm.host.stores)
    _compare_statements(verdict, cluster, calm)
    _compare_dispositions(verdict, stores, calm)
    _compare_letters(verdict, cluster, calm, inputs)
    ends = cluster.ends(cluster.sources())
    _compare_offsets(verdict, cluster.committed(), ends)
    _compare_fences(verdict, stores, ends, cluster.prefix)
    return verdict


# -- tables -------------------------------------------------------------------------------------------------------


def _tables(verdict: Verdict, records: Sequence[Kept], partitions: int) -> list[MemoryStore]:
    """The tables by slice, and that both ways to fold the changelog come to the same."""
    last: dict[tuple[int, bytes], bytes | None] = {}
    best: dict[tuple[int, bytes], tuple[bytes, bytes | None]] = {}
    lower = 0
    for one in records:
        place = one.partition, one.key or b""
        version = changelog_version(one.value, one.headers)
        said = None if one.value is None else changelog_json(one.value)
        last[place] = said
        if place not in best or best[place][0] <= version:
            best[place] = version, said
        else:
            lower += 1
    verdict.counts.update(changelog=len(records), keys=len(best), lower_versions=lower)
    verdict.blame(
        "the last record of a key is not the one of the greatest version",
        (f"slice {p} {key.decode()}" for (p, key), (_, said) in best.items() if last[p, key] != said),
    )
    stores = [MemoryStore() for _ in range(partitions)]
    for (partition, key), (_, said) in best.items():
        name, own = parse_changelog_key(key)
        if said is not None:
            stores[partition].write([(_TABLES[name], own, _TABLES[name].decode(said))])
    return stores


def _compare_tables(verdict: Verdict, found: Sequence[Store], calm: Sequence[Store]) -> None:
    for table in FACT_TABLES:
        _compare_pairs(verdict, table, fact_pairs(found, table), fact_pairs(calm, table))
    for table in LEDGER_TABLES:
        _compare_pairs(verdict, table, ledger_pairs(found, table), ledger_pairs(calm, table))
    today = max((control.today for store in calm for _, control in store.scan(CONTROLS)), default=0) or None
    ours, theirs = (
        [(f"{kind} {key}", value) for kind, (key, value) in figure_pairs(Figures(stores), today)]
        for stores in (found, calm)
    )
    _compare_pairs(verdict, "figures", ours, theirs)
    weeks = [week_pairs(Workforce(stores), today) for stores in (found, calm)]
    _compare_pairs(verdict, "weeks", *weeks)
    if not replicas_agree(found):
        verdict.problems.append("slices hold different reference data")


def _compare_pairs(
    verdict: Verdict, table: str, found: Iterable[tuple[str, bytes]], calm: Iterable[tuple[str, bytes]]
) -> None:
    """Per key; a key that stands in two slices is a difference too."""
    ours, theirs = _grouped(found), _grouped(calm)
    verdict.blame(
        f"table {table} differs",
        (
            f"{key}: {_how(ours.get(key), theirs.get(key))}"
            for key in sorted({*ours, *theirs})
            if ours[key] != theirs[key]
        ),
    )


def _grouped(pairs: Iterable[tuple[str, bytes]]) -> defaultdict[str, list[bytes]]:
    grouped: defaultdict[str, list[bytes]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return grouped


def _how(found: list[bytes] | None, calm: list[bytes] | None) -> str:
    if not found or not calm:
        return "only in the undisturbed run" if not found else "not in the undisturbed run"
    if len(found) != len(calm):
        return f"stands in {len(found)} slices"
    at = next((i for i, (a, b) in enumerate(zip(found[0], calm[0], strict=False)) if a != b), 0)
    return f"{found[0][max(0, at - 60) : at + 60]!r} is {calm[0][max(0, at - 60) : at + 60]!r} undisturbed"


# -- statements ---------------------------------------------------------------------------------------------------


class Said:
    """What the derived topics hold: the last statement for each key, the one of the greatest version, and doubles."""

    def __init__(self) -> None:
        self.last: dict[tuple[str, str], dict[str, Any]] = {}
        self.greatest: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self.partitions: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self.payloads: defaultdict[bytes, set[bytes]] = defaultdict(set)
        self.versions: defaultdict[tuple[str, str, int], set[bytes]] = defaultdict(set)
        self.records = 0

    def take(self, topic: str, one: Kept) -> None:
        headers = dict(one.headers)
        attributes = {name[3:]: text.decode() for name, text in headers.items() if name.startswith("ce_")}
        value, place = one.value or b"{}", (topic, (one.key or b"").decode())
        version = orjson.loads(value)["state_version"]
        said = comparable(attributes, value)
        self.records += 1
        self.last[place] = said
        if place not in self.greatest or self.greatest[place][0] <= version:
            self.greatest[place] = version, said
        self.partitions[place].add(one.partition)
        self.payloads[headers["ce_id"]].add(orjson.dumps([attributes, place]) + value)
        self.versions[(*place, version)].add(value)


def _compare_statements(verdict: Verdict, cluster: Cluster, calm: Calm) -> None:
    said = Said()
    for topic in DERIVED:
        for one in cluster.read(cluster.prefix + topic):
            said.take(topic, one)
    verdict.counts.update(
        statements=said.records,
        statements_repeated=said.records - len(said.payloads),
    )
    greatest = {place: one for place, (_, one) in said.greatest.items()}
    for name, found in (("last", said.last), ("greatest", greatest)):
        differing = _differences(in_force(found), in_force(calm.statements))
        verdict.blame(f"the {name} statement differs", differing)
    verdict.blame("an id has two payloads", (i.decode() for i, ways in said.payloads.items() if len(ways) > 1))
    verdict.blame(
        "a version of a key says two things", (f"{at}" for at, ways in said.versions.items() if len(ways) > 1)
    )
    verdict.blame("a key stands in two partitions", (f"{p}" for p, own in said.partitions.items() if len(own) > 1))


def _differences(
    found: Mapping[tuple[str, str], Mapping[str, Any]], calm: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Iterator[str]:
    for place in sorted({*found, *calm}):
        if place not in found or place not in calm:
            yield f"{place} is {'missing' if place in calm else 'not said undisturbed'}"
            continue
        ours, theirs = dict(_fields(found[place])), dict(_fields(calm[place]))
        differing = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
        if differing:
            said = ", ".join(f"{name} {ours.get(name)!r} is {theirs.get(name)!r} undisturbed" for name in differing)
            yield f"{place} {said}"


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a payload with the way to it."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _fields(one, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


# -- counts -------------------------------------------------------------------------------------------------------


def _compare_dispositions(verdict: Verdict, stores: Sequence[Store], calm: Calm) -> None:
    counts: Counter[str] = Counter()
    for store in stores:
        for _, control in store.scan(CONTROLS):
            counts.update(control.counts)
    verdict.counts.update(records=calm.records, **counts)
    if counts.total() != calm.records:
        verdict.problems.append(f"dispositions add up to {counts.total()}, not to {calm.records}: {dict(counts)}")


def _compare_letters(verdict: Verdict, cluster: Cluster, calm: Calm, inputs: Mapping[str, Sequence[Kept]]) -> None:
    original = {(topic, one.partition, one.offset): one for topic, records in inputs.items() for one in records}
    found: Counter[tuple[str, int, int]] = Counter()
    spoilt = []
    for topic in INPUTS:
        for one in cluster.read(cluster.prefix + topic + DEAD_LETTERS):
            said = {name: text.decode() for name, text in one.headers}
            origin = (
                said["__connect.errors.topic"],
                int(said["__connect.errors.partition"]),
                int(said["__connect.errors.offset"]),
            )
            found[origin] += 1
            letter, source = calm.letters.get(origin), original.get(origin)
            if letter is None or source is None:
                spoilt.append(f"{origin} was not refused undisturbed")
            elif (one.key, one.value, said["x-dlq-code"]) != (source.key, source.value, letter.code):
                spoilt.append(f"{origin} is not what came in, or has another reason")
    verdict.counts.update(dead_letters=found.total(), dead_letters_repeated=found.total() - len(found))
    verdict.blame("a dead letter is wrong", spoilt)
    verdict.blame("a dead letter is missing", (f"{origin}" for origin in sorted(calm.letters.keys() - found.keys())))
    if verdict.counts.get("dead_lettered", 0) != len(calm.letters):
        verdict.problems.append(
            f"{verdict.counts.get('dead_lettered')} records are counted as refused, {len(calm.letters)} undisturbed"
        )


def _compare_offsets(
    verdict: Verdict, committed: Mapping[tuple[str, int], int], ends: Mapping[tuple[str, int], int]
) -> None:
    verdict.blame(
        "an offset is not the end",
        (
            f"{place} {committed.get(place, 0)} of {end}"
            for place, end in ends.items()
            if committed.get(place, 0) != end
        ),
    )


def _compare_fences(
    verdict: Verdict, stores: Sequence[Store], ends: Mapping[tuple[str, int], int], prefix: str
) -> None:
    """Each agent's control includes its journal up to the last record."""
    wrong = []
    for partition, store in enumerate(stores):
        for agent, journal in _AGENTS.items():
            control = store.get(CONTROLS, f"{agent}/{partition}")
            fence, end = control.fence if control else -1, ends[prefix + journal, partition]
            if fence != end - 1:
                wrong.append(f"{agent} of slice {partition} includes {fence}, its journal ends at {end}")
    verdict.blame("a control is behind its journal", wrong)


# -- rest ---------------------------------------------------------------------------------------------------------


def settle(cluster: Cluster, seconds: float, quiet: float = 4.0, still: float | None = None) -> str:
    """Wait until everything is acknowledged and nothing was written for `quiet` seconds; else what was not so.

    With `still`, it is given up as soon as nothing was acknowledged or written for so many seconds: `seconds` may then
    be as long as a slow machine needs.
    """
    began = time.monotonic()
    before: dict[tuple[str, int], int] = {}
    since = moved = began
    acknowledged: dict[tuple[str, int], int] = {}
    waiting = "no broker answered"
    while time.monotonic() - began < seconds and (still is None or time.monotonic() - moved < still):
        time.sleep(0.5)
        try:
            ends, committed = cluster.ends(chain(cluster.sources(), cluster.written())), cluster.committed()
        except (KafkaException, TimeoutError):
            continue
        late = {
            place: (committed.get(place, 0), end)
            for place, end in ends.items()
            if place[0] in cluster.sources() and committed.get(place, 0) != end
        }
        if (ends, committed) != (before, acknowledged):
            acknowledged, moved = committed, time.monotonic()
        if late or ends != before:
            before, since = ends, time.monotonic()
        elif time.monotonic() - since >= quiet:
            return ""
        waiting = f"not acknowledged (offset, end): {dict(sorted(late.items()))}" if late else "still being written"
    now = time.monotonic()
    return f"after {now - began:.0f} s, the last {now - moved:.0f} s of them without any progress, {waiting}"
