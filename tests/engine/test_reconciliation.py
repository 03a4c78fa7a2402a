"""Extracts that are kept: differences as they are now, of any number of partitions, whatever comes first."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.engine.embedded import EmbeddedHost
from app.engine.gather import Gather
from app.engine.letters import StoredLetters
from app.engine.shapes import Answer
from app.engine.store import Store
from app.main import tick
from app.replay.digest import fact_pairs
from tests.engine.runs import counts, fold, lines
from tests.engine.test_failure_scenarios import APPROVED, RATE, amended, entry
from tests.engine.test_policy import event

TICK = tick("2026-03-31", "UTC")
OTHER = event("contract.approved", **{**APPROVED["data"], "contract_id": "D"})
BILLED = [{"kind": "time", "id": "E-1", "amount": "60.00"}]
INVOICE = event("invoice.issued", invoice_id="I-1", contract_id="C", invoiced_on="2026-03-10", lines=BILLED)
FIRM = [APPROVED, OTHER, RATE, entry("E-1"), entry("E-2"), entry("E-3", contract_id="D"), INVOICE]


def listed(system: str, contract_id: str, number: int = 1, part: int = 1, **data: Any) -> dict[str, Any]:
    return event("extract.listed", system=system, contract_id=contract_id, part=part, revision=number, **data)


def taken(system: str, number: int = 1, entries: int = 0, lines: int = 0) -> dict[str, Any]:
    return event("extract.taken", system=system, revision=number, entries=entries, lines=lines, name=f"{system}.csv")


def theirs(entry_id: str, **data: Any) -> dict[str, Any]:
    return {"entry_id": entry_id, "status": "approved", "work_date": "2026-03-02", "minutes": 60, "revision": 1} | data


PSA = [
    listed("psa", "C", entries=[theirs("E-1"), theirs("E-2")]),
    listed("psa", "D", entries=[theirs("E-3")]),
    taken("psa", entries=3),
]
ERP = [listed("erp", "C", lines=[{**BILLED[0], "invoice_id": "I-1"}], contract_version=1), taken("erp", lines=1)]


async def drift(tmp_path: Path, log: list[dict[str, Any]], partitions: int = 3, **asked: str) -> Answer:
    with EmbeddedHost(Store(tmp_path / "s.sqlite", partitions=partitions), lambda: None) as host:
        host.take([*lines(log), TICK])
        await host.drain()
        wanted = {name: asked.get(name) for name in ("system", "cause", "contract_id")}
        found, _ = await Gather(host, lambda: 0.0, StoredLetters(host.store)).reconciliation("", 100, **wanted)
        return found


def told(found: Answer) -> list[tuple[str, str, str, Any, Any]]:
    return [(one["cause"], one["id"], one["field"], one["engine"], one["other"]) for one in found["items"]]


@pytest.mark.parametrize("partitions", [1, 4])
async def test_what_agrees_is_no_drift_whatever_comes_first(tmp_path: Path, partitions: int) -> None:
    log = [*FIRM, *PSA, *ERP]
    Random(partitions).shuffle(log)
    found = await drift(tmp_path, log, partitions)
    assert (found["agrees"], found["items"], found["causes"]) == (True, [], [])
    shown = [(one["system"], one["number"], one["name"], one["entries"], one["lines"]) for one in found["extracts"]]
    assert shown == [("erp", 1, "erp.csv", 0, 1), ("psa", 1, "psa.csv", 3, 0)]
    counted = {"engine_entries": 3, "psa_entries": 3, "engine_invoiced": 1, "erp_lines": 1, "versions": 1}
    assert found["compared"] == counted


async def test_a_difference_goes_when_its_event_comes(tmp_path: Path) -> None:
    """The PSA has E-2 with 90 minutes at revision 2. Then the event comes, and nothing was loaded anew."""
    log = [*FIRM, listed("psa", "C", entries=[theirs("E-1"), theirs("E-2", minutes=90, revision=2)]), *PSA[1:]]
    behind = await drift(tmp_path, log)
    assert told(behind) == [("engine_behind", "E-2", "minutes", 60, 90)]
    with EmbeddedHost(Store(tmp_path / "s.sqlite"), lambda: None) as host:
        gather = Gather(host, lambda: 0.0, StoredLetters(host.store))
        assert told((await gather.reconciliation("", 9, None, None, None))[0]) == told(behind)
        host.take(lines([entry("E-2", "time.corrected", minutes=90, revision=2)]))
        await host.drain()
        assert (await gather.reconciliation("", 9, None, None, None))[0]["agrees"] is True


async def test_what_is_on_one_side_only_is_told_and_what_moved_is_told_once(tmp_path: Path) -> None:
    """The PSA has E-3 on C instead of D, E-9 that no event told of, and not E-2."""
    psa = [listed("psa", "C", entries=[theirs("E-1"), theirs("E-3"), theirs("E-9")]), taken("psa", entries=3)]
    found = await drift(tmp_path, [*FIRM, *psa])
    assert sorted(told(found)) == [
        ("never_arrived", "E-9", "entry", None, "there"),
        ("not_in_psa", "E-2", "entry", "approved", None),
        ("on_other_contract", "E-3", "contract_id", "D", "C"),
    ]
    assert {one["cause"]: one["count"] for one in found["causes"]} == dict.fromkeys(
        ("never_arrived", "not_in_psa", "on_other_contract"), 1
    )


async def test_a_record_that_was_refused_is_why_it_is_missing(tmp_path: Path) -> None:
    refused = {**entry("E-9"), "data": {**entry("E-9")["data"], "minutes": "an hour"}}
    psa = [listed("psa", "C", entries=[theirs("E-1"), theirs("E-2"), theirs("E-9")]), *PSA[1:]]
    assert told(await drift(tmp_path, [*FIRM, refused, *psa])) == [("refused", "E-9", "entry", None, "there")]


async def test_a_later_extract_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """Number 2 has nothing of D any more, and says E-2 is 30 minutes; 1 comes again last."""
    second = [listed("psa", "C", 2, entries=[theirs("E-1"), theirs("E-2", minutes=30)]), taken("psa", 2, entries=2)]
    found = await drift(tmp_path, [*FIRM, *second, *PSA])
    assert sorted(told(found)) == [
        ("changed_without_event", "E-2", "minutes", 60, 30),
        ("not_in_psa", "E-3", "entry", "approved", None),
    ]
    assert [one["number"] for one in found["extracts"]] == [2]


async def test_a_long_list_comes_in_parts(tmp_path: Path) -> None:
    parts = [listed("psa", "C", entries=[theirs("E-1")]), listed("psa", "C", part=2, entries=[theirs("E-2")])]
    assert (await drift(tmp_path, [*FIRM, *parts, *PSA[1:]]))["agrees"] is True


async def test_a_list_is_asked_by_contract_system_and_cause(tmp_path: Path) -> None:
    psa = [listed("psa", "C", entries=[theirs("E-1")]), listed("psa", "D", contract_version=7), taken("psa", entries=1)]
    log = [*FIRM, *psa, taken("erp", lines=1)]
    assert {one[0] for one in told(await drift(tmp_path, log))} == {"not_in_psa", "engine_behind", "not_in_erp"}
    for asked, causes in (
        ({"system": "erp"}, {"not_in_erp"}),
        ({"contract_id": "D"}, {"not_in_psa", "engine_behind"}),
        ({"cause": "engine_behind"}, {"engine_behind"}),
    ):
        with EmbeddedHost(Store(tmp_path / "s.sqlite"), lambda: None) as host:
            gather = Gather(host, lambda: 0.0, StoredLetters(host.store))
            names = ("system", "cause", "contract_id")
            found, _ = await gather.reconciliation("", 9, *(asked.get(name) for name in names))
            assert {one[0] for one in told(found)} == causes


async def test_f11_a_change_order_in_one_system_only_is_found_by_versions(tmp_path: Path) -> None:
    """The CLM's amendment reached the engine (2), not the ERP (1) and not yet the PSA, which has heard of a third."""
    log = [*FIRM, amended(2, name="more"), *ERP, listed("psa", "C", contract_version=3)]
    assert told(await drift(tmp_path, log)) == [
        ("erp_behind", "C", "version", 2, 1),
        ("engine_behind", "C", "version", 2, 3),
    ]


