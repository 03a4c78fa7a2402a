"""What can be set about HTTP."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from app.adapters.adapter import Instance

Role = Literal["read", "write"]
Token = Annotated[str, Field(min_length=16)]

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class WebSettings(BaseModel):
    """Durations are in seconds, sizes in bytes.

    `tokens` maps a bearer token to what it may do; `write` includes `read`. Without any token whoever connects from
    `open_networks` and calls this server by an address or one of `open_hosts` may do everything, and nobody else
    anything: the host name is checked because a foreign page can point its own name at this machine.

    A reader of the stream that has not taken anything for `stream_patience_seconds` while `stream_queue` statements
    wait is disconnected; it resumes where it was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: dict[Token, Role] = Field(default={}, repr=False)
    open_networks: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    open_hosts: frozenset[str] = frozenset({"localhost"})
    adapters: dict[str, Instance] = Field(default={}, repr=False)
    max_body_bytes: PositiveInt = 10_000_000
    max_events: PositiveInt = 10_000
    max_streams: PositiveInt = 200
    stream_queue: PositiveInt = 1_000
    stream_patience_seconds: PositiveFloat = 10.0
    heartbeat_seconds: PositiveFloat = 15.0
