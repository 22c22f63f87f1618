"""The subjects of a stream, page by page: never all of them in memory, and of a page only its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from natsobj.errors import MalformedAnswer

__all__ = ["SubjectPage"]

_BEGINNING = b'"subjects":{'
"""Of the counts; a stream's own subjects are a list, and inside a string the quotes would be escaped."""

_SUBJECT = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)":(\d+),?')
_SUBJECTS = re.compile(rb'(?:"[^"\\]*(?:\\.[^"\\]*)*":\d+,?)*+')


class SubjectPage:
    """An answer of STREAM.INFO with a filter: subjects, and how many messages each has."""

    def __init__(self, answer: bytes) -> None:
        found = answer.find(_BEGINNING)
        self._answer = answer
        self._start = self._end = found + len(_BEGINNING) if found >= 0 else len(answer)
        if (subjects := _SUBJECTS.match(answer, self._start)) is not None:
            self._end = subjects.end()

    def rest(self) -> bytes:
        """Return the answer without its subjects."""
        return self._answer[: self._start] + self._answer[self._end :]

    @property
    def is_empty(self) -> bool:
        """Whether there is no subject at all."""
        return self._start == self._end

    def __iter__(self) -> Iterator[tuple[str, int]]:
        for match in _SUBJECT.finditer(self._answer, self._start, self._end):
            subject, number = match.groups()
            try:
                name = json.loads(b'"%b"' % subject) if b"\\" in subject else subject.decode()
                yield name, int(number)
            except ValueError as e:
                raise MalformedAnswer("STREAM.INFO") from e
