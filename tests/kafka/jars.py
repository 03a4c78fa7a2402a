"""Jars from a `pom.xml`: fetched once by Maven, kept outside the checkout, used offline from then on.

The cache is `${XDG_CACHE_HOME:-~/.cache}/headrace/<name>-<version>/libs`; deleting it is always safe.
"""

import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
PROPERTIES = "{http://maven.apache.org/POM/4.0.0}properties"
FETCH_SECONDS = 600  # a slow line; seven seconds on a fast one


class UnavailableError(Exception):
    """What is needed to run a broker cannot be had; the message says what to install or do."""


def cache() -> Path:
    """Where everything headrace fetches is kept: never inside the checkout."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headrace"


def command(name: str, debian: str) -> str:
    """The path of a program; `UnavailableError` names the Debian package that brings it."""
    found = shutil.which(name)
    if found is None:
        raise UnavailableError(
            f"{name} is not on the path; install it (Debian: apt-get install {debian}), then try again"
        )
    return found


def version(pom: Path, name: str) -> str:
    """The pinned version `<name.version>` of a pom."""
    found = ElementTree.parse(pom).getroot().findtext(f"{PROPERTIES}/{PROPERTIES.split('}')[0]}}}{name}.version")
    if not found:
        raise UnavailableError(f"{pom} pins no {name}.version; name one exact version in its properties")
    return found


def libraries(pom: Path, name: str) -> Path:
    """The directory of the jars that `pom` asks for, fetched if it is not there yet.

    Two processes may fetch at the same time: each fetches into a directory of its own, and the first to finish
    publishes it under the final name in one step.
    """
    libs = cache() / f"{name}-{version(pom, name)}" / "libs"
    if libs.is_dir():
        return libs
    libs.parent.mkdir(parents=True, exist_ok=True)
    fetched = Path(tempfile.mkdtemp(prefix="fetching-", dir=libs.parent))
    try:
        fetch(pom, fetched)
        publish(fetched, libs)
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
    return libs


def publish(fetched: Path, libs: Path) -> None:
    """Give what was fetched its final name, unless another process was faster: its jars are the same."""
    try:
        fetched.rename(libs)
    except OSError:
        if not libs.is_dir():
            raise


def fetch(pom: Path, target: Path) -> None:
    """Let Maven resolve `pom` and copy every jar of its run-time class path into `target`."""
    options = ("-B", "-q", "-Dstyle.color=never", "-DincludeScope=runtime", f"-DoutputDirectory={target}")
    ended = subprocess.run(
        [command("mvn", "maven"), "-f", str(pom), COPY, *options],
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        check=False,
    )
    if ended.returncode:
        said = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[:5])  # the rest is about Maven itself
        raise UnavailableError(f"Maven could not fetch the jars of {pom} (exit {ended.returncode}); it said:\n{said}")
