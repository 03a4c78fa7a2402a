"""`topics`, `explain`, `schema`: looking into a store and at what is published."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from agents.effects import DEAD_LETTERS, DERIVED, INPUTS, JOURNALS
from app.commands.output import say_json, screen, table
from app.engine import shapes
from app.engine.explain import explain as explained
from app.engine.figures import Figures
from app.engine.store import Store
from app.events import schema as documents
from app.misuse import Misuse
from app.settings import Settings
from tables.controls import CONTROLS


def _open(options: argparse.Namespace) -> Store:
    return Store(Settings.load(store=options.store).store, read_only=True)


def topics(options: argparse.Namespace) -> None:
    if options.create:
        raise Misuse("a store makes its topics itself; name the brokers of a deployment with --kafka")
    with _open(options) as store:
        if options.action == "list":
            _list(store, options)
        elif options.topic is None:
            raise Misuse("name the topic to read, like `headrace topics tail burn`")
        else:
            _tail(store, options)


def _list(store: Store, options: argparse.Namespace) -> None:
    rows = []
    for topic, partition, end in store.topics():
        consumed = topic in JOURNALS or topic in INPUTS
        rows.append(
            {
                "topic": topic,
                "partition": partition,
                "records": end,
                "lag": end - store.position(topic, partition) if consumed else None,
            }
        )
    if options.json:
        say_json(rows)
    else:
        table("Topics", ("topic", "partition", "records", "lag"), [list(row.values()) for row in rows], right=(1, 2, 3))


def _tail(store: Store, options: argparse.Namespace) -> None:
    """The last records of a topic as JSON Lines, the oldest of them first."""
    known = (*DERIVED, *(name + DEAD_LETTERS for name in INPUTS), *INPUTS)
    topic = options.topic.removeprefix("headrace.")
    if topic not in known:
        raise Misuse(f"topic is {options.topic!r}; read one of {', '.join(known)}")
    values = list(_values(store, topic, latest=options.latest))
    for value in values[-options.n :] if options.n else values:
        sys.stdout.buffer.write(value + b"\n")
    sys.stdout.buffer.flush()


def _values(store: Store, topic: str, *, latest: bool) -> Iterator[bytes]:
    if topic in DERIVED:
        if latest:
            yield from (value for _, value in store.latest(topic))
            return
        for _, letter in store.letters("statements", 0):
            if dict(letter.headers)["topic"] == topic.encode():
                yield letter.value
        return
    for partition in range(store.partitions):
        for offset, letter in store.letters(topic, partition):
            if topic.endswith(DEAD_LETTERS):
                row = shapes.dead_letter(topic.removesuffix(DEAD_LETTERS), offset, letter.value, letter.headers)
                yield json.dumps(row).encode()
            else:
                yield letter.value


def explain(options: argparse.Namespace) -> bool:
    with _open(options) as store:
        stores = [store.tables(p) for p in range(store.partitions)]
        today = max((c.today for s in stores for _, c in s.scan(CONTROLS, "engagement/")), default=0) or None
        figures = Figures(stores)
        if options.known_at is not None:
            figures = figures.known_at(options.contract_id, options.known_at)
        found = figures.of(options.contract_id)
        if found is None:
            raise Misuse(
                f"no event in the store names contract {options.contract_id!r};"
                " `headrace topics tail burn --latest` shows which do"
            )
        as_of = options.as_of.toordinal() if options.as_of else today
        try:
            answer = explained(*found, options.contract_id, options.figure, options.line, as_of)
        except ValueError as error:
            raise Misuse(str(error)) from None
    if options.json:
        say_json(answer)
    else:
        _show_explanation(answer)
    return bool(answer["agrees"])


def _show_explanation(answer: dict[str, Any]) -> None:
    columns = ("work date", "entry", "person", "arithmetic", "rate", "scope", "amount", "event")
    rows = [
        (
            s["work_date"],
            s["entry_id"],
            s["resource_id"],
            s["arithmetic"],
            s["rate_id"],
            s["rate_scope"],
            s["amount"],
            f"{s['source']}#{s['event_id']}" if s["event_id"] is not None else None,
        )
        for s in answer["steps"]
    ]
    value = "none" if answer["value"] is None else f"{answer['value']} {answer['unit']}"
    table(
        f"{answer['figure']} of {answer['contract_id']} as of {answer['as_of']}: {value}",
        columns,
        rows,
        right=(6,),
    )
    screen.print(answer["formula"])
    for rule in answer["rules"]:
        screen.print(f"  {rule}")
    verdict = "agrees" if answer["agrees"] else "DIFFERS"
    screen.print(f"recomputed from {answer['steps_total']} steps: {answer['recomputed']} ({verdict})")


def schema(options: argparse.Namespace) -> bool:
    """Write the documents, or say which of them differ from the models."""
    changed = documents.write() if options.write else documents.drift()
    if options.json:
        say_json({"written" if options.write else "differs": changed})
    else:
        for name in changed:
            screen.print(f"{'wrote' if options.write else 'differs:'} {name}")
        if not changed:
            screen.print("the documents are those of the models")
    return options.write or not changed
