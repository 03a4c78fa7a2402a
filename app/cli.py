"""The command line: parse, call, show.

Exit codes: 0 done, 1 found a difference, 2 misuse or a store that cannot be used. A command's modules are imported when
it runs, so that asking for help does not wait for what only a server needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from app.misuse import Misuse

DONE, DIFFERENCE, MISUSE = 0, 1, 2

_Add = Callable[..., argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; what is wrong is said in one sentence on standard error."""
    options = parser().parse_args(argv)
    try:
        agrees = _run(options)
    except Misuse as error:
        print(f"headrace: {error}", file=sys.stderr)
        return MISUSE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    return DONE if agrees is not False else DIFFERENCE


def _run(options: argparse.Namespace) -> bool | None:
    """Call the command; it returns False if it found a difference."""
    brokers = getattr(options, "kafka", None)
    if brokers is None and getattr(options, "group", None) is not None:
        raise Misuse(f"--group {options.group!r} is that of a deployment on Kafka; name its brokers with --kafka too")
    run = options.on_kafka if brokers is not None and "on_kafka" in options else options.run
    module, _, name = run.partition(":")
    command: Callable[[argparse.Namespace], bool | None] = getattr(import_module(f"app.commands.{module}"), name)
    return command(options)


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="headrace", description="Operational state of a services firm, live.")
    root.add_argument("--version", action=_Version, nargs=0, help="show the version and end")
    add = root.add_subparsers(dest="command", required=True, metavar="COMMAND").add_parser
    _serving(add)
    _feeding(add)
    _replaying(add)
    _looking(add)
    return root


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from app.engine.statements import ENGINE_VERSION

        print(f"headrace {ENGINE_VERSION}")
        parser.exit()


def _command(add: _Add, name: str, run: str, text: str) -> argparse.ArgumentParser:
    """`run` is the module in `app.commands` and the function in it."""
    command = add(name, help=text, description=text)
    command.set_defaults(run=run)
    command.add_argument("--json", action="store_true", help="write the result as JSON")
    return command


def _serving(add: _Add) -> None:
    demo = _command(add, "demo", "serving:demo", "run a simulated firm on the embedded host and serve the page")
    _store(demo)
    _listen(demo)
    _scenario(demo)
    demo.add_argument("--no-serve", action="store_true", help="fold the events, verify, and end")
    demo.add_argument(
        "--speed", type=float, default=20_000.0, help="simulated time per real time while serving (default 20000)"
    )
    demo.add_argument(
        "--keep", action="store_true", help="go on with the store of an earlier demo instead of a new one"
    )
    worker = _command(add, "worker", "serving:worker", "run the agents, the page and the API")
    _store(worker)
    _listen(worker)
    worker.add_argument("--partitions", type=int, help="partitions of a new store (default 1), of new topics (4)")
    worker.add_argument("--zone", help="time zone in which a business day begins (default UTC)")
    kafka = worker.add_argument_group("on Kafka")
    kafka.add_argument("--kafka", metavar="BOOTSTRAP", help="brokers to join, like 127.0.0.1:9092, instead of a store")
    kafka.add_argument("--group", help="the workers' group, before every topic's name (default headrace)")
    kafka.add_argument("--store-dir", type=Path, help="folder for tables held in RocksDB, one a worker")
    kafka.add_argument("--no-ticks", action="store_true", help="leave it to the events to say what day it is")
    kafka.add_argument(
        "--unsupervised", action="store_true", help="end when in doubt; something else starts the worker again"
    )


def _feeding(add: _Add) -> None:
    publish = _command(add, "publish", "feeding:publish", "append events of JSON Lines files (- for standard input)")
    publish.add_argument("files", nargs="+", metavar="FILE")
    to = publish.add_mutually_exclusive_group()
    _store(to)
    to.add_argument("--url", help="address of a running worker to publish to")
    _kafka(publish, to, "deployment:publish")
    publish.add_argument("--token", help="bearer token for --url")
    simulate = _command(
        add, "simulate", "simulating:simulate", "write the events of a simulated firm to standard output or a file"
    )
    _scenario(simulate)
    simulate.add_argument("--out", type=Path, help="file to write (default: standard output)")


