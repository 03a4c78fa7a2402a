"""A table: a name, a version, and how its values are written.

Values are msgspec Structs as JSON arrays: positional, so fields are only ever appended (a default each); readable, so
an operator can look at one; and unbounded in their integers, so no amount can overflow a stored total. The version
stands in the table's name: another shape is another table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec

V = TypeVar("V")


class Table(Generic[V]):
    """`name` is unique and carries the version, like `heads-v1`. `encode`: another way to write the same JSON."""

    def __init__(self, name: str, version: int, shape: type[V], encode: Callable[[V], bytes] | None = None) -> None:
        self.name = f"{name}-v{version}"
        self.shape = shape
        self.encode: Callable[[V], bytes] = encode or msgspec.json.Encoder().encode
        self.decode = msgspec.json.Decoder(shape).decode

    def __repr__(self) -> str:
        return f"Table({self.name})"


class Store(Protocol):
    """The tables of one partition, as an agent sees them; its writes are visible once its effects were delivered."""

    def get(self, table: Table[V], key: str) -> V | None: ...

    def keys(self, table: Table[Any]) -> Iterable[str]:
        """Every key, in order."""
        ...

    def scan(self, table: Table[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Every (key, value) whose key begins with `prefix`, in key order."""
        ...
