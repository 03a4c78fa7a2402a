"""The contract with Faust: every name inside it, and inside aiokafka, that the Kafka host leans on.

What can be exercised without a broker is exercised, here and in `test_chain`; of the rest the source is remembered. A
test that fails after an upgrade does not say that anything is wrong: read what changed, see whether
`app/engine/kafka/hooks.py` still does what it says, then take the new fingerprint over and the new version into
`PINNED`, `pyproject.toml` and `requirements.lock`.
"""

from __future__ import annotations

import inspect
import tomllib
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import faust.transport.drivers.aiokafka as driver
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import BaseCoordinator, GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, TopicPartitionState
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.sender import BaseHandler, Sender, SendProduceReqHandler
from faust.app.base import App
from faust.assignor.partition_assignor import PartitionAssignor
from faust.events import Event
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport import consumer as transport
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message

from app.engine.kafka import hooks
from app.engine.kafka.lease import Lease
from tests.engine_kafka.steered import CHANGELOG, SOURCE, Steered, application, consumer_of, fetch, offsets

_ROOT = Path(__file__).parents[2]


# -- versions -----------------------------------------------------------------------------------------------------


def test_what_is_installed_is_what_the_hooks_know() -> None:
    hooks.verify()
    assert {name: version(name) for name in hooks.PINNED} == hooks.PINNED


def test_the_project_asks_for_these_versions_and_no_others() -> None:
    wanted = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = (_ROOT / "requirements.lock").read_text()
    for name, exact in hooks.PINNED.items():
        assert f"{name}=={exact}" in wanted
        assert f"\n{name}=={exact} " in locked


# -- fingerprints -------------------------------------------------------------------------------------------------


def fingerprint(named: Any) -> str:
    """Of the source of a function, a class, the getter of a property, or what a task of a Service runs."""
    inside = getattr(named, "fget", None) or getattr(named, "fun", None) or named
    return blake2b(inspect.getsource(inside).encode(), digest_size=6).hexdigest()


