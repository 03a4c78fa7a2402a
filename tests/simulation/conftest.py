from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from app.simulation.firm import simulate
from app.simulation.scenario import Scenario


@pytest.fixture(scope="session")
def lines() -> Sequence[bytes]:
    """The default firm."""
    return tuple(simulate(Scenario()))


@pytest.fixture(scope="session")
def events(lines: Sequence[bytes]) -> Sequence[dict[str, Any]]:
    return tuple(orjson.loads(line) for line in lines)
