"""Workday: people and their time off, from the transaction log of workers.

The log has two times that have nothing to do with each other: when something was entered and from when it holds. The
first is our revision, the second `effective_from`. A correction or a rescission changes what was said before: it must
be subscribed to, and a rescission says what no longer holds without saying what does, so the worker is to be fetched.
"""

from __future__ import annotations

from typing import Any, Final

from app.adapters.adapter import (
    Adapter,
    Body,
    Event,
    Instance,
    Received,
    Request,
    Want,
    by_key,
    instant,
    millis,
    minutes_of_hours,
    need,
    say,
    text,
)

NAME: Final = "workday"
_TIME_OFF: Final = {"Approved": "leave.approved", "Cancelled": "leave.cancelled", "Rescinded": "leave.cancelled"}


def _read(instance: Instance, body: Any) -> Received:
    worker = text(need(body, "Worker_ID"))
    if text(body.get("Entered_By")) in instance.own:
        return Received(dropped=[f"worker {worker}: our own change"])
    if "Time_Off_Entry" in body:
        return _time_off(instance, worker, need(body, "Time_Off_Entry"))
    log = need(body, "Transaction_Log_Data")
    if log.get("Is_Rescind_or_Rescinded"):
        return Received(wants=[Want("worker", (worker,), "a transaction was rescinded: what holds now is not said")])
    if "Employment_Data" not in body:
        return Received(wants=[Want("worker", (worker,), "the transaction log names the change, not the worker")])
    return Received([_worker(instance, worker, log, need(body, "Employment_Data"))])


def _worker(instance: Instance, worker: str, log: Any, employment: Any) -> Event:
    entered = instant(need(log, "Transaction_Entry_Moment"))
    data = {
        "resource_id": worker,
        "revision": millis(entered),
        "effective_from": str(need(log, "Transaction_Effective_Moment"))[:10],
        "weekly_minutes": minutes_of_hours(need(employment, "Scheduled_Weekly_Hours")),
        "role": employment.get("Job_Profile_ID"),
        "practice": employment.get("Supervisory_Organization_ID"),
        "region": employment.get("Location_ID"),
        "legal_entity_id": employment.get("Company_ID"),
        "cost_centre": employment.get("Cost_Center_ID"),
        "employed_from": employment.get("Hire_Date"),
        "employed_to": employment.get("Termination_Date"),
    }
    return say(NAME, instance, "resource.upserted", worker, millis(entered), entered, data)


def _time_off(instance: Instance, worker: str, entry: Any) -> Received:
    native, status = text(need(entry, "Time_Off_Entry_ID")), need(entry, "Status")
    kind = _TIME_OFF.get(status)
    if kind is None:
        return Received(dropped=[f"time off {native} is {status}: nothing holds yet"])
    entered = instant(need(entry, "Entry_Moment"))
    hours = entry.get("Hours_per_Day")
    data = {
        "leave_id": native,
        "revision": millis(entered),
        "resource_id": worker,
        "from": entry.get("From"),
        "to": entry.get("To"),
        "minutes_per_day": None if hours is None else minutes_of_hours(hours),
    }
    return Received([say(NAME, instance, kind, native, millis(entered), entered, data)])


def _write(instance: Instance, document: Body) -> Request | None:
    """Nothing is owed to HR; who wants utilization there reads the topic."""
    return None


ADAPTER: Final = Adapter(NAME, by_key, _read, _write)
