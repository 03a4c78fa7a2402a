"""`simulate`: events made up."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from typing import BinaryIO

from app.commands.output import progress, say_json
from app.misuse import Misuse
from app.simulation.firm import simulate as lines_of
from app.simulation.scenario import DEFAULT_EVENTS, Scenario


def scenario(options: argparse.Namespace, *, ticks: bool = False) -> Scenario:
    """The simulated firm that the options ask for. Raises ScenarioError."""
    given = {} if options.end is None else {"end": options.end}
    return Scenario(
        seed=options.seed,
        events=options.events if options.events is not None else DEFAULT_EVENTS,
        late_ratio=options.late,
        duplicate_ratio=options.duplicates,
        disorder=options.disorder,
        malformed_ratio=options.malformed,
        conflict_ratio=options.conflicts,
        ticks=ticks,
        **given,
    )


def simulate(options: argparse.Namespace) -> None:
    """Write a simulated firm's events, one a line."""
    firm = scenario(options)
    with ExitStack() as stack:
        try:
            out: BinaryIO = stack.enter_context(options.out.open("wb")) if options.out else sys.stdout.buffer
        except OSError as error:
            raise Misuse(f"cannot write {options.out}: {error.strerror}; name another file with --out") from error
        bar = stack.enter_context(progress(options, "Simulating", firm.events))
        count = 0
        for line in lines_of(firm):
            out.write(line + b"\n")
            count += 1
            if count % 1_000 == 0:
                bar(1_000)
        out.flush()
    if options.json and options.out:
        say_json({"events": count, "out": str(options.out)})
