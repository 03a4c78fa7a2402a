"""A store that cannot be used is refused in one sentence, with exit code 2, and is not harmed by the attempt."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engine.store import FORMAT, Letter, Store, StoreError
from tests.host.runs import ROOT, TIMEOUT, firm, headrace, refused, said, worker, written

READING = ("verify", "export", "topics", "exceptions")
NOBODY = 65_534


def publishing(store: Path) -> tuple[object, ...]:
    return "publish", "-", "--store", store


def assert_unharmed(store: Path) -> None:
    verdict = said("verify", "--store", store)
    assert verdict["agrees"]
    assert verdict["records"] > 500


def test_two_processes_do_not_share_a_store(store: Path) -> None:
    with worker(store) as running:
        for words in (publishing(store), ("worker", "--store", store, "--port", "0")):
            sentence = refused(headrace(*words))
            assert f"{store} is in use by process {running.process.pid} at {running.address}/" in sentence
            assert "stop it, publish to its address with --url, or name another file with --store" in sentence
        assert_unharmed(store)  # whoever only reads may do so meanwhile
        assert running.stop() == 0
    assert_unharmed(store)


def test_a_lock_that_a_dead_process_left_is_no_lock(store: Path) -> None:
    with worker(store) as running:
        running.process.kill()
        running.process.wait(TIMEOUT)
    assert headrace(*publishing(store)).returncode == 0
    assert_unharmed(store)


@pytest.mark.parametrize("command", READING)
def test_a_store_that_is_not_there_is_not_made_by_reading_it(tmp_path: Path, command: str) -> None:
    sentence = refused(headrace(command, "--store", tmp_path / "absent.sqlite"))
    assert f"there is no store at {tmp_path}/absent.sqlite" in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0 and then something else"])
@pytest.mark.parametrize("command", ["verify", "publish"])
def test_what_is_no_store_is_refused_and_kept(tmp_path: Path, command: str, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    words = publishing(path) if command == "publish" else (command, "--store", path)
    assert f"{path} is not a headrace store; name another file with --store" in refused(headrace(*words))
    assert path.read_bytes() == content


@pytest.mark.parametrize("command", ["verify", "publish"])
def test_a_folder_is_no_store(tmp_path: Path, command: str) -> None:
    words = publishing(tmp_path) if command == "publish" else (command, "--store", tmp_path)
    assert f"{tmp_path} is a folder; name a file with --store" in refused(headrace(*words))


@pytest.mark.parametrize("command", ["verify", "publish"])
def test_the_database_of_another_program_is_refused_and_kept(tmp_path: Path, command: str) -> None:
    path = tmp_path / "other.sqlite"
    with_other(path, "CREATE TABLE wine(year INTEGER)")
    before = path.read_bytes()
    words = publishing(path) if command == "publish" else (command, "--store", path)
    assert f"{path} is a database of another program" in refused(headrace(*words))
    assert path.read_bytes() == before


@pytest.mark.parametrize("command", ["verify", "publish"])
def test_a_store_of_a_newer_version_is_refused_and_kept(store: Path, command: str) -> None:
    with_other(store, f"PRAGMA user_version={FORMAT + 1}")
    before = store.read_bytes()
    words = publishing(store) if command == "publish" else (command, "--store", store)
    sentence = refused(headrace(*words))
    assert f"{store} was written by a newer headrace (store format {FORMAT + 1}, this one reads {FORMAT})" in sentence
    assert store.read_bytes() == before


def test_a_store_of_an_earlier_version_is_exported_but_not_written(store: Path) -> None:
    with_other(store, f"PRAGMA user_version={FORMAT - 1}")
    before = store.read_bytes()
    sentence = refused(headrace(*publishing(store)))
    assert f"{store} was written by an earlier headrace (store format {FORMAT - 1}, this one writes" in sentence
    assert store.read_bytes() == before
    assert headrace("export", "--store", store).returncode == 0


def with_other(path: Path, statement: str) -> None:
    """Do something to a database that headrace would not do."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(statement)
    db.close()


