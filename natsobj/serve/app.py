"""The site: how each address is answered. It reads the bucket and never changes anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from natsobj import Bucket, InvalidMetadata, NatsobjError, ObjectChanged, ObjectInfo, ObjectNotFound
from natsobj.errors import (
    AuthorizationError,
    BucketNotFound,
    InvalidArgument,
    InvalidKey,
    LinkError,
    TemporaryError,
)
from natsobj.folders.level import one_level
from natsobj.models import Folder
from natsobj.serve.access import CHALLENGE, is_authorised, is_local
from natsobj.serve.addresses import Asked, NoAddress, folder_address_of, read
from natsobj.serve.body import Answer, Body
from natsobj.serve.conditions import Unsatisfiable, failed_condition, wanted_part
from natsobj.serve.content import object_headers
from natsobj.serve.pages import PAGE_HEADERS, Words, folder_page
from natsobj.serve.window import Window, read_window

__all__ = ["Entry", "Offer", "Site"]

Entry = Folder | ObjectInfo | InvalidMetadata

_PAGE = 1000
"""Entries on a page."""

_BLOCK = 32 * 1024
"""A list is sent in blocks of this many bytes."""

_SHARES = 7
"""Shares of the bytes in flight that stay unused; a single client gets the eighth share."""

_TRIES = 3
"""How often an object is read again if it is replaced meanwhile."""

_INDEX = "index.html"

_ALWAYS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Offer:
    """What is served, to whom, and how it is written."""

    bucket: Bucket
    words: Words
    line: Callable[[Entry], str]
    """Writes an entry as JSON."""
    say: Callable[[Exception], None]
    """Reports an error on this side."""
    log: Callable[[str], None] | None = None
    """Writes a line for each request."""
    index: bool = True
    """Whether a folder's `index.html` is shown for it."""
    token: str | None = None
    local_names_only: bool = True
    """Whether requests for any other host than this machine are refused."""


