"""`headrace exceptions` on a store: list, claim, resolve with a corrected event, in bulk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.test_desk import KEY, LOG, RATE, answer, entry
from tests.host.runs import headrace, refused, said


@pytest.fixture
def store(tmp_path: Path) -> Path:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\n".join(LOG) + b"\n")
    assert headrace("publish", log, "--store", tmp_path / "s.sqlite").returncode == 0
    return tmp_path / "s.sqlite"


def test_an_exception_is_claimed_corrected_and_gone(store: Path, tmp_path: Path) -> None:
    listed = said("exceptions", "--kind", "dead_letter", "--code", "bad_type", "--store", store)["exceptions"]
    first, second = sorted(row["exception_id"] for row in listed)
    said("exceptions", "claim", first, "--by", "ana", "--store", store)
    [mine] = said("exceptions", "--claimed-by", "ana", "--store", store)["exceptions"]
    assert (mine["exception_id"], mine["status"]) == (first, "claimed")

    corrected = tmp_path / "corrected.json"
    corrected.write_text(json.dumps({**entry("B-1"), "id": "again"}))
    [done] = said("exceptions", "resolve", first, "--by", "ana", "--event", corrected, "--store", store)["results"]
    assert (done["how"], done["event_id"]) == ("corrected", "again")
    left = said("exceptions", "--kind", "dead_letter", "--store", store)["exceptions"]
    assert second in [row["exception_id"] for row in left]
    assert first not in [row["exception_id"] for row in left]
    assert said("verify", "--store", store)["agrees"]


def test_what_cannot_be_done_says_what_to_do(store: Path) -> None:
    assert "--by" in refused(headrace("exceptions", "claim", "X", "--store", store))
    assert "lists them" in refused(headrace("exceptions", "claim", "X", "--by", "ana", "--store", store))
    assert "--fingerprint" in refused(headrace("exceptions", "claim", "--by", "ana", "--store", store))


def test_what_erp_refused_is_sent_again(tmp_path: Path) -> None:
    log, store = tmp_path / "log.jsonl", tmp_path / "s.sqlite"
    for events in ([*LOG, RATE], [answer(1, "rejected", reason="no such customer")]):
        log.write_bytes(b"\n".join(events) + b"\n")
        assert headrace("publish", log, "--store", store).returncode == 0
    name = f"document/sap/{KEY}/1"
    [done] = said("exceptions", "resend", name, "--by", "ana", "--store", store)["results"]
    assert (done["done"], done["document_key"]) == (True, KEY)
    [row] = said("exceptions", "--status", "resent", "--store", store)["exceptions"]
    assert row["exception_id"] == name
    told = headrace("topics", "tail", "erp.billing", "-n", "0", "--store", store).stdout.splitlines()
    assert len({json.loads(line)["id"] for line in told[-2:]}) == 1  # the same statement once more
    # Nothing is wrong with a contract that nobody approved that sending a document could mend.
    assert "about no document" in refused(
        headrace("exceptions", "resend", "parked/NOBODY", "--by", "ana", "--store", store)
    )
