"""Holding JSON against the part of JSON Schema that the OpenAPI document is written in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_UNDERSTOOD = frozenset(
    {
        "$ref",
        "allOf",
        "anyOf",
        "type",
        "enum",
        "const",
        "required",
        "properties",
        "patternProperties",
        "additionalProperties",
    }
    | {"pattern", "minLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "uniqueItems"}
    | {"items", "title", "description", "default", "format", "maxLength", "examples"}
)


def faults(value: object, schema: Schema, document: Schema, at: str = "") -> Iterator[str]:
    """Where `value` is not what `schema` says, one sentence each.

    Raises NotImplementedError for a schema in words that are not checked here.
    """
    unknown = schema.keys() - _UNDERSTOOD
    if unknown:
        raise NotImplementedError(f"a schema at {at or '/'} says {sorted(unknown)}, which nobody checks here")
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        yield from faults(value, found, document, at)
    for part in schema.get("allOf", ()):
        yield from faults(value, part, document, at)
    if "anyOf" in schema and all(any(faults(value, part, document, at)) for part in schema["anyOf"]):
        yield f"{at}: {value!r} is none of what it may be"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at}: {value!r} is not of type {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, dict):
        yield from _of_object(value, schema, document, at)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            yield from faults(item, schema["items"], document, f"{at}/#")


def _of_object(value: dict[str, object], schema: Schema, document: Schema, at: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: {name} is missing"
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        alike = [part for pattern, part in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
        if name in known:
            yield from faults(item, known[name], document, f"{at}/{name}")
        elif not alike and isinstance(others, dict):
            alike = [others]
        for part in alike:
            yield from faults(item, part, document, f"{at}/*")


def _is(value: object, kinds: str | list[str]) -> bool:
    """Whether a value has a type; true and false are no numbers."""
    names = [kinds] if isinstance(kinds, str) else kinds
    return any(isinstance(value, _TYPES[name]) and isinstance(value, bool) <= (name == "boolean") for name in names)
