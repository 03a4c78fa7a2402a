"""Business SLAs as statements: what the contracts of all partitions come to, whatever came first."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import orjson
import pytest

from agents.effects import ENGAGEMENTS, PRACTICES, SLAS, Batch, Effects, Record
from agents.promised import _NOTHING, STATED, _Added, _Sums, renewed
from app.domain.sla import HOUR
from app.engine.memory import MemoryHost, MemoryStore
from app.engine.runner import finish
from app.engine.topology import readers
from app.events.derived import DERIVED
from app.events.measure import Measure
from app.main import tick
from tests.engine.runs import Run, carry, fold, lines, promises_told, started
from tests.engine.test_promises import LOG, at, entry, event
from tests.engine.test_regional import later
from tests.model.histories import history, troubled

DAY = 86_400
TODAY = date(2026, 3, 31)


class Kept(MemoryHost):
    """A host that remembers what was sent to its journals."""

    def __init__(self, partitions: int = 1) -> None:
        super().__init__(partitions)
        self.journals: dict[tuple[str, int], list[Record]] = {}

    async def step(self, topic: str, partition: int, records: list[Record]) -> None:
        self.journals.setdefault((topic, partition), []).extend(records)
        await super().step(topic, partition, records)


def journal(log: list[bytes], topic: str) -> list[Record]:
    host = Kept()
    finish(host.take("log", [Record(place, line) for place, line in enumerate(log)]))
    return host.journals[topic, 0]


def worked_off(store: MemoryStore, topic: str, records: list[Record], **given: Any) -> list[Effects]:
    """The effects of one step with records, then of steps without, until nothing is owed."""
    step = readers(**given)[topic](store).step
    steps = [finish(step(Batch(topic, 0, records)))]
    while steps[-1].owing:
        store.write(steps[-1].writes)
        steps.append(finish(step(Batch(topic, 0, []))))
    return steps


def measures(effects: Effects) -> dict[str, Measure]:
    return {send.value.sla: send.value for send in effects.sends if isinstance(send.value, Measure)}


def slas(run: Run) -> dict[str, dict[str, Any]]:
    return {key: one[1] for (topic, key), one in run.said.items() if topic == SLAS}


@pytest.mark.parametrize("partitions", [1, 4])
def test_each_promise_is_stated_with_its_figures(partitions: int) -> None:
    """As in `test_promises`; E-2 and E-3 are aged to 31 March, 0:00: 26 and 28 days."""
    found = slas(fold(LOG, partitions=partitions, publish=True))
    assert set(found) == set(STATED)
    assert found["project_activation_time"]["p50_seconds"] == 2 * DAY
    lag = found["invoice_readiness_lag"]
    assert (lag["p50_seconds"], lag["p95_seconds"], lag["met"]) == (1 * DAY, 2 * DAY, True)
    assert (lag["open"], lag["breaches"]) == (1, 1)
    assert lag["oldest_open"] == {"subject": "time/E-3", "age_seconds": 28 * DAY}
    answered = found["approved_time_to_acknowledged"]
    assert (answered["p50_seconds"], answered["open"], answered["breaches"]) == (10 * DAY, 1, 0)
    assert answered["oldest_open"] == {"subject": "time/E-2", "age_seconds": 26 * DAY}
    assert (found["dispute_rate"]["ratio"], found["dispute_rate"]["met"]) == ("1.0000", False)
    assert {row["as_of"] for row in found.values()} == {"2026-03-31"}


def test_what_is_stated_is_what_the_catalogue_has() -> None:
    model = DERIVED["sla.updated.v1"].model
    for row in slas(fold(LOG, publish=True)).values():
        model.model_validate_json(orjson.dumps({**row, "engine_version": "0", "state_version": 1}))


def test_nothing_is_promised_before_the_first_day() -> None:
    assert slas(fold(LOG[:-1], publish=True)) == {}


def test_a_promise_is_stated_again_only_where_a_figure_of_it_changed() -> None:
    run = started(partitions=3, publish=True)
    carry(run, LOG)
    before = slas(run)
    run.said.clear()
    later(run, event("hold.set", at(16), hold_id="H", contract_id="C", reason="why"))
    assert slas(run) == {}
    later(run, entry("E-4", at(17)))
    changed = slas(run)
    assert set(changed) == {"invoice_readiness_lag", "approved_time_to_acknowledged"}
    # Approved on the 17th, it waited 14 days; now it waits for an invoice.
    lag, answered = changed["invoice_readiness_lag"], changed["approved_time_to_acknowledged"]
    assert (lag["closed"], lag["open"], lag["p95_seconds"]) == (
        before["invoice_readiness_lag"]["closed"] + 1,
        1,
        14 * DAY,
    )
    assert answered["open"] == before["approved_time_to_acknowledged"]["open"] + 1 == 2


def test_a_new_day_forgets_what_closed_ninety_days_ago() -> None:
    """1 July is 90 days after 2 April: what closed in March counts no more; what waits still does."""
    run = fold([*LOG, tick("2026-07-01", "UTC")], partitions=2, publish=True)
    lag = slas(run)["invoice_readiness_lag"]
    assert (lag["closed"], lag["p50_seconds"], lag["met"], lag["open"]) == (0, None, None, 1)


@pytest.mark.parametrize("seed", range(6))
def test_sums_maintained_are_those_measured_anew_in_any_order(seed: int) -> None:
    rng = Random(seed)
    events = troubled(history(12_000_000 + seed, 70), rng)
    log = [*lines(events), tick("2026-03-31", "UTC"), tick("2026-03-01", "UTC")]
    first = fold(log, cut=1000, publish=True)
    wanted = {key: row for (_, key), row in promises_told(first.host.stores, TODAY).items()}
    assert slas(first) == wanted
    for partitions in (1, 3, 4):
        run = fold(rng.sample(log, len(log)), partitions=partitions, cut=rng.choice((1, 5, 40)), publish=True)
        assert slas(run) == wanted


def test_the_firm_s_own_targets_are_what_is_measured_by() -> None:
    """E-3 has waited 28 days: longer than an hour."""
    steps = worked_off(MemoryStore(), ENGAGEMENTS, journal(LOG, ENGAGEMENTS), targets={"invoice_readiness_lag": HOUR})
    found = measures(steps[-1])
    assert set(found) == set(STATED)
    assert (found["invoice_readiness_lag"].late, found["approved_time_to_acknowledged"].late) == (1, 0)


def test_no_event_waits_for_measuring() -> None:
    """A batch of records measures nothing; steps without any measure 20 of 50 contracts at a time."""
    contracts = [event("hold.set", at(16), hold_id=f"H-{n}", contract_id=f"C-{n}", reason="why") for n in range(50)]
    log = [*lines(contracts), tick("2026-03-31", "UTC")]
    steps = worked_off(MemoryStore(), ENGAGEMENTS, journal(log, ENGAGEMENTS))
    assert [one.owing for one in steps] == [50 + len(STATED), 30 + len(STATED), 10 + len(STATED), 0]
    assert [len(measures(one)) for one in steps] == [0, 0, 0, len(STATED)]


def test_sums_that_come_again_change_nothing() -> None:
    """Sent again behind all others, a partition's sums are those with the highest number."""
    said = journal(LOG, PRACTICES)
    again = [Record(said[-1].offset + 1 + place, one.value) for place, one in enumerate(said)]
    store = MemoryStore()
    [first] = worked_off(store, PRACTICES, said)
    store.write(first.writes)
    [second] = worked_off(store, PRACTICES, again)

    def figures(effects: Effects) -> dict[str, Any]:
        return {one.key: one.payload for one in effects.statements if one.topic == SLAS}

    assert set(figures(first)) == set(STATED)
    assert figures(second) == figures(first)


def test_what_travels_is_what_changed() -> None:
    """Of three durations the one that came and the one that went are told; who knew the others comes to all of them."""
    board = _Sums()
    board.replace(("C", 1), _NOTHING, _Added({10: 1, 20: 2}, 1, 0, (5, "time/E"), 0, 0))
    first = board.measure("x", 0, 1, 9)
    assert (first.closed, first.all, first.oldest) == ([(10, 1), (20, 2)], True, (5, "time/E"))
    before = _Added({10: 1, 20: 2}, 1, 0, (5, "time/E"), 0, 0)
    board.replace(("C", 1), before, _Added({20: 2, 30: 1}, 0, 0, None, 0, 0))
    second = board.measure("x", 0, 2, 9)
    assert (second.closed, second.all, second.oldest) == ([(10, 0), (30, 1)], False, None)
    whole = renewed(first, second)
    assert (whole.closed, whole.all, whole.number, whole.open) == ([(20, 2), (30, 1)], True, 2, 0)
    assert renewed(None, first) == first
