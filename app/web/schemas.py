"""JSON Schemas (draft 2020-12) of the bodies, for the OpenAPI document. Objects are open: fields may be added."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.events.derived import (
    BurnForecastUpdated,
    BurnUpdated,
    DemandGapUpdated,
    ForecastRecord,
    ReadinessUpdated,
    RevenueHinted,
    ScoredForecast,
    UtilizationWeekUpdated,
)
from app.web.handlers.contracts import CONTRACT_STATUSES
from app.web.handlers.readiness import STATES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
AMOUNT: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "description": "An exact decimal."}
ANYTHING: Schema = {"type": "object"}


def maybe(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def record(properties: dict[str, Schema], about: str = "") -> Schema:
    """An object that has all of these and may have more."""
    described = {"description": about} if about else {}
    return {"type": "object", **described, "properties": properties, "required": list(properties)}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def table(*parts: Schema) -> Schema:
    """An answer from the tables: its own fields beside those of every table answer."""
    return {"allOf": [*parts, ref("Meta")]}


def compared(name: str) -> Schema:
    """The rows of a subject without the events and with them, and every figure that differs."""
    change = record(
        {"row": TEXT, "key": maybe(TEXT), "figure": TEXT, "before": {}, "after": {}, "difference": {}},
        "`difference` is after less before of numbers, null of anything else.",
    )
    return record({name: TEXT, "changes": array(change), "before": ANYTHING, "after": ANYTHING})


def listing(item: Schema) -> Schema:
    """One page of a list."""
    return table(record({"items": array(item), "next": maybe(TEXT)}, "`next` is the cursor of the page that follows."))


def catalogued(*models: type[BaseModel]) -> dict[str, Schema]:
    """The catalogue's own schemas of derived events, with those of their parts, by name."""
    asked: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in models]
    _, document = models_json_schema(asked, ref_template="#/components/schemas/{model}")
    definitions: dict[str, Schema] = document["$defs"]
    return definitions


# What a statement says of itself; an answer says it once, of all its rows.
_ENVELOPE = frozenset({"engine_version", "state_version", "correlationid", "causationid"})


def row_of(model: type[BaseModel], **others: Schema) -> Schema:
    """The figures of a statement as they stand in a list, with some fields described otherwise."""
    schema = catalogued(model)[model.__name__]
    properties = {name: part for name, part in schema["properties"].items() if name not in _ENVELOPE}
    return {
        **schema,
        "properties": {**properties, **others},
        "required": [name for name in schema["required"] if name not in _ENVELOPE],
    }


MINUTES: Schema = {"anyOf": [WHOLE, AMOUNT], "description": "Whole, or a decimal string where they became fractional."}
TIME_AND_MONEY = record({"minutes": maybe(MINUTES), "amount": maybe(AMOUNT)})
KNOWN_AT = record({"known_at": maybe(INSTANT)})