def _replaying(add: _Add) -> None:
    replay = _command(add, "replay", "replaying:replay", "fold recorded events and write burn, readiness and a summary")
    replay.add_argument("files", nargs="*", type=Path, metavar="FILE")
    _kafka(replay, replay, "deployment:replay", option="--from-kafka")
    replay.add_argument(
        "--as-of", type=_date, metavar="D", help="business date that the figures are of (default: the greatest tick)"
    )
    replay.add_argument("--known-at", type=_instant, metavar="T", help="leave out what was accepted after this instant")
    replay.add_argument("--what-if", type=Path, metavar="FILE", help="events of a scenario, folded on top")
    replay.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the result files")
    replay.add_argument("--partitions", type=int, help="fold files in this many partitions (the result is the same)")
    replay.add_argument("--workers", type=int, help="processes for large files (default: one a core)")
    verify = _command(
        add, "verify", "replaying:verify", "compare live tables with a replay of their journal, key by key"
    )
    _source(verify, "deployment:verify")
    verify.add_argument(
        "--wait", type=float, default=60.0, metavar="SECONDS", help="with --kafka, for work to be done (default 60)"
    )
    export = _command(add, "export", "replaying:export", "write the events of a journal as JSON Lines or Parquet")
    _source(export, "deployment:export")
    export.add_argument("--format", choices=("jsonl", "parquet"), default="jsonl", help="what to write (default jsonl)")
    export.add_argument("--out", type=Path, help="file to write (default: standard output)")


def _looking(add: _Add) -> None:
    topics = _command(add, "topics", "looking:topics", "list the topics of a store, or read one")
    topics.add_argument("action", nargs="?", choices=("list", "tail"), default="list")
    topics.add_argument("topic", nargs="?", help="like burn, readiness, contracts.dead-letters")
    topics.add_argument("-n", type=int, default=10, metavar="N", help="records to show (default 10; 0 = all)")
    topics.add_argument("--latest", action="store_true", help="the latest statement per key instead of the log")
    _source(topics, "deployment:topics")
    topics.add_argument("--create", action="store_true", help="with --kafka, make the topics that do not exist")
    topics.add_argument("--partitions", type=int, help="of topics to make (default 4)")
    explain = _command(add, "explain", "looking:explain", "show the events, rates and arithmetic behind a figure")
    explain.add_argument("contract_id")
    explain.add_argument("figure", nargs="?", default="approved.amount")
    explain.add_argument("--line", help="of one line instead of the whole contract")
    explain.add_argument("--as-of", type=_date, metavar="D")
    explain.add_argument("--known-at", type=_instant, metavar="T")
    _store(explain)
    _desk(add)
    gate = _command(add, "gate", "gate:gate", "show what waits for ERP, for what, and when the next of it leaves")
    of = gate.add_mutually_exclusive_group()
    _store(of)
    of.add_argument("--url", help="address of a running worker, on either host")
    gate.add_argument("--token", help="bearer token for --url")
    reconcile = _command(add, "reconcile", "reconciling:reconcile", "compare with extracts of a PSA and an ERP")
    reconcile.add_argument("--psa", type=Path, metavar="FILE", help="entries and contract versions of the PSA")
    reconcile.add_argument("--erp", type=Path, metavar="FILE", help="invoice lines and contract versions of the ERP")
    reconcile.add_argument("--as-of", type=_date, metavar="D", help="business date (default: the greatest tick)")
    reconcile.add_argument(
        "--events", type=Path, metavar="FILE", help="write them as events that keep them, compare nothing"
    )
    _source(reconcile, "deployment:reconcile")
    schema = _command(add, "schema", "looking:schema", "check or write the JSON Schemas and the AsyncAPI document")
    schema.add_argument("--write", action="store_true", help="write them from the models")


