"""`python -m bench [NAME…]`: measure, and print ratios. See bench/README.md for what each one is."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import gettempdir

from bench import growth, ingest, replay, stages
from bench.kafka import suite
from bench.measure import Row, show

BENCHES: dict[str, Callable[[int, Path], list[Row]]] = {
    "replay": replay.run,
    "stages": stages.run,
    "ingest": ingest.run,
    "growth": growth.run,
}
SUITES: dict[str, Callable[[int, Path], Iterator[tuple[str, list[Row]]]]] = {"kafka": suite.run}
"""Several tables each."""


def main() -> int:
    names = (*BENCHES, *SUITES)
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}; all without")
    options.add_argument("--events", type=int, default=1_000_000, help="size of the logs (default 1000000)")
    options.add_argument(
        "--folder", type=Path, default=Path(gettempdir()) / "headrace-bench", help="where logs are made"
    )
    chosen = options.parse_args()
    unknown = [name for name in chosen.names if name not in names]
    if unknown:
        print(f"bench: there is no {', '.join(unknown)}; name one of {', '.join(names)}", file=sys.stderr)
        return 2
    chosen.folder.mkdir(parents=True, exist_ok=True)
    print(
        f"Python {platform.python_version()} on {platform.machine()}, {platform.system()};"
        " compare figures of one run only"
    )
    for name in chosen.names or names:
        if name in SUITES:
            for title, rows in SUITES[name](chosen.events, chosen.folder):
                show(title, rows)
        else:
            show(name, BENCHES[name](chosen.events, chosen.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
