"""The honesty ledger over the tables of all partitions, for any business date.

The agents keep sums for the weeks that are told of; here everything is worked out from facts, the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from agents.people import People
from agents.scoring import Foresight, exact, plain, promised, stored_ticks
from app.domain import accuracy, demand
from app.domain.accuracy import Cell, Tally
from app.domain.utilization import FIRM, WINDOW, Group, Window
from app.engine.shapes import Answer
from app.engine.workforce import Totals
from app.events.share import Number
from tables import Store, shares
from tables.heads import Latest
from tables.openings import OPENINGS, Openings
from tables.shares import SHARES
from tables.turns import TURNS

UNKNOWN: Latest = (0, "", "", "")

Sums = list[tuple[str, str, dict[int, dict[int, dict[int, Number]]]]]
"""Kind and id of a group, and its numbers by Monday, weeks ahead and place, as they travel."""
Ledger = dict[Group, dict[int, dict[int, Tally]]]
"""What each group's weeks come to, by Monday and by weeks ahead, exactly: those of several partitions add up."""


def cells_of(stores: Sequence[Store], as_of: int, window: Window = WINDOW) -> dict[int, Cell]:
    """The weeks of the ledger on a day; every partition has the same turns."""
    return accuracy.cells(accuracy.mondays(as_of, window), accuracy.turns(stored_ticks(stores[0], TURNS)), as_of)


def of_people(people: People, cells: Mapping[int, Cell]) -> Ledger:
    """What the people of a partition come to, for every group that any of them was ever said to be in."""
    found: Ledger = {}
    for resource_id in people.ids():
        person = people.person(resource_id)
        assert person is not None  # it was listed
        for group in people.named(resource_id, person):
            found.setdefault(group, {})
        foresight = Foresight(people, resource_id, person)
        for monday, cell in cells.items():
            for scope, tallies in foresight.scores(monday, cell).items():
                for group in accuracy.groups_of(scope):
                    _include(found, group, monday, tallies)
    return found


def of_demand(store: Store, cells: Mapping[int, Cell]) -> Ledger:
    """What unnamed demand of a partition comes to: for its roles and practices, and by its roles for the firm."""
    pages: dict[Group, dict[int, Openings]] = {}
    for key, page in store.scan(OPENINGS):
        group, year = shares.parse(key)
        pages.setdefault(group, {})[year] = page
    found: Ledger = {}
    for group, years in pages.items():
        if group[0] not in ("role", "practice"):
            continue
        found.setdefault(group, {})
        for monday, cell in cells.items():
            tallies = promised(demand.near(years, monday), monday, cell)
            for its in (group, FIRM) if group[0] == "role" else (group,):
                _include(found, its, monday, tallies)
    return found


def _include(ledger: Ledger, group: Group, monday: int, tallies: Mapping[int, Tally]) -> None:
    sums = ledger.setdefault(group, {}).setdefault(monday, {})
    for ahead, tally in tallies.items():
        accuracy.include(sums.setdefault(ahead, {}), tally)


def together(parts: Iterable[Ledger]) -> Ledger:
    """What several partitions come to."""
    found: Ledger = {}
    for part in parts:
        for group, weeks in part.items():
            found.setdefault(group, {})
            for monday, tallies in weeks.items():
                _include(found, group, monday, tallies)
    return found


def kept(store: Store, cells: Mapping[int, Cell], kinds: Sequence[str]) -> Ledger:
    """The same of today's weeks, from what was told to the groups that live in this partition; demand is theirs."""
    found: Ledger = {}
    for kind in kinds:
        for key, value in store.scan(SHARES, f"{kind}/"):
            group, monday = shares.parse(key)
            found.setdefault(group, {})
            for given in value.sums.values() if monday in cells else ():
                _include(found, group, monday, {ahead: exact(tally) for ahead, tally in given.tallies.items()})
    return together((found, of_demand(store, cells)))


def ledger_of(stores: Iterable[Store], cells: Mapping[int, Cell]) -> Ledger:
    """What these partitions come to, people and demand."""
    return together(part for store in stores for part in (of_people(People(store), cells), of_demand(store, cells)))


