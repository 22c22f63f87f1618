"""Keys that a bucket certainly does not have: a put of many files need not look for each key.

A key may lie under several subjects (`names.key_subjects`), and a put must not leave an old record under one
of them: that takes two requests for each key. Instead, one request lists the subjects of the whole bucket. If
none of a key's subjects is among them, its record is published on condition that there is none, and after a
lost race it is read again like any other.
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
"""So many subjects in a listing cost as much as looking for one key."""

_TRUSTED = 60.0
"""Seconds for which a listing counts: other clients write, too."""


class Absences:
    """What is known not to be in a bucket, as long as that can be trusted.

    The bucket is listed once so many keys are expected that this is cheaper than looking for each.
    """

    def __init__(self, stream: BucketStream) -> None:
        self._stream = stream
        self._present: Marks | None = None
        self._asked_at = 0.0
        self._expected = 0
        """Keys that were looked for, or will be, without a listing."""
        self._size: int | None = None
        """Number of subjects in the stream; None until known."""
        self._asking: asyncio.Task[None] | None = None

    def expect(self, looks: int) -> None:
        """Announce that more keys will be looked for."""
        self._expected += looks

    def know(self, key: str) -> bool:
        """Return whether it is certain, without a request, that no client has stored a record of a key."""
        if self._present is None or time.monotonic() - self._asked_at > _TRUSTED:
            return False
        return self._is_absent(key)

    async def lacks(self, key: str) -> bool:
        """Return whether it is certain that no client has stored a record of a key."""
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
        """List the bucket, or wait for a listing that is under way."""
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
        except NatsobjError as e:  # without a listing each key is looked for
            log.debug("%s: no list of its subjects: %s", self._stream.name, e)
            self._size = 2**63
            return
        self._present, self._asked_at = present, asked_at
        self._expected, self._size = 0, 2 * len(present)
