"""A power cut at any moment, any number of times, changes nothing in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from random import Random

import pytest

from agents.effects import BILLING, ENGAGEMENTS, EXCEPTIONS, Batch, Statement
from app.domain.documents import WITHDRAWN
from app.engine.figures import Figures
from app.engine.memory import MemoryStore
from app.engine.runner import finish
from app.engine.topology import READERS
from app.events.posting import Draft
from app.replay.digest import canonical, replicas_agree
from tests.engine.crew import crew
from tests.engine.lossy import Dice, LossyHost, Script, Writes
from tests.engine.noise import UNREADABLE, noisy, tick
from tests.engine.runs import (
    THOROUGH,
    Run,
    Said,
    counts,
    digest,
    facts,
    fold,
    hear,
    histories,
    let_through,
    lines,
    standing,
    unrevised,
)
from tests.engine.stories import STORIES
from tests.engine.test_desk import KEY, LOG, RATE, answer
from tests.engine.test_policy import AT
from tests.model.histories import Event, as_of_days, envelope, history, troubled


def dealt(seed: int, *, percent: int, per_table: bool, late: int = 0) -> LossyHost:
    """A history through power cuts as the dice fall, compared with the same history without any."""
    rng = Random(seed)
    events = troubled(history(seed, 60), rng)
    days = as_of_days(events)
    today = rng.choice(days)
    ticks = [tick(today - timedelta(days=back)) for back in (0, 0, 7)]
    log = noisy(lines(events), rng, [*ticks, *crew(rng, today, 20)])
    host = LossyHost(log, Dice(rng, percent, per_table, late), partitions=rng.randint(1, 3))
    host.run()
    print(f"seed {seed}: {host.cuts} power cuts, {host.late} late")
    assert_unharmed(host, Undisturbed(fold(log, publish=True), days, today))
    assert {letter.value for letter in host.letters} == set(UNREADABLE)
    if not late:
        assert_no_mixture(host)
    return host


class Undisturbed:
    """What a run without power cuts comes to on each of `days`, worked out once for however many others."""

    def __init__(self, run: Run, days: Sequence[date], today: date | None = None) -> None:
        self.days, self.today = days, today
        self.facts = facts(run.host.stores)
        self.digests = {day: digest(run.host.stores, day) for day in days}
        self.parked, self.read, self.told = (
            run.figures.parked(),
            run.host.read,
            told(let_through(run.said, run.host.stores), today),
        )


def assert_unharmed(host: LossyHost, calm: Undisturbed, days: Sequence[date] = ()) -> None:
    """The host came to what a run without power cuts comes to; `days`, where not all of them need be looked at."""
    assert facts(host.stores) == calm.facts
    for day in days or calm.days:
        assert digest(host.stores, day) == calm.digests[day], day
    assert replicas_agree(host.stores)
    assert Figures(host.stores).parked() == calm.parked
    assert sum(counts(host.stores).values()) == calm.read
    assert told(let_through(latest(host.statements), host.stores), calm.today) == calm.told
    assert_one_payload_per_version(host.statements)


def assert_no_mixture(host: LossyHost) -> None:
    """Every statement shows a state that its contract was in, had the journal been read record by record.

    A record that intake sent twice may lend a later version to what stood already.
    """
    for partition in range(host.partitions):
        states = _states(host, partition)
        for statement in host.statements:
            known = states.get((statement.topic, statement.key))
            if known is not None and statement.topic != EXCEPTIONS:
                versions = [version for version in known if version <= statement.version]
                assert unrevised(statement) == known[max(versions)], (statement.topic, statement.key, statement.version)


def _states(host: LossyHost, partition: int) -> dict[tuple[str, str], dict[int, object]]:
    """(topic, key) → version → payload, from the partition's journal read record by record."""
    store = MemoryStore()
    agent = READERS[ENGAGEMENTS](store)
    states: dict[tuple[str, str], dict[int, object]] = {}
    for record in host.journal(ENGAGEMENTS, partition):
        batch, owing = [record], True
        while owing:
            effects = finish(agent.step(Batch(ENGAGEMENTS, partition, batch)))
            store.write(effects.writes)
            for one in effects.statements:
                states.setdefault((one.topic, one.key), {})[one.version] = unrevised(one)
            for draft in (send.value for send in effects.sends if isinstance(send.value, Draft)):
                said = Statement(BILLING, draft.type, draft.key, draft.version, draft.payload, (0, "", "", ""))
                states.setdefault((BILLING, draft.key), {})[draft.version] = unrevised(said)
            batch, owing = [], effects.owing > 0
    return states


def latest(statements: Sequence[Statement]) -> Said:
    """What a consumer that takes the last for each key knows at the end."""
    said: Said = {}
    for statement in statements:
        hear(said, statement)
    return said


def told(said: Said, today: date | None) -> dict[tuple[str, str], object]:
    """The payloads that are true of today; None: there was one day only."""
    return {place: one[1] for place, one in (said if today is None else standing(said, today)).items()}