_KNOWN: list[tuple[Any, str]] = [
    (transport.Consumer.__init__, "5e3eb525dcb5"),
    (transport.Consumer.getmany, "5c87d5d37428"),
    (transport.Consumer._wait_next_records, "62b6a4fb3f1c"),
    (transport.Consumer._drain_messages, "b62bd6539aeb"),
    (transport.Consumer.perform_seek, "3abec3df46b4"),
    (transport.Consumer.seek, "d418f1d072e9"),
    (transport.Consumer.stop_flow, "3cdef0be226f"),
    (transport.Consumer.resume_flow, "ec1fff970fcf"),
    (transport.Consumer.ack, "386826236bb5"),
    (transport.Consumer._new_offset, "0a7caf14c0a2"),
    (transport.Consumer._should_commit, "c4a45ac66a56"),
    (transport.Consumer._filter_committable_offsets, "8697d17213c6"),
    (transport.Consumer._commit_offsets, "ba855c1ad21f"),
    (transport.Consumer.wait_empty, "75adf6c03e52"),
    (transport.Consumer.on_partitions_revoked, "bff85c032527"),
    (transport.Consumer.on_partitions_assigned, "cb323f47e1bb"),
    (transport.Consumer.on_stop, "f90ba1596099"),
    (driver.Consumer._to_message, "54f816ca1d22"),
    (driver.Consumer._new_consumer_thread, "991867355aba"),
    (driver.ConsumerRebalanceListener, "7dfbfdb8cd03"),
    (driver.AIOKafkaConsumerThread._create_worker_consumer, "9246a21942b3"),
    (driver.AIOKafkaConsumerThread._fetch_records, "8e15801cd1ae"),
    (driver.AIOKafkaConsumerThread.getmany, "658576cd5e11"),
    (driver.AIOKafkaConsumerThread.seek_to_committed, "f037ef0a4002"),
    (driver.AIOKafkaConsumerThread.earliest_offsets, "9e58f803d891"),
    (driver.AIOKafkaConsumerThread.highwater, "6b3ae8a0c6af"),
    (driver.AIOKafkaConsumerThread.commit, "a2bcb42a351d"),
    (Message.ack, "f544934d25a5"),
    (ConsumerMessage.on_final_ack, "7114c467d818"),
    (Event.ack, "74a70e010692"),
    (TableManager.recovery, "2b52459b4383"),
    (TableManager.on_start, "ff7f72f993a6"),
    (TableManager.on_rebalance, "6c39f409fe7a"),
    (Recovery.on_rebalance, "ccf60b5f1747"),
    (Recovery._restart_recovery, "8cff0a470388"),
    (Recovery._resume_streams, "65a824f3789d"),
    (Recovery._build_highwaters, "e325e558d2b6"),
    (Recovery._build_offsets, "2f47238c12aa"),
    (Recovery.need_recovery, "b941264a6522"),
    (Recovery.on_recovery_completed, "8952e57ca77c"),
    (Recovery._wait, "a17ce9f74487"),
    (App._on_partitions_revoked, "289e06db160c"),
    (App._on_partitions_assigned, "87d6dabfbdaf"),
    (App._stop_consumer, "f6eba0a41adf"),
    (App.on_rebalance_start, "1eab75571cdc"),
    (PartitionAssignor.changelog_distribution, "20d4325e55eb"),
    (PartitionAssignor.on_assignment, "a0d2c87668c9"),
    (BaseCoordinator, "cea362436a66"),
    (GroupCoordinator._do_heartbeat, "e9a9a9516623"),
    (GroupCoordinator._heartbeat_routine, "0c4b6cf1f0df"),
    (GroupCoordinator._maybe_leave_group, "9b75c3fa6001"),
    (GroupCoordinator.close, "8dcb7ee2a251"),
    (GroupCoordinator.need_rejoin, "4bd684fb9846"),
    (GroupCoordinator.request_rejoin, "e8a7d9edf086"),
    (TopicPartitionState, "1f45e8404ed7"),
    (Assignment, "081dad2e2b67"),
    (create_conn, "8103bcf65f55"),
    (collect_hosts, "bf63c2d164c8"),
    (AIOKafkaClient.bootstrap, "5cea6d39e98e"),
    (AIOKafkaConsumer.start, "29e48f52197b"),
    (AIOKafkaConsumer.seek_to_committed, "1c44c254fdbb"),
    (Fetcher.fetched_records, "377ee3925c9f"),
    (hooks._Records.__bases__[0], "6cea7630af76"),
    (Fetcher._proc_fetch_request, "120083e326eb"),
    (GroupCoordinator._do_fetch_commit_offsets, "8d91a185a480"),
    (GroupCoordinator._push_error_to_user, "466858df8ba7"),
    (GroupCoordinator._send_req, "9def76135c72"),
    (PartitionAssignor._perform_assignment, "93413c5e7061"),
    (AIOKafkaAdminClient.find_coordinator, "1badc818f898"),
    (AIOKafkaAdminClient._send_request, "5b5098edbf7c"),
    (AIOKafkaProducer.send_batch, "94a05520ee3c"),
    (MessageAccumulator.add_batch, "d833a80f6fa3"),
    (Sender._send_produce_req, "9693c30e1aa0"),
]


@pytest.mark.parametrize(("named", "known"), _KNOWN, ids=lambda value: getattr(value, "__qualname__", ""))
def test_the_insides_are_as_they_were_read(named: Any, known: str) -> None:
    assert fingerprint(named) == known


def test_who_overrides_what() -> None:
    # A method of ours that Faust no longer calls by this name would be dead without a word.
    ours = hooks.transport(Steered(), lambda consumer: None).Consumer
    for name in ("resume_flow", "getmany", "perform_seek", "on_partitions_revoked", "_new_offset"):
        assert name in vars(hooks._ChainedConsumer)
        assert callable(getattr(driver.Consumer, name)), name
        mine, theirs = (list(inspect.signature(getattr(one, name)).parameters) for one in (ours, driver.Consumer))
        assert mine == theirs, name
    assert isinstance(inspect.getattr_static(TableManager, "recovery"), property)


# -- Faust's consumer ---------------------------------------------------------------------------------------------


