"""Who may ask. Tokens when there are any; else only callers close by."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Literal

from aiohttp import hdrs, web

from app.web.problems import FORBIDDEN, UNAUTHENTICATED, Problem
from app.web.settings import Role, WebSettings

Access = Literal["open", "read", "write"]

_CHALLENGE = 'Bearer realm="headrace"'


def authorise(request: web.Request, access: Access, settings: WebSettings) -> None:
    """Raises Problem (401, 403) unless the caller may do what needs `access`. `open` needs nothing."""
    if access == "open":
        return
    if settings.tokens:
        role = _role(request.headers.get(hdrs.AUTHORIZATION, ""), settings.tokens)
        if access == "write" and role != "write":
            raise _forbidden("This token may read only. Use one that may write.", "insufficient_scope")
    else:
        _check_neighbour(request, settings)


def _role(header: str, tokens: Mapping[str, Role]) -> Role:
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        detail = "This server has tokens configured. Send Authorization: Bearer <token>."
        raise Problem(UNAUTHENTICATED, detail, headers={"WWW-Authenticate": _CHALLENGE})
    found: Role | None = None
    # All are compared, each in constant time, so that the time taken tells nothing about which is near.
    for token, role in tokens.items():
        if hmac.compare_digest(token.encode(), given.strip().encode("utf-8", "surrogateescape")):
            found = role
    if found is None:
        challenge = f'{_CHALLENGE}, error="invalid_token"'
        raise Problem(UNAUTHENTICATED, "This token is not known here.", headers={"WWW-Authenticate": challenge})
    return found


def _check_neighbour(request: web.Request, settings: WebSettings) -> None:
    """Without tokens: only from an open network, and only by a name that cannot be somebody else's."""
    if not _is_near(request, settings):
        raise _forbidden(
            f"Without tokens this server answers only its own machine, not {request.remote}. "
            "Configure a token, or name the network in open_networks.",
            "caller_not_local",
        )
    name = _host_name(request.host)
    if not _is_address(name) and name not in settings.open_hosts:
        raise _forbidden(
            f"Without tokens this server does not answer to the name {name!r}. "
            "Configure a token, or add the name to open_hosts.",
            "host_not_known",
        )


def _is_near(request: web.Request, settings: WebSettings) -> bool:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not isinstance(peer, tuple):
        return True  # a Unix socket: the file's permissions decide
    address = ip_address(str(peer[0]).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.open_networks)


def _host_name(host: str) -> str:
    """The name in a Host header, without its port and the brackets of an IPv6 address.

    >>> _host_name("localhost:8080"), _host_name("[::1]:8080"), _host_name("EXAMPLE.org")
    ('localhost', '::1', 'example.org')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _forbidden(detail: str, code: str) -> Problem:
    return Problem(FORBIDDEN, detail, code=code, headers={"WWW-Authenticate": f'{_CHALLENGE}, error="{code}"'})
