"""How a worker ends: at once, with a code that tells its supervisor what to do, and a sentence that tells people."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from enum import IntEnum
from typing import NoReturn


class Exit(IntEnum):
    """Exit codes of a worker. Only CONFIGURATION needs somebody to act; after the others the supervisor starts anew."""

    AGENT = 70  # an agent raised: its batch was not acknowledged
    POSITION = 71  # records were skipped or lost on the way in
    LEASE = 72  # the group may have given our partitions away
    DELIVERY = 73  # a record could not be delivered
    FOREIGN = 74  # somebody else wrote to a changelog partition of ours
    BROKER = 75  # no broker answers
    LOAD = 76  # the tables could not be loaded
    STALLED = 77  # records wait and nothing advances
    CONFIGURATION = 78  # it cannot be right until somebody acts


class Unfit(Exception):  # noqa: N818 - a state of the installation, named for what is so
    """The worker cannot be right as things are; the message says what is wrong and what to do about it."""


def say(level: str, event: str, **fields: object) -> None:
    """One JSON line on standard error."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event, **fields}
    sys.stderr.write(json.dumps(line, default=str) + "\n")  # at once: another thread may have something to say, too
    sys.stderr.flush()


class Lines(logging.Handler):
    """Log records of libraries and of the rest of the product, as lines like ours."""

    def emit(self, record: logging.LogRecord) -> None:
        trace = {} if record.exc_info is None else {"trace": "".join(traceback.format_exception(*record.exc_info))}
        say(record.levelname.lower(), "log", logger=record.name, message=record.getMessage(), **trace)


def end(code: Exit, reason: str, **fields: object) -> NoReturn:
    """End the process now, acknowledging nothing more: what was not delivered is read again after the start."""
    say("error", "worker.ended", code=int(code), why=code.name.lower(), reason=reason, **fields)
    os._exit(code)
