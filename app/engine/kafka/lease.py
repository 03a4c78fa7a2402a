"""Until when this worker may write: as long as the group cannot have given its partitions to another."""

from __future__ import annotations

from time import monotonic


class Lease:
    """Counted from before the last heartbeat that the coordinator answered well, so a stopped clock is on our side.

    During a rebalance the coordinator keeps a member that has not rejoined for the rebalance timeout only, however
    well it answers heartbeats; the lease then ends with it. A process that was stopped (SIGSTOP, a paused machine)
    finds its lease lapsed before it can write.
    """

    def __init__(self, session_seconds: float, rebalance_seconds: float) -> None:
        self._session, self._rebalance = session_seconds, rebalance_seconds
        self._until: float | None = None  # None: nothing was ever assigned
        self._rejoining: float | None = None  # when a rebalance was first heard of

    def renew(self, since: float, *, rejoining: bool) -> None:
        """A heartbeat sent at `since` (seconds, monotonic) was answered; `rejoining`: we are asked to join again."""
        if not rejoining:
            self._rejoining = None
        elif self._rejoining is None:
            self._rejoining = since
        until = since + self._session
        self._until = until if self._rejoining is None else min(until, self._rejoining + self._rebalance)

    def overdue(self) -> float:
        """Seconds since it lapsed; 0 while it holds."""
        return 0.0 if self._until is None else max(0.0, monotonic() - self._until)
