"""Time: who worked how long on what, handed in, looked at, put right.

Most lines of a stream are written here, so the two events of an ordinary entry are f-strings. Everything that is put
into them is plain ASCII without quotes; a test reads the lines back and compares them with what a JSON library writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.simulation import wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.dice import Dice
from app.simulation.people import EVENING, Person
from app.simulation.portfolio import Contract, Unbilled
from app.simulation.staffing import Stint

TASKS = (
    "Analysis",
    "Build",
    "Configuration",
    "Data migration",
    "Documentation",
    "Integration",
    "Review",
    "Support",
    "Test",
    "Workshop",
)
APPROVERS = {"emea": "delivery-emea", "amer": "delivery-amer"}
QUARTER = 15
"""Minutes are written in quarters of an hour."""

TROUBLED = 0.045
"""The share of entries that do not simply get approved as they were handed in."""

OVERTIME, TRAVEL = 0.03, 0.02
BENCH_DAYS = 0.6
"""The share of days without a booking for which time is written to the internal contract."""


@dataclass(slots=True, eq=False)
class Entry:
    """One time entry as its first revision says it."""

    entry_id: str
    contract: Contract
    person: Person
    day: int
    minutes: int
    line_id: str
    task: str
    category: str
    billable: bool

    def data(self, days_name: str) -> dict[str, Any]:
        """The whole entry, as every event about it carries it."""
        return {
            "entry_id": self.entry_id,
            "contract_id": self.contract.contract_id,
            "resource_id": self.person.resource_id,
            "work_date": days_name,
            "minutes": self.minutes,
            "role": self.person.role.name,
            "line_id": self.line_id,
            "task": self.task,
            "category": self.category,
            "billable": self.billable,
        }


@dataclass(slots=True)
class Sheet:
    """When a person's week is handed in and looked at, and the seconds at which the next lines are written."""

    approved_on: int
    second: int
    approved_second: int