async def test_f15_two_systems_state_a_margin_and_the_events_behind_the_difference_are_named(tmp_path: Path) -> None:
    """The engine earned 120.00 at a cost of 80.00. The PSA has E-2 with half an hour, so 90.00 at 60.00: both values
    differ, and behind both is the event of E-2."""
    cost = event("rate.set", rate_id="K", amount="40.00", currency="EUR", kind="cost", effective_from="2026-01-01")
    psa = listed(
        "psa",
        "C",
        entries=[theirs("E-1"), theirs("E-2", minutes=30)],
        revenue_amount="90.00",
        cost_amount="60.00",
        row="psa.csv:9",
    )
    found = await drift(tmp_path, [*FIRM, cost, psa, *PSA[1:]], contract_id="C")
    margin = [one for one in found["items"] if one["kind"] == "margin"]
    assert [(one["cause"], one["field"], one["engine"], one["other"]) for one in margin] == [
        ("figures_differ", "cost_amount", "80.00", "60.00"),
        ("figures_differ", "revenue_amount", "120.00", "90.00"),
    ]
    said = entry("E-2")
    assert {(tuple(one["behind"]), one["row"]) for one in margin} == {
        ((f"{said['source']}#{said['id']}",), "psa.csv:9")
    }


async def test_f21_approved_time_that_did_not_reach_the_erp_grows_older(tmp_path: Path) -> None:
    """E-1 is invoiced; E-2 and E-3 were approved on 9 March, 22 days ago, 60.00 each."""
    found = await drift(tmp_path, FIRM)
    assert found["unacknowledged"] == [
        {"currency": "EUR", "age": "8–30", "entries": 2, "amount": "120.00", "oldest": "E-3", "days": 22}
    ]


def test_extracts_are_facts_in_any_order_and_change_no_figure() -> None:
    log = [*FIRM, *PSA, *ERP, listed("psa", "C", 2, entries=[]), listed("psa", "C", 2, entries=[])]
    first = fold(lines(log))
    plain = fold(lines(FIRM))
    assert counts(first.host.stores)["duplicate"] == 1
    for seed in range(4):
        order = [*log]
        Random(seed).shuffle(order)
        run = fold(lines(order), cut=1 + seed * 3)
        assert sum(counts(run.host.stores).values()) == len(log)
        assert sorted(fact_pairs(run.host.stores, "extracts")) == sorted(fact_pairs(first.host.stores, "extracts"))
        assert list(run.figures.ids()) == list(plain.figures.ids())
        assert run.figures.readiness("C", 739_700) == plain.figures.readiness("C", 739_700)
