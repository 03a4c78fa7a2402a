"""Jira with Tempo: worklogs as time entries.

Jira knows neither whether time is billable nor whether anybody approved it, so its worklogs are submitted time. Tempo
knows both: with its attributes a worklog names the contract, and one of an approved timesheet is approved. Jira's
message names the issue by a number only; which contract that is, settings say, or the issue is to be fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.adapters.adapter import (
    Adapter,
    Body,
    Event,
    Instance,
    Received,
    Request,
    Unmapped,
    Want,
    by_hex_digest,
    instant,
    millis,
    minutes_of_seconds,
    need,
    say,
    text,
)

NAME: Final = "jira"
CONTRACT: Final = "_Contract_"
"""The Tempo work attribute that names the contract."""


def _read(instance: Instance, body: Any) -> Received:
    if isinstance(body, Mapping) and "tempoWorklogId" in body:
        return _tempo(instance, body)
    event = text(need(body, "webhookEvent"))
    if not event.startswith("worklog_"):
        return Received(dropped=[f"{event} is not mapped"])
    worklog = need(body, "worklog")
    native = text(need(worklog, "id"))
    if _by(worklog, "updateAuthor", "author") in instance.own:
        return Received(dropped=[f"worklog {native}: our own change"])
    at = instant(worklog["updated"]) if worklog.get("updated") else need(body, "timestamp") * 1_000
    if event == "worklog_deleted":
        at = max(at, body.get("timestamp", 0) * 1_000)  # the worklog itself is as old as its last change
        data: Event = {"entry_id": f"jira-{native}", "revision": millis(at)}
        return Received([say(NAME, instance, "time.reversed", native, millis(at), at, data)])
    issue = text(need(worklog, "issueId"))
    if issue not in instance.contracts:
        return Received(wants=[Want("issue", (issue,), "nothing says which contract it belongs to")])
    data = {
        "entry_id": f"jira-{native}",
        "revision": millis(at),
        "contract_id": instance.contract(issue),
        "resource_id": text(need(worklog, "author", "accountId")),
        "work_date": text(need(worklog, "started"))[:10],  # in the zone of whoever logged it, as they wrote it
        "minutes": minutes_of_seconds(need(worklog, "timeSpentSeconds")),
        "task": issue,
    }
    return Received([say(NAME, instance, "time.submitted", native, millis(at), at, data)])


def _by(worklog: Any, *names: str) -> str | None:
    """Who changed it last, as far as the message says."""
    for name in names:
        if (who := (worklog.get(name) or {}).get("accountId")) is not None:
            return text(who)
    return None


def _tempo(instance: Instance, body: Mapping[str, Any]) -> Received:
    native = text(need(body, "tempoWorklogId"))
    attributes = {one["key"]: one["value"] for one in (body.get("attributes") or {}).get("values") or ()}
    issue = text(need(body, "issue", "id"))
    contract = attributes.get(CONTRACT) or instance.contracts.get(issue)
    if contract is None:
        return Received(wants=[Want("issue", (issue,), f"the worklog has no attribute {CONTRACT}")])
    if _by(body, "author") in instance.own:
        return Received(dropped=[f"worklog {native}: our own change"])
    at = instant(need(body, "updatedAt"))
    spent, billed = need(body, "timeSpentSeconds"), body.get("billableSeconds")
    if billed not in (None, 0, spent):
        raise Unmapped(
            f"billableSeconds is {billed} of {spent}: an entry bills as a whole; split the worklog", "/billableSeconds"
        )
    approved = (body.get("approval") or {}).get("status") == "APPROVED"
    data = {
        # A worklog of Tempo's is one of Jira's too: they are one entry, whichever tells of it.
        "entry_id": f"jira-{text(body.get('jiraWorklogId') or native)}",
        "revision": millis(at),
        "contract_id": contract,
        "resource_id": text(need(body, "author", "accountId")),
        "work_date": need(body, "startDate"),
        "minutes": minutes_of_seconds(spent),
        "billable": billed != 0,
        "task": issue,
        "narrative": body.get("description"),
    }
    kind = "time.approved" if approved else "time.submitted"
    return Received([say(NAME, instance, kind, f"tempo-{native}", millis(at), at, data)])


def _write(instance: Instance, document: Body) -> Request | None:
    """What is left of the budget, as a property of the project: it shows to whoever wants it and notifies nobody."""
    if not document.get("type", "").startswith("burn.updated") or document.get("line_id") is not None:
        return None
    body = {"as_of": document["as_of"], "remaining": document["remaining"], "ratio": document["ratio"]}
    return Request("PUT", f"/rest/api/3/project/{document['contract_id']}/properties/headrace.burn", {}, body)


ADAPTER: Final = Adapter(NAME, by_hex_digest("x-hub-signature"), _read, _write)
