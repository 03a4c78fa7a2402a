"""How the server does, for people, load balancers and Prometheus."""

from __future__ import annotations

import re

import pytest

from app.web.metrics import render
from app.web.ports import Metric
from tests.web.conftest import House

SAMPLE = re.compile(r'headrace_[a-z_]+(\{[a-z_]+="([^"\\\n]|\\.)*"(,[a-z_]+="([^"\\\n]|\\.)*")*\})? -?[0-9.e+-]+')


async def test_a_server_in_recovery_is_alive_but_not_ready(house: House) -> None:
    assert (await (await house.get("/readyz")).json())["detail"] == "All 4 partitions answer."
    house.firm.recovering = True
    response = await house.get("/readyz")
    problem = await response.json(content_type="application/problem+json")
    assert (response.status, problem["detail"]) == (503, "Partition 3 is being recovered.")
    assert "Retry-After" in response.headers
    assert (await house.get("/healthz")).status == 200


async def test_streams_tell_topics_and_dispositions(house: House) -> None:
    answer = await (await house.get("/v1/streams")).json()
    assert answer["dispositions"] == {"applied": 3}
    assert answer["state_version"] == 41


async def test_metrics_are_in_prometheus_format(house: House) -> None:
    response = await house.get("/metrics")
    text = await response.text()
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert text.endswith("\n")
    for line in text.splitlines():
        assert line.startswith(("# HELP headrace_", "# TYPE headrace_")) or SAMPLE.fullmatch(line), line
    assert 'headrace_consumer_lag_events{topic="a\\"b\\\\c\\nd"} 5' in text


async def test_requests_are_counted_by_route_and_status(house: House) -> None:
    for contract_id in ("C-1", "C-2", "C-404"):
        await house.get(f"/v1/contracts/{contract_id}/burn")
    await house.get("/nowhere/1")
    await house.get("/nowhere/2")
    text = await (await house.get("/metrics")).text()
    burn = 'headrace_http_requests_total{route="/v1/contracts/{contract_id}/burn",method="GET",status='
    assert f'{burn}"200"}} 2' in text
    assert f'{burn}"404"}} 1' in text
    assert 'headrace_http_requests_total{route="none",method="GET",status="404"} 2' in text
    assert "C-404" not in text, "no label is as many as there are contracts"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Lag", "gauge"), ("lag-events", "gauge"), ("headrace_lag", "gauge"), ("read", "counter"), ("lag_total", "gauge")],
)
def test_a_name_prometheus_would_not_take_is_refused(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match=name):
        render([Metric(name, kind, "", [])])  # type: ignore[arg-type]


def test_a_family_without_samples_is_announced() -> None:
    text = render([Metric("dead_letters", "gauge", "Records\nrefused.", [])]).decode()
    assert text == "# HELP headrace_dead_letters Records\\nrefused.\n# TYPE headrace_dead_letters gauge\n"