def assert_one_payload_per_version(statements: Sequence[Statement]) -> None:
    """A consumer that keeps the highest version of each key knows the same as one that takes the last."""
    said: dict[tuple[str, str, int], bytes] = {}
    newest: dict[tuple[str, str], Statement] = {}
    for statement in statements:
        payload = canonical(unrevised(statement))
        place = statement.topic, statement.key
        assert said.setdefault((*place, statement.version), payload) == payload, (*place, statement.version)
        if place not in newest or statement.version >= newest[place].version:
            newest[place] = statement
    live = {place: unrevised(one) for place, one in newest.items() if one.type != WITHDRAWN}
    assert live == told(latest(statements), None)


@pytest.mark.parametrize("seed", histories(25))
def test_a_prefix_of_the_writes_survives(seed: int) -> None:
    dealt(9_000_000 + seed, percent=25, per_table=False)


@pytest.mark.parametrize("seed", histories(25))
def test_a_prefix_of_every_table_survives(seed: int) -> None:
    dealt(9_500_000 + seed, percent=25, per_table=True)


@pytest.mark.parametrize("seed", histories(4))
def test_hardly_a_batch_goes_through_at_once(seed: int) -> None:
    host = dealt(9_800_000 + seed, percent=75, per_table=seed % 2 == 0)
    assert host.cuts > 20


@pytest.mark.parametrize("seed", histories(8))
def test_what_a_stopped_worker_sent_may_come_after_its_successor_went_on(seed: int) -> None:
    """Its request was under way when it was stopped, or in a broker that was: it holds what the successor has said
    since, in an earlier resolution."""
    dealt(9_600_000 + seed, percent=25, per_table=False, late=100)


def test_without_power_cuts_the_host_is_any_other_host() -> None:
    assert dealt(9_900_000, percent=0, per_table=False).cuts == 0


# -- every point at which a story can be cut ----------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
def test_a_story_may_be_cut_anywhere(story: str) -> None:
    log = lines([tick(date(2026, 4, 2)), *STORIES[story]])
    days = [date(2026, 3, 2), date(2026, 4, 2)]
    calm = Undisturbed(fold(log, publish=True), days)
    whole = Script()
    LossyHost(log, whole, partitions=1, inputs=1).run()
    for number, writes in enumerate(whole.seen):
        for turn, keep in enumerate(remains(writes)):
            # Whether sends got through, and the day that is looked at, take turns, unless everything is asked for.
            for sent in (False, True) if THOROUGH else (turn % 2 == 0,):
                host = LossyHost(log, Script(number, keep, sent), partitions=1, inputs=1)
                host.run()
                assert host.cuts == 1
                assert_unharmed(host, calm, days if THOROUGH else days[turn // 2 % 2 :][:1])


@pytest.mark.parametrize("story", STORIES)
def test_what_a_batch_left_unsaid_the_next_process_says(story: str) -> None:
    log = lines([tick(date(2026, 4, 2)), *STORIES[story]])
    calm = fold(log, publish=True)
    whole = Script()
    LossyHost(log, whole, partitions=1, inputs=1).run()
    for number in range(len(whole.seen) - 1):
        host = LossyHost(log, Script(number + 1, lambda writes: [], hushed=number), partitions=1, inputs=1)
        host.run()
        assert told(latest(host.statements), None) == told(calm.said, None)


def remains(writes: Writes) -> Iterator[Callable[[Writes], Writes]]:
    """Any number of the first writes; those of one table alone; those of all tables but one."""
    for number in range(len(writes) + 1):
        yield lambda all_of_them, number=number: all_of_them[:number]  # type: ignore[misc]
    for table in sorted({name for name, _, _ in writes}):
        yield lambda all_of_them, table=table: [one for one in all_of_them if one[0] == table]  # type: ignore[misc]
        yield lambda all_of_them, table=table: [one for one in all_of_them if one[0] != table]  # type: ignore[misc]


@pytest.mark.parametrize("seed", histories(25))
def test_what_was_sent_again_from_the_desk_left_again_whatever_crashed_meanwhile(seed: int) -> None:
    """A document is refused, sent again, refused and sent again, accepted: it left three times, always as the same."""
    host = LossyHost([*LOG, RATE], Dice(Random(seed), 25, per_table=True), partitions=1 + seed % 3)
    host.run()

    def left() -> list[Statement]:
        return [one for one in host.statements if one.topic == BILLING and one.key == KEY]

    for number in (1, 2):
        host.more([answer(number, "rejected")])
        host.run()
        before = left()
        host.more(lines([resent(number)]))
        host.run()
        again = left()[len(before) :]
        assert again
        assert [one for one in again if one == before[-1]]
    host.more([answer(3, "accepted")])
    host.run()
    exceptions = {one.key: one.type for one in host.statements if one.topic == EXCEPTIONS}
    assert set(exceptions.values()) == {"exception.resolved.v1"}  # the last word on each
    assert facts(host.stores)["exceptions"] == facts(fold([*LOG, RATE]).host.stores)["exceptions"]


def resent(number: int) -> Event:
    """Somebody has the document sent again after the refusal of this number; `number` is the case's revision, too."""
    said = {"case_id": f"document/sap/{KEY}/1", "by": "ana", "document_key": KEY, "document_revision": 1}
    after = {"event_source": "/masterdata", "event_id": f"a-{KEY}-{number}", "target": "sap", "revision": number}
    return envelope("case.resent", {**said, **after}, f"s-{number}", AT)