def test_a_damaged_store_is_named(store: Path) -> None:
    with store.open("r+b") as file:
        file.seek(16_384)  # the first page, the schema, is whole; what follows is not
        file.write(os.urandom(store.stat().st_size - 16_384))
    assert f"{store} is damaged" in refused(headrace("verify", "--store", store))


_AS_NOBODY = """
import os, sys
import app.cli, app.commands.feeding  # nobody may not read what root imports from
if os.geteuid() == 0:
    os.setuid(int(sys.argv[1]))
sys.exit(app.cli.main(sys.argv[2:]))
"""


@pytest.mark.parametrize("existing", [True, False])
def test_a_store_in_a_folder_that_may_not_be_written(made: Path, tmp_path: Path, existing: bool) -> None:
    # Root may write everywhere, so the process lets go of being root before it begins.
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    locked = tmp_path / "locked"
    locked.mkdir()
    path = locked / "store.sqlite"
    if existing:
        path.write_bytes(made.read_bytes())
    locked.chmod(0o555)
    argv = [sys.executable, "-c", _AS_NOBODY, str(NOBODY), "publish", "-", "--store", str(path)]
    done = subprocess.run(argv, cwd=ROOT, input=b"", capture_output=True, timeout=TIMEOUT, check=False)
    locked.chmod(0o755)
    assert f"cannot use {path}: Permission denied; name another place with --store" in refused(done)
    if existing:
        assert path.read_bytes() == made.read_bytes()


_WITH_A_LIMIT = """
import resource, sys
import app.cli
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
sys.exit(app.cli.main(sys.argv[2:]))
"""


def test_a_file_that_may_not_grow_loses_nothing(store: Path, tmp_path: Path) -> None:
    log = written(tmp_path / "more.jsonl", firm(events=4_000, seed=4))
    before = said("verify", "--store", store)
    limit = str(store.stat().st_size + 200_000)
    argv = [sys.executable, "-c", _WITH_A_LIMIT, limit, "publish", str(log), "--store", str(store)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=TIMEOUT, check=False)
    sentence = refused(done)
    assert str(store) in sentence
    assert "nothing of the last batch was kept" in sentence
    assert_unharmed(store)
    headrace("publish", log, "--store", store)
    after = said("verify", "--store", store)
    assert after["agrees"]
    assert after["records"] > before["records"] + 3_000


def test_a_full_disk_undoes_the_transaction_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        # A file that may not have more pages fails as a full disk does.
        store._db.execute(f"PRAGMA max_page_count={store._db.execute('PRAGMA page_count').fetchone()[0] + 4}")
        store.append_raw("contracts", 0, [Letter(b"fits", [])], 0)
        with pytest.raises(StoreError, match=r"the disk is full: .*nothing of the last batch was kept, free space"):
            fill(store)
        assert store.end("contracts", 0) == 1
    with Store(path, read_only=True) as store:
        assert [letter.value for _, letter in store.letters("contracts", 0)] == [b"fits"]


def fill(store: Store) -> None:
    with store.transaction():
        for _ in range(100):
            store.append_raw("contracts", 0, [Letter(bytes(20_000), [])], 0)


class StoppedError(Exception):
    """What stops a transaction in its midst."""


def test_a_transaction_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(StoppedError):
            stop_halfway(store)
        assert (store.end("contracts", 0), store.position("contracts", 0), store.topics()) == (0, 0, [])


def stop_halfway(store: Store) -> None:
    with store.transaction():
        store.append_raw("contracts", 0, [Letter(b"half", [])], 0)
        store.advance("contracts", 0, 1)
        raise StoppedError


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_text("{"), lambda path: path.unlink(), lambda path: path.write_text('{"pid": 1}')],
    ids=["no JSON", "gone", "of a process that is not it"],
)
def test_what_the_lock_file_says_does_not_decide(store: Path, spoil: Callable[[Path], object]) -> None:
    assert headrace(*publishing(store)).returncode == 0
    spoil(Path(f"{store}.lock"))
    assert headrace(*publishing(store)).returncode == 0
