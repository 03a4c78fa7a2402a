"""Every answer of a worker over a real store is what `/openapi.json` says it is."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import orjson
import pytest

from tests.host.promised import faults
from tests.host.runs import TIMEOUT, firm, headrace, worker, written

Document = dict[str, Any]

_ENDLESS = ("/v1/stream", "/internal/v1/ask", "/", "/static/{file}")
_FEW = 6
_IDS = {
    "contract_id": ("/v1/contracts", "contract_id"),
    "document_key": ("/v1/documents", "document_key"),
    "resource_id": ("/v1/resources", "resource_id"),
    "exception_id": ("/v1/exceptions", "exception_id"),
    "role": ("/v1/roles", "id"),
    "practice": ("/v1/practices", "id"),
}


def get(address: str, path: str) -> tuple[int, str, bytes]:
    answer: HTTPResponse | HTTPError
    try:
        answer = urlopen(address + path, timeout=TIMEOUT)  # loopback
    except HTTPError as error:
        answer = error
    with answer:
        return answer.status or 0, answer.headers["Content-Type"], answer.read()


def targets(address: str, template: str, parameters: set[str]) -> Iterator[str]:
    """A few requests for a path: of things that are there and one that is not, of today and of before."""
    paths = [template.replace("{week}", "2026-W20").replace("{name}", "not-found")]
    for name, (listing, key) in _IDS.items():
        if f"{{{name}}}" in template:
            items = orjson.loads(get(address, f"{listing}?limit={_FEW}")[2])["items"]
            known = [quote(item[key], safe="") for item in items]
            paths = [path.replace(f"{{{name}}}", one) for path in paths for one in [*known, "nobody"]]
    asked = [""]
    asked += ["?as_of=2026-03-31", "?known_at=2026-11-30T00:00:00Z"] if "known_at" in parameters else []
    asked += ["?limit=2"] if "limit" in parameters else []
    asked += [f"?figure={name}" for name in ("ready_amount", "remaining.amount", "nothing")] * ("figure" in parameters)
    yield from (path + query for path in paths for query in asked)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("promised")
    log = written(folder / "log.jsonl", firm(1_500, conflict_ratio=0.02, malformed_ratio=0.02, late_ratio=0.05))
    store: Path = folder / "store.sqlite"
    assert headrace("publish", log, "--store", store).returncode == 0
    with worker(store) as running:
        yield running.address


def test_every_answer_is_what_the_openapi_document_says(address: str) -> None:
    document: Document = orjson.loads(get(address, "/openapi.json")[2])
    found, answered = set(), 0
    for template, item in document["paths"].items():
        if "get" not in item or template in _ENDLESS:
            continue
        names = {one["name"] for one in item["get"].get("parameters", [])}
        for path in targets(address, template, names):
            status, kind, body = get(address, path)
            said = item["get"]["responses"].get(str(status))
            if said is None:
                found.add(f"{template}: {status} is not documented")
                continue
            said = document["components"]["responses"]["Problem"] if "$ref" in said else said
            schemas = {of.partition(";")[0]: content["schema"] for of, content in said["content"].items()}
            kind = kind.partition(";")[0]
            if kind not in schemas:
                found.add(f"{template}: {kind} is not documented")
            elif kind.endswith("json"):
                answered += 1
                found |= {f"{template}{fault}" for fault in faults(orjson.loads(body), schemas[kind], document)}
    assert sorted(found) == []
    assert answered > 100
