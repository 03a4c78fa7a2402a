"""One real Kafka for all tests of this directory, collected only when asked for: `pytest -m kafka tests/kafka`.

Asked for, they fail where no broker can be had; they never skip.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import Broker

HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these tests out unless the marker is asked for by name: they need Java and take their time."""
    asked = str(config.getoption("markexpr"))
    return None if "kafka" in asked and "not kafka" not in asked else True


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this directory is a `kafka` test; none has to say so."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker of the whole session. Share it: a test that kills or reconfigures one makes its own `Broker`."""
    broker = Broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def group() -> str:
    """A consumer group nobody used before."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def prefix(group: str) -> str:
    """What the names of the topics of `group` begin with."""
    return f"{group}."
