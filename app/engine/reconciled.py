"""What extracts of other systems say that are kept, against the tables of a slice: differences as they are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from agents.contracts import Contracts
from app.domain import calendar, reconciliation
from app.domain.ledger import MARKS, STATUS_NAMES, Claims
from app.domain.money import decimal, micro
from app.domain.reconciliation import Ageing, Drift, Engine, Entry, Held, Invoiced, Line, Version
from app.engine.shapes import Answer
from app.events.cloudevents import timestamp
from app.events.fact import Fact
from tables import Store, extracts
from tables.extracts import EXTRACTS
from tables.heads import Head
from tables.reference import REFERENCE

_EPOCH_DAY: Final = 719_163  # 1970-01-01
_DAY: Final = 86_400_000_000
SYSTEMS: Final = ("psa", "erp")
_KIND: Final = "extract/"


class Side(NamedTuple):
    """The engine's side of a comparison, as `reconciliation.Engine` has it."""

    entries: dict[str, Held]
    invoiced: dict[str, Invoiced]
    versions: dict[str, int]
    currencies: dict[str, str]
    margins: dict[str, tuple[int, int]]


def fresh() -> Side:
    return Side({}, {}, {}, {}, {})


def add(side: Side, contracts: Contracts, contract_id: str, head: Head, today: int | None, *, margin: bool) -> None:
    """Every entry of a contract, what is invoiced, and its version on `today`; `margin`: its revenue and cost, too."""
    position = contracts.position(contract_id, head, today)
    if position.terms is not None:
        side.versions[contract_id] = position.terms.version
        side.currencies[contract_id] = position.terms.currency
    if margin and position.terms is not None:
        row = contracts.forecast(position, contracts.burn(position)[0], contracts.assess(position, head))["margin"]
        side.margins[contract_id] = micro(row["revenue_amount"]), micro(row["cost_amount"])
    told: dict[str, Claims] = dict(head.unplaced)
    for page in sorted(head.pages):
        for start in position.book.page(page):
            bucket = position.book.bucket(start)
            told |= bucket.claims
            for name, row in bucket.rows.items():
                side.entries[name] = Held(
                    contract_id,
                    STATUS_NAMES[row.status],
                    row.day,
                    row.minutes,
                    row.billable,
                    row.amount,
                    row.revision,
                    f"{row.source}#{row.id}",
                    row.time // _DAY + _EPOCH_DAY,
                )
    for name, claims in told.items():
        papers = {paper: amount for paper, (amount, begins) in claims.items() if begins <= position.day}
        its = {paper: amount for paper, amount in papers.items() if not paper.startswith(MARKS)}
        if its:
            known = side.invoiced.get(name)
            total = sum(its.values()) + (known.amount if known else 0)
            side.invoiced[name] = Invoiced(contract_id, total, tuple(sorted(its)))


class Told(NamedTuple):
    """What a system's latest extract says of a contract; `entries` and `lines` None where it has none of any."""

    entries: list[Entry] | None
    lines: list[Line] | None
    versions: list[Version]


class Taken(NamedTuple):
    """Which extract of a system is complete: its place, and what it has in all."""

    place: tuple[int, int]
    said: Mapping[str, Any]
    time: int


class Extracts:
    """Extracts kept in one slice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.taken = {key.removeprefix(_KIND): _taken(entity.facts) for key, entity in store.scan(REFERENCE, _KIND)}

    def contracts(self) -> set[str]:
        """Those of which any extract speaks."""
        return {key.partition("\x1f")[0] for key in self._store.keys(EXTRACTS)}

    def of(self, contract_id: str) -> dict[str, Told]:
        """What each system's latest extract says of a contract. One that is still coming in counts as far as it is."""
        found: dict[str, Told] = {}
        for system, complete in self.taken.items():
            entries: list[Entry] | None = [] if complete.said["entries"] else None
            lines: list[Line] | None = [] if complete.said["lines"] else None
            found[system] = Told(entries, lines, [])
        for _, listed in self._store.scan(EXTRACTS, extracts.key(contract_id, "")):
            said = msgspec.json.decode(listed.fact.data)
            taken = self.taken.get(said["system"])
            if taken is None or _place(listed.fact) >= taken.place:
                known = found.get(said["system"], Told(None, None, []))
                found[said["system"]] = _with(known, said)
        return found

    def shown(self) -> list[Answer]:
        return [
            {
                "system": system,
                "number": taken.place[0],
                "name": taken.said.get("name"),
                "taken_at": timestamp(taken.time),
                "entries": taken.said["entries"],
                "lines": taken.said["lines"],
            }
            for system, taken in sorted(self.taken.items())
        ]


def _taken(facts: Sequence[Fact]) -> Taken:
    latest = max(facts, key=_place)
    return Taken(_place(latest), msgspec.json.decode(latest.data), latest.time)


def _place(fact: Fact) -> tuple[int, int]:
    return fact.revision, fact.time


def _with(known: Told, said: Mapping[str, Any]) -> Told:
    contract_id = said["contract_id"]
    entries, lines = said.get("entries"), said.get("lines")
    its = Told(
        known.entries if entries is None else [*(known.entries or ()), *(_entry(one, contract_id) for one in entries)],
        known.lines if lines is None else [*(known.lines or ()), *(_line(one, contract_id) for one in lines)],
        known.versions,
    )
    figures = said.get("contract_version"), _units(said.get("revenue_amount")), _units(said.get("cost_amount"))
    if figures != (None, None, None):
        its.versions.append(Version(contract_id, figures[0], said.get("row") or said["system"], *figures[1:]))
    return its


