"""Short stories of people, each to be told in every order: who moves, who leaves, what is taken back."""

from __future__ import annotations

from typing import Any

from tests.model.histories import Event
from tests.model.test_oracle import said, worked
from tests.model.test_utilization import asked, away, booked, booked_whole, hired, holiday

_SPAN: Any = {"first": "2026-03-02", "last": "2026-04-30"}


STORIES: dict[str, list[Event]] = {
    "a booking moves to another person and back": [
        hired(start="2026-01-01", role="engineer"),
        hired("P-2", start="2026-01-01", role="architect"),
        booked(1200, **_SPAN),
        booked(1200, kind="changed", revision=2, resource_id="P-2", **_SPAN),
        booked(600, kind="changed", revision=3, **_SPAN),
    ],
    "a total meets a holiday that is removed, and leave that is cancelled": [
        hired(start="2026-01-01", region="north"),
        booked_whole(2400, "2026-03-02", "2026-03-06"),
        holiday("2026-03-05", region="north"),
        said("holiday.removed", holiday_id="H-1", revision=2),
        away("2026-03-06", "2026-03-06"),
        said("leave.cancelled", leave_id="V-1", revision=2, resource_id="P-1"),
    ],
    "an entry moves between people and weeks": [
        hired(start="2026-01-01", role="engineer"),
        worked(100, "2026-03-03", kind="submitted"),
        worked(100, "2026-03-03", revision=2),
        worked(120, "2026-03-10", kind="corrected", revision=3, resource_id="P-2"),
        said("time.reversed", entry_id="T-1", revision=4),
    ],
    "a role changes within a week, and changes again after the fact": [
        hired(start="2026-01-01", role="engineer", practice="data", target_ratio="0.8"),
        hired(revision=2, start="2026-03-04", role="architect", practice="data"),
        hired(revision=3, start="2026-03-03", role="analyst", practice="cloud", weekly_minutes=1200),
        booked(2400, **_SPAN),
        worked(100, "2026-03-04"),
    ],
    "a leaver keeps a booking that ends with the employment": [
        hired(start="2026-01-01", role="engineer"),
        booked(2400, **_SPAN),
        hired(revision=2, start="2026-02-01", role="engineer", employed_to="2026-03-04"),
        asked(2400, **_SPAN),
        asked(1000, kind="changed", revision=2, practice="data", **_SPAN),
    ],
    "demand is filled, opened again, and cancelled": [
        hired(start="2026-01-01", role="engineer", practice="data"),
        asked(2400, practice="data", probability_ratio="0.5", **_SPAN),
        said("demand.filled", demand_id="D-1", revision=2),
        asked(600, kind="opened", revision=3, **_SPAN),
        said("demand.cancelled", demand_id="D-1", revision=4, role="architect"),
    ],
    "nobody knows the person before the work": [
        worked(100, "2026-03-03"),
        booked(600, **_SPAN),
        away("2026-03-02", "2026-03-03", minutes_per_day=100),
        hired(start="2026-03-03", weekly_minutes=0),
        hired(revision=2, start="2026-03-05", weekly_minutes=2000, working_days=[1, 3, 6]),
    ],
}
