"""The topics of a deployment: which there are, how they must be kept, whether the brokers have them so."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    for_code,
)

from agents.effects import DEAD_LETTERS, DERIVED, INPUTS, JOURNALS
from app.engine.kafka.ending import Unfit, say
from app.engine.kafka.writer import MAX_RECORD

_VISIBLE_SECONDS = 30
_PROBE_MS = 5_000
_REFUSED = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)


class Topic(NamedTuple):
    """A topic by its full name; `config` is what it is made with, of which `policy` must hold."""

    name: str
    config: Mapping[str, str]
    policy: str  # cleanup.policy: delete or compact


_LARGE = {"max.message.bytes": str(MAX_RECORD)}


def source(name: str) -> Topic:
    """What producers write to. The moment at which the broker took a record in is when it was accepted."""
    return Topic(name, {"message.timestamp.type": "LogAppendTime"}, "delete")


def journal(name: str) -> Topic:
    """What is replayed: kept for ever."""
    return Topic(name, {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", **_LARGE}, "delete")


def derived(name: str) -> Topic:
    """Full statements: the last for each key is the truth."""
    return Topic(name, {"cleanup.policy": "compact", **_LARGE}, "compact")


def changelog(name: str) -> Topic:
    """Tables. Compaction waits long enough for a worker that takes over to repair what one it replaced wrote late."""
    config = {
        "cleanup.policy": "compact",
        "min.compaction.lag.ms": "600000",
        "segment.bytes": str(64 << 20),
        "min.cleanable.dirty.ratio": "0.3",
        **_LARGE,
    }
    return Topic(name, config, "compact")


def dead_letters(name: str) -> Topic:
    """Refused records, kept until somebody has dealt with them."""
    return Topic(name, {"cleanup.policy": "delete", "retention.ms": "-1", **_LARGE}, "delete")


def changelog_name(group: str) -> str:
    """The changelog of the group's one Faust table, as Faust calls it."""
    return f"{group}-tables-changelog"


def product(group: str) -> list[Topic]:
    """Every topic of the product under a group's name."""
    prefix = f"{group}."
    return [
        *(source(prefix + name) for name in INPUTS),
        *(dead_letters(prefix + name + DEAD_LETTERS) for name in INPUTS),
        *(journal(prefix + name) for name in JOURNALS),
        *(derived(prefix + name) for name in DERIVED),
        changelog(changelog_name(group)),
    ]


class Missing(Unfit):
    """Topics that do not exist."""


async def admin(arguments: Mapping[str, Any]) -> AIOKafkaAdminClient:
    """A connected admin client. Raises Unfit where the credentials are refused, ConnectionError where no broker is."""
    client = AIOKafkaAdminClient(**arguments)
    try:
        await client.start()
    except _REFUSED as error:
        await client.close()
        raise _not_let_in(arguments, error) from None
    except (KafkaConnectionError, OSError) as error:
        await client.close()
        if (refusal := await _refusal(arguments)) is not None:
            raise _not_let_in(arguments, refusal) from None
        raise ConnectionError(f"no broker answers at {arguments['bootstrap_servers']}: {error}") from None
    return client


async def _refusal(arguments: Mapping[str, Any]) -> Exception | None:
    """Why the first broker that answers at all does not let us in; the client tells only that no broker did."""
    options = {name: value for name, value in arguments.items() if name != "bootstrap_servers"}
    for host, port, _ in collect_hosts(arguments["bootstrap_servers"]):
        try:
            (await create_conn(host, port, request_timeout_ms=_PROBE_MS, **options)).close()
        except (*_REFUSED, ssl.SSLError) as error:
            return None if isinstance(error, ssl.SSLEOFError) else error  # it was only about to go
        except (TimeoutError, KafkaError, OSError):
            continue
    return None


def _not_let_in(arguments: Mapping[str, Any], error: Exception) -> Unfit:
    return Unfit(
        f"the broker at {arguments['bootstrap_servers']} does not let us in ({type(error).__name__}: {error});"
        " check HEADRACE_KAFKA_SECURITY_PROTOCOL, HEADRACE_KAFKA_SASL_* and HEADRACE_KAFKA_SSL_*"
    )