class Site:
    """An ASGI application."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; if the client leaves, stop fetching for it."""
        if scope["type"] != "http":
            return
        began, request, answer = time.monotonic(), Request(scope), Answer(send, _ALWAYS)
        work = asyncio.create_task(self._answer(request, answer))
        left = asyncio.create_task(_gone(receive))
        self._running.add(work)
        try:
            await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.cancel()
            with suppress(asyncio.CancelledError):
                await _ended(work)
            self._running.discard(work)
            if self._offer.log is not None:
                self._offer.log(_told(scope, answer, time.monotonic() - began))

    @contextmanager
    def modest(self) -> Iterator[None]:
        """Ask for fewer bytes at a time than other commands: slow clients keep them in memory."""
        connector = self._offer.bucket.stream.js.connector
        with ExitStack() as held:
            for _ in range(_SHARES):
                held.enter_context(connector.sharing())
            yield

    async def close(self) -> None:
        """End all answers, and with them everything that they still read from the store."""
        for work in self._running:
            work.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _answer(self, request: Request, answer: Answer) -> None:
        """Answer in any case; one that fails after its first byte ends short of its announced length."""
        try:
            await self._respond(request, answer)
        except NoAddress as error:
            await _plain(request, answer, 404, str(error))
        except (NatsobjError, OSError) as error:
            status = _status(error)
            if status >= 500:
                self._offer.say(error)
            if not answer.status:
                extra = {"retry-after": "5"} if status == 503 else {}
                await _plain(request, answer, status, self._offer.words.shown(str(error)), extra)
        except Exception as error:  # noqa: BLE001  # a bug ends one answer, not the site
            self._offer.say(error)
            if not answer.status:
                await _plain(request, answer, 500, "something went wrong")

    async def _respond(self, request: Request, answer: Answer) -> None:
        offer = self._offer
        if offer.local_names_only and not is_local(request.headers.get("host", "")):
            await _plain(request, answer, 421, "this site has no such name")
        elif offer.token is not None and not is_authorised(request.headers, offer.token):
            await _plain(request, answer, 401, "a token is needed", {"www-authenticate": CHALLENGE})
        elif request.method not in {"GET", "HEAD"}:
            await _plain(request, answer, 405, "this site is read-only", {"allow": "GET, HEAD"})
        else:
            asked = read(request.scope["raw_path"], request.scope["query_string"])
            if asked.folder:
                await self._show_folder(request, answer, asked)
            else:
                await self._show_key(request, answer, asked.name)

    # Objects

    async def _show_key(self, request: Request, answer: Answer, key: str) -> None:
        found = await self._find(key)
        if isinstance(found, ObjectInfo):
            await self._send_object(request, answer, key, found)
            return
        location = folder_address_of(key, request.scope["query_string"])
        await _plain(request, answer, 307, "it is a folder", {"location": location})

    async def _find(self, key: str) -> ObjectInfo | None:
        """Return the object of a key, whatever subject its record has; None for a folder of that name.

        Raises:
            ObjectNotFound: there is neither.
        """
        bucket = self._offer.bucket
        with suppress(ObjectNotFound, InvalidKey):
            return await bucket.info(key)
        folder = False
        async with aclosing(bucket.list(key, on_unreadable=lambda _: None)) as infos:
            async for info in infos:
                if info.name == key:
                    return info
                folder = folder or info.name.startswith(f"{key}/")
        if not folder:
            raise ObjectNotFound(bucket.name, key)
        return None

    async def _send_object(self, request: Request, answer: Answer, key: str, info: ObjectInfo) -> None:
        for attempt in range(_TRIES):
            try:
                await self._send_version(request, answer, key, await self._offer.bucket.follow(info))
            except ObjectChanged:
                if answer.status or attempt == _TRIES - 1:
                    raise
                info = await self._offer.bucket.info(key)
            else:
                return

    async def _send_version(self, request: Request, answer: Answer, key: str, info: ObjectInfo) -> None:
        headers = object_headers(key, info, attach_name=request.scope["raw_path"] == b"/")
        tag, size, modified = headers["etag"], info.size, info.modified
        if failed := failed_condition(request.headers, tag, modified):
            dropped = ("content-type", "content-disposition", "content-security-policy")
            head = {name: value for name, value in headers.items() if name not in dropped}
            await answer.start(failed, head if failed == 304 else head | {"content-length": "0"})
            await answer.write(b"", more=False)
            return
        part = None
        if request.method == "GET":
            try:
                part = wanted_part(request.headers, tag, modified, size)
            except Unsatisfiable:
                extra = {"content-range": f"bytes */{size}"}
                await _plain(request, answer, 416, "the range lies behind the end", extra)
                return
        start, stop = part or (0, size)
        headers["content-length"] = str(stop - start)
        if part is not None:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
        body = Body(answer, 200 if part is None else 206, headers)
        if request.method == "GET":
            whole = stop - start == size
            await self._offer.bucket.get(info, body, offset=start, length=None if whole else stop - start)
        await body.finish()

    # Folders

    async def _show_folder(self, request: Request, answer: Answer, asked: Asked) -> None:
        bucket, prefix = self._offer.bucket, asked.name
        if asked.json:
            await self._send_lines(answer, prefix)
            return
        if self._offer.index and not asked.listed:
            with suppress(ObjectNotFound, InvalidKey):
                key = prefix + _INDEX
                await self._send_object(request, answer, key, await bucket.info(key))
                return
        window = Window(prefix, asked.order, reverse=asked.reverse, after=asked.after, most=_PAGE)
        await read_window(bucket.entries(prefix), window)
        if prefix and not window.objects:
            raise ObjectNotFound(bucket.name, prefix)
        page = folder_page(bucket.name, window, self._offer.words)
        await Response(page, headers=PAGE_HEADERS)(request.scope, request.receive, answer)

    async def _send_lines(self, answer: Answer, prefix: str) -> None:
        """Send one level as JSON, one line for each entry, while it is being read."""
        bucket, line = self._offer.bucket, self._offer.line
        unreadable: list[InvalidMetadata] = []

        def read_all(first: bool) -> AsyncGenerator[ObjectInfo, None]:
            return bucket.list(prefix, on_unreadable=unreadable.append if first else lambda _: None)

        head = {"content-type": "application/x-ndjson", "cache-control": "no-store"}
        block, found = bytearray(), False
        async with aclosing(one_level(read_all, prefix, most=0)) as entries:
            async for entry in entries:
                found = True
                for error in unreadable:
                    block += f"{line(error)}\n".encode()
                unreadable.clear()
                block += f"{line(entry)}\n".encode(errors="backslashreplace")
                if len(block) >= _BLOCK:
                    if not answer.status:
                        await answer.start(200, head)
                    await answer.write(bytes(block), more=True)
                    block.clear()
        if prefix and not found:
            raise ObjectNotFound(bucket.name, prefix)
        block += "".join(f"{line(error)}\n" for error in unreadable).encode()
        if not answer.status:
            await answer.start(200, head)
        await answer.write(bytes(block), more=False)


async def _plain(
    request: Request, answer: Answer, status: int, text: str, headers: dict[str, str] | None = None
) -> None:
    """Answer with one line of text."""
    body = f"{text}\n".encode("utf-8", "replace")
    head = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store", **(headers or {})}
    await Response(body, status, head)(request.scope, request.receive, answer)


def _status(error: Exception) -> int:
    """Return the HTTP status of an error."""
    match error:
        case ObjectNotFound() | BucketNotFound() | LinkError() | InvalidArgument():
            return 404
        case TemporaryError():
            return 503
        case AuthorizationError():
            return 502
    return 500


def _told(scope: Scope, answer: Answer, seconds: float) -> str:
    """Write the log line of a request; nothing that the client sends is in it but the address."""
    address, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    client = scope["client"][0] if scope.get("client") else "-"
    what = f"{scope['method']} {address}{'?' if query else ''}{query}"
    return f"{client} {what} {answer.status} {answer.sent:,} bytes {seconds:.3f} s"


async def _gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(work: asyncio.Task[None]) -> None:
    """End a task, and raise what it ended with."""
    work.cancel()
    await asyncio.wait({work})
    work.result()
