"""`headrace reconcile`: extracts as CSV, JSON Lines and Parquet against a store, with exit codes for scripts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.main import tick
from tests.engine.runs import lines
from tests.engine.test_desk import CONTRACT, entry
from tests.engine.test_policy import AT
from tests.host.runs import headrace, refused, said
from tests.model.histories import envelope

RATE = {"rate_id": "R", "revision": 1, "amount": "60.00", "currency": "EUR", "effective_from": "2026-01-01"}
INVOICE = {
    "invoice_id": "I-1",
    "revision": 1,
    "contract_id": "C",
    "invoiced_on": "2026-03-10",
    "lines": [{"kind": "time", "id": "E-1", "amount": "60.00"}],
}
LOG = [
    *lines(
        [
            envelope("contract.approved", CONTRACT, "c", AT),
            envelope("rate.set", RATE, "r", AT),
            entry("E-1"),
            entry("E-2", minutes=90),
            entry("E-3", minutes="an hour"),
            envelope("invoice.issued", INVOICE, "i", AT),
        ]
    ),
    tick("2026-03-31", "UTC"),
]
PSA = [
    {"entry_id": "E-1", "contract_id": "C", "status": "approved", "work_date": "2026-03-02", "minutes": 60},
    {"entry_id": "E-2", "contract_id": "C", "status": "approved", "work_date": "2026-03-02", "minutes": 90},
]
ERP = [{"kind": "time", "id": "E-1", "contract_id": "C", "amount": "60.00", "invoice_id": "I-1"}]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reconcile")
    (folder / "log.jsonl").write_bytes(b"\n".join(LOG) + b"\n")
    assert headrace("publish", folder / "log.jsonl", "--store", folder / "s.sqlite").returncode == 0
    return folder / "s.sqlite"


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    names = sorted({name for row in rows for name in row})
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        whole = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])
        pq.write_table(whole, path)  # type: ignore[no-untyped-call]
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_extracts_of_any_format_agree(store: Path, tmp_path: Path, ending: str) -> None:
    psa, erp = written(tmp_path / f"psa.{ending}", PSA), written(tmp_path / f"erp.{ending}", ERP)
    answer = said("reconcile", "--psa", psa, "--erp", erp, "--store", store)
    assert (answer["agrees"], answer["drift"]) == (True, [])
    # E-2 alone is approved and not invoiced: 90 minutes at 60.00, approved on 9 March, 22 days ago
    assert answer["unacknowledged"] == [
        {"currency": "EUR", "age": "8–30", "entries": 1, "amount": "90.00", "oldest": "E-2", "days": 22}
    ]


def test_a_difference_ends_with_1_and_names_what_is_behind_both_sides(store: Path, tmp_path: Path) -> None:
    refused_one = {**PSA[0], "entry_id": "E-3", "revision": 1}
    psa = written(tmp_path / "psa.csv", [*PSA, refused_one])
    erp = written(
        tmp_path / "erp.jsonl", [*ERP, {**ERP[0], "invoice_id": "I-2"}, {"contract_id": "C", "contract_version": 2}]
    )
    answer = said("reconcile", "--psa", psa, "--erp", erp, "--store", store, code=1)
    told = {one["cause"]: one for one in answer["drift"]}
    assert set(told) == {"refused", "billed_twice", "engine_behind"}
    assert (told["refused"]["id"], told["refused"]["row"]) == ("E-3", "psa.csv:4")
    twice = told["billed_twice"]
    assert (twice["engine"], twice["other"], twice["behind"]) == ("60.00", "120.00", ["invoice/I-1"])
    assert twice["row"] == "erp.jsonl:1, erp.jsonl:2"
    shown = headrace("reconcile", "--psa", psa, "--store", store)
    assert shown.returncode == 1
    assert b"refused" in shown.stdout


def test_what_cannot_be_read_ends_with_2(store: Path, tmp_path: Path) -> None:
    assert "--psa" in refused(headrace("reconcile", "--store", store))
    assert "no such file" in refused(headrace("reconcile", "--psa", tmp_path / "x.csv", "--store", store))
    bad = written(tmp_path / "bad.csv", [{**ERP[0], "amount": "1,5"}])
    assert "bad.csv:2: amount is '1,5'" in refused(headrace("reconcile", "--erp", bad, "--store", store))
    words = written(tmp_path / "words.csv", [{"hello": "world"}])
    assert "contract_version" in refused(headrace("reconcile", "--psa", words, "--store", store))


def test_extracts_written_as_events_are_kept_once_they_are_published(store: Path, tmp_path: Path) -> None:
    """Entries, figures and lines of one contract, each with where it stands in its file."""
    figures = {"contract_id": "C", "contract_version": "2", "revenue_amount": "200.00"}
    psa, erp = written(tmp_path / "psa.csv", [*PSA, figures]), written(tmp_path / "erp.jsonl", ERP)
    answer = headrace("reconcile", "--psa", psa, "--erp", erp, "--events", tmp_path / "kept.jsonl")
    assert answer.returncode == 0
    kept = [json.loads(line) for line in (tmp_path / "kept.jsonl").read_text().splitlines()]
    assert [(one["type"], one["data"]["system"]) for one in kept] == [
        ("extract.listed.v1", "psa"),
        ("extract.taken.v1", "psa"),
        ("extract.listed.v1", "erp"),
        ("extract.taken.v1", "erp"),
    ]
    assert kept[0]["data"]["entries"][1] == {
        "entry_id": "E-2",
        "status": "approved",
        "work_date": "2026-03-02",
        "minutes": 90,
        "row": "psa.csv:3",
    }
    said_of_c = {
        name: kept[0]["data"].get(name) for name in ("contract_version", "revenue_amount", "cost_amount", "row")
    }
    assert said_of_c == {"contract_version": 2, "revenue_amount": "200.00", "cost_amount": None, "row": "psa.csv:4"}
    gained = said("publish", tmp_path / "kept.jsonl", "--store", tmp_path / "s.sqlite")["records"]
    assert (gained["applied"], gained["dead_lettered"]) == (4, 0)
    nameless = written(tmp_path / "nameless.csv", [{"entry_id": "E-1", "minutes": 60}])
    assert "contract_id" in refused(headrace("reconcile", "--psa", nameless, "--events", tmp_path / "none.jsonl"))
