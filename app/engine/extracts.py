"""Extracts of other systems: CSV, JSON Lines and Parquet, read row by row with exact decimals."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from app.domain import calendar
from app.domain.money import decimal, micro
from app.domain.reconciliation import Entry, Line, Version
from app.events.cloudevents import timestamp
from app.events.fields import DECIMAL
from app.misuse import Misuse

FORMATS: Final = (".csv", ".jsonl", ".ndjson", ".parquet")
ENTRY: Final = ("entry_id", "contract_id", "status", "work_date", "minutes", "amount", "revision")
LINE: Final = ("kind", "id", "contract_id", "amount", "invoice_id")
VERSION: Final = ("contract_id", "contract_version")
FIGURES: Final = ("revenue_amount", "cost_amount")
AT_ONCE: Final = 1_000
"""Entries or lines in one event: some hundred kilobytes."""
KINDS: Final = ("time", "expense", "milestone", "fee")

Row = Mapping[str, str | None]


def read(path: Path) -> Iterator[tuple[str, Row]]:
    """(where it stands, its values as text) of every row; an empty value is None. Raises Misuse."""
    if path.suffix not in FORMATS:
        raise Misuse(f"{path}: an extract is {', '.join(FORMATS)}; say which by the name's ending")
    if not path.is_file():
        raise Misuse(f"{path}: there is no such file")
    if path.suffix == ".parquet":
        yield from _placed(path.name, 1, _parquet(path))
        return
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from lines_of(path.name, file, as_csv=path.suffix == ".csv")


def lines_of(name: str, lines: Iterable[str], *, as_csv: bool) -> Iterator[tuple[str, Row]]:
    """The same of the lines of an extract called `name`, CSV or JSON Lines. Raises Misuse."""
    return _placed(name, 2, _csv(name, lines)) if as_csv else _placed(name, 1, _lines(name, lines))


def _placed(name: str, first: int, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Row]]:
    for number, row in enumerate(rows, first):
        yield f"{name}:{number}", {str(column): _text(value) for column, value in row.items()}


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _csv(name: str, lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    try:
        yield from csv.DictReader(lines)
    except (csv.Error, UnicodeDecodeError) as error:
        raise Misuse(f"{name}: {error}; write it as CSV in UTF-8 with a line of names") from error


def _lines(name: str, lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line, parse_float=str)
            except ValueError as error:
                raise Misuse(f"{name}:{number}: {error}; write one JSON object a line") from error
            if not isinstance(row, dict):
                raise Misuse(f"{name}:{number}: a row must be a JSON object")
            yield row


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise Misuse("Parquet needs a library that is not here; install headrace[parquet]") from None
    try:
        for batch in parquet.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:
        raise Misuse(f"{path}: {error}; write it as Parquet") from error


def of_psa(rows: Iterable[tuple[str, Row]]) -> tuple[list[Entry], list[Version]]:
    """Entries, and rows that name a contract and its version. Raises Misuse for a value that cannot be read."""
    entries, versions = [], []
    for where, row in rows:
        if row.get("entry_id"):
            entries.append(
                Entry(
                    str(row["entry_id"]),
                    row.get("contract_id"),
                    row.get("status"),
                    _day(where, row.get("work_date")),
                    _whole(where, "minutes", row.get("minutes")),
                    _money(where, "amount", row.get("amount")),
                    _whole(where, "revision", row.get("revision")),
                    where,
                )
            )
        else:
            versions.append(_version(where, row, ENTRY))
    return entries, versions


def of_erp(rows: Iterable[tuple[str, Row]]) -> tuple[list[Line], list[Version]]:
    """Lines of invoices (credits negative), and rows that name a contract and its version. Raises Misuse."""
    lines, versions = [], []
    for where, row in rows:
        kind, name = row.get("kind"), row.get("id")
        if not (kind and name):
            versions.append(_version(where, row, LINE))
            continue
        amount = _money(where, "amount", row.get("amount"))
        if kind not in KINDS or amount is None:
            raise Misuse(f"{where}: a line of an invoice has a kind of {', '.join(KINDS)}, an id and an amount")
        lines.append(Line(kind, name, row.get("contract_id"), amount, row.get("invoice_id"), where))
    return lines, versions


def _version(where: str, row: Row, other: tuple[str, ...]) -> Version:
    number = _whole(where, "contract_version", row.get("contract_version"))
    revenue, cost = (_money(where, name, row.get(name)) for name in FIGURES)
    if not row.get("contract_id") or (number is None and revenue is None and cost is None):
        raise Misuse(
            f"{where}: a row has {', '.join(other)}, or {' and '.join(VERSION)}, or {' or '.join(FIGURES)}; this one "
            "has neither"
        )
    return Version(str(row["contract_id"]), number, where, revenue, cost)


def kept(system: str, rows: Iterable[tuple[str, Row]], moment: int, name: str) -> list[dict[str, Any]]:
    """The events that keep an extract of `psa` or `erp`, from its rows (see `events_of`). Raises Misuse."""
    if system == "psa":
        entries, versions = of_psa(rows)
        return list(events_of(system, entries, (), versions, moment, name))
    lines, versions = of_erp(rows)
    return list(events_of(system, (), lines, versions, moment, name))


def events_of(
    system: str, entries: Sequence[Entry], lines: Sequence[Line], versions: Sequence[Version], moment: int, name: str
) -> Iterator[dict[str, Any]]:
    """The events that keep an extract: what it has by contract, then that it is complete.

    `moment`, microseconds, is when it was taken; its whole seconds are the extract's number. Raises Misuse for a row
    that names no contract.
    """
    by_contract: dict[str, tuple[list[Entry], list[Line], list[Version]]] = {}

    def its_of(contract_id: str | None, row: str) -> tuple[list[Entry], list[Line], list[Version]]:
        if contract_id is None:
            raise Misuse(f"{row}: a row that is to be kept names its contract_id; add the column")
        return by_contract.setdefault(contract_id, ([], [], []))

    for entry in entries:
        its_of(entry.contract_id, entry.row)[0].append(entry)
    for line in lines:
        its_of(line.contract_id, line.row)[1].append(line)
    for version in versions:
        its_of(version.contract_id, version.row)[2].append(version)
    for contract_id, (its, billed, told) in sorted(by_contract.items()):
        shown = [("entries", _entry(one)) for one in its] + [("lines", _line(one)) for one in billed]
        for part in range(max(1, -(-len(shown) // AT_ONCE))):
            data: dict[str, Any] = {"system": system, "contract_id": contract_id, "part": part + 1}
            for kind, one in shown[part * AT_ONCE : (part + 1) * AT_ONCE]:
                data.setdefault(kind, []).append(one)
            if part == 0 and told:
                data |= _figures(told[-1])
            yield _event("extract.listed.v1", f"{system}/{contract_id}/{part + 1}", data, moment)
    whole = {"system": system, "entries": len(entries), "lines": len(lines), "name": name}
    yield _event("extract.taken.v1", system, whole, moment)


def _event(type_: str, subject: str, data: dict[str, Any], moment: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{type_}/{subject}/{moment}",
        "source": f"/extracts/{data['system']}",
        "type": type_,
        "subject": f"extract/{subject}",
        "time": timestamp(moment),
        "data": {"revision": moment // 1_000_000, **data},
    }


def _entry(one: Entry) -> dict[str, Any]:
    said = {
        "entry_id": one.entry_id,
        "status": one.status,
        "work_date": calendar.text_of(one.day) if one.day is not None else None,
        "minutes": one.minutes,
        "amount": decimal(one.amount) if one.amount is not None else None,
        "revision": one.revision,
        "row": one.row,
    }
    return {name: value for name, value in said.items() if value is not None}


def _line(one: Line) -> dict[str, Any]:
    said = {"kind": one.kind, "id": one.id, "amount": decimal(one.amount), "invoice_id": one.invoice_id, "row": one.row}
    return {name: value for name, value in said.items() if value is not None}


def _figures(one: Version) -> dict[str, Any]:
    said = {"contract_version": one.version, "row": one.row}
    for name, amount in zip(FIGURES, (one.revenue, one.cost), strict=True):
        said[name] = decimal(amount) if amount is not None else None
    return {name: value for name, value in said.items() if value is not None}


def _whole(where: str, name: str, value: str | None) -> int | None:
    if value is None:
        return None
    whole, point, rest = value.partition(".")
    if not whole.removeprefix("-").isdigit() or (point and rest.strip("0")):
        raise Misuse(f"{where}: {name} is {value!r}, not a whole number")
    return int(whole)


def _money(where: str, name: str, value: str | None) -> int | None:
    if value is None:
        return None
    if DECIMAL.fullmatch(value) is None:
        raise Misuse(f"{where}: {name} is {value!r}, not a plain decimal of at most six places")
    return micro(value)


def _day(where: str, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return calendar.number(value[:10])
    except ValueError:
        raise Misuse(f"{where}: work_date is {value!r}, not a date like 2026-03-31") from None
