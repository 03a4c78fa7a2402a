"""The checked-in schemas and the AsyncAPI document are what the models say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from app.events import schema
from app.events.catalogue import TOPICS, TYPES
from app.events.derived import DERIVED


def test_the_checked_in_files_have_not_drifted() -> None:
    assert schema.drift() == [], "run `make schema` and commit what changes"


def test_there_is_a_schema_for_every_type_and_one_asyncapi_document() -> None:
    assert set(schema.documents()) == {*(f"{name}.json" for name in (*TYPES, *DERIVED)), "asyncapi.json"}


def test_a_changed_a_missing_and_a_foreign_file_are_drift_until_written(tmp_path: Path) -> None:
    assert set(schema.write(tmp_path)) == set(schema.documents())
    (tmp_path / "time.approved.v1.json").write_bytes(b"{}")
    (tmp_path / "clock.ticked.v1.json").unlink()
    (tmp_path / "time.vanished.v1.json").write_bytes(b"{}")
    changed = ["clock.ticked.v1.json", "time.approved.v1.json", "time.vanished.v1.json"]
    assert schema.drift(tmp_path) == changed
    assert schema.write(tmp_path) == changed
    assert schema.drift(tmp_path) == []


def test_producers_may_add_fields_and_send_decimals_as_strings_or_numbers() -> None:
    written = orjson.loads(schema.documents()["rate.set.v1.json"])
    assert written.get("additionalProperties", True) is True
    assert {option["type"] for option in written["properties"]["amount"]["anyOf"]} == {"string", "number"}
    assert written["required"] == ["revision", "rate_id", "amount", "currency", "effective_from"]


def test_an_amendment_may_clear_with_null_only_what_a_contract_can_lack() -> None:
    fields = orjson.loads(schema.documents()["contract.amended.v1.json"])["properties"]
    assert {"type": "null"} in fields["practice"]["anyOf"]
    assert "null" not in str(fields["currency"])


def test_every_reference_in_the_documents_leads_somewhere() -> None:
    for name, content in schema.documents().items():
        document = orjson.loads(content)
        for reference in references(document):
            assert found(document, reference) is not None, f"{name}: {reference}"


def test_every_type_has_one_channel_and_one_headers_schema_that_tells_it_apart() -> None:
    document = schema.asyncapi()
    homes = [name for channel in document["channels"].values() for name in channel["messages"]]
    assert sorted(homes) == sorted([*TYPES, *DERIVED, *(["dead-letter"] * len(TOPICS))])
    for name in (*TYPES, *DERIVED):
        message = document["components"]["messages"][name]
        assert message["headers"]["properties"]["ce_type"] == {"const": name}
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert len(set(addresses)) == len(addresses)
    assert all(address.startswith("headrace.") for address in addresses)


def test_we_receive_inputs_and_send_what_is_derived() -> None:
    operations = schema.asyncapi()["operations"]
    received = {name for name, operation in operations.items() if operation["action"] == "receive"}
    assert received == {f"receive.{topic}" for topic in TOPICS}


def references(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("$ref"), str):
            yield tree["$ref"]
        for child in tree.values():
            yield from references(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from references(child)


def found(document: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for step in reference[2:].split("/"):
        document = document[step]
    return document
