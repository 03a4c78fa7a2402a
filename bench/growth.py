"""Cost per event must grow neither with the number of contracts nor with their age. Both, as ratios in one run."""

from __future__ import annotations

import gc
from pathlib import Path
from time import process_time

import orjson

from agents.effects import Record
from app.domain.calendar import text_of
from app.engine.memory import MemoryHost
from app.engine.runner import finish
from bench.measure import Row

FIRST_DAY = 738_521  # Monday 2 January 2023
EVENTS = 40_000
BATCH = 2_000


def run(events: int, folder: Path) -> list[Row]:
    rows: list[Row] = [("", "first tenth µs", "last tenth µs", "last ÷ first")]
    for contracts in (100, 1_000, 10_000):
        first, last = _tenths(contracts, weeks=26)
        rows.append((f"{contracts:,} contracts, 26 weeks", f"{first:.1f}", f"{last:.1f}", f"{last / first:.2f}"))
    for weeks in (26, 52, 156):
        first, last = _tenths(40, weeks=weeks)
        rows.append((f"40 contracts, {weeks} weeks", f"{first:.1f}", f"{last:.1f}", f"{last / first:.2f}"))
    return rows


def _tenths(contracts: int, weeks: int) -> tuple[float, float]:
    """CPU µs per event of the first and of the last tenth of a stream in which every contract grows evenly older."""
    lines = [*_contracts(contracts), *_entries(contracts, weeks)]
    host = MemoryHost(batch_size=BATCH)
    spent: list[float] = []
    gc.collect()
    gc.disable()
    try:
        for start in range(0, len(lines) - BATCH + 1, BATCH):  # full batches only: a short one would look dear
            records = [Record(start + place, line) for place, line in enumerate(lines[start : start + BATCH])]
            begun = process_time()
            finish(host.take("growth", records))
            spent.append((process_time() - begun) / len(records) * 1e6)
    finally:
        gc.enable()
    work = spent[-(EVENTS // BATCH - 1) :]  # the batches that hold entries only
    tenth = max(len(work) // 10, 1)
    return sum(work[:tenth]) / tenth, sum(work[-tenth:]) / tenth


def _event(kind: str, name: str, data: dict[str, object]) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": name,
            "source": "/bench",
            "type": kind,
            "time": "2023-01-01T00:00:00Z",
            "data": data,
        }
    )


def _contracts(count: int) -> list[bytes]:
    rate = {"rate_id": "R", "revision": 1, "amount": "120", "currency": "EUR", "effective_from": "2020-01-01"}
    line = {
        "line_id": "L",
        "billing_method": "time_and_materials",
        "budget": {"minutes": 10_000_000, "amount": "20000000"},
    }
    body = {
        "version": 1,
        "client_id": "K",
        "currency": "EUR",
        "effective_from": "2020-01-01",
        "term": {"from": "2020-01-01"},
        "lines": [line],
    }
    approvals = [_event("contract.approved.v1", f"c{n}", {"contract_id": f"C-{n:05d}", **body}) for n in range(count)]
    return [
        _event("rate.set.v1", "r", rate),
        _event("clock.ticked.v1", "t", {"on": text_of(FIRST_DAY + 1200)}),
        *approvals,
    ]


def _entries(contracts: int, weeks: int) -> list[bytes]:
    """Entries in the order of their days; contracts take turns."""
    lines = []
    for n in range(EVENTS):
        day = FIRST_DAY + n * weeks * 7 // EVENTS
        data = {
            "entry_id": f"E-{n}",
            "revision": 1,
            "contract_id": f"C-{n % contracts:05d}",
            "resource_id": f"P-{n // contracts % 8}",
            "work_date": text_of(day),
            "minutes": 60 + n % 7 * 60,
            "role": "engineer",
        }
        lines.append(_event("time.approved.v1", f"e{n}", data))
    return lines
