"""Whatever happens to workers and broker, and whenever: tables, statements and counts are those of a calm run.

Over a hundred faults under load, in three fleets. What failed is told with its seed; `HEADRACE_SEED=n make chaos` tries
the same choice of faults again.
"""

from pathlib import Path

import pytest

from tests.kafka.chaos import ALL, Plan, Run, seed
from tests.kafka.fleet import Membership

FAULTS = sum(ALL.values())
"""One whole deck: every kind in its share, 34 in all."""


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
    plan = Plan(FAULTS, seed() + number, workers, events=40_000, store=store, membership=membership)
    result = Run(plan, tmp_path, print).carry_out()
    print(result.line())
    assert result.problems == []
    assert result.faults.total() == FAULTS
