"""Pull consumers (ADR-37)."""

from __future__ import annotations

from dataclasses import dataclass


class NoConsumer(Exception):
    """The server makes no consumer for us here; Direct Get reads the same messages."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A pull consumer, ready to be asked for messages."""

    next_subject: str
    pending: int
    """Messages that wait for it."""
