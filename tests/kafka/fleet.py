"""Workers as processes: each a supervisor and the child that does the work. Only what was started here is ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.kafka.broker import free_ports, until_we_end

STOP_SECONDS = 45.0
"""More than a supervisor gives its child to stop in good order."""

CHILD_SECONDS = 10.0
"""How long a supervisor may take, on a busy machine, to have a child."""

ROOT = Path(__file__).resolve().parents[2]


class Membership(StrEnum):
    """What the group knows a worker by."""

    SLOT = "slot"  # a name given to it, kept by the supervisor that takes its place
    SUPERVISOR = "supervisor"  # the product's default: a name for as long as the supervisor lives
    NONE = "none"  # no name: whoever starts is somebody new


@dataclass(frozen=True)
class Setup:
    """What every worker of a fleet is started with."""

    bootstrap: str
    group: str
    partitions: int
    data: Path
    store: str = "memory"
    membership: Membership = Membership.SUPERVISOR
    session_seconds: float = 3.0
    settings: tuple[tuple[str, str], ...] = ()  # more variables of the environment


class Worker:
    """One place in the fleet: its supervisor, and that one's child. Its log and its tables on disk outlive both."""

    def __init__(self, setup: Setup, slot: int) -> None:
        self.setup, self.slot = setup, slot
        self.log = setup.data / f"worker-{slot}.log"
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.frozen: int | None = None  # the child that is stopped (SIGSTOP)

    def start(self) -> None:
        assert self.supervisor is None
        setup = self.setup
        command = [
            *until_we_end(),
            sys.executable,
            "-m",
            "tests.kafka.nameless" if setup.membership is Membership.NONE else "app.cli",
            *("worker", "--kafka", setup.bootstrap, "--group", setup.group, "--no-ticks"),
            *("--partitions", str(setup.partitions), "--port", str(free_ports(1)[0])),
            *("--store-dir", str(setup.data / f"tables-{self.slot}")),
        ]
        with self.log.open("ab") as log:
            self.supervisor = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        setup = self.setup
        own = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        own["HEADRACE_KAFKA_SESSION_SECONDS"] = str(setup.session_seconds)
        own["HEADRACE_KAFKA_STORE"] = setup.store
        own.update(setup.settings)
        if setup.membership is Membership.SLOT:
            own["HEADRACE_KAFKA_INSTANCE"] = f"slot-{self.slot}"
        return own

    def ended(self) -> int | None:
        """The supervisor's exit code, if it ended without being asked to."""
        return None if self.supervisor is None else self.supervisor.poll()

    def child(self) -> int | None:
        """The process that works now; waits a little for it while the supervisor pauses between two."""
        until = time.monotonic() + CHILD_SECONDS
        while self.supervisor is not None and self.supervisor.poll() is None and time.monotonic() < until:
            if found := children(self.supervisor.pid):
                return found[0]
            time.sleep(0.02)
        return None

    def kill_child(self) -> bool:
        return self._signal_child(signal.SIGKILL) is not None

    def freeze(self) -> bool:
        """Stop the child as a paused machine would (SIGSTOP); it goes on with `thaw`."""
        self.frozen = self._signal_child(signal.SIGSTOP)
        return self.frozen is not None

    def thaw(self) -> None:
        frozen, self.frozen = self.frozen, None
        if frozen is not None and is_worker(frozen, self.setup.group):
            _send(frozen, signal.SIGCONT)

    def kill(self) -> int | None:
        """SIGKILL the supervisor; the child that has nobody any more, if it had one."""
        assert self.supervisor is not None
        orphan = next(iter(children(self.supervisor.pid)), None)
        self.supervisor.kill()
        self.supervisor.wait()
        self.supervisor = None
        return orphan

    def terminate(self) -> None:
        """Ask the supervisor to stop in good order, and do not wait."""
        if self.supervisor is not None and self.supervisor.poll() is None:
            self.supervisor.terminate()

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The supervisor's exit code; one that does not end in time is killed, and TimeoutExpired raised."""
        assert self.supervisor is not None
        try:
            return self.supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            orphan = self.kill()
            if orphan is not None:
                _send(orphan, signal.SIGKILL)
            raise
        finally:
            self.supervisor = None

    def said(self) -> Iterator[dict[str, Any]]:
        """Its JSON log lines, of supervisors and children; any other line as {"text": …}."""
        if not self.log.exists():
            return
        for line in filter(None, self.log.read_text(errors="replace").splitlines()):
            try:
                yield json.loads(line)
            except ValueError:
                yield {"text": line}

    def _signal_child(self, number: signal.Signals) -> int | None:
        pid = self.child()
        return pid if pid is not None and _send(pid, number) else None


class Fleet:
    """Workers by slot. `orphans` are children whose supervisor was killed: (process id, since when)."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.workers: dict[int, Worker] = {}
        self.gone: list[Worker] = []
        self.orphans: list[tuple[int, float]] = []

    def join(self) -> Worker:
        """Start a worker in the lowest free slot."""
        slot = next(number for number in range(len(self.workers) + 1) if number not in self.workers)
        worker = self.workers[slot] = Worker(self.setup, slot)
        worker.start()
        return worker

    def forget(self, worker: Worker) -> None:
        """A worker that has ended does not come back; its log stays."""
        del self.workers[worker.slot]
        self.gone.append(worker)

    def kill_supervisor(self, worker: Worker) -> None:
        """SIGKILL a supervisor and start another in its place; its child has to end itself meanwhile."""
        orphan = worker.kill()
        if orphan is not None:
            self.orphans.append((orphan, time.monotonic()))
        worker.start()

    def lingering(self) -> list[tuple[int, float]]:
        """Orphans that still live: (process id, seconds since their supervisor was killed)."""
        now = time.monotonic()
        self.orphans = [(pid, since) for pid, since in self.orphans if is_worker(pid, self.setup.group)]
        return [(pid, now - since) for pid, since in self.orphans]

    def stop(self) -> list[int]:
        """Stop every worker in good order; the supervisors' exit codes, -9 for one that did not end in time."""
        for worker in self.workers.values():
            worker.thaw()
            worker.terminate()
        codes = []
        for worker in list(self.workers.values()):
            try:
                codes.append(worker.wait())
            except subprocess.TimeoutExpired:
                codes.append(-signal.SIGKILL)
        self.gone += self.workers.values()
        self.workers.clear()
        return codes

    def end(self) -> None:
        """Kill whatever is left of it."""
        for worker in self.workers.values():
            if worker.supervisor is not None:
                orphan = worker.kill()
                if orphan is not None:
                    _send(orphan, signal.SIGKILL)
        for pid, _ in self.lingering():
            _send(pid, signal.SIGKILL)

    def said(self) -> list[dict[str, Any]]:
        """What all workers logged, those that left included; each slot once."""
        logs = {worker.log: worker for worker in [*self.gone, *self.workers.values()]}
        return [line for worker in logs.values() for line in worker.said()]


def children(pid: int) -> Sequence[int]:
    """Process ids of the children that the main thread of `pid` started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_worker(pid: int, group: str) -> bool:
    """Whether the process lives and works for this group: a number alone may be another process by now."""
    try:
        return group.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _send(pid: int, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False
