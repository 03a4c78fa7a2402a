"""JSON Schemas and the AsyncAPI document, generated from the models. The files under `schemas/` are checked in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from app.events.catalogue import TOPICS, TYPES
from app.events.derived import DERIVED

PREFIX: Final = "headrace."
DIRECTORY: Final = Path(__file__).parent / "schemas"
ASYNCAPI: Final = "asyncapi.json"

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_VERSION: Final = "1.0.0"
_KAFKA_BINDING: Final = "0.5.0"

Json = dict[str, Any]


def documents() -> dict[str, bytes]:
    """File name to content: a JSON Schema of `data` per type, and `asyncapi.json`."""
    types = {**{known.type: known.model for known in TYPES.values()}, **{k.type: k.model for k in DERIVED.values()}}
    written = {f"{name}.json": _written(_schema(name, model)) for name, model in types.items()}
    return {**written, ASYNCAPI: _written(asyncapi())}


def drift(directory: Path = DIRECTORY) -> list[str]:
    """The files that differ from what the models say, are missing, or belong to no type any more."""
    wanted = documents()
    present = {path.name: path.read_bytes() for path in directory.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(directory: Path = DIRECTORY) -> list[str]:
    """Make the files what the models say; returns the names of those that changed."""
    changed = drift(directory)
    wanted = documents()
    directory.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (directory / name).write_bytes(wanted[name])
        else:
            (directory / name).unlink()
    return changed


def asyncapi() -> Json:
    """AsyncAPI 3.0: a channel per topic, a message per type, the CloudEvents headers of binary mode as a trait."""
    models: set[type[BaseModel]] = {known.model for known in TYPES.values()}
    models |= {known.model for known in DERIVED.values()}
    ordered = sorted(models, key=lambda model: (model.__module__, model.__name__))
    references, schemas = models_json_schema(
        [(model, "validation") for model in ordered],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Plain,
    )
    payloads = {model: references[(model, "validation")] for model in ordered}
    messages = {known.type: _message(known.type, payloads[known.model], "Any.") for known in TYPES.values()}
    messages |= {known.type: _message(known.type, payloads[known.model], known.key) for known in DERIVED.values()}
    messages["dead-letter"] = _DEAD_LETTER
    channels, operations = _channels()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "headrace",
            "version": _VERSION,
            "description": "The live operational state of a services firm: what it reads and what it publishes.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "messageTraits": {"cloudevent": _TRAIT},
            "schemas": schemas["$defs"],
        },
    }


class _Plain(GenerateJsonSchema):
    """Schemas without what only repeats a field's name or says that what is absent is null."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Json:
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def _schema(name: str, model: type[BaseModel]) -> Json:
    schema = model.model_json_schema(schema_generator=_Plain)
    return {"$schema": _DIALECT, "$id": f"urn:headrace:{name}", **schema, "title": name}


def _channels() -> tuple[Json, Json]:
    channels: Json = {}
    operations: Json = {}
    for topic in TOPICS:
        of_topic = [known.type for known in TYPES.values() if known.topic == topic]
        channels[topic] = _channel(topic, of_topic, "Producers choose the key and the partitions.")
        operations[f"receive.{topic}"] = _operation("receive", topic)
    for topic in dict.fromkeys(known.topic for known in DERIVED.values()):
        of_topic = [known.type for known in DERIVED.values() if known.topic == topic]
        channels[topic] = _channel(topic, of_topic, "Of each key the highest state_version is the current statement.")
        operations[f"send.{topic}"] = _operation("send", topic)
    for topic in TOPICS:
        name = f"{topic}.dead-letters"
        channels[name] = _channel(name, ["dead-letter"], f"Records of {PREFIX}{topic} that were refused.")
        operations[f"send.{name}"] = _operation("send", name)
    return channels, operations


def _channel(topic: str, messages: list[str], description: str) -> Json:
    return {
        "address": PREFIX + topic,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": PREFIX + topic, "bindingVersion": _KAFKA_BINDING}},
    }


def _operation(action: str, topic: str) -> Json:
    return {"action": action, "channel": {"$ref": f"#/channels/{topic}"}}


def _message(name: str, payload: Json, key: str) -> Json:
    return {
        "name": name,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "headers": {"type": "object", "properties": {"ce_type": {"const": name}}},
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": _KAFKA_BINDING}},
    }


_FILLED: Final[Json] = {"type": "string", "minLength": 1}
_INSTANT: Final[Json] = {"type": "string", "format": "date-time"}
_TRAIT: Final[Json] = {
    "correlationId": {"location": "$message.header#/ce_correlationid"},
    "headers": {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {**_FILLED, "description": "With the source the identity of the message."},
            "ce_source": _FILLED,
            "ce_type": _FILLED,
            "ce_time": {**_INSTANT, "description": "When it happened."},
            "ce_recordedtime": {**_INSTANT, "description": "When the source recorded it; without it, ce_time."},
            "ce_acceptedtime": {**_INSTANT, "description": "In exports: when it entered the journal."},
            "ce_correlationid": {"type": "string", "description": "The business transaction."},
            "ce_causationid": {"type": "string", "description": "The direct cause."},
            "ce_subject": {"type": "string"},
            "content-type": {"const": "application/json"},
        },
    },
}
_DEAD_LETTER: Final[Json] = {
    "name": "dead-letter",
    "summary": "A refused record, its value and headers byte for byte, with further headers that say why.",
    "contentType": "application/octet-stream",
    "payload": {"description": "Whatever was sent."},
}


def _written(document: Json) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