async def test_acknowledged_offsets_are_where_the_chain_looks_for_them(tmp_path: Path) -> None:
    tp = TP(SOURCE, 0)
    consumer = consumer_of(application(Steered(), tmp_path), {tp: [0, 1, 2]})
    consumer.resume_flow()
    (message,) = await fetch(consumer)
    assert isinstance(message, Message)
    message.ack(consumer)
    assert (consumer._acked_index[tp], consumer._acked[tp]) == ({2}, [2])
    assert consumer._new_offset(tp) == 3
    assert (consumer._acked_index[tp], consumer._acked[tp]) == (set(), [])


async def test_a_message_carries_the_record_batch_as_its_value(tmp_path: Path) -> None:
    app = application(Steered(), tmp_path)
    consumer = consumer_of(app, {TP(SOURCE, 0): [0, 1]})
    consumer.resume_flow()
    (message,) = await fetch(consumer)
    topic = app.topic(SOURCE, schema=hooks.BatchSchema(), value_type=bytes)
    event = await topic.decode(message)
    assert isinstance(event, Event)
    assert isinstance(event.value, hooks.RecordBatch)
    assert (event.value.first, event.value.offset, event.value.topic) == (0, 1, SOURCE)


async def test_a_position_that_is_none_keeps_faust_from_looking_for_gaps(tmp_path: Path) -> None:
    tp = TP(SOURCE, 0)
    consumer = consumer_of(application(Steered(), tmp_path), {tp: [0, 1, 2, 3]})
    consumer.resume_flow()
    async for _ in consumer.getmany(timeout=0.1):
        assert consumer._read_offset[tp] is None
    assert "get_read_offset(tp)" in inspect.getsource(transport.Consumer._drain_messages)


async def test_without_our_chain_faust_commits_over_what_is_not_acknowledged(tmp_path: Path) -> None:
    # Why `_new_offset` is ours. The day this fails, Faust has learned to wait.
    tp = TP(SOURCE, 0)
    consumer = consumer_of(application(Steered(), tmp_path), {tp: list(range(6))})
    consumer.resume_flow()
    _, second = await fetch(consumer)
    second.ack(consumer)
    assert driver.Consumer._new_offset(consumer, tp) == 6


async def test_a_seek_to_what_is_committed_leaves_what_never_was_where_it_is(tmp_path: Path) -> None:
    tp = TP(SOURCE, 0)
    consumer = consumer_of(application(Steered(), tmp_path), {tp: [0, 1, 2]})
    consumer._thread.positions[tp] = 2
    await driver.Consumer.perform_seek(consumer)
    assert consumer._thread.positions[tp] == 2
    await consumer.perform_seek()
    assert consumer._thread.positions[tp] == 0


# -- recovery -----------------------------------------------------------------------------------------------------


async def recovered(app: Any, consumer: Any, steered: Steered) -> list[Any]:
    """Let Faust's own recovery run over an assignment of everything, until it says that the worker is ready."""
    changelogs = {tp for tp in consumer.assignment() if tp.topic == CHANGELOG}
    recovery = app.tables.recovery
    app.tables._changelogs[CHANGELOG] = app.tables["tables"]
    app.consumer_generation_id = 1
    recovery.recovery_delay = 0.0
    await recovery.start()
    for tp in changelogs:
        recovery.add_active(app.tables["tables"], tp)
    recovery._generation_id = 1
    recovery.signal_recovery_start.set()
    await recovery.completed.wait()
    app._fetcher._stopped.set()
    await recovery.stop()
    return steered.told


async def test_faust_finds_nothing_to_recover_and_our_load_comes_before_any_record(tmp_path: Path) -> None:
    steered = Steered()
    app = application(steered, tmp_path)
    source, changelog = TP(SOURCE, 1), TP(CHANGELOG, 1)
    consumer = consumer_of(app, {source: [0, 1], changelog: [0, 1, 2]})
    consumer.pause_partitions({source, changelog})
    steered.holding = False
    assert await recovered(app, consumer, steered) == [("load", {1})]
    assert not app.in_recovery
    assert changelog not in consumer._thread.fetched  # not one record of the changelog went through Faust
    assert source in consumer._active_partitions
    assert offsets(await fetch(consumer)) == [[0, 1]]


