"""The pace of a worker: who keeps up states at once what changed, who is far behind catches up first."""

from __future__ import annotations

from time import monotonic
from typing import Final

RECORDS: Final = 10_000
"""Records of one step, at most: while more come than an agent can take, steps grow and each record costs less."""

BRISK_SECONDS: Final = 0.05
"""While records keep coming and none have to wait, what changed is stated this often at most."""

STATE_SECONDS: Final = 0.5
"""While more records come than are taken, what changed is stated this often."""

REST_SECONDS: Final = 0.02
"""As soon as none have come for so long, it is stated at once."""

CATCH_UP_SECONDS: Final = 5.0
"""Who is far behind states this often what is soon outdated."""

PATIENT_SECONDS: Final = 0.5
"""What may wait is said this long after all of it was said last, so that much of it is said once."""

IMPATIENT_SECONDS: Final = 2.0
"""What may wait waits no longer, however much else is to do."""

_CALM_SECONDS: Final = 0.5
"""Who has not had so much to do for so long has caught up."""


class Pace:
    """How far behind a worker is, as its lanes find.

    They share it, as they tell each other records: what one of them takes in large steps will soon reach the others,
    and what those would state now is as soon outdated.
    """

    def __init__(self) -> None:
        self._until = 0.0

    def note(self, records: int) -> None:
        """A lane takes so many records in a step: more than half of `RECORDS` are far behind."""
        if 2 * records > RECORDS:
            self._until = monotonic() + _CALM_SECONDS

    @property
    def far_behind(self) -> bool:
        return monotonic() < self._until

    def between(self, *, waiting: bool) -> float:
        """Seconds between two statements of a lane in which records wait, or not."""
        if self.far_behind:
            return CATCH_UP_SECONDS
        return STATE_SECONDS if waiting else BRISK_SECONDS

    def due(self, since: float, stated: float) -> float:
        """The moment at which a lane states what no record causes; `since` nothing came, and it `stated` last."""
        rested = since + REST_SECONDS
        if self.far_behind:
            return max(rested, min(self._until, stated + CATCH_UP_SECONDS))
        return max(rested, stated + 2 * REST_SECONDS)
