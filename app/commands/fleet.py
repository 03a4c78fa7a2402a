"""`worker --kafka`: a supervisor, and under it the worker itself."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from app import garbage
from app.commands.output import say_json, screen
from app.main import serve_kafka
from app.misuse import Misuse
from app.settings import Settings
from app.supervisor import HOPELESS, Supervisor, free_port, instance


def worker(options: argparse.Namespace) -> None:
    """Run a worker of the group, started again whenever it ends itself."""
    settings = _settings(options)
    if options.unsupervised:
        _work(settings, options)
        return
    # A member that keeps its name must keep its address too: the group tells the others where it was.
    port = settings.port or free_port(settings.host)
    name = settings.kafka_instance or instance()
    code = Supervisor(
        [sys.executable, "-m", "app.cli", *sys.argv[1:], "--unsupervised", "--port", str(port)],
        {**os.environ, "HEADRACE_KAFKA_INSTANCE": name},
    ).run()
    if code == HOPELESS:
        raise Misuse("the worker stopped, as it cannot be right until somebody acts: its last line says what to do")


def _settings(options: argparse.Namespace) -> Settings:
    return Settings.load(
        kafka_bootstrap=options.kafka,
        kafka_group=options.group,
        kafka_partitions=options.partitions,
        kafka_data_dir=options.store_dir,
        host=options.host,
        port=options.port,
        zone=options.zone,
    )


def _work(settings: Settings, options: argparse.Namespace) -> None:
    import uvloop

    garbage.seldom()
    sys.setswitchinterval(0.0005)  # the thread that reads and the one that works wait for each other less
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_kafka(settings, ready=lambda address: _announce(options, address), ticks=not options.no_ticks))


def _announce(options: argparse.Namespace, address: str) -> None:
    if options.json:
        say_json({"address": address, "pid": os.getpid()})
    else:
        screen.print(f"headrace is at [bold]{address}[/bold]  (Ctrl-C stops it)")
