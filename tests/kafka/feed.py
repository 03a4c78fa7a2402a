"""Events written to the input topics as producers do that know nothing of ours: any partition, in bursts."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from confluent_kafka import KafkaError, Message, Producer

from app.engine.placement import likely_topic

LARGEST_BYTES = 2_000_000
GIVE_UP_SECONDS = 180
JUST_NOW = 0.25
"""Seconds within which agents have hardly worked off what came."""


class Feed:
    """Sends lines in their order, dealt out to the partitions in turn; no faster than `rate` events a second.

    It is a thread, so that faults hit while events arrive: `more` says how many may be sent. Records that a broker's
    death leaves unanswered are sent again, so some arrive twice: the truth is what the topics hold.
    """

    def __init__(self, bootstrap: str, prefix: str, partitions: int, lines: Sequence[bytes], rate: float) -> None:
        self._prefix, self._partitions, self._lines, self._rate = prefix, partitions, lines, rate
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "linger.ms": 5,
                "message.max.bytes": LARGEST_BYTES,
                "message.timeout.ms": GIVE_UP_SECONDS * 1_000,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )
        self._allowed = 0
        self._ended = False
        self._last = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0
        self.delivered = 0
        self.refused: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def more(self, count: int) -> None:
        """Allow so many more lines."""
        self._allowed = min(self._allowed + count, len(self._lines))

    def busy(self) -> bool:
        """Whether events are on their way, or were a moment ago."""
        return self.sent < self._allowed or time.monotonic() - self._last < JUST_NOW

    def finish(self) -> None:
        """Send all that is left and return once the broker has it; raises RuntimeError where it has not."""
        self._allowed = len(self._lines)
        self._thread.join(GIVE_UP_SECONDS)
        self._producer.flush(GIVE_UP_SECONDS)
        self._ended = True
        if self.delivered + len(self.refused) != len(self._lines) or self.refused:
            raise RuntimeError(
                f"{self.delivered} of {len(self._lines)} events were delivered, {len(self.refused)} refused:"
                f" {sorted(set(self.refused))[:3]}"
            )

    def end(self) -> None:
        """Send nothing more."""
        self._ended = True
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        due = time.monotonic()
        for number, line in enumerate(self._lines):
            while number >= self._allowed and not self._ended:
                self._producer.poll(0.02)
                due = time.monotonic()
            if self._ended:
                return
            self._send(number, line)
            due += 1 / self._rate
            if (early := due - time.monotonic()) > 0.01:
                self._producer.poll(0)
                time.sleep(early)

    def _send(self, number: int, line: bytes) -> None:
        topic = self._prefix + likely_topic(line)
        while True:
            try:
                self._producer.produce(topic, line, partition=number % self._partitions, on_delivery=self._told)
            except BufferError:
                self._producer.poll(0.1)
                continue
            self.sent += 1
            self._last = time.monotonic()
            return

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.delivered += 1
        else:
            self.refused.append(str(error))