def score_rows(
    ledger: Ledger, cells: Mapping[int, Cell], as_of: int, kinds: Sequence[str]
) -> Iterator[tuple[Group, int, dict[str, Any]]]:
    """The weeks of all groups of these kinds, in the order of kinds, ids and weeks, each with its Monday."""
    for kind in kinds:
        for group in sorted(group for group in ledger if group[0] == kind):
            for monday, cell in cells.items():
                tallies = ledger[group].get(monday, {})
                yield group, monday, accuracy.week_row(*group, monday, as_of, cell, tallies)


def record_rows(
    ledger: Ledger, cells: Mapping[int, Cell], as_of: int, kinds: Sequence[str]
) -> Iterator[tuple[Group, dict[str, Any]]]:
    """How good the forecasts of all groups of these kinds were, in the order of kinds and ids."""
    for kind in kinds:
        for group in sorted(group for group in ledger if group[0] == kind):
            its = [(cell, ledger[group].get(monday, {})) for monday, cell in cells.items()]
            yield group, accuracy.record_row(*group, as_of, its)


def shown(kind: str, ledger: Ledger, cells: Mapping[int, Cell], day: int, ahead: int | None) -> list[Answer]:
    """Groups of a kind by id, each with its weeks and how good its forecasts were over those that are over; of one
    horizon, where `ahead` names one. The firm has its name for an id."""
    weeks: dict[Group, list[Answer]] = {}
    for group, _, payload in score_rows(ledger, cells, day, [kind]):
        row = {name: value for name, value in payload.items() if name not in ("subject", "as_of")}
        weeks.setdefault(group, []).append({**row, "forecasts": _only(row["forecasts"], ahead)})
    return [
        {"id": group[1] or kind, "record": _only(payload["forecasts"], ahead), "weeks": weeks.get(group, [])}
        for group, payload in record_rows(ledger, cells, day, [kind])
    ]


def first_ticks(parts: Iterable[Mapping[int, tuple[int, int]]]) -> dict[int, tuple[int, int]]:
    """The first tick of each week that any slice knows of."""
    found: dict[int, tuple[int, int]] = {}
    for part in parts:
        for monday, tick in part.items():
            found[monday] = min(tick, found.get(monday, tick))
    return found


def _only(forecasts: Sequence[Answer], ahead: int | None) -> list[Answer]:
    return [one for one in forecasts if ahead in (None, one["weeks_ahead"])]


def sent(ledger: Ledger, kinds: Sequence[str]) -> Sums:
    """The groups of these kinds as one worker tells another of them."""
    return [
        (*group, {monday: {ahead: plain(one) for ahead, one in its.items()} for monday, its in ledger[group].items()})
        for group in sorted(ledger)
        if group[0] in kinds
    ]


def received(sums: Sums) -> Ledger:
    """What a worker told: a group has a row for every slice that worker holds."""
    found: Ledger = {}
    for kind, name, weeks in sums:
        found.setdefault((kind, name), {})
        for monday, its in weeks.items():
            _include(found, (kind, name), monday, {ahead: exact(one) for ahead, one in its.items()})
    return found


def causes(stores: Iterable[Store], totals: Totals, mondays: Sequence[int]) -> dict[tuple[Group, int], Latest]:
    """The latest fact behind each group's weeks; `totals` are what people come to in the weeks of these Mondays."""
    found: dict[tuple[Group, int], Latest] = {
        (group, monday): latest
        for group, total in totals.items()
        for monday, latest in zip(mondays, total.latest, strict=True)
    }
    for store in stores:
        pages: dict[Group, dict[int, Openings]] = {}
        for key, page in store.scan(OPENINGS):
            group, year = shares.parse(key)
            pages.setdefault(group, {})[year] = page
        for group, years in pages.items():
            for monday in mondays:
                its = (page.latest for page in demand.near(years, monday))
                found[group, monday] = max([found.get((group, monday), UNKNOWN), *its])
    return found
