"""How any client of a broker is told to connect: addresses, TLS, credentials."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from app.settings import Settings, SettingsError


def client_arguments(settings: Settings) -> dict[str, Any]:
    """The connection arguments that every aiokafka client takes: consumer, producer and admin alike.

    Raises SettingsError with one sentence where they cannot work together or a file cannot be used. Neither password
    nor key is ever repeated. A broker's host name is always checked against its certificate.
    """
    if not settings.kafka_bootstrap:
        raise SettingsError(
            "setting kafka_bootstrap is '': name a broker like 127.0.0.1:9092; set HEADRACE_KAFKA_BOOTSTRAP or --kafka"
        )
    protocol = settings.kafka_security_protocol
    arguments: dict[str, Any] = {"bootstrap_servers": settings.kafka_bootstrap, "security_protocol": protocol}
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = _context(settings)
    if protocol.startswith("SASL"):
        arguments.update(_credentials(settings))
    return arguments


def _credentials(settings: Settings) -> dict[str, str]:
    for name, value in (("username", settings.kafka_sasl_username), ("password", settings.kafka_sasl_password)):
        if not value:
            raise SettingsError(
                f"setting kafka_sasl_{name} is '', but {settings.kafka_security_protocol} needs one;"
                f" set HEADRACE_KAFKA_SASL_{name.upper()}"
            )
    return {
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": settings.kafka_sasl_password,
    }


def _context(settings: Settings) -> ssl.SSLContext:
    authorities, certificate, key = (
        settings.kafka_ssl_cafile,
        settings.kafka_ssl_certfile,
        settings.kafka_ssl_keyfile,
    )
    if key is not None and certificate is None:
        raise SettingsError(
            f"setting kafka_ssl_keyfile is {str(key)!r} without a certificate; set HEADRACE_KAFKA_SSL_CERTFILE too"
        )
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    if authorities is not None:
        context = _trusting(authorities)
    if certificate is not None:
        _present(context, certificate, key)
    return context


def _trusting(authorities: Path) -> ssl.SSLContext:
    """A context that trusts these authorities and no others."""
    try:
        return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise _unusable("kafka_ssl_cafile", authorities, error) from None


def _present(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    def refuse() -> str:
        """Instead of asking on the terminal: there may be none."""
        raise SettingsError(
            f"setting kafka_ssl_keyfile is {str(key or certificate)!r}, which needs a passphrase;"
            " give a key without one, readable by the worker alone"
        )

    try:
        context.load_cert_chain(certificate, key, refuse)
    except (OSError, ssl.SSLError) as error:
        name, path = ("kafka_ssl_certfile", certificate)
        if key is not None and not key.is_file():
            name, path = ("kafka_ssl_keyfile", key)
        raise _unusable(name, path, error) from None


def _unusable(name: str, path: Path, error: OSError) -> SettingsError:
    reason = error.strerror if error.strerror and not isinstance(error, ssl.SSLError) else "it holds no usable PEM"
    return SettingsError(f"setting {name} is {str(path)!r}: {reason}; set HEADRACE_{name.upper()} to a PEM file")
