"""The API calls about streams: their configuration, state and subjects; create, update, purge, delete."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from natsobj.connection import ASK_AGAIN
from natsobj.errors import BucketFull, ConfigRefused, MalformedAnswer
from natsobj.jetstream import shapes
from natsobj.jetstream.calls import Calls, read_answer
from natsobj.jetstream.subjects import SubjectPage

__all__ = ["StreamCalls", "Subjects"]

_BEHIND_ALL = 1_000_000_000
"""An offset beyond all subjects: then the answer only has their number."""

_SLOW = 3
"""How many timeouts an answer may take that costs the server work for each of very many subjects."""

_PAGE = 100_000
"""Subjects on a page of STREAM.INFO; only the last page has fewer."""

_MORE_SUBJECTS, _MORE_STREAMS = 1_000_000, 10_000
"""How many may be added during a listing; a listing that grows by more has no end."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """How many messages a stream has for each subject, and its last sequence."""

    counts: Mapping[str, int]
    last_sequence: int
    replicas: int
    """Number of replicas of the stream."""


class StreamCalls(Calls):
    """The calls about streams."""

    async def stream_info(self, stream: str, *, count: str | None = None) -> dict[str, Any]:
        """Return configuration and state of a stream, from its leader.

        Args:
            count: a filter; `total` is the number of subjects that match it, and absent for none.

        Raises:
            BucketNotFound: there is no such stream.
        """
        request = None if count is None else {"subjects_filter": count, "offset": _BEHIND_ALL}
        return await self._stream_info(stream, request)

    async def count_subjects(self, stream: str, pattern: str, *, many: bool) -> int:
        """Return how many subjects match a filter, from the leader.

        Args:
            many: the server may need seconds, so the request is sent once, with a longer timeout.
        """
        request = {"subjects_filter": pattern, "offset": _BEHIND_ALL}
        answer = await self._stream_info(
            stream, request, timeout=_SLOW * self.connector.timeout if many else None
        )
        return int(answer.get("total", 0))

    async def _stream_info(
        self, stream: str, request: Mapping[str, object] | None, *, timeout: float | None = None
    ) -> dict[str, Any]:
        api = f"STREAM.INFO.{stream}"
        answer = await self._call(api, request, stream=stream, again=timeout is None, timeout=timeout)
        return _checked_stream(shapes.fit(answer, shapes.STREAM, api), api, stream)

    async def subject_counts(self, stream: str, subject: str, *, least: int = 1) -> Subjects:
        """Return the number of messages of each matching subject that has `least`, from the leader.

        Raises:
            MalformedAnswer: the pages have no end.
        """
        counts: dict[str, int] = {}
        offset, most = 0, _MORE_SUBJECTS
        while True:
            answer = await self._stream_info(stream, {"subjects_filter": subject, "offset": offset})
            page, total = answer["state"].get("subjects") or {}, answer.get("total", 0)
            counts |= {name: count for name, count in page.items() if count >= least}
            most = most if offset else total + _MORE_SUBJECTS
            offset += len(page)
            if not page or offset >= total:
                replicas = answer["config"].get("num_replicas", 1)
                return Subjects(counts, answer["state"]["last_seq"], replicas)
            if len(page) < min(answer.get("limit", _PAGE), _PAGE) or offset > most:
                raise MalformedAnswer(f"STREAM.INFO.{stream}")

    async def subject_pages(self, stream: str, subject: str) -> AsyncGenerator[SubjectPage, None]:
        """Iterate over what `subject_counts` returns, page by page in flat memory; changes may be missed.

        Each page is requested once, with a longer timeout: at a million subjects it takes the server seconds,
        and it hangs up on a client for which the answers are too large.
        """
        api, offset, total = f"STREAM.INFO.{stream}", 0, 1
        while offset < total:
            request = json.dumps({"subjects_filter": subject, "offset": offset}).encode()
            page = SubjectPage((await self._ask(api, request, timeout=_SLOW * self.connector.timeout)).data)
            answer = shapes.fit(read_answer(page.rest(), api, stream), shapes.STREAM, api)
            offset, total = offset + _PAGE, min(answer.get("total", 0), total if offset else sys.maxsize)
            if page.is_empty and offset < total:
                raise MalformedAnswer(api)
            yield page

    async def count(self, stream: str, subject: str) -> int:
        """Return how many messages of one subject are stored, from the leader."""
        return (await self.subject_counts(stream, subject)).counts.get(subject, 0)

    async def streams(self) -> AsyncIterator[dict[str, Any]]:
        """Iterate over all streams; one that the cluster cannot reach has only its name.

        Raises:
            MalformedAnswer: the pages have no end.
        """
        pages = _Pages("STREAM.LIST")
        while not pages.done:
            answer = await self._call("STREAM.LIST", {"offset": pages.offset}, again=True)
            answer = shapes.fit(answer, shapes.STREAM_LIST, "STREAM.LIST")
            page = [_checked_stream(stream, "STREAM.LIST") for stream in answer.get("streams", ())]
            missing = answer.get("missing", ())
            fresh = pages.take([*(stream["config"]["name"] for stream in page), *missing], answer)
            for stream in page:
                if stream["config"]["name"] in fresh:
                    yield stream
            for name in missing:
                if name in fresh:
                    yield {"config": {"name": name}, "missing": True}

    async def stream_names(self, limit: int | None = None) -> list[str]:
        """Return the names of all streams, or of the first `limit`.

        Raises:
            MalformedAnswer: the pages have no end.
        """
        pages = _Pages("STREAM.NAMES")
        names: list[str] = []
        while not pages.done and (limit is None or len(names) < limit):
            answer = await self._call("STREAM.NAMES", {"offset": pages.offset}, again=True)
            answer = shapes.fit(answer, shapes.STREAM_NAMES, "STREAM.NAMES")
            page = answer.get("streams", [])
            fresh = pages.take(page, answer)
            names += [name for name in page if name in fresh]
        return names[:limit]

    async def create_stream(self, config: Mapping[str, object]) -> dict[str, Any]:
        """Create a stream; the server accepts one that exists with equal settings."""
        name, api = str(config["name"]), f"STREAM.CREATE.{config['name']}"
        try:
            answer = shapes.fit(await self._call(api, config, stream=name), shapes.STREAM, api)
        except BucketFull as e:
            raise ConfigRefused(f"{e.bucket}: {e.reason}") from e
        return _checked_stream(answer, api, name)

    async def update_stream(self, config: Mapping[str, object]) -> dict[str, Any]:
        """Change the settings of a stream and return its info; `config` is the complete configuration."""
        name, api = str(config["name"]), f"STREAM.UPDATE.{config['name']}"
        try:
            answer = await self._call(api, config, stream=name, again=True)
        except BucketFull as e:
            raise ConfigRefused(f"{e.bucket}: {e.reason}") from e
        return _checked_stream(shapes.fit(answer, shapes.STREAM, api), api, name)

    async def delete_stream(self, stream: str) -> None:
        """Delete a stream with all its messages."""
        api = f"STREAM.DELETE.{stream}"
        answer = await self._call(api, stream=stream)
        if answer.get("success") is not True:
            raise MalformedAnswer(api)

    async def purge(self, stream: str, subject: str, *, before: int | None = None, once: bool = False) -> int:
        """Remove all messages of a subject, or those before a sequence; return how many were removed.

        Args:
            once: wait one second and do not repeat the request; the caller deals with a missing answer.
        """
        request: dict[str, object] = {"filter": subject} | ({} if before is None else {"seq": before})
        timeout = ASK_AGAIN if once else None
        api = f"STREAM.PURGE.{stream}"
        answer = await self._call(api, request, stream=stream, again=not once, timeout=timeout)
        answer = shapes.fit(answer, shapes.PURGED, api)
        if not answer.get("success"):
            raise MalformedAnswer(api)
        return int(answer.get("purged", 0))

    async def account(self) -> dict[str, Any]:
        """Return what the account uses and may use."""
        account: dict[str, Any] = shapes.fit(await self._call("INFO", again=True), shapes.ACCOUNT, "INFO")
        return account


class _Pages:
    """The progress of a list of streams; each page must bring something new."""

    def __init__(self, what: str) -> None:
        self.offset = 0
        self.done = False
        self._what = what
        self._seen: set[str] = set()
        self._most = 0

    def take(self, page: Sequence[str], answer: Mapping[str, Any]) -> set[str]:
        """Take a page and return the names on it that are new."""
        fresh = set(page) - self._seen
        total = answer.get("total", 0)
        self._most = self._most or total + _MORE_STREAMS
        self._seen |= fresh
        self.offset += len(page)
        self.done = not page or self.offset >= total
        if not self.done and (not fresh or self.offset > self._most):
            raise MalformedAnswer(self._what)
        return fresh


def _checked_stream(stream: dict[str, Any], what: str, name: str | None = None) -> dict[str, Any]:
    """Return a stream after checking its required fields and its name."""
    shapes.has(stream, "config.name created state.last_seq", what)
    stream.setdefault("ts", stream["created"])
    if name is not None and stream["config"]["name"] != name:
        raise MalformedAnswer(what)
    return stream
