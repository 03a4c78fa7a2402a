"""Where a reader is in many partitions at once, as a short word."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Final

_MARK: Final = "k"
_LONGEST: Final = 4_000
"""Characters: a word goes out with each statement, and comes back in a header, which servers take up to 8 kB of."""


def word(offsets: Sequence[int]) -> str:
    """The offsets as a word of visible ASCII; empty where it would be too long to be sent.

    >>> word([0, 5, 300]), unword("kAAWsAg", 3)
    ('kAAWsAg', [0, 5, 300])
    """
    packed = bytearray()
    for offset in offsets:
        while offset > 0x7F:
            packed.append(offset & 0x7F | 0x80)
            offset >>= 7
        packed.append(offset)
    text = _MARK + urlsafe_b64encode(packed).rstrip(b"=").decode()
    return text if len(text) <= _LONGEST else ""


def unword(text: str, count: int) -> list[int]:
    """The `count` offsets of a word. Raises LookupError for what is none, or one of another deployment's."""
    try:
        if not text.startswith(_MARK) or len(text) > _LONGEST:
            raise ValueError(text)
        packed = urlsafe_b64decode(text[len(_MARK) :].encode("ascii") + b"=" * (-(len(text) - len(_MARK)) % 4))
        offsets = list(_unpacked(packed))
    except ValueError:
        offsets = []
    if len(offsets) != count:
        raise LookupError(f"{text[:40]!r} is no position of this deployment; read the tables again")
    return offsets


def _unpacked(packed: bytes) -> Iterator[int]:
    offset = shift = 0
    for byte in packed:
        offset |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield offset
            offset = shift = 0
    if shift:
        raise ValueError("the last offset is cut off")
