"""The broker the other tests stand on: it is Kafka, it keeps what it acknowledged, and it refuses what it should."""

import asyncio
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)

from tests.kafka.broker import PASSWORD, USER, Broker, free_ports, listens
from tests.kafka.jars import UnavailableError

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def producer(address: str, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(bootstrap_servers=address, acks="all", **settings)
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


async def make(address: str, topic: str, partitions: int = 1, configs: dict[str, str] | None = None) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs or {})])
    finally:
        await admin.close()


async def values(address: str, topic: str, partition: int = 0, **settings: Any) -> list[bytes | None]:
    """Every value of a partition up to its end at this moment."""
    consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False, **settings)
    await consumer.start()
    try:
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        await consumer.seek_to_beginning(where)
        end = (await consumer.end_offsets([where]))[where]
        found: list[bytes | None] = []
        while await consumer.position(where) < end:
            for records in (await consumer.getmany(where, timeout_ms=500)).values():
                found += [record.value for record in records]
        return found
    finally:
        await consumer.stop()


async def test_what_is_written_is_read(broker: Broker, prefix: str) -> None:
    await make(broker.address, f"{prefix}a", partitions=2)
    async with producer(broker.address) as client:
        for number in range(3):
            await client.send_and_wait(f"{prefix}a", b"%d" % number, partition=number % 2)
    assert await values(broker.address, f"{prefix}a", 0) == [b"0", b"2"]
    assert await values(broker.address, f"{prefix}a", 1) == [b"1"]


async def test_a_topic_nobody_declared_is_not_made(broker: Broker, prefix: str) -> None:
    async with producer(broker.address, request_timeout_ms=1000) as client:
        with pytest.raises(UnknownTopicOrPartitionError):
            await client.partitions_for(f"{prefix}never-declared")


async def test_what_is_too_large_is_refused(broker: Broker, prefix: str) -> None:
    await make(broker.address, f"{prefix}small", configs={"max.message.bytes": "1000"})
    async with producer(broker.address) as client:
        with pytest.raises(MessageSizeTooLargeError):
            await client.send_and_wait(f"{prefix}small", b"x" * 2000)


async def test_a_group_shares_partitions_and_notices_a_member_that_leaves(broker: Broker, group: str) -> None:
    topic = f"{group}.shared"
    await make(broker.address, topic, partitions=2)
    first, second = (
        AIOKafkaConsumer(topic, bootstrap_servers=broker.address, group_id=group, session_timeout_ms=3000)
        for _ in range(2)
    )
    await asyncio.gather(first.start(), second.start())
    try:
        await until(lambda: len(first.assignment()) == len(second.assignment()) == 1)
    finally:
        await second.stop()
    await until(lambda: len(first.assignment()) == 2)
    await first.stop()


async def test_compaction_happens_within_the_patience_of_a_test(broker: Broker, prefix: str) -> None:
    eager = {
        "cleanup.policy": "compact",
        "segment.bytes": "1048576",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "100",
    }
    await make(broker.address, f"{prefix}latest", configs=eager)
    async with producer(broker.address) as client:
        for number in range(5):
            await client.send_and_wait(f"{prefix}latest", b"%d" % number, key=b"one")
        deadline = time.monotonic() + 30
        # Only closed segments are compacted, and a segment closes when a record comes after it: so write on.
        while b"3" in await values(broker.address, f"{prefix}latest"):
            assert time.monotonic() < deadline, "nothing was compacted"
            await client.send_and_wait(f"{prefix}latest", b"4", key=b"one")
            await asyncio.sleep(0.2)


async def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    try:
        await make(broker.address, "kept")
        async with producer(broker.address) as client:
            for number in range(100):
                await client.send_and_wait("kept", b"%d" % number)
        broker.kill()
        broker.start()
        assert await values(broker.address, "kept") == [b"%d" % number for number in range(100)]
        broker.restart()
        assert len(await values(broker.address, "kept")) == 100
    finally:
        broker.stop()


async def test_a_paused_broker_is_silent_and_goes_on_where_it_was(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    try:
        await make(broker.address, "kept")
        async with producer(broker.address) as client:
            await client.send_and_wait("kept", b"0")
            broker.pause()
            sent = await client.send("kept", b"1")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(sent), 1)
            broker.resume()
            await asyncio.wait_for(sent, 20)
    finally:
        broker.stop()


async def test_names_passwords_and_certificates_are_checked(tmp_path: Path) -> None:
    broker = Broker(tmp_path, secured=True)
    broker.start()
    try:
        await make(broker.address, "guarded")
        login = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_plain_username": USER}
        async with producer(broker.sasl_address, **login, sasl_plain_password=PASSWORD) as client:
            await client.send_and_wait("guarded", b"by password")
        # The client's library logs why, and raises the same as for a broker that is not there.
        with pytest.raises(KafkaConnectionError):
            async with producer(broker.sasl_address, **login, sasl_plain_password="wrong"):
                pass
        async with producer(broker.ssl_address, **tls(broker, broker.certificates.client)) as client:
            await client.send_and_wait("guarded", b"by certificate")
        with pytest.raises(KafkaConnectionError):
            async with producer(broker.ssl_address, **tls(broker, broker.certificates.stranger)):
                pass
        assert await values(broker.address, "guarded") == [b"by password", b"by certificate"]
    finally:
        broker.stop()


def tls(broker: Broker, certificate: Path) -> dict[str, Any]:
    context = ssl.create_default_context(cafile=str(broker.certificates.authority))
    context.load_cert_chain(certificate, broker.certificates.key(certificate))
    return {"security_protocol": "SSL", "ssl_context": context}


async def until(reached: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        await asyncio.sleep(0.05)


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = Broker(tmp_path, properties={"process.roles": "nonsense"})
    with pytest.raises(UnavailableError, match="nonsense"):
        broker.start()
    assert broker.process is None


def test_ports_are_below_those_the_kernel_gives_to_outgoing_connections() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < lowest for port in free_ports(10))


@pytest.fixture
def foreground(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """What `make kafka` runs, once it is up, and the broker's address."""
    port = str(free_ports(1)[0])
    command = [sys.executable, "-m", "tests.kafka.broker", "--port", port, "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C ends it" in line:
                break
        assert str(tmp_path) in said
        yield process, f"127.0.0.1:{port}"
        process.kill()


async def test_make_kafka_ends_in_good_order_and_keeps_its_data(
    foreground: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, address = foreground
    await make(address, "kept")
    async with producer(address) as client:
        await client.send_and_wait("kept", b"0")
    process.terminate()
    assert process.wait(30) == 0
    again = Broker(tmp_path)
    again.start()
    try:
        assert await values(again.address, "kept") == [b"0"]
    finally:
        again.stop()


async def test_a_broker_does_not_outlive_who_started_it(foreground: tuple[subprocess.Popen[str], str]) -> None:
    process, address = foreground
    process.kill()
    process.wait()
    await until(lambda: not listens(address))


def test_make_kafka_does_not_disturb_who_has_the_port(broker: Broker, tmp_path: Path) -> None:
    port = broker.address.rpartition(":")[2]
    command = [sys.executable, "-m", "tests.kafka.broker", "--port", port, "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (ended.returncode, list(tmp_path.iterdir())) == (1, [])
    assert f"something listens on {broker.address} already" in ended.stderr
