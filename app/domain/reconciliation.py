"""Three-way reconciliation: what the engine holds against what a PSA and an ERP say, each difference with its cause.

Sources: domain capabilities 48–49, F11, F15, F21. Amounts are micro-units in the currency of their contract; nothing is
added up across contracts or currencies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

AGES: Final = ((7, "0–7"), (30, "8–30"), (60, "31–60"))
OLDEST: Final = "61+"


class Held(NamedTuple):
    """An entry as the engine has it; `day` and `approved_day` are day numbers, `amount` None without a price."""

    contract_id: str
    status: str
    day: int
    minutes: int
    billable: bool
    amount: int | None
    revision: int
    event: str  # source#id of the message that decides
    approved_day: int


class Invoiced(NamedTuple):
    """What invoices say of one thing, net of credits, and which papers say so."""

    contract_id: str
    amount: int
    papers: tuple[str, ...]


class Engine(NamedTuple):
    """The engine's side. `entries` by entry id, `invoiced` by `kind/id`, `versions` and `currencies` by contract.

    `refused` are texts of refused records; `disputed` are subjects (`time/<id>`) of which two messages disagree;
    `margins` are (revenue, cost) of the contracts of which another system says any.
    """

    entries: Mapping[str, Held]
    invoiced: Mapping[str, Invoiced]
    versions: Mapping[str, int]
    currencies: Mapping[str, str]
    refused: Sequence[str]
    disputed: Collection[str]
    margins: Mapping[str, tuple[int, int]] = {}


class Entry(NamedTuple):
    """An entry as the PSA has it; None where the extract does not say. `row` is where it stands in the extract."""

    entry_id: str
    contract_id: str | None
    status: str | None
    day: int | None
    minutes: int | None
    amount: int | None
    revision: int | None
    row: str


class Line(NamedTuple):
    """A line of an invoice as the ERP has it."""

    kind: str
    id: str
    contract_id: str | None
    amount: int
    invoice_id: str | None
    row: str


class Version(NamedTuple):
    """What a system has of a contract as a whole; None where it does not say. Amounts as for margin."""

    contract_id: str
    version: int | None
    row: str
    revenue: int | None = None
    cost: int | None = None


class Drift(NamedTuple):
    """One difference: `engine` and `other` are the values, `behind` and `row` what each side rests on."""

    kind: str  # entry, invoiced, version, margin
    system: str  # psa, erp
    cause: str
    contract_id: str | None
    id: str
    field: str
    engine: Any
    other: Any
    behind: tuple[str, ...]
    row: str | None


CAUSES: Final[Mapping[str, str]] = {
    "refused": "the engine refused a record that names it; see the exceptions desk",
    "never_arrived": "the PSA has it and no event told of it",
    "not_in_psa": "the engine has it and the PSA does not: removed there without an event, or outside the extract",
    "engine_behind": "the other system has a higher revision: an event is late or lost",
    "psa_behind": "the engine has a higher revision: the extract is older, or the PSA was not told",
    "erp_behind": "the engine has a higher version: the ERP was not told of the amendment",
    "contradicted": "two messages disagree about the revision; see the exceptions desk",
    "changed_without_event": "the same revision says something else: it was changed without an event",
    "priced_otherwise": "the same work at another price: rates or terms differ",
    "invoice_not_heard": "the ERP invoiced it and no invoice event came",
    "not_in_erp": "the engine heard of an invoice that the ERP does not have",
    "billed_twice": "more than one invoice of the ERP bills it",
    "amount_differs": "both have it, for different amounts",
    "on_other_contract": "both have it, on different contracts",
    "figures_differ": "the systems state different figures of the contract; what else differs of it is behind that",
}


def entries(engine: Engine, psa: Iterable[Entry], complete: bool = True) -> Iterator[Drift]:
    """Entries that differ. With `complete` False the extract is only a part, and what it lacks says nothing."""
    seen: set[str] = set()
    for theirs in psa:
        seen.add(theirs.entry_id)
        held = engine.entries.get(theirs.entry_id)
        if held is None:
            if theirs.status in (None, "submitted", "approved"):
                cause = "refused" if _was_refused(engine, theirs.entry_id) else "never_arrived"
                yield _drift(
                    "entry", "psa", cause, theirs.contract_id, theirs.entry_id, "entry", None, "there", (), theirs
                )
        else:
            yield from _compared(engine, held, theirs)
    for name, held in sorted(engine.entries.items()) if complete else ():
        if name not in seen and held.status in ("submitted", "approved"):
            yield Drift(
                "entry", "psa", "not_in_psa", held.contract_id, name, "entry", held.status, None, (held.event,), None
            )


def _compared(engine: Engine, held: Held, theirs: Entry) -> Iterator[Drift]:
    pairs = (
        ("contract_id", held.contract_id, theirs.contract_id),
        ("status", held.status, theirs.status),
        ("work_date", held.day, theirs.day),
        ("minutes", held.minutes, theirs.minutes),
    )
    found = [(name, ours, other) for name, ours, other in pairs if other is not None and ours != other]
    cause = _cause(engine, held, theirs)
    for name, ours, other in found:
        yield _drift("entry", "psa", cause, held.contract_id, theirs.entry_id, name, ours, other, (held.event,), theirs)
    if not found and theirs.amount is not None and theirs.amount != (held.amount or 0):
        yield _drift(
            "entry",
            "psa",
            "priced_otherwise",
            held.contract_id,
            theirs.entry_id,
            "amount",
            held.amount,
            theirs.amount,
            (held.event,),
            theirs,
        )


def _cause(engine: Engine, held: Held, theirs: Entry) -> str:
    if f"time/{theirs.entry_id}" in engine.disputed:
        return "contradicted"
    if theirs.revision is None or theirs.revision == held.revision:
        return "changed_without_event"
    if theirs.revision < held.revision:
        return "psa_behind"
    return "refused" if _was_refused(engine, theirs.entry_id) else "engine_behind"


def _was_refused(engine: Engine, name: str) -> bool:
    return any(f'"{name}"' in text for text in engine.refused)


def invoiced(engine: Engine, erp: Iterable[Line], complete: bool = True) -> Iterator[Drift]:
    """What is invoiced for each thing, net, on both sides."""
    theirs: dict[str, list[Line]] = {}
    for line in erp:
        theirs.setdefault(f"{line.kind}/{line.id}", []).append(line)
    for name, lines in sorted(theirs.items()):
        total = sum(line.amount for line in lines)
        held = engine.invoiced.get(name)
        ours = held.amount if held else 0
        if total == ours:
            continue
        papers = {line.invoice_id for line in lines if line.amount > 0 and line.invoice_id}
        if held is None or not held.amount:
            cause = "invoice_not_heard"
        elif len(papers) > 1 and total > ours:
            cause = "billed_twice"
        else:
            cause = "amount_differs"
        contract = held.contract_id if held else lines[0].contract_id
        rows = ", ".join(line.row for line in lines)
        behind = held.papers if held else ()
        yield Drift("invoiced", "erp", cause, contract, name, "amount", ours, total, behind, rows)
    for name, held in sorted(engine.invoiced.items()) if complete else ():
        if name not in theirs and held.amount:
            yield Drift(
                "invoiced", "erp", "not_in_erp", held.contract_id, name, "amount", held.amount, 0, held.papers, None
            )


def versions(engine: Engine, system: str, told: Iterable[Version]) -> Iterator[Drift]:
    """Contracts of which another system has a higher or a lower version: a change order in one system only (F11)."""
    for one in told:
        ours = engine.versions.get(one.contract_id, 0)
        if one.version is not None and ours != one.version:
            cause = "engine_behind" if one.version > ours else f"{system}_behind"
            yield Drift(
                "version", system, cause, one.contract_id, one.contract_id, "version", ours, one.version, (), one.row
            )


def margins(engine: Engine, system: str, told: Iterable[Version], found: Iterable[Drift]) -> Iterator[Drift]:
    """Contracts of which a system states another revenue or cost (F15), with the events behind all that differs there.

    `found` is what else differs.
    """
    behind: dict[str | None, set[str]] = {}
    for drift in found:
        behind.setdefault(drift.contract_id, set()).update(drift.behind)
    for one in told:
        if one.contract_id not in engine.margins:
            continue
        events = tuple(sorted(behind.get(one.contract_id, ())))[:EVIDENCE]
        sides = zip(
            ("revenue_amount", "cost_amount"), engine.margins[one.contract_id], (one.revenue, one.cost), strict=True
        )
        for name, ours, other in sides:
            if other is not None and ours != other:
                yield Drift(
                    "margin",
                    system,
                    "figures_differ",
                    one.contract_id,
                    one.contract_id,
                    name,
                    ours,
                    other,
                    events,
                    one.row,
                )


EVIDENCE: Final = 20
"""How many events are named behind a figure."""


class Ageing(NamedTuple):
    """Approved, billable, priced entries that no invoice names yet, of one currency and age; `days` is the oldest's."""

    currency: str
    age: str
    entries: int
    amount: int
    oldest: str
    days: int


