"""Until when a worker may write, and what happens at the end of it."""

from __future__ import annotations

from time import monotonic

import pytest

from app.engine.kafka.lease import Lease


def test_without_any_assignment_nothing_can_lapse() -> None:
    assert Lease(10.0, 18.0).overdue() == 0


def test_it_lasts_for_a_session_from_before_the_heartbeat_was_sent() -> None:
    lease = Lease(10.0, 18.0)
    lease.renew(monotonic() - 9.0, rejoining=False)
    assert lease.overdue() == 0
    lease.renew(monotonic() - 10.5, rejoining=False)
    assert lease.overdue() == pytest.approx(0.5, abs=0.2)


def test_a_rebalance_bounds_it_however_well_heartbeats_are_answered() -> None:
    # A member that is asked to join again and does not is dropped after the rebalance timeout.
    lease = Lease(10.0, 18.0)
    now = monotonic()
    for since in (now - 30.0, now - 20.0, now - 1.0):
        lease.renew(since, rejoining=True)
    assert lease.overdue() == pytest.approx(30.0 - 18.0, abs=0.2)


def test_who_has_joined_again_is_bound_by_the_session_alone() -> None:
    lease = Lease(10.0, 18.0)
    lease.renew(monotonic() - 30.0, rejoining=True)
    lease.renew(monotonic(), rejoining=False)
    assert lease.overdue() == 0
    lease.renew(monotonic(), rejoining=True)  # the next rebalance is counted anew
    assert lease.overdue() == 0
