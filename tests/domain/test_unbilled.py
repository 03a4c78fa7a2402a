"""What may be billed of time: after what was given up, under caps, less what is held back."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.calendar import text_of
from app.domain.ledger import Row
from app.domain.money import micro
from app.domain.readiness import Papers, row
from app.domain.retainage import Release
from app.domain.terms import Agreement
from tests.domain.ledgers import approved, day, line, position, worked

_ALL = "2027-12-31"


def ready(
    rows: dict[str, Row], given_up: str = "0", releases: tuple[Release, ...] = (), **terms: Any
) -> dict[str, Any]:
    """C-1's readiness; at 60.00 an hour a minute is 1.00."""
    agreement = Agreement([approved(lines=[line(**terms)])])
    return row(position(agreement, rows, _ALL), (), (), 0, Papers(releases=releases, given_up=micro(given_up)))


def amounts(found: dict[str, Any]) -> tuple[str, int, int, str, str, str]:
    names = ("ready_amount", "ready_minutes", "ready_entries", "over_cap_amount", "written_off_amount")
    first, minutes, entries, over, written = (found[name] for name in names)
    return first, minutes, entries, over, written, found["retained_amount"]


_THREE = {"C": ("2026-03-04", 300), "A": ("2026-03-02", 100), "B": ("2026-03-03", 200)}


def three() -> dict[str, Row]:
    return {name: worked(*it) for name, it in _THREE.items()}


def test_an_amount_given_up_takes_the_oldest_work_first() -> None:
    # 100 + 200 + 300; 150 take A whole and 50 of B, which stays an entry of 200 minutes: 450.
    assert amounts(ready(three(), "150")) == ("450.00", 500, 2, "0.00", "150.00", "0.00")


def test_nobody_gives_up_more_than_there_is() -> None:
    assert amounts(ready(three(), "600")) == ("0.00", 0, 0, "0.00", "600.00", "0.00")
    assert amounts(ready(three(), "600.01")) == ("0.00", 0, 0, "0.00", "600.00", "0.00")


def test_what_is_given_up_uses_no_cap() -> None:
    # 600 under a cap of 400: 200 over. With 200 given up the rest fits, A and half of B being gone.
    cap = {"amount": "400", "on_exceed": "split"}
    assert amounts(ready(three(), cap=cap))[3:5] == ("200.00", "0.00")
    assert amounts(ready(three(), "200", cap=cap)) == ("400.00", 500, 2, "0.00", "200.00", "0.00")


def test_of_what_is_given_up_nothing_is_held_back() -> None:
    # 10 % of the 450 that 150 leave of 600.
    assert amounts(ready(three(), "150", retainage_ratio="0.1"))[0] == "405.00"
    assert ready(three(), "150", retainage_ratio="0.1")["retained_amount"] == "45.00"


def test_of_what_a_cap_refuses_nothing_is_held_back() -> None:
    # 250 pass: A whole, 150 of B. 10 + 15 are held back.
    found = ready(three(), retainage_ratio="0.1", cap={"amount": "250", "on_exceed": "split"})
    assert amounts(found) == ("225.00", 300, 2, "350.00", "0.00", "25.00")


def test_a_release_is_of_what_was_held_before_its_day() -> None:
    # Before 4 March 10 of A and 20 of B are held: half of it is 15, billed as a fee of the line. 60 − 15 = 45 stay.
    half = Release(day("2026-03-04"), "X-1", 500_000, None)
    found = ready(three(), releases=(half,), retainage_ratio="0.1")
    assert (found["ready_time_amount"], found["ready_fee_amount"], found["retained_amount"]) == (
        "540.00",
        "15.00",
        "45.00",
    )
    # Under a cap of 150 with 100 of A and 50 of B passed, 10 + 5 are held: 7.50.
    capped = ready(three(), releases=(half,), retainage_ratio="0.1", cap={"amount": "150", "on_exceed": "split"})
    assert (capped["ready_fee_amount"], capped["retained_amount"]) == ("7.50", "7.50")


_ENTRIES = st.lists(
    st.tuples(st.integers(0, 700), st.sampled_from([60, 30, 7, 0, -60, -7, 480])), min_size=1, max_size=25
)
_CAPS = st.one_of(st.none(), st.builds(lambda amount, how: {"amount": str(amount), "on_exceed": how},
                                       st.integers(0, 1500), st.sampled_from(["block", "split", "warn"])))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_ENTRIES, st.integers(0, 900), _CAPS, st.sampled_from(["0", "0.1", "0.3333"]), st.integers(0, 3))
def test_sums_of_quarters_say_the_same_as_entries_one_by_one(
    entries: list[tuple[int, int]], given_up: int, cap: dict[str, Any] | None, ratio: str, halves: int
) -> None:
    # Over two years most pages are answered by their sums alone; one by one, it is a sum over a sorted list.
    start = day("2026-01-01")
    rows = {f"E-{number:02}": worked(text_of(start + away), minutes) for number, (away, minutes) in enumerate(entries)}
    releases = tuple(Release(start + 200 * n, f"X-{n}", 500_000, None) for n in range(halves))
    terms = {"retainage_ratio": ratio} | ({"cap": cap} if cap else {})
    found = ready(rows, str(given_up), releases, **terms)
    left, room = micro(str(given_up)), micro(cap["amount"]) if cap else None
    passed = over = held = written = 0
    holding: list[tuple[int, int]] = []
    for name in sorted(rows, key=lambda name: (rows[name].day, name)):
        amount = rows[name].minutes * 1_000_000
        gone = max(0, min(amount, left))
        left, written = left - gone, written + gone
        if gone and gone == amount:
            continue
        amount -= gone
        fits = amount if room is None or amount <= 0 or amount <= max(room, 0) else _part(cap, max(room, 0))
        if room is not None:
            room -= fits
        let = amount if cap and cap["on_exceed"] == "warn" else fits
        over += amount - let
        kept = _cents(let * int(micro(ratio)))
        passed, held = passed + let - kept, held + kept
        holding.append((rows[name].day, kept))
    free = 0
    for release in releases:
        free += _half(max(0, sum(kept for on, kept in holding if on < release.on) - free))
    assert micro(found["ready_time_amount"]) == passed
    assert micro(found["ready_fee_amount"]) == free
    assert micro(found["retained_amount"]) == held - free
    assert micro(found["over_cap_amount"]) == over
    assert micro(found["written_off_amount"]) == written
    assert passed + over + held + written == sum(row.minutes for row in rows.values()) * 1_000_000


def _part(cap: dict[str, Any] | None, room: int) -> int:
    return room if cap is not None and cap["on_exceed"] != "block" else 0


def _cents(micros_squared: int) -> int:
    """Half away from zero, to whole cents."""
    sign = -1 if micros_squared < 0 else 1
    return sign * ((abs(micros_squared) * 2 + 10**10) // (2 * 10**10)) * 10_000


def _half(amount: int) -> int:
    return _cents(amount * 500_000)
