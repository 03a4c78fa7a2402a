"""Extracts of other systems: CSV, JSON Lines and Parquet, read row by row with exact decimals."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from app.domain import calendar
from app.domain.money import micro
from app.domain.reconciliation import Entry, Line, Version
from app.events.fields import DECIMAL
from app.misuse import Misuse

FORMATS: Final = (".csv", ".jsonl", ".ndjson", ".parquet")
ENTRY: Final = ("entry_id", "contract_id", "status", "work_date", "minutes", "amount", "revision")
LINE: Final = ("kind", "id", "contract_id", "amount", "invoice_id")
VERSION: Final = ("contract_id", "contract_version")
KINDS: Final = ("time", "expense", "milestone", "fee")

Row = Mapping[str, str | None]


def read(path: Path) -> Iterator[tuple[str, Row]]:
    """(where it stands, its values as text) of every row; an empty value is None. Raises Misuse."""
    if path.suffix not in FORMATS:
        raise Misuse(f"{path}: an extract is {', '.join(FORMATS)}; say which by the name's ending")
    if not path.is_file():
        raise Misuse(f"{path}: there is no such file")
    reader = {".csv": _csv, ".parquet": _parquet}.get(path.suffix, _lines)
    for number, row in enumerate(reader(path), 2 if path.suffix == ".csv" else 1):
        yield f"{path.name}:{number}", {str(name): _text(value) for name, value in row.items()}


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            yield from csv.DictReader(file)
        except (csv.Error, UnicodeDecodeError) as error:
            raise Misuse(f"{path}: {error}; write it as CSV in UTF-8 with a line of names") from error


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    row = json.loads(line, parse_float=str)
                except ValueError as error:
                    raise Misuse(f"{path}:{number}: {error}; write one JSON object a line") from error
                if not isinstance(row, dict):
                    raise Misuse(f"{path}:{number}: a row must be a JSON object")
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


def of_psa(path: Path) -> tuple[list[Entry], list[Version]]:
    """Entries, and rows that name a contract and its version. Raises Misuse for a value that cannot be read."""
    entries, versions = [], []
    for where, row in read(path):
        if row.get("entry_id"):
            entries.append(
                Entry(
                    str(row["entry_id"]),
                    row.get("contract_id"),
                    row.get("status"),
                    _day(where, row.get("work_date")),
                    _whole(where, "minutes", row.get("minutes")),
                    _money(where, row.get("amount")),
                    _whole(where, "revision", row.get("revision")),
                    where,
                )
            )
        else:
            versions.append(_version(where, row, ENTRY))
    return entries, versions


def of_erp(path: Path) -> tuple[list[Line], list[Version]]:
    """Lines of invoices (credits negative), and rows that name a contract and its version. Raises Misuse."""
    lines, versions = [], []
    for where, row in read(path):
        kind, name = row.get("kind"), row.get("id")
        if not (kind and name):
            versions.append(_version(where, row, LINE))
            continue
        amount = _money(where, row.get("amount"))
        if kind not in KINDS or amount is None:
            raise Misuse(f"{where}: a line of an invoice has a kind of {', '.join(KINDS)}, an id and an amount")
        lines.append(Line(kind, name, row.get("contract_id"), amount, row.get("invoice_id"), where))
    return lines, versions


def _version(where: str, row: Row, other: tuple[str, ...]) -> Version:
    number = _whole(where, "contract_version", row.get("contract_version"))
    if not row.get("contract_id") or number is None:
        raise Misuse(f"{where}: a row has {', '.join(other)}, or {' and '.join(VERSION)}; this one has neither")
    return Version(str(row["contract_id"]), number, where)


def _whole(where: str, name: str, value: str | None) -> int | None:
    if value is None:
        return None
    whole, point, rest = value.partition(".")
    if not whole.removeprefix("-").isdigit() or (point and rest.strip("0")):
        raise Misuse(f"{where}: {name} is {value!r}, not a whole number")
    return int(whole)


def _money(where: str, value: str | None) -> int | None:
    if value is None:
        return None
    if DECIMAL.fullmatch(value) is None:
        raise Misuse(f"{where}: amount is {value!r}, not a plain decimal of at most six places")
    return micro(value)


def _day(where: str, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return calendar.number(value[:10])
    except ValueError:
        raise Misuse(f"{where}: work_date is {value!r}, not a date like 2026-03-31") from None
