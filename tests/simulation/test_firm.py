"""The default firm: 20,000 valid lines, the same on every machine, that look like a firm."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
import pytest

from app.events.catalogue import TYPES
from app.events.reader import Reader
from app.simulation.firm import simulate
from app.simulation.scenario import Scenario

Events = Sequence[dict[str, Any]]

DIGEST_PROGRAM = """
import hashlib
from app.simulation.firm import simulate
from app.simulation.scenario import Scenario
options = dict(duplicate_ratio=0.02, malformed_ratio=0.01, conflict_ratio=0.01, late_ratio=0.05, disorder=20)
print(hashlib.sha256(b"\\n".join(simulate(Scenario(**options)))).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes(lines: Sequence[bytes]) -> None:
    assert _digest(lines) == _digest(list(simulate(Scenario())))


def test_another_seed_gives_another_firm(lines: Sequence[bytes]) -> None:
    assert _digest(lines) != _digest(list(simulate(Scenario(seed=8))))


def test_the_lines_do_not_depend_on_the_hash_seed() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST_PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "4242")
    }
    assert len(digests) == 1


def test_every_line_is_accepted_by_the_reader(lines: Sequence[bytes]) -> None:
    read = Reader().read
    for line in lines:
        read(line)


def test_every_type_of_the_catalogue_occurs_but_those_that_do_not_come_from_a_system(events: Events) -> None:
    # Ticks are the host's, policies the operator's, cases are what somebody does at the exceptions desk, and extracts
    # what somebody lists of other systems.
    missing = set(TYPES) - {event["type"] for event in events}
    assert missing == {name for name in TYPES if name.split(".")[0] in ("clock", "policy", "case", "extract")}


def test_ticks_say_each_day_once_when_asked_for() -> None:
    ticked = [
        event["data"]["on"]
        for event in map(orjson.loads, simulate(Scenario(events=2_000, ticks=True)))
        if event["type"] == "clock.ticked.v1"
    ]
    first, last = date.fromisoformat(ticked[0]), date.fromisoformat(ticked[-1])
    assert len(set(ticked)) == len(ticked) == (last - first).days + 1


def test_every_line_is_what_a_json_library_would_write(lines: Sequence[bytes], events: Events) -> None:
    for line, event in zip(lines, events, strict=True):
        assert line == orjson.dumps(event)


def test_lines_come_in_the_order_they_were_recorded(events: Events) -> None:
    recorded = [event["recordedtime"] for event in events]
    assert recorded == sorted(recorded)
    assert all(event["time"] <= event["recordedtime"] for event in events)


def test_a_message_has_an_id_of_its_own(events: Events) -> None:
    assert len({(event["source"], event["id"]) for event in events}) == len(events)


def test_the_revisions_of_an_entity_have_no_gap_and_no_repeat(events: Events) -> None:
    revisions = defaultdict(list)
    for event in events:
        known = TYPES[event["type"]]
        if known.counter is not None:
            revisions[known.kind, known.entity(event["data"])].append(known.revision(event["data"]))
    for entity, seen in revisions.items():
        assert seen == list(range(1, len(seen) + 1)), entity


def test_a_contract_is_named_as_the_correlation_of_everything_about_it(events: Events) -> None:
    for event in events:
        if "contract_id" in event["data"]:
            assert event["correlationid"] == event["data"]["contract_id"]


def test_the_stream_ends_on_the_last_day(events: Events) -> None:
    assert events[-1]["recordedtime"].startswith("2026-06-26")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_bound_is_met_to_the_line(seed: int) -> None:
    assert sum(1 for _ in simulate(Scenario(seed=seed, events=6_000))) == 6_000


def test_a_firm_of_twenty_thousand_lines_has_about_sixty_contracts(events: Events) -> None:
    kinds = Counter(event["type"] for event in events)
    assert 50 <= kinds["contract.approved.v1"] <= 70


def test_contracts_have_used_between_a_tenth_and_a_third_too_much(events: Events) -> None:
    # Contracts that begin in the last weeks, or were cancelled before they began, have used less.
    used = burn(events)
    assert sum(1 for ratio in used if 0.10 <= ratio <= 1.35) >= 0.85 * len(used)
    assert max(used) < 1.5
    assert any(ratio > 1 for ratio in used)
    assert sum(1 for ratio in used if ratio < 0.3) >= 5


def test_every_kind_of_amendment_and_every_billing_method_occurs(events: Events) -> None:
    approved = [event["data"] for event in events if event["type"] == "contract.approved.v1"]
    kinds = {event["data"]["kind"] for event in events if event["type"] == "contract.amended.v1"}
    methods = {line["billing_method"] for contract in approved for line in contract["lines"]}
    assert kinds == {"additive", "replacement", "cancellation", "retroactive"}
    assert methods >= {"time_and_materials", "milestone", "retainer", "prepaid", "percent_complete", "non_billable"}
    assert {contract["currency"] for contract in approved} == {"EUR", "USD", "GBP", "JPY"}
    assert any("cap" in line for contract in approved for line in contract["lines"])


