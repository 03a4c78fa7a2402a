"""What a worker must not go on with: it ends with a sentence, and nothing was acknowledged that was not delivered.

That nothing was lost shows in the end: once the cause is mended a worker goes on, and what it comes to is what a run
comes to that nobody disturbed.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from app.engine.kafka.topics import changelog_name, product
from app.engine.kafka.values import RocksValues
from tests.chaos.runs import write_log
from tests.kafka.broker import PASSWORD, USER, Broker
from tests.kafka.damage import Damage
from tests.kafka.feed import Feed
from tests.kafka.fleet import Membership, Setup, Worker
from tests.kafka.truth import Cluster, judge, settle

PARTITIONS = 2
EVENTS = 1_200
SEED = 20_260_401
REFUSE_SECONDS = 60.0
MISUSE = 2
HOPELESS = 78


def more(*topics: str) -> list[ParameterSet]:
    """Further cases of the same rule, left to `make chaos`."""
    return [pytest.param(topic, marks=pytest.mark.slow) for topic in topics]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Sequence[bytes]:
    return write_log(tmp_path_factory.mktemp("log") / "events.jsonl", EVENTS, SEED).path.read_bytes().splitlines()


class Deployment:
    """The topics of a group, and one worker at a time on them."""

    def __init__(self, broker: Broker, group: str, folder: Path, log: Sequence[bytes]) -> None:
        self.broker, self.group, self.folder = broker, group, folder
        self.damage = Damage(broker.address)
        self.cluster = Cluster(broker.address, group)
        self._lines = list(log)
        self.worker: Worker | None = None

    def name(self, topic: str) -> str:
        return f"{self.group}.{topic}"

    @property
    def changelog(self) -> str:
        return changelog_name(self.group)

    def start(self, store: str = "memory") -> Worker:
        setup = Setup(self.broker.address, self.group, PARTITIONS, self.folder, store, Membership.SUPERVISOR)
        self.worker = Worker(setup, 0)
        self.worker.start()
        return self.worker

    def feed(self, count: int = EVENTS // 3) -> None:
        """Publish the next events."""
        lines, self._lines = self._lines[:count], self._lines[count:]
        feed = Feed(self.broker.address, f"{self.group}.", PARTITIONS, lines, 20_000)
        feed.start()
        feed.finish()

    def rest(self) -> None:
        """Wait until everything is acknowledged."""
        assert settle(self.cluster, 60, quiet=1.5) == ""

    def stop(self) -> None:
        assert self.worker is not None
        self.worker.terminate()
        assert self.worker.wait() == 0

    def refused(self) -> str:
        """Wait until the worker gave up; the sentence it said."""
        assert self.worker is not None
        assert self.worker.supervisor is not None
        assert self.worker.supervisor.wait(REFUSE_SECONDS) == MISUSE
        self.worker.supervisor = None
        endings = [line for line in self.worker.said() if line.get("event") == "worker.ended"]
        assert endings[-1]["code"] == HOPELESS
        return str(endings[-1]["reason"])

    def exact(self) -> None:
        """Go on, publish what is left, and come to what an undisturbed run comes to."""
        self.start()
        self.feed(len(self._lines))
        self.rest()
        self.stop()
        assert judge(self.broker.address, self.group, PARTITIONS).problems == []

    def end(self) -> None:
        if self.worker is not None and self.worker.supervisor is not None:
            orphan = self.worker.kill()
            if orphan is not None:
                subprocess.run(["kill", "-9", str(orphan)], check=False)


@pytest.fixture
def deployment(broker: Broker, group: str, tmp_path: Path, log: Sequence[bytes]) -> Iterator[Deployment]:
    """One at work, with a third of the events behind it."""
    deployment = Deployment(broker, group, tmp_path, log)
    deployment.start()
    made = time.monotonic() + 30
    while not all(topic.name in topics(deployment) for topic in product(group)):
        assert time.monotonic() < made
        time.sleep(0.2)
    deployment.feed()
    deployment.rest()
    yield deployment
    deployment.end()


def topics(deployment: Deployment) -> set[str]:
    found: dict[str, Any] = deployment.damage._client.list_topics(timeout=10).topics
    return set(found)


# -- delivery -----------------------------------------------------------------------------------------------------


def test_a_record_that_its_topic_does_not_take(deployment: Deployment) -> None:
    journal = deployment.name("journal.facts")
    deployment.damage.configure(journal, {"max.message.bytes": "300"})
    deployment.feed()
    assert f"of {journal} has" in deployment.refused()
    late = deployment.cluster.ends([deployment.name("timesheets")])
    committed = deployment.cluster.committed()
    assert any(committed.get(place, 0) < end for place, end in late.items())  # what was refused is not acknowledged
    deployment.damage.configure(journal, {"max.message.bytes": str(8 << 20)})
    deployment.exact()


# -- topics that are gone -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ["staffing", *more("journal.engagements", "burn")])
def test_a_topic_that_is_deleted_while_a_worker_runs(deployment: Deployment, topic: str) -> None:
    deployment.damage.delete(deployment.name(topic))
    assert f"there is no topic {deployment.name(topic)}" in deployment.refused()


def test_a_changelog_that_is_deleted_while_a_worker_runs(deployment: Deployment) -> None:
    deployment.damage.delete(deployment.changelog)
    assert f"there is no topic {deployment.changelog}" in deployment.refused()


@pytest.mark.parametrize("topic", ["staffing", *more("journal.engagements", "burn")])
def test_a_topic_that_was_deleted_meanwhile_is_not_quietly_made_anew(deployment: Deployment, topic: str) -> None:
    deployment.stop()
    deployment.damage.delete(deployment.name(topic))
    deployment.start()
    assert f"there is no topic {deployment.name(topic)}: restore what was deleted" in deployment.refused()
    assert deployment.name(topic) not in topics(deployment)


@pytest.mark.parametrize("topic", ["staffing", *more("timesheets", "journal.facts", "journal.engagements")])
def test_an_empty_topic_in_the_place_of_one_that_was_read(deployment: Deployment, topic: str) -> None:
    deployment.stop()
    name = deployment.name(topic)
    deployment.damage.delete(name)
    deployment.damage.make(name, PARTITIONS, {})
    deployment.start()
    said = deployment.refused()
    assert said.startswith(f"{name} partition ")
    assert "the topic was deleted or cut" in said


def test_a_topic_that_is_deleted_and_made_anew_while_a_worker_runs(deployment: Deployment) -> None:
    name = deployment.name("timesheets")
    deployment.damage.delete(name)
    deployment.damage.make(name, PARTITIONS, {})
    said = deployment.refused()
    assert name in said
    assert "deleted" in said


def test_what_is_said_is_said_again_once_its_topic_is_made_anew(deployment: Deployment) -> None:
    deployment.stop()
    for topic in ("burn", "burn.thresholds", "readiness"):
        deployment.damage.delete(deployment.name(topic))
        deployment.damage.make(deployment.name(topic), PARTITIONS, {"cleanup.policy": "compact"})
    deployment.exact()


# -- the changelog ------------------------------------------------------------------------------------------------


def anew(deployment: Deployment) -> None:
    """The mending of a changelog that has lost something: begin again without it, from the journals."""
    (made,) = (topic for topic in product(deployment.group) if topic.name == deployment.changelog)
    deployment.damage.delete(made.name)
    deployment.damage.make(made.name, PARTITIONS, made.config)
    deployment.damage.forget(deployment.group)


def test_a_changelog_that_was_cut(deployment: Deployment) -> None:
    deployment.stop()
    # A broker deletes nothing from a topic that is only compacted: somebody must have changed that for a while.
    deployment.damage.configure(deployment.changelog, {"cleanup.policy": "compact,delete"})
    deployment.damage.cut(deployment.changelog, 1, before=3)
    deployment.damage.configure(deployment.changelog, {"cleanup.policy": "compact"})
    deployment.start()
    assert deployment.refused().startswith(f"{deployment.changelog} partition 1 begins at 3, not at 0")
    anew(deployment)
    deployment.exact()


def test_an_empty_changelog_in_the_place_of_a_full_one(deployment: Deployment) -> None:
    deployment.stop()
    deployment.damage.delete(deployment.changelog)
    deployment.damage.make(deployment.changelog, PARTITIONS, {"cleanup.policy": "compact"})
    deployment.start()
    said = deployment.refused()
    assert said.startswith(f"{deployment.changelog} partition ")
    assert "holds nothing of what was made of" in said
    anew(deployment)
    deployment.exact()


def test_a_changelog_that_would_be_deleted_by_age(deployment: Deployment) -> None:
    deployment.damage.configure(deployment.changelog, {"cleanup.policy": "delete"})
    assert f"{deployment.changelog} has cleanup.policy=delete, it must be compact" in deployment.refused()
    deployment.damage.configure(deployment.changelog, {"cleanup.policy": "compact"})
    deployment.exact()


# -- records that are gone ----------------------------------------------------------------------------------------


def test_records_that_were_deleted_before_they_were_read(deployment: Deployment) -> None:
    deployment.stop()
    deployment.feed()
    name = deployment.name("timesheets")
    ends = deployment.cluster.ends([name])
    deployment.damage.cut(name, 0, before=ends[name, 0])
    deployment.start()
    read = deployment.cluster.committed()[name, 0]
    assert f"{name} partition 0 begins at {ends[name, 0]}, but was read up to {read} only" in deployment.refused()
    wait(lambda: not deployment.damage.members(deployment.group))
    deployment.damage.move(deployment.group, name, 0, ends[name, 0])
    deployment.start()
    deployment.feed()
    deployment.rest()
    deployment.stop()


def test_a_journal_that_has_lost_its_beginning_rebuilds_nothing(deployment: Deployment) -> None:
    deployment.stop()
    name = deployment.name("journal.facts")
    deployment.damage.cut(name, 0, before=2)
    anew(deployment)
    deployment.start()
    assert f"{name} partition 0 begins at 2, but was read up to 0 only" in deployment.refused()


# -- partitions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ["timesheets", *more("journal.facts", "burn")])
def test_a_topic_that_gets_more_partitions(deployment: Deployment, topic: str) -> None:
    deployment.damage.widen(deployment.name(topic), PARTITIONS + 1)
    said = deployment.refused()
    assert f"topic {deployment.name(topic)} has {PARTITIONS + 1} partitions, {PARTITIONS} are needed" in said


def test_a_topic_made_beforehand_with_another_number_of_partitions(
    broker: Broker, group: str, tmp_path: Path, log: Sequence[bytes]
) -> None:
    deployment = Deployment(broker, group, tmp_path, log)
    deployment.damage.make(deployment.name("timesheets"), 3, {})
    deployment.start()
    assert f"topic {deployment.name('timesheets')} has 3 partitions, {PARTITIONS} are needed" in deployment.refused()
    deployment.damage.delete(deployment.name("timesheets"))
    deployment.damage.make(deployment.name("timesheets"), PARTITIONS, {"message.timestamp.type": "LogAppendTime"})
    deployment.exact()


# -- tables on disk -----------------------------------------------------------------------------------------------


def test_tables_on_disk_begin_where_they_ended(deployment: Deployment) -> None:
    deployment.stop()
    assert deployment.start("rocksdb")
    deployment.feed()
    deployment.rest()
    deployment.stop()
    worker = deployment.start("rocksdb")
    wait(lambda: len(loads(worker)) == 3)
    assert loads(worker)[-1] == 0  # records read of the changelog
    deployment.stop()
    deployment.exact()


def loads(worker: Worker) -> list[int]:
    return [line["records"] for line in worker.said() if line.get("event") == "slices.loaded"]


def wait(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_tables_on_disk_that_another_process_has_open(deployment: Deployment) -> None:
    deployment.stop()
    held = RocksValues(deployment.folder / "tables-0" / deployment.group / "slice-1")
    deployment.start("rocksdb")
    assert "slice-1 cannot be opened" in deployment.refused()
    held.close()
    deployment.exact()


# -- the way in ---------------------------------------------------------------------------------------------------


def test_without_a_broker_it_is_tried_again_until_there_is_one(
    group: str, tmp_path: Path, log: Sequence[bytes]
) -> None:
    broker = Broker(tmp_path / "broker")
    deployment = Deployment(broker, group, tmp_path, log)
    worker = deployment.start()
    wait(lambda: sum(line.get("event") == "worker.restarts" for line in worker.said()) >= 2)
    pauses = [line["pause"] for line in worker.said() if line.get("event") == "worker.restarts"]
    assert pauses[0] <= 0.2
    codes = {line["code"] for line in worker.said() if line.get("event") == "worker.ended"}
    assert codes == {75}
    broker.start()
    try:
        wait(lambda: loads(worker) != [])
    finally:
        deployment.end()
        broker.stop()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("secured"), secured=True)
    broker.start()
    yield broker
    broker.stop()


class Stranger(Worker):
    """A worker that connects with settings of its own."""

    def __init__(self, address: str, group: str, folder: Path, **settings: str) -> None:
        super().__init__(Setup(address, group, PARTITIONS, folder), 0)
        self.settings = {f"HEADRACE_KAFKA_{name.upper()}": value for name, value in settings.items()}

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), **self.settings}

    def gave_up(self) -> str:
        self.start()
        assert self.supervisor is not None
        assert self.supervisor.wait(REFUSE_SECONDS) == MISUSE
        self.supervisor = None
        said = list(self.said())
        assert PASSWORD not in str(said)
        return str(next(line["reason"] for line in said if line.get("code") == HOPELESS))


def test_a_password_that_the_broker_does_not_know(secured: Broker, group: str, tmp_path: Path) -> None:
    wrong = Stranger(
        secured.sasl_address,
        group,
        tmp_path,
        security_protocol="SASL_PLAINTEXT",
        sasl_username=USER,
        sasl_password=f"{PASSWORD}?",
    )
    said = wrong.gave_up()
    assert said.startswith(f"the broker at {secured.sasl_address} does not let us in")
    assert "HEADRACE_KAFKA_SASL_*" in said


def test_a_broker_whose_certificate_nobody_vouches_for(secured: Broker, group: str, tmp_path: Path) -> None:
    own = secured.certificates
    wrong = Stranger(
        secured.ssl_address,
        group,
        tmp_path,
        security_protocol="SSL",
        ssl_cafile=str(own.stranger),
        ssl_certfile=str(own.client),
        ssl_keyfile=str(own.key(own.client)),
    )
    said = wrong.gave_up()
    assert secured.ssl_address in said
    assert "HEADRACE_KAFKA_SSL_*" in said


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SSL"])
def test_with_the_right_credentials_it_works(secured: Broker, group: str, tmp_path: Path, protocol: str) -> None:
    own = secured.certificates
    if protocol == "SSL":
        address = secured.ssl_address
        files = {"cafile": own.authority, "certfile": own.client, "keyfile": own.key(own.client)}
        settings = {f"ssl_{name}": str(path) for name, path in files.items()}
    else:
        address = secured.sasl_address
        settings = {"sasl_username": USER, "sasl_password": PASSWORD}
    worker = Stranger(address, group, tmp_path, security_protocol=protocol, **settings)
    worker.start()
    try:
        wait(lambda: loads(worker) != [])
        worker.terminate()
        assert worker.wait() == 0
    finally:
        if worker.supervisor is not None:
            worker.kill()
