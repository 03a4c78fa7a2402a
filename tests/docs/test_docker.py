"""What `docker/` names exists: settings, commands, files, versions. Docker itself is not needed to know that."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.cli import parser
from app.engine.statements import ENGINE_VERSION
from app.settings import FOLDER, Settings
from tests.docs.pages import ROOT

DOCKER = ROOT / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text()
IMAGE = (DOCKER / "Dockerfile").read_text()


@pytest.mark.parametrize("text", [COMPOSE, IMAGE], ids=["compose.yaml", "Dockerfile"])
def test_every_variable_is_a_setting(text: str) -> None:
    """HEADRACE_TOKENS_FILE is for `docker compose` alone: where on the host the tokens are."""
    named = set(re.findall(r"\bHEADRACE_\w+", text)) - {"HEADRACE_TOKENS_FILE", FOLDER}
    assert named
    assert {name.removeprefix("HEADRACE_").lower() for name in named} <= set(Settings.model_fields)


def test_every_value_is_one_its_setting_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(r'^ +(HEADRACE_(?!SETTINGS)\w+)[:=] ?"?([^"\s]+)', COMPOSE + IMAGE, re.MULTILINE):
        monkeypatch.setenv(name, "Europe/Berlin" if value.startswith("${HEADRACE_ZONE") else value)
    assert Settings.load().kafka_store == "rocksdb"


def test_every_command_is_one_the_command_line_takes() -> None:
    commands = re.findall(r"^ +command: \[(.*)\]$", COMPOSE, re.MULTILINE)
    assert [parser().parse_args(re.split(r",\s*", said.replace('"', ""))).command for said in commands] == [
        "topics",
        "worker",
        "worker",
    ]


def test_workers_wait_for_topics_and_topics_for_the_broker() -> None:
    assert re.findall(r"condition: (\w+)", COMPOSE) == ["service_healthy", *["service_completed_successfully"] * 2]


def test_nothing_is_published_beyond_this_machine() -> None:
    published = re.findall(r"'(\S+):\d+:\d+'", COMPOSE)
    assert published == ["127.0.0.1", "127.0.0.1"]


def test_the_broker_is_of_the_version_that_the_tests_run() -> None:
    pom = (DOCKER / "kafka" / "pom.xml").read_text()
    assert re.findall(r"<kafka.version>(.*)</kafka.version>", pom) == re.findall(r"apache/kafka:(\S+)", COMPOSE)


def test_the_image_is_called_by_the_version_it_holds() -> None:
    assert re.findall(r"image: headrace:(\S+)", COMPOSE) == [ENGINE_VERSION]


def test_the_build_is_sent_every_file_the_image_takes() -> None:
    sent = re.findall(r"^!(\S+)$", (DOCKER / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    taken = [name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", IMAGE, re.MULTILINE) for name in line.split()]
    assert sorted(taken) == sorted(sent)
    assert all((ROOT / name).exists() for name in taken)


def test_the_image_holds_what_headrace_needs_and_nothing_that_only_a_developer_does() -> None:
    """Each package with the version and the hashes of requirements.lock; `make lock` writes both files."""
    everything, needed = pins(ROOT / "requirements.lock"), pins(DOCKER / "requirements.lock")
    assert needed.items() <= everything.items()
    assert set(needed) == closure("headrace") - {"headrace"}


def pins(lock: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes by package."""
    blocks = re.findall(r"^([\w.-]+)==(\S+) \\\n((?: +--hash=\S+(?: \\)?\n)+)", lock.read_text(), re.MULTILINE)
    return {name: (version, frozenset(re.findall(r"sha256:\w+", hashes))) for name, version, hashes in blocks}


def closure(name: str) -> set[str]:
    """Names of the packages that `name` needs here, itself included; extras only where a requirement asks for them."""
    found: set[str] = set()
    waiting = [(name, frozenset[str]())]
    while waiting:
        package, extras = waiting.pop()
        found.add(package)
        for text in distribution(package).requires or ():
            wanted = Requirement(text)
            chosen = any(wanted.marker is None or wanted.marker.evaluate({"extra": e}) for e in (extras or {""}))
            if chosen and canonicalize_name(wanted.name) not in found:
                waiting.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return found


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_says_what_readyz_says(status: int, code: int) -> None:
    class Worker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silence on standard error."""

    with HTTPServer(("127.0.0.1", 0), Worker) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert checked(server.server_port) == code
        thread.join()


def test_the_health_check_fails_where_nobody_listens() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        assert checked(reserved.getsockname()[1]) == 1


def checked(port: int) -> int:
    script = [sys.executable, str(DOCKER / "ready.py")]
    return subprocess.run(script, env={"HEADRACE_PORT": str(port)}, capture_output=True, check=False).returncode
