"""A handful of faults on a real broker, for every run of `make test-kafka`; `test_chaos.py` has the many."""

from pathlib import Path

from tests.kafka.chaos import ALL, Plan, Run, seed


def test_a_fault_of_each_kind_changes_nothing(tmp_path: Path) -> None:
    kinds = {kind: 1 for kind in ALL if "broker" not in kind}  # one that was killed takes long to come back
    plan = Plan(len(kinds), seed(), events=6_000, store="rocksdb", kinds=kinds)
    result = Run(plan, tmp_path, print).carry_out()
    assert result.passed, result.line()
    assert set(result.faults) == set(kinds)
