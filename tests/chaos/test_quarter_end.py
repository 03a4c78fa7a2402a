"""A quarter end: everything reaches ERP once, in its last revision and in order, however often the worker is killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random
from signal import SIGKILL
from time import sleep

from app.domain.documents import WITHDRAWN
from app.domain.gate import PULSE, SECOND, cost, full
from tests.chaos.quarter_end import (
    BURST,
    CLOSED,
    CONTRACTS,
    LIMITS,
    delivered,
    moments,
    opened,
    queued,
    run,
    told,
    waits,
)
from tests.chaos.runs import ROOT


def quarter(path: Path) -> Path:
    with opened(path) as host:
        asyncio.run(run(host))
    return path


def test_a_quarter_end_delivers_every_document_once_in_order_and_says_how_long_each_waited(tmp_path: Path) -> None:
    said = delivered(quarter(tmp_path / "q.sqlite"))
    # Before the window closed every contract had three documents, one for each month: the limit let them leave.
    before, after = said[: 3 * CONTRACTS], said[3 * CONTRACTS :]
    assert {one.revision for one in before} == {1}
    assert len({one.key for one in before}) == 3 * CONTRACTS
    # Of forty revisions that came meanwhile the last one left, alone; what came and went left no trace.
    assert len({one.key for one in after}) == len(after)
    assert max(one.revision for one in after) > BURST // 3
    assert "C-02/2026-03/milestone/1" not in {one.key for one in said}
    assert {"C-00/2026-03/milestone/1", "C-01/2026-03/milestone/1"} <= {one.key for one in after}
    # January of every fourth contract was invoiced in part: that document is over, and the next one is there.
    over = {one.key for one in after if one.type == WITHDRAWN}
    assert over == {f"C-{number:02d}/2026-01/time/1" for number in range(0, CONTRACTS, 4)}
    waited = waits(tmp_path / "q.sqlite")
    print(told(waited))
    live = {one.key for one in after} - over
    assert waited.keys() >= live
    # ERP was closed for two hours; then 30 a minute left, contracts by turns.
    assert min(waited[key] for key in live) >= CLOSED // SECOND
    longest = max(waited[key] for key in live)
    assert longest <= CLOSED // SECOND + 60 * len(after) // LIMITS.limit("erp").per_minute + 60


def test_each_contract_s_documents_leave_in_the_order_in_which_they_began_to_wait(tmp_path: Path) -> None:
    path = quarter(tmp_path / "q.sqlite")
    left: dict[str, list[str]] = {}
    for one in delivered(path)[3 * CONTRACTS :]:
        left.setdefault(one.contract_id, []).append(one.key)
    # What came and went while ERP was closed never left; its place in the order is nobody's.
    waited = {name: [key for key in its if key in left[name]] for name, its in queued(path).items()}
    assert left == waited
    assert sum(map(len, left.values())) >= 3 * CONTRACTS


def test_erp_is_never_sent_more_than_it_takes(tmp_path: Path) -> None:
    """30 a minute and 5 at once, half of both in each of two slices; a moment is as exact as moments are handed in."""
    limit, slices = LIMITS.limit("erp"), 2
    for its in moments(quarter(tmp_path / "q.sqlite")):
        assert len(its) > CONTRACTS
        for first in range(len(its)):
            for last in range(first, len(its)):
                elapsed = its[last] - its[first] + PULSE
                taken = full(limit, slices) + elapsed * limit.per_minute
                assert (last - first + 1) * cost(slices) <= taken


def test_no_contract_waits_for_another_ones_documents(tmp_path: Path) -> None:
    """By turns: of two documents of one contract that leave, every other contract with any had one leave between."""
    said = delivered(quarter(tmp_path / "q.sqlite"))[3 * CONTRACTS :]
    firsts = [one.contract_id for one in said[:CONTRACTS]]
    assert len(set(firsts)) >= CONTRACTS * 3 // 4


def test_kills_while_documents_are_held_and_while_they_leave_change_nothing(tmp_path: Path) -> None:
    calm = {one.key: one for one in delivered(quarter(tmp_path / "calm.sqlite"))}
    dice, killed = Random(6), tmp_path / "killed.sqlite"
    for number in range(5):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.quarter_end", str(killed)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        ) as worker:
            assert worker.stdout is not None
            # The first kills hit it while documents are held, the last ones while they leave.
            for _ in range(dice.randint(3, 15) if number < 3 else 60):
                if worker.stdout.readline() == b"idle\n":
                    break
            sleep(dice.uniform(0, 0.05))
            worker.kill()
            worker.communicate()
        assert worker.returncode == -SIGKILL
    said = delivered(quarter(killed))
    last = {one.key: one for one in said}
    live = {key: one.type for key, one in calm.items() if one.type != WITHDRAWN}
    assert {key: one.type for key, one in last.items() if one.type != WITHDRAWN} == live
    assert len({one.id for one in said}) == len({(one.key, one.revision) for one in said})
    for key in last:
        revisions = [one.revision for one in said if one.key == key]
        assert revisions == sorted(revisions)
