"""Pull consumers (ADR-37)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime.fromtimestamp(0, UTC)


class NoConsumer(Exception):
    """The server makes no consumer for us here; Direct Get reads the same messages."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A pull consumer, ready to be asked for messages."""

    next_subject: str
    pending: int
    """Messages that wait for it."""


class Delivery(NamedTuple):
    """What the reply subject of a consumer's message says of it."""

    sequence: int
    """In the stream."""
    number: int
    """Of all that this consumer has delivered."""
    time: datetime
    pending: int
    """Messages behind it."""


def delivery(reply: str) -> Delivery:
    """Read `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<number>.<time>.<pending>`.

    A domain and an account may stand before the stream, and a token behind it all.
    """
    tokens = reply.split(".")
    start = 5 if len(tokens) < 11 else 7
    sequence, number, nanoseconds, pending = map(int, tokens[start : start + 4])
    return Delivery(sequence, number, _EPOCH + timedelta(microseconds=nanoseconds // 1000), pending)
