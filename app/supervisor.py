"""A worker's supervisor: starts it, starts it again after it ended itself, passes signals on.

A worker ends itself whenever it cannot explain what it sees; its supervisor is what makes that harmless. It holds no
state and opens no connection, so nothing can happen to it but a signal.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence

from app.engine.kafka.ending import Exit, say

LIFELINE = "HEADRACE_LIFELINE"
"""Names the descriptor that ends when the supervisor does: a worker without one stops."""

HOPELESS = int(Exit.CONFIGURATION)
"""The exit code of a worker that cannot be right until somebody acts."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0
HEALTHY_SECONDS = 30.0
"""A worker that lived so long is started again without a pause."""

STOP_SECONDS = 30.0
"""How long a worker may take to stop in good order."""


class Supervisor:
    """Runs `command` until it ends well, hopelessly, or a signal comes."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, dict(environment)
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._pause = FIRST_PAUSE

    def run(self) -> int:
        """The worker's last exit code: 0 after a signal, 78 where it was hopeless."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        while True:
            began = time.monotonic()
            code = self._once()
            if self._stopping or code in (0, HOPELESS):
                return 0 if self._stopping and code != HOPELESS else code
            if time.monotonic() - began > HEALTHY_SECONDS:
                self._pause = FIRST_PAUSE
            pause = self._pause * random.uniform(0.5, 1.0)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            say("warning", "worker.restarts", code=code, pause=round(pause, 2))
            self._sleep(pause)
            if self._stopping:
                return 0

    def _once(self) -> int:
        theirs, ours = os.pipe()  # nothing is ever written: it ends when this process does
        environment = {**self._environment, LIFELINE: str(theirs)}
        self._child = subprocess.Popen(self._command, env=environment, pass_fds=(theirs,))
        os.close(theirs)
        if self._stopping:  # the signal came before there was a child to pass it on to
            self._end_child()
        try:
            return self._child.wait()
        finally:
            os.close(ours)

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True
        self._end_child()

    def _end_child(self) -> None:
        child = self._child
        if child is not None and child.poll() is None:
            child.send_signal(signal.SIGTERM)
            signal.signal(signal.SIGALRM, self._kill)
            signal.alarm(int(STOP_SECONDS))

    def _kill(self, number: int, frame: object) -> None:
        """Nothing is lost: what it did not acknowledge is read again."""
        if self._child is not None and self._child.poll() is None:
            say("warning", "worker.killed", after_seconds=STOP_SECONDS)
            self._child.kill()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            time.sleep(0.05)


def free_port(host: str) -> int:
    """A port that nobody listens on, for workers that are started again and again."""
    with socket.create_server((host, 0)) as found:
        port: int = found.getsockname()[1]
        return port


def instance() -> str:
    """A name for the group that stays while the supervisor lives: a worker that died is replaced by the next at once,
    without waiting until the group has missed it."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
