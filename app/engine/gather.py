"""Answers for any key from any worker: what is held here, and what one question to each other worker gives.

A worker that is asked answers from what it holds and asks nobody, so no question goes round in circles, whatever two
workers believe of each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from heapq import merge
from itertools import islice
from typing import Any, Final

import msgspec

from agents.effects import contract_of
from app.domain import accuracy
from app.domain.utilization import Window
from app.engine import reconciled, shapes
from app.engine.accuracy import first_ticks, ledger_of, received, shown
from app.engine.accuracy import together as scored_together
from app.engine.explain import explain, refusal
from app.engine.figures import Figures, as_known
from app.engine.host import Host, Letters, Unavailable
from app.engine.outgoing import shadows
from app.engine.outgoing import together as together_at_the_gate
from app.engine.parts import Answered, Behind, Frame, Part, Question, decode_question, encode, joined
from app.engine.peers import Peers, Silent
from app.engine.queries import Queries, Sample
from app.engine.roster import (
    Roster,
    Span,
    ahead_of,
    described,
    mondays_of,
    scored_of,
    shown_gaps,
    shown_groups,
    shown_use,
    together,
)
from app.engine.shapes import Answer
from app.engine.statements import ENGINE_VERSION
from app.engine.topology import partition_of
from app.engine.workforce import Workforce, people_as_known
from app.events.fact import Fact

log = logging.getLogger(__name__)

_LETTERS: Final = 10_000
"""Refused records that are looked through for what is missing."""
_KEYS_AT_ONCE: Final = 1_000
"""Entities whose messages are asked for with one question: some milliseconds of another worker's time."""


