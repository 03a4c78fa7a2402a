"""Which topics a deployment has, and how each is kept."""

from __future__ import annotations

from agents.effects import DERIVED, JOURNALS
from app.engine.kafka.job import firm
from app.engine.kafka.topics import changelog_name, product
from app.engine.kafka.writer import MAX_RECORD
from app.events.reader import Reader

TOPICS = {topic.name: topic for topic in product("firm")}


def test_every_topic_of_a_group_begins_with_its_name() -> None:
    assert {name for name in TOPICS if not name.startswith("firm.")} == {"firm-tables-changelog"}
    assert changelog_name("firm") == "firm-tables-changelog"


def test_six_inputs_with_their_dead_letters_journals_derived_topics_and_one_changelog() -> None:
    assert len(TOPICS) == 6 + 6 + len(JOURNALS) + len(DERIVED) + 1
    assert {name.removesuffix(".dead-letters") for name in TOPICS if name.endswith(".dead-letters")} == {
        f"firm.{name}" for name in ("contracts", "timesheets", "staffing", "milestones", "erp-feedback", "reference")
    }


def test_the_moment_of_acceptance_is_the_brokers() -> None:
    assert TOPICS["firm.timesheets"].config["message.timestamp.type"] == "LogAppendTime"


def test_what_is_replayed_and_what_was_refused_is_kept_for_ever() -> None:
    for name in JOURNALS:
        kept = TOPICS[f"firm.{name}"].config
        assert (kept["cleanup.policy"], kept["retention.ms"], kept["retention.bytes"]) == ("delete", "-1", "-1")
    assert TOPICS["firm.contracts.dead-letters"].config["retention.ms"] == "-1"


def test_only_what_has_a_latest_value_per_key_is_compacted() -> None:
    assert {name for name, topic in TOPICS.items() if topic.policy == "compact"} == {
        *(f"firm.{name}" for name in DERIVED),
        "firm-tables-changelog",
    }
    for topic in TOPICS.values():
        assert topic.config.get("cleanup.policy", "delete") == topic.policy


def test_compaction_of_tables_waits_for_a_new_owner_to_repair_what_a_late_writer_covered() -> None:
    assert int(TOPICS["firm-tables-changelog"].config["min.compaction.lag.ms"]) == 10 * 60 * 1_000


def test_whatever_we_write_fits() -> None:
    for name, topic in TOPICS.items():
        if name.removeprefix("firm.") not in firm("firm", Reader()).seats[0].topics:
            assert topic.config["max.message.bytes"] == str(MAX_RECORD)


def test_every_topic_an_agent_reads_is_one_of_the_deployments() -> None:
    job = firm("firm", Reader())
    assert {job.prefix + name for seat in job.seats for name in seat.topics} <= TOPICS.keys()
    assert job.gapless == {f"firm.{name}" for name in JOURNALS}
    numbers = {seat.name: seat.number for seat in job.seats}  # they stand in every stored version: never renumber
    assert numbers.items() >= {"intake": 0, "facts": 1, "engagement": 2, "resource": 3, "practice": 4}.items()
    assert len(set(numbers.values())) == len(numbers)
