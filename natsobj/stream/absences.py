"""What a bucket certainly does not have: a put of many need not look for every key.

A key may lie under several subjects (`names.key_subjects`), and a put must not leave an old record under one
of them: that is two questions a key. One question lists the subjects of the whole bucket instead. Where none
of a key's is among them, its record is published on condition that there is none, and a lost race is read
again like any other.
"""

from __future__ import annotations

import asyncio
import logging
import time

from natsobj.adr20 import names
from natsobj.errors import NatsobjError
from natsobj.stream.marks import Marks
from natsobj.stream.stream import BucketStream

__all__ = ["Absences"]

log = logging.getLogger(__name__)

_WORTH = 50
"""Subjects in the answer that cost as much as one look."""

_TRUSTED = 60.0
"""Seconds for which an answer counts: other clients write meanwhile."""


class Absences:
    """What is known not to be in a bucket, for as long as that can be trusted.

    It is asked for as soon as so many looks are expected that it is worth its size.
    """

    def __init__(self, stream: BucketStream) -> None:
        self._stream = stream
        self._present: Marks | None = None
        self._asked_at = 0.0
        self._expected = 0
        """Looks that came, or are to come, without an answer."""
        self._size: int | None = None
        """Subjects of the stream; None until it is known."""
        self._asking: asyncio.Task[None] | None = None

    def expect(self, looks: int) -> None:
        """Let it know that looks are to come."""
        self._expected += looks

    def know(self, key: str) -> bool:
        """Return whether it is certain by now that no client has a record of a key; nothing is asked."""
        if self._present is None or time.monotonic() - self._asked_at > _TRUSTED:
            return False
        return self._is_absent(key)

    async def lacks(self, key: str) -> bool:
        """Return whether it is certain that no client has a record of a key."""
        if self._present is None or time.monotonic() - self._asked_at > _TRUSTED:
            self._present = None
            if self._size is None:
                self._size = (await self._stream.state())["state"].get("num_subjects", 0)
            if self._expected * _WORTH < self._size:
                self._expected += 1
                return False
            await self._ask_once()
        return self._is_absent(key)

    def _is_absent(self, key: str) -> bool:
        present = self._present
        if present is None:
            return False
        return not len(present) or not any(
            subject in present for subject in names.key_subjects(self._stream.bucket, key)
        )

    async def _ask_once(self) -> None:
        """Ask, or wait for the answer that somebody else has asked for."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        asking = self._asking
        await asyncio.shield(asking)
        self._asking = None

    async def _ask(self) -> None:
        present, asked_at = Marks(), time.monotonic()
        try:
            async for page in self._stream.subject_pages(names.metadata_filter(self._stream.bucket)):
                for subject, _ in page:
                    present.add(subject)
                await asyncio.sleep(0)
        except NatsobjError as e:  # without it there is a look for each
            log.debug("%s: no list of its subjects: %s", self._stream.name, e)
            self._size = 2**63
            return
        self._present, self._asked_at = present, asked_at
        self._expected, self._size = 0, 2 * len(present)