class Gather:
    """The web's port for reading (`app.web.ports.Queries`), on either host.

    What is about one contract comes whole from the worker that has its slice, or raises Unavailable. What is about all
    of them comes from whoever answers, and its meta says how many slices did not; Unavailable is raised where none did.
    """

    def __init__(
        self,
        host: Host,
        clock: Callable[[], float],
        letters: Letters,
        peers: Peers | None = None,
        targets: Mapping[str, int] | None = None,
    ) -> None:
        """`clock` counts seconds. Without `peers` nobody is asked: this worker holds everything. `targets`: the
        firm's own of business SLAs."""
        self._host, self._letters, self._peers = host, letters, peers or Peers()
        self._here = Queries(host, clock, targets)
        self._targets = targets or {}

    async def close(self) -> None:
        await self._peers.close()

    @property
    def partitions(self) -> int:
        """How many slices there are."""
        return self._host.partitions

    @property
    def window(self) -> Window:
        """Which weeks of people and groups are told of."""
        return self._host.window

    # -- asking -----------------------------------------------------------------------------------------------------

    async def answer(self, question: bytes) -> bytes:
        """What another worker asks of this one. Raises ValueError for what is no question."""
        try:
            asked = decode_question(question)
        except msgspec.MsgspecError as error:
            raise ValueError(f"the body is no question: {error}") from error
        return encode(await self._here.part(asked))

    async def _ask(self, name: str, slices: Iterable[int], **arguments: Any) -> list[Part]:
        """Parts from whoever answers, each for the slices it holds; in no order."""
        by_address: defaultdict[str, list[int]] = defaultdict(list)
        own: list[int] = []
        held, owners, here = self._host.tables, self._host.owners, self._host.address
        for number in slices:
            if number in held:
                own.append(number)
            elif (owner := owners.get(number)) is not None and owner != here:
                by_address[owner].append(number)
        asked = [self._ask_peer(address, Question(name, numbers, arguments)) for address, numbers in by_address.items()]
        if own:
            asked.append(self._here.part(Question(name, own, arguments)))
        parts = await asyncio.gather(*asked) if len(asked) != 1 else [await asked[0]]
        return [part for part in parts if part is not None and part.frame.slices]

    async def _ask_peer(self, address: str, question: Question) -> Part | None:
        try:
            return await self._peers.ask(address, question)
        except Silent as silent:
            log.warning("slices %s are missing in an answer: %s", question.slices, silent)
            return None

    async def _one(self, contract_id: str, name: str, **arguments: Any) -> Part:
        """The part of the one worker that has the contract's slice."""
        return await self._of(contract_id, name, contract_id=contract_id, **arguments)

    async def _of(self, key: str, name: str, **arguments: Any) -> Part:
        """The part of the one worker that has the slice where `key` leads."""
        number = partition_of(key, self._host.partitions)
        for part in await self._ask(name, [number], **arguments):
            return part
        raise self._missing([number])

    async def _all(self, name: str, **arguments: Any) -> tuple[list[Any], Frame]:
        """Values of everyone who answers."""
        parts = await self._ask(name, range(self._host.partitions), **arguments)
        if not parts:
            raise self._missing(list(range(self._host.partitions)))
        return [part.value for part in parts], joined(part.frame for part in parts)

    async def _all_on_one_day(self, name: str, **arguments: Any) -> tuple[list[Any], Frame]:
        """The same, as of the same day: for a moment after midnight some slices have heard of it and others not."""
        values, frame = await self._all(name, day=None, **arguments)
        if len(set(frame.days)) > 1 and len(values) > 1:
            values, frame = await self._all(name, day=frame.today(), **arguments)
        return values, frame

    def _missing(self, numbers: Sequence[int]) -> Unavailable:
        total = self._host.partitions
        if len(numbers) == total > 1:
            return Unavailable(f"none of {total} partitions answers: they are being recovered, or have no worker yet")
        which = f"partition {numbers[0]}" if len(numbers) == 1 else f"partitions {', '.join(map(str, numbers))}"
        return Unavailable(f"{which} of {total}: being recovered, or the worker that has it does not answer")

    def _resting(self, value: Any, frames: Sequence[Frame]) -> Answered[Any]:
        """An answer that rests on what these frames tell of, and on no other slice."""
        whole = joined(frames)
        return Answered(value, whole.meta(len(whole.slices)))

    def _answered(self, value: Any, part: Part) -> Answered[Any]:
        """An answer from one slice, which is all that it rests on."""
        return Answered(value, part.frame.meta(1))

    # -- one contract -----------------------------------------------------------------------------------------------

    async def contract(self, contract_id: str) -> Answered[Answer | None]:
        part = await self._one(contract_id, "contract")
        return self._answered(part.value, part)

    async def burn(self, contract_id: str, as_of: date | None, known_at: int | None) -> Answered[list[Answer] | None]:
        return await self._figure("burn", contract_id, as_of, known_at)

    async def readiness(self, contract_id: str, as_of: date | None, known_at: int | None) -> Answered[Answer | None]:
        return await self._figure("readiness", contract_id, as_of, known_at)

    async def documents(
        self, contract_id: str, as_of: date | None, known_at: int | None
    ) -> Answered[list[Answer] | None]:
        return await self._figure("documents", contract_id, as_of, known_at)

    async def document(self, document_key: str) -> Answered[Answer | None]:
        """A live document; its contract is the first part of the key."""
        part = await self._one(contract_of(document_key), "documents", day=None)
        found = next((row for row in part.value or () if row["document_key"] == document_key), None)
        return self._answered(found, part)

    async def forecast(self, contract_id: str, as_of: date | None, known_at: int | None) -> Answered[Answer | None]:
        return await self._figure("forecast", contract_id, as_of, known_at)

    async def revenue(
        self, contract_id: str, as_of: date | None, known_at: int | None
    ) -> Answered[list[Answer] | None]:
        return await self._figure("revenue", contract_id, as_of, known_at)

    async def _figure(self, what: str, contract_id: str, as_of: date | None, known_at: int | None) -> Answered[Any]:
        """What `Figures` says of a contract under this name, by its slice or as known at an instant."""
        if known_at is not None:
            return await self._known_at(
                contract_id, known_at, as_of, lambda figures, day: getattr(figures, what)(contract_id, day)
            )
        part = await self._one(contract_id, what, day=_day(as_of))
        return self._answered(part.value, part)

    async def entries(
        self,
        contract_id: str,
        after: str,
        limit: int,
        line_id: str | None,
        status: str | None,
        period: str | None,
        on: date | None,
    ) -> Answered[list[Answer] | None]:
        days = shapes.span(period, on)
        part = await self._one(
            contract_id, "entries", after=after, limit=limit, line_id=line_id, status=status, days=days
        )
        return self._answered(part.value, part)

    async def daily(self, contract_id: str) -> Answered[Answer | None]:
        part = await self._one(contract_id, "daily")
        return self._answered(part.value, part)

    async def explain(
        self, contract_id: str, figure: str, line_id: str | None, as_of: date | None, known_at: int | None
    ) -> Answered[Answer | None]:
        """Raises ValueError for a figure that entries do not add up to, of a contract that there is."""
        if known_at is not None:
            return await self._known_at(
                contract_id,
                known_at,
                as_of,
                lambda figures, day: _explained(figures, contract_id, figure, line_id, day),
            )
        refused = refusal(figure, line_id)
        if refused is not None:  # said here: what a worker that is asked raises, nobody hears
            part = await self._one(contract_id, "burn", day=None)
            if part.value is not None:
                raise refused
            return self._answered(None, part)
        part = await self._one(contract_id, "explain", figure=figure, line_id=line_id, day=_day(as_of))
        return self._answered(part.value, part)

    async def _known_at(
        self, contract_id: str, moment: int, as_of: date | None, read: Callable[[Figures, int | None], Any]
    ) -> Answered[Any]:
        """The figures of one contract from what had been accepted at `moment`, folded here once more.

        What a contract is told lies in its own slice, its time, expenses and bookings where their own keys
        lead, and who is booked where the person is.
        """
        named, facts, frames = await self.behind_contract(contract_id)
        day = _day(as_of) if as_of is not None else frames[0].today()
        return self._resting(read(as_known(facts, moment), day) if named else None, frames)

    async def behind_contract(self, contract_id: str) -> tuple[bool, list[Fact], list[Frame]]:
        """Whether anybody named it, and every message that its figures may rest on; its own slice's frame first."""
        part = await self._one(contract_id, "behind")
        behind: Behind = part.value
        facts, frames = await self.messages(behind.entities)
        for resource_id in behind.people:
            theirs = await self._of(resource_id, "behind_person", resource_id=resource_id)
            facts += theirs.value.facts
            frames.append(theirs.frame)
        return behind.named, [*behind.facts, *facts], [part.frame, *frames]

    async def messages(self, entities: Iterable[str]) -> tuple[list[Fact], list[Frame]]:
        """Every message about these entities (`kind/id`), wherever each is kept."""
        facts: list[Fact] = []
        frames: list[Frame] = []
        for number, keys in self._by_slice(entities).items():
            for start in range(0, len(keys), _KEYS_AT_ONCE):
                found = await self._ask("facts", [number], keys=keys[start : start + _KEYS_AT_ONCE])
                if not found:
                    raise self._missing([number])
                facts += found[0].value
                frames.append(found[0].frame)
        return facts, frames

    def _by_slice(self, keys: Iterable[str]) -> dict[int, list[str]]:
        placed: defaultdict[int, list[str]] = defaultdict(list)
        for key in keys:
            placed[partition_of(key, self._host.partitions)].append(key)
        return dict(sorted(placed.items()))

    # -- people -----------------------------------------------------------------------------------------------------

    async def people(
        self,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        role: str | None,
        practice: str | None,
    ) -> Answered[list[Answer]]:
        if known_at is not None:
            then, day, frame = await self._everybody(as_of, known_at)
            mondays = mondays_of(span, day, self._host.window)
            rows = Roster(then.stores[0]).rows(after, mondays, day, role, practice)
            return self._whole(list(islice(rows, limit)), frame)
        values, frame = await self._all_as_of(
            "people", as_of, after=after, limit=limit, span=span, role=role, practice=practice
        )
        return self._whole(_merged(values, "resource_id", limit), frame)

    async def alerts(
        self,
        after: str,
        limit: int,
        as_of: date | None,
        known_at: int | None,
        kind: str | None,
        role: str | None,
        practice: str | None,
    ) -> Answered[list[Answer]]:
        if known_at is not None:
            then, day, frame = await self._everybody(as_of, known_at)
            rows = Roster(then.stores[0]).alerts(after, self._host.window, day, kind, role, practice)
            return self._whole(list(islice(rows, limit)), frame)
        values, frame = await self._all_as_of(
            "alerts", as_of, after=after, limit=limit, kind=kind, role=role, practice=practice
        )
        return self._whole(_merged(values, "resource_id", limit), frame)

    async def _everybody(self, as_of: date | None, known_at: int) -> tuple[Workforce, int | None, Frame]:
        """Everybody, and all demand, from what had been accepted at an instant; and the day that is asked for."""
        values, frame = await self._all("behind_people")
        then = people_as_known((fact for value in values for fact in value), known_at)
        return then, _day(as_of) or frame.today(), frame

    async def person(
        self, resource_id: str, span: Span, as_of: date | None, known_at: int | None
    ) -> Answered[Answer | None]:
        if known_at is not None:
            facts, frames = await self.behind_person(resource_id)
            day = _day(as_of) or frames[0].today()
            known = _known_people(facts, known_at)
            return self._resting(known.person(resource_id, mondays_of(span, day, self._host.window), day), frames)
        part = await self._of(resource_id, "person", resource_id=resource_id, span=span, day=_day(as_of))
        return self._answered(part.value, part)

    async def cell(
        self, resource_id: str, monday: int, as_of: date | None, known_at: int | None
    ) -> Answered[Answer | None]:
        """The entries of a cell say more of themselves where they are kept."""
        if known_at is not None:
            facts, frames = await self.behind_person(resource_id)
            told = [fact for fact in facts if fact.accepted <= known_at]
            day = _day(as_of) or frames[0].today()
            return self._resting(described(_known_people(told, known_at).cell(resource_id, monday, day), told), frames)
        part = await self._of(resource_id, "cell", resource_id=resource_id, monday=monday, day=_day(as_of))
        if part.value is None:
            return self._answered(None, part)
        facts, frames = await self.messages(f"time/{entry['entry_id']}" for entry in part.value["entries"])
        return self._resting(described(part.value, facts), [part.frame, *frames])

    async def behind_person(self, resource_id: str) -> tuple[list[Fact], list[Frame]]:
        """Every message that the person's weeks may rest on; the frame of the person's own slice first."""
        part = await self._of(resource_id, "behind_person", resource_id=resource_id)
        behind: Behind = part.value
        facts, frames = await self.messages(behind.entities)
        return [*behind.facts, *facts], [part.frame, *frames]

    async def groups(
        self, kind: str, after: str, limit: int, span: Span, as_of: date | None, known_at: int | None
    ) -> Answered[list[Answer]]:
        rows, meta = await self._groups(kind, None, span, as_of, known_at)
        return Answered([row for row in rows if row["id"] > after][:limit], meta)

    async def group(
        self, kind: str, group_id: str, span: Span, as_of: date | None, known_at: int | None
    ) -> Answered[Answer | None]:
        rows, meta = await self._groups(kind, group_id, span, as_of, known_at)
        return Answered(rows[0] if rows else None, meta)

    async def _groups(
        self, kind: str, group_id: str | None, span: Span, as_of: date | None, known_at: int | None
    ) -> Answered[list[Answer]]:
        if known_at is None:
            name = "" if kind == "firm" else group_id
            values, frame = await self._all_as_of("groups", as_of, kinds=[kind], span=span, group_id=name)
            day = _day(as_of) or frame.today()
            totals = together(values)
        else:
            known, day, frame = await self._everybody(as_of, known_at)
            totals = {} if day is None else known.groups(day, mondays_of(span, day, self._host.window))
        mondays = mondays_of(span, day, self._host.window)
        rows = [] if day is None else shown_groups(kind, totals, day, mondays)
        return self._whole([row for row in rows if group_id in (None, row["id"])], frame)

    async def demand(
        self,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        role: str | None,
        practice: str | None,
    ) -> Answered[list[Answer]]:
        rows: list[Answer] = []
        if known_at is not None:
            then, day, frame = await self._everybody(as_of, known_at)
            if day is not None:
                mondays = ahead_of(span, day, self._host.window)
                rows = shown_gaps(then.openings(), then.groups(day, mondays), day, mondays)
        else:
            values, frame = await self._all_as_of("demand", as_of, span=span)
            day = _day(as_of) or frame.today()
            if day is not None:
                totals = together(value.sums for value in values)
                wanted = (row for value in values for row in value.wanted)
                rows = shown_gaps(wanted, totals, day, ahead_of(span, day, self._host.window))
        found = (
            row
            for row in rows
            if row["cursor"] > after and role in (None, row["role"]) and practice in (None, row["practice"])
        )
        return self._whole(list(islice(found, limit)), frame)

    async def accuracy(
        self,
        kind: str,
        after: str,
        limit: int,
        span: Span,
        as_of: date | None,
        known_at: int | None,
        group_id: str | None,
        ahead: int | None,
    ) -> Answered[list[Answer]]:
        if known_at is None:
            values, frame = await self._all_as_of("accuracy", as_of, kinds=[kind], span=span)
            day, ticks = _day(as_of) or frame.today(), first_ticks(value.ticks for value in values)
        else:
            values, _ = await self._all("accuracy", kinds=[], span=span, day=None)
            known = first_ticks(value.ticks for value in values)
            ticks = {monday: tick for monday, tick in known.items() if tick[0] <= known_at}
            then, day, frame = await self._everybody(as_of, known_at)
        if day is None:
            return self._whole([], frame)
        cells = accuracy.cells(scored_of(span, day, self._host.window), accuracy.turns(ticks), day)
        ledger = (
            scored_together(received(value.sums) for value in values)
            if known_at is None
            else ledger_of(then.stores, cells)
        )
        rows = (row for row in shown(kind, ledger, cells, day, ahead) if group_id in (None, row["id"]))
        return self._whole(list(islice((row for row in rows if row["id"] > after), limit)), frame)

    async def _all_as_of(self, name: str, as_of: date | None, **arguments: Any) -> tuple[list[Any], Frame]:
        """As of a day, or of the one that all slices have reached."""
        if as_of is None:
            return await self._all_on_one_day(name, **arguments)
        return await self._all(name, day=_day(as_of), **arguments)

    # -- all of them ------------------------------------------------------------------------------------------------

    async def overview(self) -> Answered[Answer]:
        values, frame = await self._all_on_one_day("overview")
        use = shown_use((value["utilization"] for value in values), frame.today())
        return self._whole({**shapes.overviews(values), "utilization": use}, frame)

    async def contracts(
        self, after: str, limit: int, status: str | None, client_id: str | None
    ) -> Answered[list[Answer]]:
        values, frame = await self._all_on_one_day(
            "contracts", after=after, limit=limit, status=status, client_id=client_id
        )
        return self._whole(_merged(values, "contract_id", limit), frame)

    async def readiness_list(self, after: str, limit: int, state: str | None) -> Answered[list[Answer]]:
        values, frame = await self._all_on_one_day("readiness_list", after=after, limit=limit, state=state)
        return self._whole(_merged(values, "contract_id", limit), frame)

    async def documents_list(
        self, after: str, limit: int, kind: str | None, contract_id: str | None
    ) -> Answered[list[Answer]]:
        values, frame = await self._all_on_one_day(
            "documents_list", after=after, limit=limit, kind=kind, contract_id=contract_id
        )
        rows = merge(*values, key=lambda row: (row["contract_id"], row["document_key"]))
        return self._whole(list(islice(rows, limit)), frame)

    async def unlocks(
        self,
        after: str,
        limit: int,
        owner: str | None,
        currency: str | None,
        code: str | None,
        contract_id: str | None,
    ) -> Answered[Answer]:
        values, frame = await self._all_on_one_day(
            "unlocks",
            after=after,
            limit=limit,
            owner=owner,
            currency=currency,
            code=code,
            contract_id=contract_id,
        )
        return self._whole(shapes.unlocks(values, limit), frame)

    async def desk(self) -> Answered[Answer]:
        """What stands at the exceptions desk but for dead letters: `items`, and `cases` by the ids of exceptions."""
        values, frame = await self._all_on_one_day("desk")
        items = [item for value in values for item in value["items"]]
        cases = {name: case for value in values for name, case in value["cases"].items()}
        return self._whole({"items": items, "cases": cases}, frame)

    async def reconciliation(
        self, after: str, limit: int, system: str | None, cause: str | None, contract_id: str | None
    ) -> Answered[Answer]:
        """Refused records are read only where one may be why something is missing here."""
        values, frame = await self._all_on_one_day("reconciliation")
        parts = [part for value in values for part in value]
        refused: list[str] = []
        if reconciled.suspects(drift for part in parts for drift in part["drift"]):
            letters = await self._letters.read("", _LETTERS)
            refused = [letter["value"] for letter in letters if letter["value"]]
        found = reconciled.whole(parts, refused, {"system": system, "cause": cause, "contract_id": contract_id})
        found["items"] = [row for row in found["items"] if row["cursor"] > after][:limit]
        return self._whole(found, frame)

    async def promises(self) -> Answered[list[Answer]]:
        values, frame = await self._all_on_one_day("promises")
        return self._whole(shapes.promises(values, self._targets), frame)

    async def shadow(self) -> Answered[Answer]:
        values, frame = await self._all("shadow")
        return self._whole(shadows(values), frame)

    async def gate(self) -> Answered[list[Answer]]:
        values, frame = await self._all("gate")
        return self._whole(together_at_the_gate(values), frame)

    async def dead_letters(self, after: str, limit: int) -> Answered[list[Answer]]:
        rows = await self._letters.read(after, limit)
        _, frame = await self._all("frame")
        return self._whole(list(rows), frame)

    async def event(self, source: str, event_id: str, /) -> Answer | None:
        """Raises Unavailable where it was not found and not everybody answered: who is missing may have it."""
        values, frame = await self._all("event", source=source, event_id=event_id)
        found: Answer | None = next((value for value in values if value is not None), None)
        if found is None and len(frame.slices) < self._host.partitions:
            raise self._missing(sorted(set(range(self._host.partitions)) - set(frame.slices)))
        return found

    async def ids(self, limit: int) -> tuple[list[str], Frame]:
        """The first contracts that anybody named, by id."""
        values, frame = await self._all("ids", limit=limit)
        return list(islice(merge(*values), limit)), frame

    async def streams(self) -> Answered[Answer]:
        values, frame = await self._all("streams")
        told: Answer = {
            "topics": sorted(
                (topic for value in values for topic in value["topics"]),
                key=lambda topic: (topic["topic"], topic["partition"]),
            ),
            "dispositions": shapes.sums([value["dispositions"] for value in values]),
            "events_per_second": round(sum(value["events_per_second"] for value in values), 1),
            "statements_per_second": round(sum(value["statements_per_second"] for value in values), 1),
            "hosts": [host for value in values for host in value["hosts"]],
            "engine_version": ENGINE_VERSION,
        }
        return self._whole(told, frame)

    def _whole(self, value: Any, frame: Frame) -> Answered[Any]:
        return Answered(value, frame.meta(self._host.partitions))

    # -- this worker ------------------------------------------------------------------------------------------------

    def ready(self) -> tuple[bool, str]:
        return self._host.ready()

    def samples(self) -> list[tuple[str, str, str, list[Sample]]]:
        """Metrics of this worker alone."""
        return self._here.samples()


def _known_people(facts: Iterable[Fact], moment: int) -> Roster:
    """People from those of `facts` that were accepted up to `moment` (microseconds), and no others."""
    return Roster(people_as_known(facts, moment).stores[0])


def _day(as_of: date | None) -> int | None:
    return as_of.toordinal() if as_of is not None else None


def _merged(values: Iterable[list[Answer]], name: str, limit: int) -> list[Answer]:
    """The first of several lists, each in the order of the field `name`."""
    return list(islice(merge(*values, key=lambda row: str(row[name])), limit))


def _explained(figures: Figures, contract_id: str, figure: str, line_id: str | None, day: int | None) -> Answer | None:
    found = figures.of(contract_id)
    return None if found is None else explain(*found, contract_id, figure, line_id, day)
