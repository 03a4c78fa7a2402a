"""A real Apache Kafka of one's own: one JVM, broker and controller in one (KRaft), on the loopback interface only.

    broker = Broker(Path("/tmp/kafka"))
    broker.start()      # returns once a record was accepted, so topics can be made and written at once
    broker.kill()       # SIGKILL: what was acknowledged stays
    broker.start()      # the same address, the same data
    broker.stop()

Run as a program it keeps one broker in the foreground (`make kafka`):

    python -m tests.kafka.broker --port 9092 --data DIR
"""

import argparse
import base64
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.kafka.certificates import Certificates
from tests.kafka.jars import UnavailableError, cache, command, libraries, version

POM: Final = Path(__file__).parents[2] / "docker" / "kafka" / "pom.xml"
PROBE: Final = "broker-probe"  # one record is written to it at each start, to know that the broker accepts records
Config = dict[str, str | int | float | bool]
START_SECONDS: Final = 90  # a busy machine; a few seconds on an idle one
STOP_SECONDS: Final = 30
USER: Final = "headrace"
PASSWORD: Final = "correct-horse"
# Below the range the kernel takes for outgoing connections: else, while the broker is down, a client that tries to
# reconnect could be given the broker's own port, connect to itself, and keep the port from the broker.
PORTS: Final = range(20_000, 30_000)
NO_PROPERTIES: Final[Mapping[str, str]] = MappingProxyType({})

PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",  # a topic nobody declared is a mistake the tests must see
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A broker that was killed may register again once its old registration ran out: 12 s with Kafka's own figures.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    # Tests kill group members and wait for the group to notice.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    # Tests provoke compaction, retention and deletion and wait for them; the topics say what is eligible.
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
    "log.segment.delete.delay.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