async def absent(client: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[Topic]:
    """Those that do not exist."""
    there = set(await client.list_topics())
    return [topic for topic in topics if topic.name not in there]


async def create(client: AIOKafkaAdminClient, topics: Sequence[Topic], partitions: int, replication: int) -> list[str]:
    """Make those that do not exist, and wait until every broker's metadata shows them; the names of the new ones."""
    wanted = await absent(client, topics)
    if not wanted:
        return []
    made = await client.create_topics(
        [NewTopic(t.name, partitions, replication, topic_configs=dict(t.config)) for t in wanted]
    )
    for name, code, message in _results(made):
        if code and for_code(code) is not TopicAlreadyExistsError:  # another worker may have been faster
            raise Unfit(f"topic {name} could not be made: {for_code(code).__name__}: {message or ''}".rstrip(": "))
    await _visible(client, [topic.name for topic in wanted])
    return [topic.name for topic in wanted]


def _results(response: Any) -> Iterable[tuple[str, int, str | None]]:
    for name, code, *rest in response.topic_errors:
        yield name, code, rest[0] if rest else None


async def _visible(client: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Metadata spreads when it likes; a worker that subscribes before it does would be given nothing."""
    for _ in range(_VISIBLE_SECONDS * 10):
        described = await client.describe_topics(list(names))
        if all(not topic["error_code"] and topic["partitions"] for topic in described):
            return
        await asyncio.sleep(0.1)
    raise Unfit(f"{', '.join(names)} were made but do not show after {_VISIBLE_SECONDS} s; look at the brokers' logs")


async def check(client: AIOKafkaAdminClient, topics: Sequence[Topic], partitions: int | None = None) -> int:
    """The number of partitions that every topic has.

    Raises Missing for topics that are not there, Unfit for one with another number of partitions than the rest (or than
    `partitions`) or with a clean-up policy that would lose what we rely on.
    """
    described = {topic["topic"]: topic for topic in await client.describe_topics([topic.name for topic in topics])}
    missing = [t.name for t in topics if described[t.name]["error_code"] or not described[t.name]["partitions"]]
    if missing:
        raise Missing(
            f"there is no topic {', '.join(missing)}: restore what was deleted, and make what is new with"
            " `headrace topics --create`; an empty topic in the place of one that was read is noticed"
        )
    counts = {name: len(topic["partitions"]) for name, topic in described.items()}
    wanted = partitions or counts[topics[-1].name]
    wrong = sorted(name for name, count in counts.items() if count != wanted)
    if wrong:
        raise Unfit(
            f"topic {wrong[0]} has {counts[wrong[0]]} partitions, {wanted} are needed: all topics of a deployment have"
            " the same number, and it never changes; make it anew, or replay into a new group (HEADRACE_KAFKA_GROUP)"
        )
    await _check_policies(client, topics)
    return wanted


async def _check_policies(client: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    try:
        found = await _configs(client, [topic.name for topic in topics])
    except KafkaError as error:
        say("warning", "topics.unchecked", reason=f"the brokers do not tell how topics are configured: {error}")
        return
    for topic in topics:
        config = found.get(topic.name, {})
        policy = config.get("cleanup.policy")
        if policy is not None and policy != topic.policy:
            raise Unfit(
                f"topic {topic.name} has cleanup.policy={policy}, it must be {topic.policy}, else records are lost that"
                f" we rely on; set it with kafka-configs --alter --topic {topic.name}"
            )
        if topic.config.get("retention.ms") == "-1" and config.get("retention.ms", "-1") != "-1":
            say("warning", "topics.retention", topic=topic.name, reason="old records go: replay will miss them")


async def _configs(client: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str]] = {}
    for response in await client.describe_configs(resources):
        for code, _message, _kind, name, entries in response.resources:
            if not code:
                found[name] = {entry[0]: entry[1] for entry in entries}
    return found
