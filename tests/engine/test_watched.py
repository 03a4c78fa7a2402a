"""What is kept of large tables is what a pass over them gives, whatever was written since."""

from __future__ import annotations

from pathlib import Path

from app.engine.embedded import EmbeddedHost
from app.engine.queries import Queries
from app.engine.store import Store
from app.engine.watched import Watched
from app.simulation.firm import simulate
from app.simulation.scenario import Scenario
from tests.engine.runs import lines
from tests.engine.test_policy import AT
from tests.model.histories import envelope


def case(revision: int) -> bytes:
    said = {"case_id": "X", "revision": revision, "by": "ana", "text": f"{revision}"}
    [line] = lines([envelope("case.commented", said, f"case-{revision}", AT)])
    return line


async def test_what_was_learnt_before_is_what_would_be_learnt_now(tmp_path: Path) -> None:
    firm = list(simulate(Scenario(seed=3, events=600)))
    with EmbeddedHost(Store(tmp_path / "s.sqlite", partitions=2), lambda: None) as host:
        queries = Queries(host, lambda: 0.0)
        host.append([*firm[:300], case(1)])
        await host.drain()
        kept = queries.held()
        before = [(dict(one.cases()), one.promises(None, 0)) for one in kept]
        host.append([*firm[300:], case(2)])
        await host.drain()
        after = [(dict(one.cases()), one.promises(None, 0)) for one in kept]
        anew = [Watched(one.store) for one in kept]
        assert [cases for cases, _ in after] == [one.cases() for one in anew]
        assert [found["staffing_update_latency"] for _, found in after] == [
            one.staffing(0)["staffing_update_latency"] for one in anew
        ]
        assert before != after
        [told] = [cases["X"] for cases, _ in after if cases]
        assert told["revision"] == 2
