"""What may be billed of a contract, what stands in the way, and what follows from both."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .retainage import Release
from .settlement import Settlement

CRITICAL, BLOCKING, HELD, WARNING = "critical", "blocking", "held", "warning"
ENTRY, CONTRACT = "entry", "contract"
NOT_DUE = "BILLING_SCHEDULE_NOT_DUE"
_ZERO = Fraction(0)


@dataclass(frozen=True)
class Blocker:
    """What stands in the way. `amount` is what it holds back, or 0 where that has no price."""

    code: str
    tier: str
    scope: str
    count: int
    amount: Fraction


@dataclass(frozen=True)
class Assessment:
    """All that may be billed and all that stands in the way, before a blocker of the contract stops it."""

    time: Settlement
    milestones: Fraction
    expenses: Fraction
    fees: Fraction
    fees_by_month: dict[str, dict[str, Fraction]]
    releases: tuple[Release, ...]
    retained: Fraction
    blockers: tuple[Blocker, ...]

    @property
    def ready_time(self) -> Fraction:
        return sum((claim.amount for claim in self.time.ready), _ZERO)

    @property
    def total(self) -> Fraction:
        return self.ready_time + self.milestones + self.expenses + self.fees

    @property
    def stopped(self) -> bool:
        return any(one.scope == CONTRACT and one.tier in {CRITICAL, BLOCKING} for one in self.blockers)

    @property
    def held(self) -> bool:
        """Whether all of it is held, by a hold, or by books that are closed; what is not due waits for itself."""
        return any(one.tier == HELD and one.code != NOT_DUE for one in self.blockers)

    @property
    def waits(self) -> bool:
        """Whether nothing can be billed today, though it may be ready."""
        return any(one.tier == HELD and one.scope == CONTRACT for one in self.blockers)