class Broker:
    """One broker over the data directory `data`, which is made and formatted at the first start.

    `properties` are added to the server's, or replace them. With `secured` the broker listens also where a name and a
    password are asked for (`sasl_address`: SASL_PLAINTEXT, PLAIN, `USER` and `PASSWORD`) and where both sides show
    certificates (`ssl_address`; `certificates` has the files). The ports stay the same for the life of the object.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int | None = None,
        properties: Mapping[str, str] = NO_PROPERTIES,
        secured: bool = False,
        heap: str = "512m",
    ) -> None:
        free = free_ports(4)
        self.data = data
        self.address = f"127.0.0.1:{port or free[0]}"
        self.sasl_address = f"127.0.0.1:{free[1]}"
        self.ssl_address = f"127.0.0.1:{free[2]}"
        self.controller_address = f"127.0.0.1:{free[3]}"
        self.certificates = Certificates(data / "certificates")
        self.properties = dict(properties)
        self.secured = secured
        self.heap = heap
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The JVM's process id; only while the broker runs."""
        if self.process is None:
            raise RuntimeError(f"the broker at {self.address} does not run; start() it first")
        return self.process.pid

    @property
    def log(self) -> Path:
        """What the server says, from warnings up."""
        return self.data / "broker.log"

    @property
    def rss_bytes(self) -> int:
        """The resident memory of the JVM now."""
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start the server and return when a record was accepted; `UnavailableError` after `seconds` without one."""
        if self.process is not None:
            raise RuntimeError(f"the broker at {self.address} runs already, as process {self.pid}")
        self.data.mkdir(parents=True, exist_ok=True)
        if self.secured:
            self.certificates.make()
        (self.data / "server.properties").write_text(
            "".join(f"{name}={value}\n" for name, value in self.server_properties().items())
        )
        self.format()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*until_we_end(), *self.java("kafka.Kafka", str(self.data / "server.properties"))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we then stop the server
            )
        try:
            self.wait(time.monotonic() + seconds)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End the server with SIGKILL and wait until it is gone; nothing happens if it does not run."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """End the server with SIGTERM, or with SIGKILL when it takes too long; nothing happens if it does not run."""
        self.end(signal.SIGTERM)

    def restart(self) -> None:
        """Stop and start on the same address and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server (SIGSTOP): connections stay open and nobody answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def server_properties(self) -> dict[str, str]:
        listeners = {"PLAINTEXT": self.address, "CONTROLLER": self.controller_address}
        security: dict[str, str] = {}
        if self.secured:
            listeners |= {"SASL_PLAINTEXT": self.sasl_address, "SSL": self.ssl_address}
            security = {
                "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN",
                "listener.name.sasl_plaintext.plain.sasl.jaas.config": jaas(USER, PASSWORD),
                **self.certificates.server_properties(),
            }
        advertised = {name: where for name, where in listeners.items() if name != "CONTROLLER"}
        protocols = {name: "PLAINTEXT" if name == "CONTROLLER" else name for name in listeners}
        return {
            **PROPERTIES,
            "log.dirs": str(self.data / "log"),
            "listeners": ",".join(f"{name}://{where}" for name, where in listeners.items()),
            "advertised.listeners": ",".join(f"{name}://{where}" for name, where in advertised.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "controller.quorum.voters": f"1@{self.controller_address}",
            **security,
            **self.properties,
        }

    def format(self) -> None:
        """Give the data directory its cluster id, once."""
        if (self.data / "log" / "meta.properties").exists():
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ("format", f"--cluster-id={cluster}", "--config", str(self.data / "server.properties"))
        ended = subprocess.run(
            self.java("kafka.tools.StorageTool", *arguments), capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise UnavailableError(
                f"Kafka's storage in {self.data} could not be formatted:\n{ended.stdout}{ended.stderr}"
            )

    def java(self, main: str, *arguments: str) -> list[str]:
        return [
            command("java", "default-jre-headless"),
            f"-Xmx{self.heap}",
            "-Xms64m",
            "-XX:+UseSerialGC",  # two cores and a small heap: less memory and fewer threads than the default
            "-XX:TieredStopAtLevel=1",
            f"-Djava.io.tmpdir={self.data}",  # native compression libraries unpack themselves there
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-cp",
            f"{libraries(POM, 'kafka')}/*",
            main,
            *arguments,
        ]

    def wait(self, deadline: float) -> None:
        """Return once a record was accepted; raise `UnavailableError` at `deadline`, a monotonic instant in seconds."""
        while (refused := refusal(self.address)) and time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise UnavailableError(
                    f"Kafka ended with {self.process.returncode} at its start; it said:\n{self.said()}"
                )
            time.sleep(0.1)
        if refused:
            raise UnavailableError(f"Kafka at {self.address} takes no records: {refused}; it said:\n{self.said()}")

    def said(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


def free_ports(count: int) -> list[int]:
    """So many ports of `PORTS` on the loopback interface that nobody listens on at this moment."""
    free: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise UnavailableError(f"fewer than {count} ports of {PORTS} are free on 127.0.0.1; end what listens there")


def until_we_end() -> list[str]:
    """What makes the kernel end the server when we are killed and cannot do it ourselves.

    The kernel takes the *thread* that started the process for its parent, so this is right in the main thread alone.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []
    return [setpriv, "--pdeathsig", "KILL"]


def jaas(user: str, password: str) -> str:
    login = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return f'{login} required username="{user}" password="{password}" user_{user}="{password}";'


def listens(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def refusal(address: str) -> str:
    """Why the broker takes no record for the probe topic, which is made if it is missing; empty if it takes one."""
    if not listens(address):
        return "nothing listens there"
    client: Config = {"bootstrap.servers": address, "log_level": 0, "socket.timeout.ms": 2000}
    admin = AdminClient(client)
    try:
        topic = NewTopic(PROBE, num_partitions=1, replication_factor=1)
        admin.create_topics([topic], request_timeout=2)[PROBE].result(3)
    except (KafkaException, TimeoutError) as error:
        if not error.args or error.args[0] != KafkaError.TOPIC_ALREADY_EXISTS:
            return f"topic {PROBE} not made: {error}"
    outcome = [f"no answer to a record for {PROBE}"]
    producer = Producer({**client, "message.timeout.ms": 2000, "linger.ms": 0, "acks": "all"})
    producer.produce(PROBE, b"", on_delivery=lambda error, _: outcome.append(str(error) if error else ""))
    producer.flush(3)
    return outcome[-1]


def main() -> int:
    """Run one broker in the foreground until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="make kafka", description="Apache Kafka in the foreground, on loopback.")
    parser.add_argument("--port", type=int, default=9092, help="where clients connect on 127.0.0.1 (9092)")
    parser.add_argument("--data", type=Path, default=cache() / "kafka-data", help="where records are kept")
    asked = parser.parse_args()
    if listens(f"127.0.0.1:{asked.port}"):
        print(f"kafka: something listens on 127.0.0.1:{asked.port} already; end it or give --port", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):  # both ways to ask for the end are one
        signal.signal(number, signal.default_int_handler)
    broker = Broker(asked.data, port=asked.port)
    try:
        keep(broker)
    except UnavailableError as unavailable:
        print(f"kafka: {unavailable}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    finally:
        broker.stop()
    return 0


def keep(broker: Broker) -> None:
    """Start the server and stay until it ends, which is `UnavailableError`: nobody else ends it."""
    print(f"Apache Kafka {version(POM, 'kafka')} starts; the first time its jars are fetched ...", flush=True)
    begun = time.monotonic()
    broker.start()
    print(f"It accepts records at {broker.address} after {time.monotonic() - begun:.1f} s.", flush=True)
    print(f"Its data is in {broker.data}, its log in {broker.log}. Ctrl-C ends it; the data stays.", flush=True)
    while broker.process is not None:
        try:
            ended = broker.process.wait(60)
        except subprocess.TimeoutExpired:
            continue
        raise UnavailableError(f"the server ended with {ended}; it said:\n{broker.said()}")


if __name__ == "__main__":
    sys.exit(main())
