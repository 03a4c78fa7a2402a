"""The OpenAPI document and what is served are the same."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.web import openapi
from app.web.app import create_app
from app.web.routes import ROUTES
from app.web.schemas import SCHEMAS
from app.web.settings import WebSettings
from tests.web.conftest import House
from tests.web.fakes import Counter, Firm, Journal, Supposing, Tape

DOCUMENT: dict[str, Any] = orjson.loads(openapi.build(ROUTES))


def served() -> set[tuple[str, str]]:
    """(method, path) of everything the application answers; HEAD goes with GET."""
    app = create_app(Firm(), Journal(), Tape(), Counter(), Supposing(), WebSettings())
    routes = [(route.method.lower(), route.resource.canonical) for route in app.router.routes() if route.resource]
    return {(method, path) for method, path in routes if method != "head"}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()]


def test_every_route_is_documented_and_nothing_else() -> None:
    assert {(method, path) for method, path, _ in operations()} == served()


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))


def test_every_varying_part_of_a_path_is_a_parameter() -> None:
    for _, path, operation in operations():
        declared = {item["name"] for item in operation.get("parameters", []) if item["in"] == "path"}
        assert {part.strip("{}") for part in path.split("/") if part.startswith("{")} == declared


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(references, node), set())
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(references, node.values()))
    return set()


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    used = references(DOCUMENT)
    for reference in used:
        node = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
    unused = SCHEMAS.keys() - {reference.rpartition("/")[2] for reference in used}
    assert unused == set()


def test_every_operation_says_what_it_answers() -> None:
    for _, path, operation in operations():
        assert operation["summary"], path
        answers = [status for status in operation["responses"] if status.startswith("2")]
        assert len(answers) == 1, path


def test_guarded_routes_name_the_token() -> None:
    guarded = {path for _, path, operation in operations() if operation["security"]}
    assert all(path.startswith(("/v1/", "/internal/")) or path == "/metrics" for path in guarded)
    ours = {path for path in DOCUMENT["paths"] if path.startswith(("/v1/", "/internal/"))}
    assert ours - {"/v1/adapters/{name}"} <= guarded  # a vendor shows a secret of its own instead


async def test_the_document_is_served(house: House) -> None:
    response = await house.get("/openapi.json")
    assert await response.json() == DOCUMENT
    assert DOCUMENT["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/contracts/C-1/burn", "ContractBurn"),
        ("/v1/contracts", "ContractList"),
        ("/v1/contracts/C-1/daily", "Daily"),
        ("/v1/exceptions", "ExceptionList"),
        ("/v1/overview", "Overview"),
        ("/v1/streams", "Streams"),
        ("/healthz", "Status"),
        ("/readyz", "Status"),
        ("/problems/not-found", "ProblemKind"),
    ],
)
async def test_an_answer_has_what_its_schema_requires_of_the_server(house: House, path: str, schema: str) -> None:
    answer = await (await house.get(path)).json()
    envelope = [part for part in parts(SCHEMAS[schema]) if part is not SCHEMAS["BurnUpdated"]]  # the engine's own
    required = {name for part in envelope for name in part.get("required", [])}
    assert answer.keys() >= required


def parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The object schemas an answer must satisfy together."""
    if "$ref" in schema:
        return parts(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "allOf" in schema:
        return [part for inner in schema["allOf"] for part in parts(inner)]
    return [schema]


async def test_asyncapi_is_the_catalogues_document(house: House) -> None:
    document = resources.files("app.events") / "schemas" / "asyncapi.json"
    response = await house.get("/asyncapi.json")
    assert response.status == 200
    assert await response.read() == document.read_bytes()


def test_every_path_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    assert [path for path in DOCUMENT["paths"] if f"`{path}`" not in guide] == []
