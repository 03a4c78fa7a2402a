"""Futures of contracts that are booked and worked for half a year: engine and model draw the same days."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from tests.engine.runs import carry, differences, figures, fold, histories, lines, started
from tests.model.histories import Event, disorder
from tests.model.oracle import recompute

_FIRST, _TODAY = date(2026, 1, 5), date(2026, 4, 16)
_PEOPLE = ("P-1", "P-2", "P-3")


def said(rng: Random, kind: str, **data: Any) -> Event:
    return {
        "specversion": "1.0",
        "id": f"{rng.getrandbits(64):x}",
        "source": "/psa",
        "type": f"{kind}.v1",
        "time": "2026-01-01T08:00:00Z",
        "data": data,
    }


def course(seed: int) -> list[Event]:
    """A contract with a budget of hours, of money or of both, on which people are booked, hard and soft, and work."""
    rng = Random(seed)
    budget = {"minutes": rng.randint(10, 900) * 60, "amount": str(rng.randint(1_000, 90_000))}
    for name in rng.sample(["", *budget], 1):
        budget.pop(name, None)
    line = {"line_id": "L-1", "billing_method": "time_and_materials", "budget": budget}
    terms = {"client_id": "N", "currency": "EUR", "effective_from": "2026-01-01", "term": {"from": "2026-01-01"}}
    events = [
        said(rng, "contract.approved", contract_id=f"C-{seed}", version=1, lines=[line], **terms),
        said(rng, "rate.set", rate_id="R-1", revision=1, amount="90.10", currency="EUR", effective_from="2026-01-01"),
        said(
            rng,
            "leave.approved",
            leave_id="V",
            revision=1,
            resource_id="P-1",
            **{"from": "2026-05-04", "to": "2026-05-13"},
        ),
    ]
    for name in _PEOPLE:
        its = {"effective_from": "2020-01-01", "weekly_minutes": rng.choice((2_400, 2_250, 1_000))}
        events.append(said(rng, "resource.upserted", resource_id=name, revision=1, **its))
        first = _FIRST + timedelta(days=rng.randint(-10, 70))
        span = {"from": first.isoformat(), "to": (first + timedelta(days=rng.randint(20, 300))).isoformat()}
        kind = rng.choice(("hard", "hard", "soft", "none"))
        if kind != "none":
            its = {"resource_id": name, "contract_id": f"C-{seed}", "booking": kind, "probability_ratio": "0.35"}
            size = rng.choice(
                ({"minutes_per_week": rng.randint(100, 2_400)}, {"minutes_total": rng.randint(999, 9_999)})
            )
            events.append(said(rng, "assignment.booked", assignment_id=f"A-{name}", revision=1, **its, **span, **size))
    for number in range(rng.choice((0, 6, 90))):
        day = _FIRST + timedelta(days=rng.randint(0, (_TODAY - _FIRST).days))
        its = {"resource_id": rng.choice(_PEOPLE), "minutes": rng.choice((480, 230, 60, -90))}
        entry = {"entry_id": f"T-{number}", "contract_id": f"C-{seed}", "work_date": day.isoformat(), **its}
        events.append(said(rng, "time.approved", revision=1, **entry))
    return events


@pytest.mark.parametrize("seed", histories(40))
def test_both_draw_the_same_futures(seed: int) -> None:
    rng = Random(seed)
    events = course(seed)
    run = fold(lines(disorder(events, rng)), partitions=rng.randint(1, 3), cut=rng.choice((1, 9, 200)))
    assert run.letters == []
    for as_of in (_TODAY, _TODAY + timedelta(days=rng.randint(1, 60))):
        assert differences(recompute(events, as_of), figures(run.host.stores, as_of)) == [], f"as of {as_of}"


def test_the_draws_do_not_depend_on_what_was_asked_before() -> None:
    # Stated after every event and asked once at the end: the same, though what was drawn is remembered between.
    events = [*course(3), said(Random(0), "clock.ticked", on=_TODAY.isoformat())]
    run = started(publish=True)
    carry(run, lines(events), cut=1)
    [told] = [one[1] for (topic, _), one in run.said.items() if topic == "forecast.burn"]
    assert told == fold(lines(events)).figures.forecast("C-3", _TODAY.toordinal())


def test_all_that_may_come_of_it_comes_of_some() -> None:
    seen: Counter[str] = Counter()
    for seed in range(40):
        row = fold(lines(course(seed))).figures.forecast(f"C-{seed}", _TODAY.toordinal())
        drawn, days = row["basis"]["futures"], row["exhaustion"]
        if drawn is not None:
            seen[drawn["method"]] += 1
            seen["as planned"] += drawn["weeks"] == 0
            seen["some end"] += drawn["reached_ratio"] not in {"0.0000", "1.0000"}
            seen[f"{drawn['method']}, days differ"] += days["p50_on"] != days["p90_on"]
        else:
            seen["over"] += days["p50_on"] is not None
    assert all(
        seen[one] for one in ("as planned", "some end", "over", "booked, days differ", "trailing, days differ")
    ), seen
