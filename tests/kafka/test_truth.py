"""The verdict of the fault tests finds what it is there to find."""

import asyncio
from collections.abc import Iterator

import orjson
import pytest
from confluent_kafka import Producer

from agents.effects import BURN, INPUTS
from app.engine.kafka.records import changelog_json, version_of
from app.engine.kafka.topics import changelog_name
from tests.chaos.runs import write_log
from tests.kafka.broker import Broker
from tests.kafka.chaos import make_topics
from tests.kafka.feed import Feed
from tests.kafka.fleet import Fleet, Setup
from tests.kafka.truth import Cluster, Kept, Verdict, judge, settle

PARTITIONS = 2


@pytest.fixture(scope="module")
def at_rest(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A deployment that worked off a small firm and is at rest, its worker stopped."""
    data = tmp_path_factory.mktemp("truth")
    fleet = Fleet(Setup(broker.address, "truth", PARTITIONS, data))
    asyncio.run(make_topics(broker.address, "truth", PARTITIONS))
    log = write_log(data / "log.jsonl", 2_000, seed=5)
    feed = Feed(broker.address, "truth.", PARTITIONS, log.path.read_bytes().splitlines(), rate=10_000)
    fleet.join()
    try:
        feed.start()
        feed.finish()
        cluster = Cluster(broker.address, "truth")
        assert settle(cluster, seconds=60) == ""
        assert fleet.stop() == [0]
        yield cluster
    finally:
        feed.end()
        fleet.end()


def verdict(broker: Broker) -> Verdict:
    return judge(broker.address, "truth", PARTITIONS)


def write(broker: Broker, topic: str, one: Kept) -> None:
    producer = Producer({"bootstrap.servers": broker.address})
    producer.produce(topic, one.value, one.key, one.partition, headers=list(one.headers))
    assert producer.flush(10) == 0


# In this order: each tampers a little more.


def test_an_undisturbed_deployment_is_right(broker: Broker, at_rest: Cluster) -> None:
    assert verdict(broker).problems == []


def test_a_value_written_late_by_somebody_else_shows(broker: Broker, at_rest: Cluster) -> None:
    """What compaction keeps of a changelog is the last record, though the greatest version is still there."""
    topic = changelog_name("truth")
    last = at_rest.read(topic)[-1]
    other = changelog_json(last.value or b"") + b" "
    write(broker, topic, last._replace(value=version_of(0, 0) + other))
    (problem,) = verdict(broker).problems
    assert problem.startswith("the last record of a key is not the one of the greatest version: 1:")


def test_an_old_statement_said_again_shows(broker: Broker, at_rest: Cluster) -> None:
    """Made up here: whether any was said twice is a matter of pace."""
    last = at_rest.read("truth." + BURN)[-1]
    older = orjson.loads(last.value or b"")
    older["state_version"] -= 1
    older["unpriced_minutes"] += 1
    write(broker, "truth." + BURN, last._replace(value=orjson.dumps(older)))
    assert any(problem.startswith("the last statement differs: 1:") for problem in verdict(broker).problems)


def test_a_version_that_says_two_things_shows(broker: Broker, at_rest: Cluster) -> None:
    newest = max(at_rest.read("truth." + BURN), key=lambda one: orjson.loads(one.value or b"")["state_version"])
    other = orjson.loads(newest.value or b"")
    other["unpriced_minutes"] += 1
    write(broker, "truth." + BURN, newest._replace(value=orjson.dumps(other)))
    problems = verdict(broker).problems
    for said in ("the greatest statement differs", "an id has two payloads", "a version of a key says two things"):
        assert any(problem.startswith(said) for problem in problems), problems


def test_a_record_that_nobody_worked_off_shows(broker: Broker, at_rest: Cluster) -> None:
    write(broker, "truth." + INPUTS[0], Kept(0, 0, None, b"{}", (), 0))
    problems = verdict(broker).problems
    for said in ("dispositions add up to", "a dead letter is missing", "an offset is not the end"):
        assert any(problem.startswith(said) for problem in problems), problems
