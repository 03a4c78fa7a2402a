"""A power cut at any moment, any number of times, changes nothing in the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from agents.effects import EXCEPTIONS, Statement
from app.replay.digest import canonical, replicas_agree
from tests.engine.lossy import Dice, LossyHost
from tests.engine.noise import noisy, tick
from tests.engine.runs import Said, counts, digest, facts, fold, hear, histories, lines
from tests.model.histories import as_of_days, history, troubled


def assert_unharmed(seed: int, *, percent: int, per_table: bool) -> LossyHost:
    """The host through power cuts comes to what a run without any comes to."""
    rng = Random(seed)
    events = troubled(history(seed, 60), rng)
    days = as_of_days(events)
    today = rng.choice(days)
    log = noisy(lines(events), rng, [tick(today - timedelta(days=back)) for back in (0, 0, 7)])
    calm = fold(log, publish=True)
    host = LossyHost(log, Dice(rng, percent, per_table), partitions=rng.randint(1, 3))
    host.run()
    print(f"seed {seed}: {host.cuts} power cuts")
    assert facts(host.stores) == facts(calm.host.stores)
    assert [digest(host.stores, day) for day in days] == [digest(calm.host.stores, day) for day in days]
    assert replicas_agree(host.stores)
    assert sum(counts(host.stores).values()) == len(log)
    assert {letter.value for letter in host.letters} == {letter.value for letter in calm.letters}
    assert heard(host.statements) == {place: one[1] for place, one in calm.said.items()}
    assert_one_payload_per_version(host.statements)
    return host


def heard(statements: Sequence[Statement]) -> dict[tuple[str, str], object]:
    """What a consumer that takes the last for each key knows at the end."""
    said: Said = {}
    for statement in statements:
        hear(said, statement)
    return {place: payload for place, (_, payload, _) in said.items()}


def assert_one_payload_per_version(statements: Sequence[Statement]) -> None:
    """A consumer that keeps the highest version of each key knows the same as one that takes the last."""
    said: dict[tuple[str, str, int], bytes] = {}
    newest: dict[tuple[str, str], Statement] = {}
    for statement in statements:
        payload = canonical(statement.payload)
        place = statement.topic, statement.key
        if statement.topic != EXCEPTIONS:
            assert said.setdefault((*place, statement.version), payload) == payload, (*place, statement.version)
        if place not in newest or statement.version >= newest[place].version:
            newest[place] = statement
    assert {place: one.payload for place, one in newest.items()} == heard(statements)


@pytest.mark.parametrize("seed", histories(25))
def test_a_prefix_of_the_writes_survives(seed: int) -> None:
    assert_unharmed(9_000_000 + seed, percent=25, per_table=False)


@pytest.mark.parametrize("seed", histories(25))
def test_a_prefix_of_every_table_survives(seed: int) -> None:
    assert_unharmed(9_500_000 + seed, percent=25, per_table=True)


@pytest.mark.parametrize("seed", histories(4))
def test_hardly_a_batch_goes_through_at_once(seed: int) -> None:
    host = assert_unharmed(9_800_000 + seed, percent=75, per_table=seed % 2 == 0)
    assert host.cuts > 50


def test_without_power_cuts_the_host_is_any_other_host() -> None:
    assert assert_unharmed(9_900_000, percent=0, per_table=False).cuts == 0
