"""Real `headrace` processes over stores of a test's own, on the loopback only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from app.main import tick
from app.simulation.firm import simulate
from app.simulation.scenario import DEFAULT_END, Scenario

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60


def arguments(*words: object) -> list[str]:
    return [sys.executable, "-m", "app.cli", *map(str, words)]


def headrace(
    *words: object, environment: Mapping[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end. Settings of the machine are left out; `environment` is added."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    return subprocess.run(
        arguments(*words),
        cwd=ROOT,
        env={**inherited, **(environment or {})},
        input=stdin,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


def said(*words: object, code: int = 0) -> Any:
    """What a command says with --json, after it ended with `code`."""
    done = headrace(*words, "--json")
    assert done.returncode == code, done.stderr.decode()
    return orjson.loads(done.stdout)


def refused(done: subprocess.CompletedProcess[bytes]) -> str:
    """The one sentence on standard error of a command that could not be done."""
    text = done.stderr.decode()
    assert done.returncode == 2, text
    assert "Traceback" not in text
    assert done.stdout == b""
    lines = text.splitlines()
    assert len([line for line in lines if line.startswith("headrace")]) == 1, text
    return lines[-1]


def firm(events: int = 600, seed: int = 3, on: date = DEFAULT_END, **faults: Any) -> list[bytes]:
    """The lines of a small simulated firm, and the tick that makes `on` its today."""
    return [*simulate(Scenario(seed=seed, events=events, **faults)), tick(on.isoformat(), "UTC")]


def written(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Worker:
    """A running worker, and the address it said it is at."""

    process: subprocess.Popen[bytes]
    address: str

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.process.wait(TIMEOUT)


@contextmanager
def serving(*words: object) -> Iterator[Worker]:
    """A `worker` or `demo` that is ready; it is stopped when the block ends, if it has not been before."""
    command = arguments(*words, "--json")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield Worker(process, _address(process))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(TIMEOUT)


def _address(process: subprocess.Popen[bytes]) -> str:
    """What the process says first: one JSON object over several lines."""
    assert process.stdout is not None
    assert process.stderr is not None
    text = b""
    for line in process.stdout:
        text += line
        if line.startswith(b"}"):
            address: str = orjson.loads(text)["address"]
            return address.rstrip("/")
    raise AssertionError(process.stderr.read().decode())


@contextmanager
def worker(store: Path) -> Iterator[Worker]:
    """A worker over `store`, on a port that it can name to others."""
    with serving("worker", "--store", store, "--port", free_port()) as running:
        yield running