META = record(
    {
        "as_of": maybe(DAY),
        "watermark": maybe(INSTANT),
        "stale": FLAG,
        "partitions_answered": WHOLE,
        "partitions_total": WHOLE,
        "state_version": WHOLE,
        "engine_version": TEXT,
    },
    "What every table answer says: as of which business date, up to which event, and from how much of the tables.",
)
BLOCKER = record({"code": TEXT, "tier": TEXT, "count": WHOLE, "amount": maybe(AMOUNT)})
CONTRACT_ROW = record(
    {
        "contract_id": TEXT,
        "name": maybe(TEXT),
        "client_id": maybe(TEXT),
        "status": {"enum": list(CONTRACT_STATUSES)},
        "currency": maybe(TEXT),
        "burn": ref("BurnRow"),
        "readiness": record({"state": {"enum": list(STATES)}, "blockers": array(BLOCKER)}),
        "cap": maybe(TIME_AND_MONEY),
        "weeks": array(AMOUNT),
        "urgency": {"type": "number"},
    },
    "`weeks` are the approved amounts of the last 13, the oldest first; a greater `urgency` is more urgent.",
)
ENTRY = record(
    {
        "entry_id": TEXT,
        "work_date": DAY,
        "resource_id": TEXT,
        "line_id": maybe(TEXT),
        "minutes": WHOLE,
        "billable_minutes": WHOLE,
        "billable": FLAG,
        "status": TEXT,
        "amount": maybe(AMOUNT),
        "rate": maybe(AMOUNT),
        "rate_id": maybe(TEXT),
        "revision": WHOLE,
        "source": TEXT,
        "event_id": TEXT,
    }
)
UNLOCK = record(
    {
        "contract_id": TEXT,
        "client_id": maybe(TEXT),
        "currency": maybe(TEXT),
        "code": TEXT,
        "tier": TEXT,
        "scope": TEXT,
        "owner": TEXT,
        "line_id": maybe(TEXT),
        "period": maybe(TEXT),
        "count": WHOLE,
        "amount": AMOUNT,
        "since": maybe(INSTANT),
        "evidence": array(TEXT),
        "fix": TEXT,
        "says": TEXT,
        "behind": array(TEXT),
        "ready_on": maybe(DAY),
        "expected_on": maybe(DAY),
    },
    "One fix. `amount` becomes ready with it alone if `behind` is empty; else those blockers must go too.",
)
DRIFT = record(
    {
        "kind": {"enum": ["entry", "invoiced", "version", "margin"]},
        "system": TEXT,
        "cause": TEXT,
        "contract_id": maybe(TEXT),
        "id": TEXT,
        "field": TEXT,
        "engine": {},
        "other": {},
        "behind": array(TEXT),
        "row": maybe(TEXT),
    },
    "One difference: `engine` and `other` are the values; `behind` are the events of the one, `row` that of the other.",
)
RECONCILED = record(
    {
        "extracts": array(
            record(
                {
                    "system": TEXT,
                    "number": WHOLE,
                    "name": maybe(TEXT),
                    "taken_at": INSTANT,
                    "entries": WHOLE,
                    "lines": WHOLE,
                }
            )
        ),
        "agrees": FLAG,
        "compared": ANYTHING,
        "causes": array(record({"cause": TEXT, "count": WHOLE, "meaning": TEXT})),
        "unacknowledged": array(
            record({"currency": TEXT, "age": TEXT, "entries": WHOLE, "amount": TEXT, "oldest": TEXT, "days": WHOLE})
        ),
    }
)
OWNED = record(
    {"owner": TEXT, "currency": TEXT, "fixes": WHOLE, "amount": AMOUNT},
    "The cash that waits for an owner; of blockers that hold the same cash the largest counts, once.",
)
EXCEPTION = record(
    {
        "exception_id": TEXT,
        "kind": {"enum": ["conflict", "staffing", "parked", "blocker", "document", "dead_letter"]},
        "code": TEXT,
        "tier": TEXT,
        "owner": TEXT,
        "subject": TEXT,
        "message": TEXT,
        "amount": maybe(AMOUNT),
        "currency": maybe(TEXT),
        "since": maybe(INSTANT),
        "age_seconds": maybe(WHOLE),
        "due": maybe(INSTANT),
        "overdue": FLAG,
        "evidence": array(TEXT),
        "fingerprint": TEXT,
        "status": {"enum": ["open", "claimed", "resent", "resolved"]},
        "claimed_by": maybe(TEXT),
        "comments": array(record({"by": TEXT, "at": maybe(INSTANT), "text": TEXT})),
        "retries": WHOLE,
        "resent": maybe(ANYTHING),
        "resolution": maybe(ANYTHING),
        "revision": WHOLE,
    },
    "Something to act on, with its case. Age and due moment are by the latest event that was counted.",
)
GROUP = record(
    {
        "fingerprint": TEXT,
        "kind": TEXT,
        "code": TEXT,
        "tier": TEXT,
        "owner": TEXT,
        "message": TEXT,
        "count": WHOLE,
        "overdue": WHOLE,
        "since": maybe(INSTANT),
        "exception_ids": array(TEXT),
    }
)
PLACE = record(
    {
        "role": maybe(TEXT),
        "practice": maybe(TEXT),
        "region": maybe(TEXT),
        "weekly_minutes": maybe(WHOLE),
        "working_days": maybe(array(WHOLE)),
        "target_ratio": maybe(AMOUNT),
        "employed_from": maybe(DAY),
        "employed_to": maybe(DAY),
    },
    "What somebody is from a day on; nulls before the first one.",
)
WEEKS = record({"weeks": array(ref("Week"))})
ALERT = record(
    {
        "resource_id": TEXT,
        "as_of": DAY,
        "role": maybe(TEXT),
        "practice": maybe(TEXT),
        "region": maybe(TEXT),
        "bench": maybe(record({"from_week": TEXT, "weeks": WHOLE, "free_minutes": MINUTES})),
        "roll_off": maybe(record({"last_week": TEXT})),
        "stale": maybe(record({"data_age_days": maybe(WHOLE), "limit_days": WHOLE})),
    },
    "Who will soon have nothing to do, or has a forecast that rests on old word; null where there is none of it.",
)
SUBJECT = record({"kind": {"enum": ["resource", "role", "practice", "region", "firm"]}, "id": TEXT})
BOOKING = record(
    {
        "assignment_id": TEXT,
        "contract_id": TEXT,
        "booking": {"enum": ["hard", "soft", "proposed"]},
        "probability_ratio": AMOUNT,
        "billable": FLAG,
        "from": DAY,
        "to": DAY,
        "minutes_per_week": maybe(WHOLE),
        "minutes_total": maybe(WHOLE),
    }
)
LEAVE = record({"leave_id": TEXT, "from": DAY, "to": DAY, "minutes_per_day": maybe(WHOLE)})
CELL = record(
    {
        "resource_id": TEXT,
        "days": array(
            record(
                {
                    "on": DAY,
                    "gross_minutes": MINUTES,
                    "holiday_minutes": MINUTES,
                    "leave_minutes": MINUTES,
                    "capacity_minutes": MINUTES,
                    "actual_minutes": WHOLE,
                }
            )
        ),
        "bookings": array({"allOf": [BOOKING, record({"gross_minutes": MINUTES, "net_minutes": MINUTES})]}),
        "leave": array(LEAVE),
        "entries": array(
            record(
                {"entry_id": TEXT, "work_date": DAY, "minutes": WHOLE, "status": TEXT, "class": TEXT, "counts": FLAG}
            )
        ),
    },
    "`counts`: the entry is among the actual minutes. Minutes of a booking are those of this week.",
)
HEARD = record({"target": maybe(TEXT), "status": TEXT, "erp_id": maybe(TEXT), "reason": maybe(TEXT)})
PROJECT = record(
    {
        "state": {"enum": ["pending", "accepted", "rejected"]},
        "contract_version": WHOLE,
        "accepted_version": maybe(WHOLE),
        "target": maybe(TEXT),
        "erp_id": maybe(TEXT),
        "reason": maybe(TEXT),
        "since": maybe(TEXT),
    },
    "The contract's project in ERP, of the version in force.",
)
DOCUMENT = record(
    {
        "document_key": TEXT,
        "revision": WHOLE,
        "type": {"enum": ["billing.proposed.v1", "billing.adjusted.v1"]},
        "contract_id": TEXT,
        "period": TEXT,
        "kind": TEXT,
        "currency": TEXT,
        "held": FLAG,
        "acknowledged": array(
            record(
                {"target": TEXT, "revision": WHOLE, "status": TEXT, "erp_id": maybe(TEXT), "reason": maybe(TEXT)},
                "What an ERP said last of the highest revision it spoke of.",
            )
        ),
    },
    "A proposal has `lines` and `total`, an adjustment `credit`, `rebill` and `net`: see /asyncapi.json.",
)
DOCUMENT["properties"]["delivery"] = maybe(
    record(
        {
            "state": {"enum": ["waiting", "sent", "late", "acknowledged", "rejected"]},
            "target": maybe(TEXT),
            "why": maybe(TEXT),
            "since": maybe(TEXT),
            "revision": maybe(WHOLE),
            "sent_at": maybe(TEXT),
            "attempts": WHOLE,
            "waited_seconds": WHOLE,
        },
        "Where it is on its way to ERP now; there is none in an answer that is known at an instant.",
    )
)
EXPLANATION = record(
    {
        "figure": TEXT,
        "value": {},
        "unit": TEXT,
        "formula": TEXT,
        "rules": array(TEXT),
        "steps": array(ANYTHING),
        "steps_total": WHOLE,
        "recomputed": {},
        "agrees": FLAG,
        "parts": array(ANYTHING),
    },
    "`recomputed` is the figure again, from the steps; `parts` are the figures that steps name, explained alike;"
    " `agrees` says whether it is the one the tables hold, and so are they.",
)
EVENT = record(
    {"specversion": {"const": "1.0"}, "id": TEXT, "source": TEXT, "type": TEXT, "time": INSTANT, "data": ANYTHING},
    "A CloudEvent; /asyncapi.json says what the data of each type is.",
)
RECEIPT = record(
    {
        "status": {"enum": ["accepted", "refused"]},
        "id": maybe(TEXT),
        "source": maybe(TEXT),
        "code": maybe(TEXT),
        "detail": maybe(TEXT),
        "pointer": maybe(TEXT),
        "topic": maybe(TEXT),
        "partition": maybe(WHOLE),
        "offset": maybe(WHOLE),
    },
    "What became of one event, and where it is kept, refused or not.",
)
PROBLEM = record(
    {"type": {"type": "string", "format": "uri-reference"}, "title": TEXT, "status": WHOLE, "code": TEXT},
    "RFC 9457. `errors` lists what is wrong, each with a parameter or a pointer, a code and a detail.",
)