def _entry(said: Mapping[str, Any], contract_id: str) -> Entry:
    day = said.get("work_date")
    return Entry(
        said["entry_id"],
        contract_id,
        said.get("status"),
        calendar.number(day) if day is not None else None,
        said.get("minutes"),
        _units(said.get("amount")),
        said.get("revision"),
        said.get("row") or said["entry_id"],
    )


def _line(said: Mapping[str, Any], contract_id: str) -> Line:
    row = said.get("row") or f"{said['kind']}/{said['id']}"
    return Line(said["kind"], said["id"], contract_id, micro(said["amount"]), said.get("invoice_id"), row)


def _units(amount: str | None) -> int | None:
    return None if amount is None else micro(amount)


def of_contract(
    contracts: Contracts, contract_id: str, head: Head | None, told: Mapping[str, Told], today: int | None
) -> Answer:
    """How a contract differs from what each system says of it, and what of it did not come back."""
    side = fresh()
    asked = any(one.revenue is not None or one.cost is not None for its in told.values() for one in its.versions)
    if head is not None:
        add(side, contracts, contract_id, head, today, margin=asked)
    engine = Engine(side.entries, side.invoiced, side.versions, side.currencies, (), (), side.margins)
    drifts: list[Drift] = []
    for system, its in sorted(told.items()):
        if its.entries is not None:
            drifts += reconciliation.entries(engine, its.entries)
        if its.lines is not None:
            drifts += reconciliation.invoiced(engine, its.lines)
        drifts += reconciliation.versions(engine, system, its.versions)
    for system, its in sorted(told.items()):
        drifts += reconciliation.margins(engine, system, its.versions, drifts)
    lines = [line for its in told.values() for line in its.lines or ()]
    ageing = reconciliation.unacknowledged(engine, lines, today) if today is not None else []
    return {
        "drift": [shown(drift) for drift in drifts],
        "ageing": [list(one) for one in ageing],
        "compared": {
            "engine_entries": len(side.entries),
            "psa_entries": sum(len(its.entries or ()) for its in told.values()),
            "engine_invoiced": sum(1 for one in side.invoiced.values() if one.amount),
            "erp_lines": len(lines),
            "versions": sum(one.version is not None for its in told.values() for one in its.versions),
        },
    }


def shown(drift: Drift) -> Answer:
    """A difference as JSON shows it."""
    row = drift._asdict()
    row["behind"] = list(drift.behind)
    for side in ("engine", "other"):
        value = row[side]
        if value is not None and drift.field.endswith("amount"):
            row[side] = decimal(value)
        elif value is not None and drift.field == "work_date":
            row[side] = calendar.text_of(value)
    return row


def causes(drifts: Iterable[Answer]) -> list[Answer]:
    counted = Counter(drift["cause"] for drift in drifts)
    return [
        {"cause": cause, "count": count, "meaning": reconciliation.CAUSES[cause]}
        for cause, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    ]


def ageing(rows: Iterable[Ageing]) -> list[Answer]:
    return [{**one._asdict(), "amount": decimal(one.amount)} for one in rows]


def suspects(drifts: Iterable[Answer]) -> bool:
    """Whether any may be behind only because a record of it was refused."""
    return any(drift["cause"] in ("never_arrived", "engine_behind") for drift in drifts)


def settled(drifts: Sequence[Answer], disputed: Collection[str], refused: Sequence[str]) -> list[Answer]:
    """Differences of all contracts with the causes that one contract alone does not know: an entry that is elsewhere,
    one of which two messages disagree, one of which a record was refused."""
    missing = {drift["id"]: drift for drift in drifts if drift["cause"] == "not_in_psa"}
    moved = {drift["id"] for drift in drifts if drift["cause"] == "never_arrived" and drift["id"] in missing}
    found = []
    for drift in drifts:
        name = drift["id"]
        if name in moved and drift["cause"] == "not_in_psa":
            continue
        if name in moved and drift["cause"] == "never_arrived":
            held = missing[name]
            other = {"field": "contract_id", "engine": held["contract_id"], "other": drift["contract_id"]}
            its = {"contract_id": held["contract_id"], "behind": held["behind"], "cause": "on_other_contract"}
            found.append({**drift, **other, **its})
        elif drift["kind"] == "entry" and drift["field"] not in ("entry", "amount") and f"time/{name}" in disputed:
            found.append({**drift, "cause": "contradicted"})
        elif suspects([drift]) and drift["kind"] == "entry" and any(f'"{name}"' in text for text in refused):
            found.append({**drift, "cause": "refused"})
        else:
            found.append(drift)
    return found


def place_of(drift: Answer) -> str:
    """Where a difference stands in its list: by contract."""
    return "\x1f".join((drift["contract_id"] or "", drift["kind"], drift["system"], drift["id"], drift["field"]))


def whole(parts: Sequence[Answer], refused: Sequence[str], wanted: Mapping[str, str | None]) -> Answer:
    """Parts of different slices as one answer; `wanted` are the values that rows must have."""
    disputed = {subject for part in parts for subject in part["disputed"]}
    drifts = settled([drift for part in parts for drift in part["drift"]], disputed, refused)
    rows = [one for one in drifts if all(value in (None, one[name]) for name, value in wanted.items())]
    compared: Counter[str] = Counter()
    for part in parts:
        compared.update(part["compared"])
    by_system = {one["system"]: one for part in parts for one in part["extracts"]}
    return {
        "extracts": [by_system[system] for system in sorted(by_system)],
        "agrees": not rows,
        "compared": dict(compared),
        "causes": causes(rows),
        "unacknowledged": ageing(reconciliation.together(Ageing(*one) for part in parts for one in part["ageing"])),
        "items": sorted(({**row, "cursor": place_of(row)} for row in rows), key=lambda row: str(row["cursor"])),
    }