async def test_what_is_left_to_recover_is_the_difference_we_report(tmp_path: Path) -> None:
    app = application(Steered(), tmp_path)
    consumer = consumer_of(app, {TP(CHANGELOG, 0): [0, 1, 2]})
    recovery = app.tables.recovery
    tps = {TP(CHANGELOG, 0)}
    await recovery._build_highwaters(consumer, tps, recovery.active_highwaters, "active")
    recovery.active_offsets.update({TP(CHANGELOG, 0): 0})
    assert recovery.need_recovery()
    await recovery._build_offsets(consumer, tps, recovery.active_offsets, "active")
    assert not recovery.need_recovery()


def test_our_recovery_is_the_one_that_faust_starts(tmp_path: Path) -> None:
    app = application(Steered(), tmp_path)
    assert type(app.tables.recovery).__name__ == "Loading"
    assert isinstance(app.tables.recovery, Recovery)
    for name in ("_build_offsets", "on_recovery_completed"):
        ours, theirs = (inspect.signature(getattr(one, name)) for one in (type(app.tables.recovery), Recovery))
        assert list(ours.parameters) == list(theirs.parameters)


# -- the group ----------------------------------------------------------------------------------------------------


class Coordinator:
    """As much of aiokafka's coordinator as the lease listens to."""

    def __init__(self, answers: list[bool]) -> None:
        self.answers = answers
        self._rejoin_needed_fut = Promise()

    async def _do_heartbeat(self) -> bool:
        return self.answers.pop(0)


class Promise:
    finished = False

    def done(self) -> bool:
        return self.finished


async def test_only_a_heartbeat_that_was_answered_renews_the_lease() -> None:
    lease = Lease(10.0, 18.0)
    coordinator = Coordinator([False, True])
    hooks._hear_heartbeats(coordinator, lease)
    hooks._hear_heartbeats(coordinator, lease)  # once per coordinator, however often partitions are assigned
    assert await coordinator._do_heartbeat() is False
    assert lease._until is None
    assert await coordinator._do_heartbeat() is True
    assert lease._until is not None
    assert coordinator.answers == []


def test_a_heartbeat_answered_during_a_rebalance_counts_as_answered() -> None:
    # The lease then asks `_rejoin_needed_fut` whether the group waits for us.
    source = inspect.getsource(GroupCoordinator._do_heartbeat)
    rebalancing = source[source.index("RebalanceInProgressError") :]
    assert "self.request_rejoin()" in rebalancing[: rebalancing.index("return True")]
    assert "_rejoin_needed_fut.set_result" in inspect.getsource(GroupCoordinator.request_rejoin)


def test_a_member_with_a_name_leaves_the_group_only_without_it() -> None:
    source = inspect.getsource(GroupCoordinator._maybe_leave_group)
    assert "self._group_instance_id is None" in source
    assert "_maybe_leave_group()" in inspect.getsource(GroupCoordinator.close)


async def test_the_names_that_lag_and_membership_are_read_from_exist() -> None:
    place = TopicPartition("t", 0)
    assignment = Assignment([place])
    state = assignment.state_value(place)
    assert (state.lso, state.has_valid_position) == (None, False)
    state.reset_to(7)
    assert (state.has_valid_position, state.position) == (True, 7)
    assert assignment.state_value(TopicPartition("t", 1)) is None
    made = inspect.getsource(GroupCoordinator.__init__)
    assert "self._coordination_task = create_task(" in made
    assert list(inspect.signature(GroupCoordinator._maybe_leave_group).parameters) == ["self"]


def test_what_is_tuned_on_a_consumer_is_read_when_it_starts() -> None:
    source = inspect.getsource(AIOKafkaConsumer.start)
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in source
    assert "isolation_level=self._isolation_level" in source
    made = inspect.getsource(AIOKafkaConsumer.__init__)
    assert "self._fetch_max_wait_ms = fetch_max_wait_ms" in made
    assert "self._isolation_level = isolation_level" in made


async def test_the_lease_stands_before_everything_a_producer_sends() -> None:
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1")
    assert producer.client is producer._sender.client  # one client, so wrapping its `send` covers all requests
    await producer.stop()
    assert "self._sender.client.send(" in inspect.getsource(BaseHandler.do)
    assert issubclass(SendProduceReqHandler, BaseHandler)