SCHEMAS: dict[str, Schema] = {
    "Anything": ANYTHING,
    "Meta": META,
    **catalogued(BurnUpdated, ReadinessUpdated, BurnForecastUpdated),
    "BurnRow": row_of(BurnUpdated),
    "ReadinessRow": row_of(ReadinessUpdated),
    "RevenueRow": row_of(RevenueHinted),
    **catalogued(ForecastRecord, ScoredForecast),
    "Week": row_of(UtilizationWeekUpdated, subject=SUBJECT),
    "Gap": row_of(DemandGapUpdated),
    "ContractRow": CONTRACT_ROW,
    "Entry": ENTRY,
    "Overview": table(ANYTHING),
    "Contract": table(
        ref("ContractRow"),
        record({"lines": array(ANYTHING), "versions": array(ANYTHING), "erp_project": maybe(PROJECT)}),
    ),
    "ContractList": listing(ref("ContractRow")),
    "ContractBurn": table(ref("BurnUpdated"), KNOWN_AT, record({"lines": array(ref("BurnRow"))})),
    "BurnList": listing(ref("BurnRow")),
    "ContractReadiness": table(ref("ReadinessUpdated"), KNOWN_AT),
    "ContractForecast": table(ref("BurnForecastUpdated"), KNOWN_AT),
    "ContractRevenue": table(KNOWN_AT, record({"contract_id": TEXT, "items": array(ref("RevenueRow"))})),
    "ReadinessList": listing(ref("ReadinessRow")),
    "ContractDocuments": table(KNOWN_AT, record({"contract_id": TEXT, "items": array(DOCUMENT)})),
    "Document": table(DOCUMENT),
    "DocumentList": listing(DOCUMENT),
    "UnlockList": {"allOf": [listing(UNLOCK), record({"owners": array(OWNED)})]},
    "DriftList": {"allOf": [listing(DRIFT), RECONCILED]},
    "EntryList": listing(ref("Entry")),
    "Daily": table(
        record(
            {
                "contract_id": TEXT,
                "days": array(record({"on": DAY, "minutes": WHOLE, "amount": AMOUNT})),
                "budget": array(record({"from": maybe(DAY), "minutes": maybe(WHOLE), "amount": maybe(AMOUNT)})),
            }
        )
    ),
    "AccuracyList": {
        "allOf": [
            listing(
                record(
                    {
                        "id": TEXT,
                        "record": array(ref("ForecastRecord")),
                        "weeks": array(record({"week": TEXT, "over": FLAG, "forecasts": array(ref("ScoredForecast"))})),
                    }
                )
            ),
            KNOWN_AT,
        ]
    },
    "ResourceRow": {"allOf": [record({"resource_id": TEXT}), PLACE, WEEKS]},
    "ResourceList": {"allOf": [listing(ref("ResourceRow")), KNOWN_AT]},
    "AlertList": {"allOf": [listing(ALERT), KNOWN_AT]},
    "Resource": table(
        ref("ResourceRow"),
        KNOWN_AT,
        record({"places": array(PLACE), "bookings": array(BOOKING), "leave": array(LEAVE)}),
    ),
    "ResourceWeek": table(ref("Week"), CELL, KNOWN_AT),
    "StaffGroup": table(record({"id": TEXT}), WEEKS, KNOWN_AT),
    "StaffGroupList": {"allOf": [listing({"allOf": [record({"id": TEXT}), WEEKS]}), KNOWN_AT]},
    "DemandList": {
        "allOf": [listing(record({"role": TEXT, "practice": maybe(TEXT), "weeks": array(ref("Gap"))})), KNOWN_AT]
    },
    "Explanation": table(EXPLANATION, KNOWN_AT),
    "Exception": table(EXCEPTION),
    "ExceptionList": listing(EXCEPTION),
    "GroupList": table(record({"items": array(GROUP)})),
    "CaseAction": {
        "type": "object",
        "description": "`event`, to resolve: the corrected event. `revision`: the case's, as it was looked at.",
        "properties": {"by": TEXT, "text": TEXT, "owner": TEXT, "revision": WHOLE, "event": ref("Event")},
        "required": ["by"],
    },
    "Acted": record({"exception_id": TEXT, "done": FLAG, "action": TEXT}),
    "GroupActed": record({"done": WHOLE, "rejected": WHOLE, "results": array(ANYTHING)}),
    "DeadLetterList": listing(ANYTHING),
    "Shadow": table(
        record(
            {
                "targets": array(record({"target": TEXT, "same": WHOLE, "differs": WHOLE, "unanswered": WHOLE})),
                "items": array(
                    record(
                        {"document_key": TEXT, "revision": WHOLE, "target": TEXT, "live": HEARD, "shadow": HEARD},
                        "A document that one accepts and the other refuses.",
                    )
                ),
            }
        )
    ),
    "GateList": table(
        record(
            {
                "items": array(
                    record(
                        {
                            "target": maybe(TEXT),
                            "legal_entity_id": maybe(TEXT),
                            "open": FLAG,
                            "opens_at": maybe(TEXT),
                            "waiting": WHOLE,
                            "why": {"type": "object", "additionalProperties": WHOLE},
                            "oldest": maybe(TEXT),
                            "next_release_at": maybe(TEXT),
                            "late": WHOLE,
                            "rejected": WHOLE,
                        },
                        "`why`: how many documents wait for what. `oldest`: since when the first of them waits."
                        " `next_release_at`: when the next of them leaves if nothing changes; null where nobody knows.",
                    )
                )
            }
        )
    ),
    "SlaList": table(
        record(
            {
                "items": array(
                    {
                        "type": "object",
                        "description": "A latency has target, p50 and p95 in seconds; a rate has ratios.",
                        "properties": {
                            "sla": TEXT,
                            "meaning": TEXT,
                            "met": maybe(FLAG),
                            "target_seconds": WHOLE,
                            "p50_seconds": maybe(WHOLE),
                            "p95_seconds": maybe(WHOLE),
                            "closed": WHOLE,
                            "open": WHOLE,
                            "breaches": WHOLE,
                            "oldest_open": maybe(record({"subject": TEXT, "age_seconds": WHOLE})),
                            "target_ratio": AMOUNT,
                            "ratio": maybe(AMOUNT),
                            "part": WHOLE,
                            "whole": WHOLE,
                        },
                        "required": ["sla", "meaning", "met"],
                    }
                )
            }
        )
    ),
    "Streams": table(record({"topics": array(ANYTHING), "dispositions": ANYTHING})),
    "Event": EVENT,
    "EventBatch": {**array(ref("Event")), "minItems": 1},
    "EventLines": {"type": "string", "description": "One event a line."},
    "EventOrBatch": {
        "description": "An event, an array of them, or with ce-* headers the data of one.",
        "anyOf": [ref("Event"), ref("EventBatch"), ANYTHING],
    },
    "Question": record(
        {"name": TEXT, "slices": array(WHOLE), "arguments": ANYTHING}, "An answer by its name, from these partitions."
    ),
    "Part": record(
        {"frame": ANYTHING, "value": {}}, "`frame` says which of the partitions are held there, and how far they are."
    ),
    "Receipts": record({"accepted": WHOLE, "refused": WHOLE, "results": array(RECEIPT)}),
    "Scenario": table(
        record(
            {
                "events": WHOLE,
                "contracts": array(compared("contract_id")),
                "resources": array(compared("resource_id")),
            },
            "What the events touch, before and after them.",
        )
    ),
    "Adapted": record(
        {
            "accepted": WHOLE,
            "refused": WHOLE,
            "results": array(RECEIPT),
            "wants": array(record({"entity": TEXT, "ids": array(TEXT), "why": TEXT})),
            "dropped": array(TEXT),
        },
        "`wants`: records to fetch from the vendor and to post here, as the message did not carry them.",
    ),
    "ExtractRows": {"type": "string", "description": "Rows with the columns of an extract (docs/reconcile.md)."},
    "Extracted": record(
        {
            "system": TEXT,
            "number": WHOLE,
            "entries": WHOLE,
            "lines": WHOLE,
            "accepted": WHOLE,
            "refused": WHOLE,
        },
        "`number`: that of the extract; the highest of a system counts. `accepted`: events that keep it.",
    ),
    "Status": record({"status": TEXT}),
    "Problem": PROBLEM,
    "ProblemKind": record({"type": TEXT, "title": TEXT, "status": WHOLE, "meaning": TEXT}),
}
