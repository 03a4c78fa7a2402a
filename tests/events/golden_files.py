"""The golden files: bytes that producers have sent once, and the facts they are, for ever."""

from __future__ import annotations

from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def events() -> list[Path]:
    """One file per event, `<type>.json`, further ones `<type>.<n>.json`; the fact beside it ends in `.fact.json`."""
    return sorted(path for path in GOLDEN.glob("*.json") if not path.name.endswith(".fact.json"))


def line(name: str) -> bytes:
    """The event of a file, without the newline."""
    return (GOLDEN / name).read_bytes().rstrip(b"\n")
