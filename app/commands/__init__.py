"""What each command does: one module per kind of work. A command returns False if it found a difference."""

from app.commands.feeding import publish, simulate
from app.commands.looking import exceptions, explain, schema, topics
from app.commands.replaying import export, replay, verify
from app.commands.serving import demo, worker

__all__ = [
    "demo",
    "exceptions",
    "explain",
    "export",
    "publish",
    "replay",
    "schema",
    "simulate",
    "topics",
    "verify",
    "worker",
]
