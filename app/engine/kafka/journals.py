"""The journals of a deployment as they stood at one moment, and what else a replay of them needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec

from agents.effects import DEAD_LETTERS, INPUTS, JOURNALS, DeadLetter, Record
from app.engine.kafka.log import Log, LogError, Place, Stretch
from app.engine.kafka.records import decode_journal, letter_of
from app.settings import Settings


class KafkaJournals:
    """Journal topics up to the ends that `at` found. Journals are kept whole: a gap in them is a LogError."""

    def __init__(self, log: Log, prefix: str, stretches: Mapping[Place, Stretch]) -> None:
        self._log, self._prefix, self._stretches = log, prefix, stretches
        self.partitions = len(stretches) // len(JOURNALS)

    @classmethod
    async def at(cls, log: Log, settings: Settings) -> KafkaJournals:
        """The journals up to this moment.

        The ends of the other journals are found before that of the facts: what the facts agent tells a home then
        follows from a fact that is there.
        """
        stretches: dict[Place, Stretch] = {}
        for topic in reversed(JOURNALS):  # `journal.facts` comes last
            places = await log.places([settings.kafka_prefix + topic])
            stretches.update(await log.stretches(places))
        counts = {topic: sum(place.topic.endswith(topic) for place in stretches) for topic in JOURNALS}
        if len(set(counts.values())) > 1:
            raise LogError(f"the journals have different numbers of partitions: {counts}; make them anew with one")
        return cls(log, settings.kafka_prefix, stretches)

    def _place(self, topic: str, partition: int) -> Place:
        return Place(self._prefix + topic, partition)

    def end(self, topic: str, partition: int) -> int:
        return self._stretches[self._place(topic, partition)].end

    async def records(self, topic: str, partition: int, first: int = 0) -> AsyncIterator[list[Record]]:
        place = self._place(topic, partition)
        held = self._stretches[place]
        if held.first > first:
            raise _gap(place, first, held.first)
        async for _, found in self._log.read({place: Stretch(first, held.end)}):
            records = []
            for one in found:
                if one.offset != first:
                    raise _gap(place, first, one.offset)
                first += 1
                try:
                    records.append(Record(one.offset, decode_journal(one.value)))
                except msgspec.MsgspecError as error:
                    raise LogError(
                        f"{place.topic} partition {place.partition} offset {one.offset} holds no journal record"
                        f" ({error}); nobody but workers may write to it"
                    ) from error
            if records:
                yield records
        if first < held.end:
            raise _gap(place, first, held.end)


def _gap(place: Place, expected: int, found: int) -> LogError:
    return LogError(
        f"{place.topic} partition {place.partition} lacks the records from {expected} up to {found}: a journal is kept"
        " whole; set its retention.ms and retention.bytes to -1, and restore what is lost from an export"
    )


async def dead_letters(log: Log, settings: Settings) -> list[DeadLetter]:
    """Every record that intake refused, once, in the order of topic, partition and offset."""
    found: dict[tuple[str, int, int], DeadLetter] = {}
    for topic in INPUTS:
        places = await log.places([settings.kafka_prefix + topic + DEAD_LETTERS])
        async for _, records in log.read(await log.stretches(places)):
            for one in records:
                letter = letter_of(one.value, one.headers)
                found.setdefault(letter[:3], letter)
    return [found[origin] for origin in sorted(found)]