def test_rates_are_set_for_contracts_clients_roles_people_and_costs(events: Events) -> None:
    scopes = {
        frozenset({"contract_id", "client_id", "resource_id", "role"} & said.keys()) | {said["kind"]}
        for said in (event["data"] for event in events if event["type"] == "rate.set.v1")
    }
    assert scopes >= {
        frozenset({"role", "bill"}),
        frozenset({"contract_id", "bill"}),
        frozenset({"contract_id", "role", "bill"}),
        frozenset({"contract_id", "resource_id", "bill"}),
        frozenset({"client_id", "role", "bill"}),
        frozenset({"resource_id", "cost"}),
    }


def test_some_rates_are_valid_from_long_before_they_are_known(events: Events) -> None:
    late = [
        event
        for event in events
        if event["type"] == "rate.set.v1"
        and "contract_id" in event["data"]
        and event["data"]["effective_from"] < event["time"][:10]
    ]
    assert len(late) >= 3


def test_corrections_move_entries_to_other_dates_and_contracts(events: Events) -> None:
    homes = defaultdict(set)
    days = defaultdict(set)
    for event in events:
        if event["type"].startswith("time."):
            homes[event["data"]["entry_id"]].add(event["data"]["contract_id"])
            days[event["data"]["entry_id"]].add(event["data"]["work_date"])
    assert sum(1 for seen in homes.values() if len(seen) > 1) >= 10
    assert sum(1 for seen in days.values() if len(seen) > 1) >= 10


def test_an_invoice_names_only_what_was_approved_before_it(events: Events) -> None:
    approved: set[str] = set()
    for event in events:
        data = event["data"]
        if event["type"] in ("time.approved.v1", "time.corrected.v1"):
            approved.add(data["entry_id"])
        if event["type"] == "invoice.issued.v1":
            assert {line["id"] for line in data["lines"] if line["kind"] == "time"} <= approved


def test_an_entry_is_never_on_two_live_invoices(events: Events) -> None:
    claimed: Counter[tuple[str, str]] = Counter()
    issued = {}
    for event in events:
        data = event["data"]
        if event["type"] == "invoice.issued.v1":
            issued[data["invoice_id"]] = data["lines"]
            claimed.update((line["id"], data["contract_id"]) for line in data["lines"] if line["kind"] == "time")
        if event["type"] == "invoice.voided.v1":
            claimed.subtract((line["id"], data["contract_id"]) for line in issued[data["invoice_id"]])
        if event["type"] == "invoice.credited.v1":
            claimed.subtract((line["id"], data["contract_id"]) for line in data["lines"])
    assert max(claimed.values()) == 1


def test_lines_are_made_while_they_are_asked_for() -> None:
    stream = simulate(Scenario(events=1_000_000, people=20, weeks=1_500))
    tracemalloc.start()
    for _ in range(1_000):
        next(stream)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000  # the million lines are more than 400 million bytes


def test_memory_depends_on_the_firm_and_not_on_its_history() -> None:
    def peak(weeks: int) -> int:
        tracemalloc.start()
        count = sum(1 for _ in simulate(Scenario(events=None, people=6, contracts=4, weeks=weeks)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count > 50 * weeks
        return most

    # Five times the history is far from five times the memory: what grows is leave and the calendar's names.
    assert peak(100) < 2 * peak(20)


def test_the_firm_of_given_size_is_not_bounded() -> None:
    scenario = Scenario(events=None, people=4, contracts=5, weeks=10)
    resources = {
        event["data"]["resource_id"]
        for event in map(orjson.loads, simulate(scenario))
        if event["type"] == "resource.upserted.v1"
    }
    assert len(resources) == 4


def burn(events: Events) -> list[float]:
    """Used share of the minutes budgets, for every contract that has one; billable approved time only."""
    budgets: Counter[str] = Counter()
    entries: dict[str, dict[str, Any]] = {}
    for event in events:
        data = event["data"]
        if event["type"] == "contract.approved.v1" or data.get("kind") == "additive":
            budgets[data["contract_id"]] += sum(line.get("budget", {}).get("minutes", 0) for line in data["lines"])
        if event["type"].startswith("time."):
            current = entries.get(data["entry_id"])
            if current is None or current["revision"] < data["revision"]:
                entries[data["entry_id"]] = {**data, "what": event["type"].split(".")[1]}
    used: Counter[str] = Counter()
    for entry in entries.values():
        counts = entry["what"] == "approved" or (
            entry["what"] == "corrected" and entry.get("status", "approved") == "approved"
        )
        if counts and entry["billable"]:
            used[entry["contract_id"]] += entry["minutes"]
    return [used[contract] / budget for contract, budget in budgets.items() if budget]


def _digest(lines: Sequence[bytes]) -> str:
    return hashlib.sha256(b"\n".join(lines)).hexdigest()