class Timesheets:
    """Writes the time of all people week by week, before the days of the week are handed out."""

    def __init__(
        self, agenda: Agenda, desk: Desk, people: list[Person], contracts: list[Contract], dice: Dice, spare: Dice
    ) -> None:
        self.agenda = agenda
        self.desk = desk
        self.days = agenda.days
        self.people = people
        self.internal = next((contract for contract in contracts if contract.internal), None)
        self.contracts = contracts
        self.dice = dice
        self.trouble = spare
        self.number = 0
        self.units = 0
        """Bookings of a person and a day written so far: what one more piece for each would multiply."""

    def week(self, monday: int, pieces: float) -> None:
        """Write the week of everybody. Each day's work on a contract is written in `pieces` entries on average."""
        for person in self.people:
            stints = [stint for stint in person.stints if stint.first <= monday + 6 and stint.last >= monday]
            handed_in = monday + 4 if self.dice.random() < 0.85 else monday + 7
            sheet = Sheet(
                approved_on=handed_in + (3 if handed_in < monday + 7 else 1) + int(self.dice.random() * 4),
                second=EVENING[person.region] + self.dice.between(0, 7_200),
                approved_second=8 * 3_600 + self.dice.between(0, 30_000),
            )
            for day in range(monday, monday + person.workdays):
                if not self._works(person, day):
                    continue
                self._day(person, day, handed_in if person.weekly else day, stints, sheet, pieces)

    def _works(self, person: Person, day: int) -> bool:
        if day > self.days.last or day in self.days.holidays[person.region] or day in person.away:
            return False
        return person.employed_from <= day and (person.employed_to is None or day <= person.employed_to)

    def _day(self, person: Person, day: int, handed_in: int, stints: list[Stint], sheet: Sheet, pieces: float) -> None:
        random = self.dice.random
        idle = True
        for stint in stints:
            if not stint.first <= day <= stint.last or not stint.contract.open_on(day):
                continue
            idle = False
            self.units += 1
            parts = int(pieces) + (random() < pieces - int(pieces))
            minutes = stint.day_minutes + QUARTER * (int(random() * 5) - 2)
            while parts > 1:
                part = minutes // (QUARTER * parts) * QUARTER
                self._entry(stint.contract, person, day, handed_in, part, stint.line_id, sheet)
                minutes -= part
                parts -= 1
            self._entry(stint.contract, person, day, handed_in, minutes, stint.line_id, sheet)
        if idle and self.internal is not None and random() < BENCH_DAYS:
            self._entry(self.internal, person, day, handed_in, person.day_minutes, "L1", sheet)

    def _entry(
        self, contract: Contract, person: Person, day: int, handed_in: int, minutes: int, line_id: str, sheet: Sheet
    ) -> None:
        """One entry: handed in, then approved; or, for a few, one of the longer ways."""
        random = self.dice.random
        self.number += 1
        entry_id = f"TE-{self.number:07d}"
        task = TASKS[int(random() * 10)]
        category, billable = "standard", True
        chance = random()
        if contract.internal:
            category, billable = "training", False
        elif chance < OVERTIME:
            category = "overtime"
        elif chance > 1 - TRAVEL:
            category, billable = "travel", random() < 0.5
        sheet.second += 1
        if random() < TROUBLED:
            entry = Entry(entry_id, contract, person, day, minutes, line_id, task, category, billable)
            self._troubled(entry, handed_in, sheet)
            return
        sheet.approved_second += 1
        lag = int(random() * 40)
        resource_id, contract_id, role = person.resource_id, contract.contract_id, person.role.name
        source = person.source
        rest = (
            f'"contract_id":"{contract_id}","resource_id":"{resource_id}","work_date":"{self.days.name(day)}",'
            f'"minutes":{minutes},"role":"{role}","line_id":"{line_id}","task":"{task}",'
            f'"category":"{category}","billable":{"true" if billable else "false"}'
        )
        self._write(entry_id, 1, "submitted", source, handed_in, sheet.second, lag, contract_id, f"{rest}}}}}")
        approved_on = sheet.approved_on
        self._write(
            entry_id, 2, "approved", source, approved_on, sheet.approved_second, lag, contract_id,
            f'{rest},"approved_by":"{APPROVERS[person.region]}"}}}}',
        )  # fmt: skip
        if billable:
            contract.unbilled.append(Unbilled(approved_on, entry_id, minutes, resource_id, role, day, line_id))

    def _write(
        self,
        entry_id: str,
        revision: int,
        what: str,
        source: str,
        day: int,
        second: int,
        lag: int,
        contract_id: str,
        rest: str,
    ) -> None:
        agenda = self.agenda
        arrival, recorded = day, second + lag
        if agenda.late_ratio and agenda.late.random() < agenda.late_ratio:
            arrival = agenda.later(day)
        if arrival > self.days.last:
            return
        name = self.days.name
        agenda.put(
            arrival,
            recorded,
            f'{{"specversion":"1.0","id":"{entry_id}.{revision}","source":"{source}","type":"time.{what}.v1",'
            f'"subject":"time/{entry_id}","time":"{name(day)}{wire.clock_of(second)}",'
            f'"recordedtime":"{name(arrival)}{wire.clock_of(recorded)}","correlationid":"{contract_id}",'
            f'"data":{{"entry_id":"{entry_id}","revision":{revision},{rest}'.encode(),
        )

    # The longer ways of an entry. Each is a sequence of revisions; what an invoice may name, and from when to when,
    # goes with it, so that finance bills what was known that day and later corrections need an adjustment.

    def _troubled(self, entry: Entry, handed_in: int, sheet: Sheet) -> None:
        sheet.approved_second += 1
        chance = self.trouble.random()
        way = next(way for limit, way in WAYS if chance < limit)
        said = entry.data(self.days.name(entry.day))
        self._say(entry, "submitted", 1, handed_in, said, second=sheet.second)
        way(self, entry, said, sheet.approved_on)

    def _say(
        self, entry: Entry, what: str, revision: int, day: int, said: dict[str, Any], *, second: int | None = None
    ) -> None:
        self.desk.say(
            day,
            entry.person.source,
            f"time.{what}",
            entry.entry_id,
            said,
            revision=revision,
            second=second,
            correlation=said["contract_id"],
            causation=f"{entry.entry_id}.{revision - 1}" if revision > 1 else None,
        )

    def _approve(self, entry: Entry, revision: int, day: int, said: dict[str, Any]) -> None:
        self._say(entry, "approved", revision, day, {**said, "approved_by": APPROVERS[entry.person.region]})

    def _bill(
        self, entry: Entry, since: int, *, until: int | None = None, contract: Contract | None = None, **changed: Any
    ) -> None:
        if entry.billable:
            unbilled = Unbilled(
                since,
                entry.entry_id,
                changed.get("minutes", entry.minutes),
                entry.person.resource_id,
                entry.person.role.name,
                changed.get("day", entry.day),
                entry.line_id if contract is None else "L1",
                until,
            )
            (contract or entry.contract).unbilled.append(unbilled)

    def _after(self, day: int) -> int:
        """Some working day in the six weeks after: a correction may come before or after the month's invoice."""
        return self.days.workday(day + self.trouble.between(1, 40))

    def _sent_back(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Rejected, handed in again with other minutes, and then approved."""
        corrected_on = self.days.workday(day + self.trouble.between(1, 5))
        approved_on = self.days.workday(corrected_on + self.trouble.between(1, 4))
        minutes = max(QUARTER, entry.minutes + QUARTER * self.trouble.between(-6, 2))
        again = {**said, "minutes": minutes, "narrative": "Corrected as asked"}
        self._say(entry, "rejected", 2, day, {**said, "narrative": "Minutes do not match the plan"})
        self._say(entry, "corrected", 3, corrected_on, {**again, "status": "submitted"})
        self._approve(entry, 4, approved_on, again)
        self._bill(entry, approved_on, minutes=minutes)

    def _corrected(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Other minutes after the approval."""
        corrected_on = self._after(day)
        minutes = max(QUARTER, entry.minutes + QUARTER * self.trouble.one_of((-8, -4, -2, 2, 4)))
        self._approve(entry, 2, day, said)
        self._say(entry, "corrected", 3, corrected_on, {**said, "minutes": minutes})
        self._bill(entry, day, until=corrected_on)
        self._bill(entry, corrected_on, minutes=minutes)

    def _redated(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Moved to the working day before, also across the end of a week or a month."""
        corrected_on = self._after(day)
        moved = max(entry.contract.first, entry.day - (3 if entry.day % 7 == 0 else 1))
        self._approve(entry, 2, day, said)
        self._say(entry, "corrected", 3, corrected_on, {**said, "work_date": self.days.name(moved)})
        self._bill(entry, day, until=corrected_on)
        self._bill(entry, corrected_on, day=moved)

    def _moved(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Moved to another contract: the first one must let it go."""
        corrected_on = self._after(day)
        others = [stint.contract for stint in entry.person.stints if stint.contract is not entry.contract]
        target = self.trouble.one_of(others or self.contracts)
        self._approve(entry, 2, day, said)
        moved = {
            **said,
            "contract_id": target.contract_id,
            "line_id": "L1",
            "narrative": "Written to the wrong contract",
        }
        self._say(entry, "corrected", 3, corrected_on, moved)
        if target is not entry.contract:
            self._bill(entry, day, until=corrected_on)
            self._bill(entry, corrected_on, minutes=0)
        self._bill(entry, corrected_on, contract=target)

    def _reversed(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Taken back after the approval."""
        reversed_on = self._after(day)
        self._approve(entry, 2, day, said)
        key = {name: said[name] for name in ("entry_id", "contract_id", "resource_id", "work_date")}
        self._say(entry, "reversed", 3, reversed_on, key)
        self._bill(entry, day, until=reversed_on)
        self._bill(entry, reversed_on, minutes=0)

    def _left_pending(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Nobody has looked at it yet."""

    def _refused(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Rejected, and left at that."""
        self._say(entry, "rejected", 2, day, {**said, "narrative": "Not agreed with the client"})

    def _without_role(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Approved without a role: unless the contract has one price for everybody, there is none for it."""
        self._approve(entry, 2, day, {name: value for name, value in said.items() if name != "role"})

    def _overridden(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Approved at a price of its own; nothing is a price, too. Finance leaves these to the next invoice run."""
        amount = "0" if self.trouble.chance(0.3) else "99.00" if entry.contract.currency != "JPY" else "9900"
        self._approve(entry, 2, day, {**said, "rate_override": amount})

    def _taken_off(self, entry: Entry, said: dict[str, Any], day: int) -> None:
        """Approved, and a second entry with negative minutes takes a part off again."""
        self._approve(entry, 2, day, said)
        self._bill(entry, day)
        self.number += 1
        less = Entry(
            f"TE-{self.number:07d}", entry.contract, entry.person, entry.day, -min(60, entry.minutes),
            entry.line_id, entry.task, entry.category, entry.billable,
        )  # fmt: skip
        taken = less.data(self.days.name(less.day))
        submitted_on = self._after(day)
        self._say(less, "submitted", 1, submitted_on, taken)
        self._approve(less, 2, self.days.workday(submitted_on + 1), taken)
        self._bill(less, self.days.workday(submitted_on + 1))


WAYS = (
    (0.30, Timesheets._sent_back),
    (0.50, Timesheets._corrected),
    (0.60, Timesheets._redated),
    (0.70, Timesheets._moved),
    (0.78, Timesheets._reversed),
    (0.90, Timesheets._left_pending),
    (0.93, Timesheets._refused),
    (0.94, Timesheets._without_role),
    (0.97, Timesheets._overridden),
    (1.00, Timesheets._taken_off),
)
"""The longer ways, each with the chance at which it and those before it end."""
