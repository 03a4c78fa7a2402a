"""Metrics in Prometheus' text format, and the server's own."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from app.web.ports import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "headrace_"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TEXT_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def render(metrics: Iterable[Metric]) -> bytes:
    """The exposition of all metrics. A family without samples is still announced, so that its name can be found.

    Raises ValueError for a name Prometheus would not take, and for a counter that does not end in `_total`.
    """
    lines: list[str] = []
    for metric in metrics:
        name = PREFIX + _checked(metric)
        lines.append(f"# HELP {name} {metric.help.translate(_TEXT_ESCAPES)}")
        lines.append(f"# TYPE {name} {metric.type}")
        lines += [f"{name}{_labels(labels)} {value}" for labels, value in metric.samples]
    return ("\n".join(lines) + "\n").encode()


def _checked(metric: Metric) -> str:
    if not _NAME.fullmatch(metric.name) or metric.name.startswith(PREFIX):
        raise ValueError(f"metric {metric.name!r}: expected lower-case words joined by _, without the prefix {PREFIX}")
    if (metric.type == "counter") != metric.name.endswith("_total"):
        raise ValueError(f"metric {metric.name!r}: a counter, and only a counter, ends in _total")
    return metric.name


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{value.translate(_LABEL_ESCAPES)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


class Traffic:
    """What this server has answered since it started."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """One answer. Methods nobody defined count as one, lest a caller invents labels."""
        self._answers[route, method if method in _METHODS else "other", status] += 1
        self._seconds[route] += seconds

    def metrics(self) -> list[Metric]:
        answers = [
            ({"route": route, "method": method, "status": str(status)}, count)
            for (route, method, status), count in sorted(self._answers.items())
        ]
        seconds = [({"route": route}, spent) for route, spent in sorted(self._seconds.items())]
        return [
            Metric("http_requests_total", "counter", "Requests answered.", answers),
            Metric("http_request_seconds_total", "counter", "Time spent answering, open streams included.", seconds),
        ]


def measured(traffic: Traffic) -> Middleware:
    """Count every answer under the route that gave it, `none` where there is no such path."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "none"
        traffic.count(route, request.method, response.status, time.perf_counter() - started)
        return response

    return middleware
