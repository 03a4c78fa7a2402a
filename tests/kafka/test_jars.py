"""Jars are fetched once, and what is missing for that is said in one sentence."""

from pathlib import Path

import pytest

from tests.kafka.broker import POM
from tests.kafka.jars import UnavailableError, command, libraries, publish, version

EMPTY = '<project xmlns="http://maven.apache.org/POM/4.0.0"><properties>{}</properties></project>'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "headrace"


def test_what_was_fetched_is_used_without_maven(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libs = cache / f"kafka-{version(POM, 'kafka')}" / "libs"
    libs.mkdir(parents=True)
    monkeypatch.setenv("PATH", "")
    assert libraries(POM, "kafka") == libs


def test_without_maven_and_cache_one_is_told_what_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnavailableError, match=r"mvn is not on the path; install it .*apt-get install maven"):
        libraries(POM, "kafka")
    assert not list(cache.rglob("libs"))


def test_what_maven_refuses_is_said_in_its_words_and_leaves_nothing_behind(cache: Path, tmp_path: Path) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text(EMPTY.format("<kafka.version>1</kafka.version>"))
    with pytest.raises(UnavailableError, match=r"(?s)could not fetch the jars of .*pom\.xml.*'groupId' is missing"):
        libraries(pom, "kafka")
    assert not [path for path in cache.rglob("*") if path.name != "kafka-1"]


def test_who_fetches_second_keeps_what_the_first_has_published(tmp_path: Path) -> None:
    for name in ("libs", "fetched"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.jar").touch()
    publish(tmp_path / "fetched", tmp_path / "libs")
    assert [path.name for path in (tmp_path / "libs").iterdir()] == ["libs.jar"]


def test_a_pom_must_pin_its_version(tmp_path: Path) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text(EMPTY.format(""))
    with pytest.raises(UnavailableError, match=r"kafka\.version"):
        version(pom, "kafka")


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(UnavailableError, match="apt-get install no-such-package"):
        command("no-such-program", "no-such-package")
