"""What a region allows of a calendar that HR sends, and how old may be what a forecast rests on: rules as data.

Source: domain F19, F20. Both are policies (`app.domain.policy`): the region's goes before the one that holds
everywhere; of one scope the highest revision decides, then the greatest id. An update that breaks a rule which blocks
is taken but for its hours: weekly minutes and working days stay those that were held before on that day, by the highest
revision that breaks none; without one there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from app.domain import calendar
from app.domain.policy import OF_PEOPLE, STALE_DAYS
from app.domain.resolution import Message, effective, name_of

RULE: Final = "REGIONAL_RULE_BROKEN"
STALE: Final = "FORECAST_STALE"
_SET: Final = "policy.set.v1"


class Rule(NamedTuple):
    """What calendars of a region (None: of all) may be from updates effective on `since` on.

    `weekly`: minutes at most; `weekdays`: bits of the days that may be worked, Monday 1; None: as it likes. `behind` is
    the message that says so: (source#id, its time).
    """

    policy_id: str
    revision: int
    region: str | None
    action: str
    weekly: int | None
    weekdays: int | None
    since: int
    behind: tuple[str, int]


class Patience(NamedTuple):
    """After how many days what HR said of somebody in a region (None: in all) is too old."""

    policy_id: str
    revision: int
    region: str | None
    action: str
    days: int


P = TypeVar("P", Rule, Patience)


class Update(NamedTuple):
    """What one message of HR says of a calendar: from when, where, how much, and on which days (bits)."""

    since: int
    region: str | None
    weekly: int
    weekdays: int


def of_people(messages: Sequence[Message]) -> bool:
    """Whether any message about a policy made it one about people."""
    return bool(_codes(messages) & OF_PEOPLE)


def of_people_only(messages: Sequence[Message]) -> bool:
    """Whether no message about a policy made it one about anything else."""
    codes = _codes(messages)
    return bool(codes) and codes <= OF_PEOPLE


def _codes(messages: Sequence[Message]) -> set[Any]:
    return {code for message in messages if (code := msgspec.json.decode(message.data).get("code"))}


class Rules:
    """The policies about people: those in force, and every rule there ever was."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._patience: dict[str, Patience] = {}
        self._ever: dict[str, list[Rule]] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def put(self, policy_id: str, messages: Sequence[Message]) -> None:
        """Take in what the messages about a policy come to."""
        self._rules.pop(policy_id, None)
        self._patience.pop(policy_id, None)
        message, said = effective(messages)
        if message.type == _SET and said["code"] == RULE:
            self._rules[policy_id] = _rule(message, said)
        elif message.type == _SET and said["code"] == STALE:
            days = said.get("days")
            self._patience[policy_id] = Patience(
                policy_id,
                message.revision,
                said.get("region"),
                said["action"],
                STALE_DAYS if days is None else days,
            )
        each = [(one, msgspec.json.decode(one.data)) for one in messages if one.type == _SET]
        self._ever[policy_id] = [_rule(one, its) for one, its in each if its["code"] == RULE]

    def regions(self, policy_id: str) -> set[str | None]:
        """The regions whose calendars the policy ever had to do with; None: all."""
        return {rule.region for rule in self._ever.get(policy_id, ())}

    def rule(self, region: str | None) -> Rule | None:
        """The rule that calendars of a region have to keep."""
        return _deciding(self._rules, region)

    def patience(self, region: str | None) -> int | None:
        """After how many days what HR said of somebody there is too old; None: never."""
        found = _deciding(self._patience, region)
        return None if found is None else found.days

    def refuses(self, update: Update) -> bool:
        """Whether the hours of an update are not taken."""
        rule = self.rule(update.region) if self._rules else None
        return rule is not None and rule.action == "blocking" and _breaks(update, rule)

    def ever_broken(self, update: Update) -> bool:
        """Whether any rule that was ever said is one that the update breaks."""
        return any(
            rule.region in (None, update.region) and _breaks(update, rule)
            for rules in self._ever.values()
            for rule in rules
        )


class Broken(NamedTuple):
    """An update that is held on some day and breaks a rule. `why` says what is too much."""

    message: Message
    rule: Rule
    why: str


def broken(messages: Sequence[tuple[Message, Update]], rules: Rules) -> Iterator[Broken]:
    """The updates of one person that break a rule; `messages` are those that count, by revision.

    One whose days a higher revision took over altogether is held on none, and breaks nothing.
    """
    taken = calendar.FOREVER + 1  # from this day on a higher revision is held
    for message, update in reversed(messages):
        if update.since < taken:
            rule = rules.rule(update.region)
            if rule is not None and _breaks(update, rule):
                yield Broken(message, rule, _why(update, rule))
            taken = update.since


def _rule(message: Message, said: Mapping[str, Any]) -> Rule:
    days, since = said.get("working_days"), said.get("effective_from")
    return Rule(
        said["policy_id"],
        message.revision,
        said.get("region"),
        said["action"],
        said.get("weekly_minutes"),
        None if days is None else sum(1 << day - 1 for day in days),
        calendar.number(since) if since else calendar.BEGINNING,
        (name_of(message), message.time),
    )


def _deciding(found: Mapping[str, P], region: str | None) -> P | None:
    """The policy that decides for a region, None where there is none or it is off."""
    its = [one for one in found.values() if one.region in (None, region)]
    best = max(its, key=lambda one: (one.region is not None, one.revision, one.policy_id), default=None)
    return None if best is None or best.action == "off" else best


def _breaks(update: Update, rule: Rule) -> bool:
    """Somebody who does not work at all keeps every rule."""
    if not update.weekly or update.since < rule.since:
        return False
    return (rule.weekly is not None and update.weekly > rule.weekly) or (
        rule.weekdays is not None and bool(update.weekdays & ~rule.weekdays)
    )


def _why(update: Update, rule: Rule) -> str:
    where = f"region {rule.region}" if rule.region is not None else "every region"
    said = []
    if rule.weekly is not None and update.weekly > rule.weekly:
        said.append(f"{update.weekly} minutes a week are more than the {rule.weekly} of {where}")
    if rule.weekdays is not None and (days := update.weekdays & ~rule.weekdays):
        worked = ", ".join(str(day) for day in range(1, 8) if days >> day - 1 & 1)
        said.append(f"nobody works on ISO weekday {worked} in {where}")
    return " and ".join(said)