def together(parts: Iterable[Ageing]) -> list[Ageing]:
    """Ageing of different contracts as one."""
    groups: dict[tuple[str, int], list[Ageing]] = {}
    for one in parts:
        groups.setdefault((one.currency, _band(one.days)), []).append(one)
    found = []
    for (currency, band), its in sorted(groups.items()):
        eldest = max(its, key=lambda one: (one.days, one.oldest))
        amount = sum(one.amount for one in its)
        found.append(Ageing(currency, _name(band), sum(one.entries for one in its), amount, *eldest[4:]))
    return found


def unacknowledged(engine: Engine, erp: Iterable[Line], today: int) -> list[Ageing]:
    """Approved time that has not come back from the ERP, by days since it was approved (F21)."""
    named = {f"{line.kind}/{line.id}" for line in erp} | {name for name, one in engine.invoiced.items() if one.amount}
    groups: dict[tuple[str, int], list[tuple[int, str, int]]] = {}
    for name, held in engine.entries.items():
        if held.status != "approved" or not held.billable or not held.amount or f"time/{name}" in named:
            continue
        currency = engine.currencies.get(held.contract_id)
        if currency is not None:
            days = max(0, today - held.approved_day)
            groups.setdefault((currency, _band(days)), []).append((days, name, held.amount))
    return [
        Ageing(currency, _name(band), len(found), sum(amount for _, _, amount in found), max(found)[1], max(found)[0])
        for (currency, band), found in sorted(groups.items())
    ]


def _band(days: int) -> int:
    return next((place for place, (limit, _) in enumerate(AGES) if days <= limit), len(AGES))


def _name(band: int) -> str:
    return AGES[band][1] if band < len(AGES) else OLDEST


def _drift(
    kind: str,
    system: str,
    cause: str,
    contract_id: str | None,
    name: str,
    field: str,
    engine: Any,
    other: Any,
    behind: tuple[str, ...],
    theirs: Entry,
) -> Drift:
    return Drift(kind, system, cause, contract_id, name, field, engine, other, behind, theirs.row)
