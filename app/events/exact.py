"""JSON that loses nothing: decimals by their own digits, never by way of a float."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import orjson
from pydantic import BaseModel

from app.events.fields import Number, Rule

Shape = Mapping[str, "Shape | None"]
"""Where the decimals of a model stand, by the names on the wire: None is a decimal, a mapping is what holds some."""

_LONGEST_INT: Final = 18  # digits that every reader of 64-bit integers takes


def _integer(text: str) -> int | Number:
    return int(text) if len(text) <= _LONGEST_INT else Number(text)


_decode: Final = json.JSONDecoder(parse_float=Number, parse_int=_integer).decode


def loads(raw: bytes) -> Any:
    """Read JSON that `orjson` has accepted, keeping every number that a float or 64 bits might change as `Number`.

    Of members with one name the last counts, as it does in every reader used here.
    """
    return _decode(raw.decode())


def dumps(tree: Any) -> bytes:
    """Write what `loads` read: compact, UTF-8, numbers as they were written."""
    return orjson.dumps(tree, default=_literal)


def _literal(value: Any) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.text.encode())
    raise TypeError(f"{value!r} is nothing that JSON was read into")


def has_numbers(tree: Any, shape: Shape) -> bool:
    """Whether a decimal of `shape` was sent as a JSON number."""
    for part in tree if isinstance(tree, list) else (tree,):
        if not isinstance(part, dict):
            continue
        for name, child in part.items():
            if type(child) is str or name not in shape:  # nearly all of them
                continue
            inner = shape[name]
            if inner is None:
                if type(child) is int or type(child) is float:
                    return True
            elif child is not None and has_numbers(child, inner):
                return True
    return False


def restate(tree: Any, shape: Shape) -> None:
    """Turn the decimals of `shape` that were sent as numbers into strings of their own digits, in place."""
    for part in tree if isinstance(tree, list) else (tree,):
        if not isinstance(part, dict):
            continue
        for name, inner in shape.items():
            child = part.get(name)
            if inner is not None:
                restate(child, inner)
            elif type(child) is int:
                part[name] = str(child)
            elif type(child) is Number:
                part[name] = child.text


def shape_of(model: type[BaseModel]) -> Shape:
    """Where the decimals of `model` stand."""
    shape: dict[str, Shape | None] = {}
    for name, info in model.model_fields.items():
        wire = info.alias or name
        if any(isinstance(part, Rule) and part.exact for part in info.metadata):
            shape[wire] = None
            continue
        found = _within(info.annotation)
        if found is not _NOTHING:
            shape[wire] = found
    return shape


_NOTHING: Final[Shape] = {}


def _within(annotation: Any) -> Shape | None:
    """The shape of an annotation: None for a decimal, `_NOTHING` where there is none."""
    origin = get_origin(annotation)
    if origin is Annotated:
        exact = any(isinstance(part, Rule) and part.exact for part in annotation.__metadata__)
        return None if exact else _NOTHING
    if origin in (Union, UnionType, list):
        found = [shape for shape in map(_within, get_args(annotation)) if shape is not _NOTHING]
        return found[0] if found else _NOTHING
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return shape_of(annotation) or _NOTHING
    return _NOTHING
