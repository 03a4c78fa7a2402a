"""What can be set, from the environment (`HEADRACE_…`) or the command line."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSetting

from app.misuse import Misuse

_OPTIONS: Final = {
    **{name: f"--{name}" for name in ("store", "partitions", "host", "port", "zone")},
    "kafka_bootstrap": "--kafka",
    "kafka_group": "--group",
    "kafka_partitions": "--partitions",
    "kafka_data_dir": "--store-dir",
}
"""What the command line can set too, and with which option."""

FOLDER: Final = "HEADRACE_SETTINGS_DIR"
"""The variable that names a folder of files, each called like a variable and holding its value.

It is for what an environment should not hold, tokens and passwords; a variable that is set comes before its file."""


class SettingsError(Misuse):
    """A setting is wrong; says which, with which value, and what it must be."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("must be a time zone of the tz database, like Europe/Berlin") from error
    return name


class Settings(BaseSettings):
    """Everything has a default that runs on a laptop. Sizes are records, `max_event_bytes` bytes."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", extra="ignore", frozen=True)

    store: Path = Field(default=Path(".headrace/store.sqlite"), description="the embedded host's file")
    partitions: int = Field(
        default=1, ge=1, le=256, description="partitions of a store when it is made; fixed afterwards"
    )
    host: str = Field(default="127.0.0.1", description="address the page and the API listen on")
    port: int = Field(
        default=8787, ge=0, le=65535, description="port the page and the API listen on; 0 takes a free one"
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="the firm's time zone: when a business day begins"
    )
    batch_size: int = Field(default=2_000, ge=1, le=100_000, description="records a live agent is given at once")
    weeks_behind: int = Field(default=8, ge=0, le=520, description="weeks that are told of before the one today is in")
    weeks_ahead: int = Field(default=26, ge=0, le=520, description="weeks that are told of after it")
    max_event_bytes: int = Field(default=1_000_000, ge=1_000, description="larger records are refused")
    authority: dict[str, frozenset[str]] = Field(
        default={},
        description=(
            'which sources may speak for an entity kind, like {"contract": ["/clm"]}; a kind left out: every source'
        ),
    )
    adapters: dict[str, dict[str, Any]] = Field(
        default={},
        repr=False,
        description=(
            'vendors that may post to /v1/adapters, each with its secret, like {"jira": {"secret": "…", "own": ["our'
            ' user"], "contracts": {"10002": "C-1"}}}'
        ),
    )
    policy: list[dict[str, Any]] = Field(
        default=[],
        description=(
            'checks to turn on, each like the data of policy.set: [{"code": "TAX_ID_MISSING", "action":'
            ' "blocking"}]; raise its revision to change one'
        ),
    )
    sla_targets: dict[str, str] = Field(
        default={},
        description=(
            'the firm\'s own targets of business SLAs: hours, or a ratio of a rate, like {"dispute_rate": "0.02"}'
        ),
    )
    erp_routes: list[dict[str, Any]] = Field(
        default=[],
        description=(
            'which ERP documents go to, by legal entity and first day of their period: [{"target": "sap",'
            ' "legal_entity_id": "LE-1", "from": "2026-07-01", "mode": "live"}]; none: one ERP'
        ),
    )
    erp_limits: dict[str, dict[str, Any]] = Field(
        default={},
        description=(
            'what an ERP takes, by target or "*" for any: {"*": {"per_minute": 600, "burst": 50, "ack_minutes": 30,'
            ' "attempts": 5}}; none: everything at once, and no answer is waited for'
        ),
    )
    tokens: dict[Annotated[str, Field(min_length=16)], Literal["read", "write"]] = Field(
        default={},
        repr=False,
        description='bearer tokens of the API, like {"…16 or more characters…": "read"}; none: loopback only',
    )
    kafka_bootstrap: str = Field(default="", description="brokers to begin with, like broker-1:9092,broker-2:9092")
    kafka_group: str = Field(
        default="headrace",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=200,
        description="the workers' consumer group; with a dot behind it, what every topic's name begins with",
    )
    kafka_partitions: int = Field(
        default=4, ge=1, le=1024, description="partitions of every topic when they are made; fixed afterwards"
    )
    kafka_replication: int = Field(default=1, ge=1, le=32, description="copies of every partition, of topics to make")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="how brokers are spoken to"
    )
    kafka_ssl_cafile: Path | None = Field(
        default=None,
        description="PEM file of the authorities that signed the brokers' certificates; none: the system's",
    )
    kafka_ssl_certfile: Path | None = Field(default=None, description="PEM file of the client's own certificate")
    kafka_ssl_keyfile: Path | None = Field(default=None, description="PEM file of its key, without a passphrase")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="how the client proves who it is, with a SASL protocol"
    )
    kafka_sasl_username: str = Field(default="", description="user name, with a SASL protocol")
    kafka_sasl_password: str = Field(default="", repr=False, description="password, with a SASL protocol")
    kafka_session_seconds: float = Field(
        default=10.0, ge=1, le=1_800, description="silence after which a worker has lost its partitions"
    )
    kafka_instance: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        max_length=249,
        description="a name that this worker keeps over restarts, unique in the group; none: it joins as a new one",
    )
    kafka_store: Literal["memory", "rocksdb"] = Field(default="memory", description="what tables are held in")
    kafka_data_dir: Path = Field(default=Path(".headrace/kafka"), description="folder of tables held in rocksdb")
    kafka_standbys: int = Field(default=1, ge=0, le=32, description="workers that keep a second copy of each table")
    kafka_advertised: str = Field(
        default="",
        pattern=r"^(https?://[^/\s]+/?)?$",
        description="address other workers reach this one at; none: http://host:port",
    )

    @property
    def kafka_prefix(self) -> str:
        """What every topic's name begins with: the group's name and a dot."""
        return f"{self.kafka_group}."

    @classmethod
    def load(cls, **given: object) -> Settings:
        """Settings from files of secrets, over them the environment, over that what the command line gave.

        Raises SettingsError.
        """
        wanted: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        try:
            return cls(_secrets_dir=_folder(), **wanted)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None
        except UnreadableSetting as error:
            raise SettingsError(_unreadable(str(error))) from None


def _folder() -> str | None:
    folder = os.environ.get(FOLDER)
    if folder and not Path(folder).is_dir():
        raise SettingsError(f"{FOLDER} is {folder!r}, which is no folder; make it, or unset the variable")
    return folder or None


def _sentence(error: ValidationError) -> str:
    """What is wrong with the first setting that is. A token is not repeated."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    wanted = first["msg"].removeprefix("Value error, ")
    value = f"is {first['input']!r}" if Settings.model_fields[name].repr else "has a wrong part"
    option = f" or {_OPTIONS[name]}" if name in _OPTIONS else ""
    return f"setting {name} {value}: {wanted[0].lower()}{wanted[1:]}; set HEADRACE_{name.upper()}{option}"


def _unreadable(message: str) -> str:
    """A setting with parts is JSON; the library says only which field could not be parsed."""
    found = re.search(r'field "(\w+)"', message)
    name = found[1] if found else ""
    wanted = Settings.model_fields[name].description if found else message
    return f"setting {name} is not JSON: it says {wanted}; set HEADRACE_{name.upper()}"
