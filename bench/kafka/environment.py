"""What contestants run in: an environment for the Python packages headrace does not use, and a compiled Java class.

Both are made once and kept. What cannot be made is said, so that the row is shown as missing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.kafka.jars import UnavailableError, cache, command, libraries, version

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
VENV: Final = ROOT / ".venv-bench"
REQUIREMENTS: Final = HERE / "requirements.txt"
POM: Final = HERE / "streams" / "pom.xml"
SOURCE: Final = HERE / "streams" / "src" / "KeyedSum.java"
INSTALL_SECONDS: Final = 600
HEAP: Final = "1g"


def headrace(module: str) -> list[str]:
    """A module of this package in headrace's own environment."""
    return [sys.executable, "-m", f"bench.kafka.{module}"]


def foreign(module: str) -> list[str]:
    """A module of this package in the environment of the others. Raises UnavailableError if that cannot be made."""
    return [str(_others()), "-m", f"bench.kafka.{module}"]


def streams() -> list[str]:
    """The Kafka Streams program. Raises UnavailableError without Maven, a JDK or the jars."""
    java = command("java", "default-jdk-headless")
    jars = libraries(POM, "streams")
    classes = _compiled(jars)
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    return [java, f"-Xmx{HEAP}", quiet, "-cp", f"{classes}:{jars}/*", "KeyedSum"]


def _others() -> Path:
    """The interpreter of `.venv-bench`, made anew whenever the requirements change."""
    python = VENV / "bin" / "python"
    stamp = VENV / ".made-from"
    wanted = sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(VENV, ignore_errors=True)
    # The pip of the interpreter installs, as in the Makefile, so nothing but the requirements comes in.
    base = sys._base_executable  # type: ignore[attr-defined]
    pip = [base, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
    _run([base, "-m", "venv", "--without-pip", str(VENV)])
    _run([*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(REQUIREMENTS)])
    stamp.write_text(wanted)
    return python


def _compiled(jars: Path) -> Path:
    """Where the class is, compiled into the cache, a folder for each version and source."""
    source = sha256(SOURCE.read_bytes()).hexdigest()[:12]
    classes = cache() / f"streams-{version(POM, 'streams')}" / f"classes-{source}"
    if not (classes / "KeyedSum.class").exists():
        compiler = command("javac", "default-jdk-headless")
        _run([compiler, "-proc:none", "-cp", f"{jars}/*", "-d", str(classes), str(SOURCE)])
    return classes


def _run(arguments: list[str]) -> None:
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if ended.returncode:
        said = (ended.stdout + ended.stderr).strip().splitlines()
        raise UnavailableError(f"{' '.join(arguments[:4])} … ended with {ended.returncode}: {' '.join(said[-2:])}")
