"""How clients are told to connect, and what is said where that cannot work."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from app.engine.kafka.security import client_arguments
from app.settings import Settings, SettingsError


def settings(**given: object) -> Settings:
    return Settings.load(kafka_bootstrap="broker:9092", **given)


def test_plain_text_needs_nothing_but_an_address() -> None:
    assert client_arguments(settings()) == {"bootstrap_servers": "broker:9092", "security_protocol": "PLAINTEXT"}


def test_tls_checks_the_brokers_certificate_and_name() -> None:
    context = client_arguments(settings(kafka_security_protocol="SSL"))["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_credentials_are_passed_on() -> None:
    arguments = client_arguments(
        settings(
            kafka_security_protocol="SASL_PLAINTEXT",
            kafka_sasl_mechanism="SCRAM-SHA-512",
            kafka_sasl_username="engine",
            kafka_sasl_password="hunter2",
        )
    )
    assert "ssl_context" not in arguments
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("engine", "hunter2")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "kafka_sasl_username is ''.*SASL_SSL needs one"),
        ({"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "engine"}, "kafka_sasl_password is ''"),
        ({"kafka_security_protocol": "SSL", "kafka_ssl_cafile": "nowhere.pem"}, "cafile is 'nowhere.pem': No such"),
        ({"kafka_security_protocol": "SSL", "kafka_ssl_certfile": "nowhere.pem"}, "certfile is 'nowhere.pem': No such"),
        ({"kafka_security_protocol": "SSL", "kafka_ssl_keyfile": "key.pem"}, "keyfile is 'key.pem' without a cert"),
    ],
)
def test_what_cannot_work_is_said_with_the_setting(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        client_arguments(settings(**given))
    assert "HEADRACE_KAFKA_" in str(raised.value)


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("not a certificate")
    for name in ("kafka_ssl_cafile", "kafka_ssl_certfile"):
        with pytest.raises(SettingsError, match=f"{name} is .*ca.pem': it holds no usable PEM"):
            client_arguments(settings(kafka_security_protocol="SSL", **{name: wrong}))


def test_without_a_broker_the_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="set HEADRACE_KAFKA_BOOTSTRAP or --kafka"):
        client_arguments(Settings.load())


def test_a_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA_SASL_PASSWORD", "hunter2")
    assert "hunter2" not in repr(Settings.load())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_group": "head race"}, "kafka_group is 'head race'.*HEADRACE_KAFKA_GROUP or --group"),
        ({"kafka_partitions": 0}, "kafka_partitions is 0.*HEADRACE_KAFKA_PARTITIONS or --partitions"),
        ({"kafka_advertised": "worker-1:8787"}, "kafka_advertised is 'worker-1:8787'"),
    ],
)
def test_a_wrong_setting_is_named_with_its_option(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings(**given)
