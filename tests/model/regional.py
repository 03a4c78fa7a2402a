"""What a region allows of the hours HR sends, and after how long HR's word is old: domain.md F19 and F20.

A policy about people holds for a region, or everywhere. The region's goes before the other; of several the highest
revision decides, then the greatest id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from .entities import Entity, Fields

RULE, STALE = "REGIONAL_RULE_BROKEN", "FORECAST_STALE"
OF_PEOPLE = {RULE, STALE}
_DAYS = 90
_WEEKDAYS = [1, 2, 3, 4, 5]


class Regions:
    """The policies about people that stand."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        standing = [entity.fields() for entity in entities if entity.kind == "policy" and entity.state == "set"]
        self._of_people = [one for one in standing if one["code"] in OF_PEOPLE]

    def _deciding(self, code: str, region: str | None) -> Fields | None:
        its = [one for one in self._of_people if one["code"] == code and one.get("region") in {None, region}]
        if not its:
            return None
        found = max(its, key=lambda one: (one.get("region") is not None, one["revision"], one["policy_id"]))
        return None if found["action"] == "off" else found

    def refuses(self, update: Fields) -> bool:
        """Whether the hours of an update are not to be taken."""
        rule = self._deciding(RULE, update.get("region"))
        return rule is not None and rule["action"] == "blocking" and breaks(update, rule)

    def limit(self, region: str | None) -> int | None:
        """The greatest age that is not too old, in days."""
        found = self._deciding(STALE, region)
        if found is None:
            return None
        return _DAYS if found.get("days") is None else int(found["days"])


def breaks(update: Fields, rule: Fields) -> bool:
    """More minutes a week than the rule has, or work on a day it does not have; no minutes at all break nothing."""
    minutes = update.get("weekly_minutes") or 0
    since = rule.get("effective_from")
    if not minutes or (since and date.fromisoformat(update["effective_from"]) < date.fromisoformat(since)):
        return False
    too_many = rule.get("weekly_minutes") is not None and minutes > rule["weekly_minutes"]
    days, allowed = update.get("working_days") or _WEEKDAYS, rule.get("working_days")
    return too_many or (allowed is not None and not set(days) <= set(allowed))
