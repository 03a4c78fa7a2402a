"""The OpenAPI 3.1 document, made from the table of routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson

from app.web.parameters import Parameter
from app.web.problems import MEDIA_TYPE as PROBLEM_TYPE
from app.web.route import Route
from app.web.schemas import SCHEMAS

VERSION = "1"
_EVERY_ROUTE = (500,)
_GUARDED = (401, 403)
_TABLES = (503,)


def build(routes: Iterable[Route]) -> bytes:
    """The document as JSON. Every schema a route names must exist."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "headrace",
            "version": VERSION,
            "summary": "Burn, utilization and billing readiness of a services firm, live",
            "description": "Amounts and ratios are decimal strings. Lists go on with `cursor`. Reads have an ETag.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "responses": {"Problem": _problem_response()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "security": [] if route.access == "open" else [{"token": []}],
        "responses": {str(route.status): _answer(route), **_problems(route)},
    }
    parameters = [_path_parameter(name) for name in route.parts] + [_parameter(item) for item in route.parameters]
    if parameters:
        operation["parameters"] = parameters
    if route.bodies:
        content = {media_type: {"schema": _ref(schema)} for media_type, schema in route.bodies}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _answer(route: Route) -> dict[str, Any]:
    schema: Mapping[str, Any] = _ref(route.schema) if route.schema else {"type": "string"}
    return {
        "description": HTTPStatus(route.status).phrase,
        "content": {route.media_type: {"schema": schema}},
    }


def _problems(route: Route) -> dict[str, Any]:
    guarded = () if route.access == "open" else (*_GUARDED, *_TABLES)
    statuses = sorted({*route.problems, *guarded, *_EVERY_ROUTE})
    return {str(status): {"$ref": "#/components/responses/Problem"} for status in statuses}


def _problem_response() -> dict[str, Any]:
    return {
        "description": "What went wrong (RFC 9457)",
        "content": {PROBLEM_TYPE: {"schema": _ref("Problem")}},
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": f"{parameter.about} Expected: {parameter.expected}.",
        "schema": parameter.schema,
    }


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}