def _desk(add: _Add) -> None:
    desk = _command(add, "exceptions", "desk:exceptions", "list what somebody should act on, and act on it")
    actions = ("list", "groups", "claim", "release", "comment", "retry", "resend", "resolve", "reopen")
    desk.add_argument("action", nargs="?", choices=actions, default="list")
    desk.add_argument("id", nargs="?", help="of the exception to act on, as it is listed")
    desk.add_argument("--by", help="who acts")
    desk.add_argument("--text", help="a remark")
    desk.add_argument("--to", help="with claim, whose it is now instead of --by")
    desk.add_argument("--event", type=Path, metavar="FILE", help="with resolve, the corrected event, sent instead")
    desk.add_argument("--fingerprint", help="of a group: list it, or act on all of it")
    desk.add_argument(
        "--status", choices=("open", "claimed", "resent", "resolved", "all"), help="list only these cases"
    )
    desk.add_argument(
        "--kind",
        choices=("conflict", "staffing", "parked", "blocker", "document", "dead_letter"),
        help="list only this kind",
    )
    desk.add_argument("--owner", help="list only what this owner should act on")
    desk.add_argument("--claimed-by", help="list only what this person has claimed")
    desk.add_argument("--code", help="list only this code")
    desk.add_argument("--tier", help="list only this tier")
    to = desk.add_mutually_exclusive_group()
    _store(to)
    to.add_argument("--url", help="address of a running worker, on either host")
    desk.add_argument("--token", help="bearer token for --url")


def _source(command: argparse.ArgumentParser, on_kafka: str) -> None:
    """Either a store or a deployment; `on_kafka` is what runs for the latter (see `_command`)."""
    group = command.add_mutually_exclusive_group()
    _store(group)
    _kafka(command, group, on_kafka)


def _kafka(
    command: argparse.ArgumentParser, group: argparse._ActionsContainer, on_kafka: str, option: str = "--kafka"
) -> None:
    command.set_defaults(on_kafka=on_kafka)
    group.add_argument(option, dest="kafka", metavar="BOOTSTRAP", help="brokers of a deployment, like 127.0.0.1:9092")
    command.add_argument("--group", help="the deployment's group, before every topic's name (default headrace)")


def _store(command: argparse._ActionsContainer) -> None:
    command.add_argument("--store", type=Path, help="the embedded host's file (default .headrace/store.sqlite)")


def _listen(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (default 8787; 0 = a free one)")


def _scenario(command: argparse.ArgumentParser) -> None:
    command.add_argument("--events", type=int, help="number of events (default 20000)")
    command.add_argument("--seed", type=int, default=7, help="another seed is another firm (default 7)")
    command.add_argument("--end", type=_date, help="the simulated firm's last day")
    command.add_argument(
        "--late", type=float, default=0.0, metavar="RATIO", help="share of events that arrive days late"
    )
    command.add_argument("--duplicates", type=float, default=0.0, metavar="RATIO", help="share of events sent twice")
    command.add_argument("--disorder", type=int, default=0, metavar="N", help="shuffle within windows of N events")
    command.add_argument(
        "--malformed", type=float, default=0.0, metavar="RATIO", help="share of records that cannot be read"
    )
    command.add_argument(
        "--conflicts", type=float, default=0.0, metavar="RATIO", help="share of events that contradict another"
    )


def _date(text: str) -> date:
    from app.events.instant import civil_date

    try:
        return civil_date(text)
    except ValueError:
        said = f"{text!r} is not a date; write it like 2026-03-31, in a year from 1900 to 2200"
        raise argparse.ArgumentTypeError(said) from None


def _instant(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an instant with a zone; write it like 2026-03-31T17:00:00Z")
    from app.events.instant import micros

    return micros(text)


if __name__ == "__main__":
    sys.exit(main())
