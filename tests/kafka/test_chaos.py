"""Whatever happens to workers and broker, and whenever: tables, statements and counts are those of a calm run.

Over a hundred faults under load, in three fleets; with `HEADRACE_FAULTS=few` one of each kind in each of them. What
failed is told with its seed; `HEADRACE_SEED=n make chaos` tries the same choice of faults again.
"""

from pathlib import Path

import pytest

from tests.kafka.chaos import Plan, Run, deck, seed
from tests.kafka.fleet import Membership

EVENTS = 1_150
"""Sent from one fault to the next."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "workers", "store", "membership"),
    [
        (0, 2, "memory", Membership.SUPERVISOR),
        (1, 3, "rocksdb", Membership.SLOT),
        (2, 2, "memory", Membership.NONE),
    ],
)
def test_faults_under_load_change_nothing(
    number: int, workers: int, store: str, membership: Membership, tmp_path: Path
) -> None:
    kinds = deck()
    faults = sum(kinds.values())
    plan = Plan(faults, seed() + number, workers, 4, faults * EVENTS, store, membership, kinds)
    result = Run(plan, tmp_path, print).carry_out()
    assert result.passed, result.line()
    assert result.faults.total() == faults
