"""The digests of a replay do not depend on how its input is ordered, repeated, cut into files or partitioned."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.replay.runs import Replayed, replay, written


@pytest.mark.parametrize("partitions", [2, 3, 8])
def test_the_number_of_partitions_does_not_matter(
    faulty: Path, replayed: Replayed, tmp_path: Path, partitions: int
) -> None:
    options = ("--as-of", replayed.summary["as_of"], "--partitions", partitions)
    other = replay(tmp_path / "out", faulty, options=options)
    assert other.summary["digests"] == replayed.summary["digests"]
    assert other.summary["rows"] == replayed.summary["rows"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_lines_does_not_matter(faulty: Path, replayed: Replayed, tmp_path: Path, seed: int) -> None:
    lines = faulty.read_bytes().splitlines()
    Random(seed).shuffle(lines)
    other = replay(tmp_path / "out", written(tmp_path / "shuffled.jsonl", lines))
    assert other.summary["digests"] == replayed.summary["digests"]


def test_a_log_twice_is_the_log_once(faulty: Path, replayed: Replayed, tmp_path: Path) -> None:
    again = written(tmp_path / "again.jsonl", faulty.read_bytes().splitlines())
    twice = replay(tmp_path / "out", faulty, again)
    assert twice.summary["digests"] == replayed.summary["digests"]
    once = replayed.summary["records"]
    assert twice.summary["records"]["read"] == 2 * once["read"]
    assert twice.summary["records"]["dead_lettered"] == 2 * once["dead_lettered"]


def test_neither_the_cut_into_files_nor_their_order_matters(faulty: Path, replayed: Replayed, tmp_path: Path) -> None:
    lines = faulty.read_bytes().splitlines()
    parts = [written(tmp_path / f"part-{n}.jsonl", lines[n::3]) for n in range(3)]
    for name, files in (("forward", parts), ("backward", parts[::-1])):
        other = replay(tmp_path / name, *files)
        assert other.summary["digests"] == replayed.summary["digests"]
        assert other.summary["records"]["read"] == len(lines)


def test_a_file_given_twice_is_read_twice(faulty: Path, replayed: Replayed, tmp_path: Path) -> None:
    twice = replay(tmp_path / "out", faulty, faulty)
    assert twice.summary["digests"] == replayed.summary["digests"]
    assert twice.summary["records"]["read"] == 2 * replayed.summary["records"]["read"]
