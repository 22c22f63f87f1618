"""Pull consumers (ADR-37)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consumer:
    """A pull consumer, ready to be asked for messages."""

    next_subject: str
    pending: int
    """Messages that wait for it."""
