"""The server, the bucket and the key of a path."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from fsspec.asyn import AsyncFileSystem

from natsobj import Bucket, ObjectInfo, Store, errors
from natsobj.fsspec.connections import OPTIONS, settings_of, store_of
from natsobj.fsspec.errors import pythons
from natsobj.fsspec.tree import split
from natsobj.settings import Settings

__all__ = ["Connected"]

_AT_ONCE = 32
"""Objects that are fetched, stored or removed in parallel by default."""

_OF_FSSPEC = {"use_listings_cache", "listings_expiry_time", "max_paths"}


class Connected(AsyncFileSystem):
    """What every method needs: the server, the bucket and the key of a path."""

    protocol = "natsobj"
    cachable = True

    def __init__(
        self,
        *,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        batch_size: int | None = None,
        **storage_options: Any,
    ) -> None:
        unknown = storage_options.keys() - {"origin", *OPTIONS.values(), *_OF_FSSPEC}
        if unknown:
            raise TypeError(f"unknown storage option: {', '.join(sorted(unknown))}")
        super().__init__(
            asynchronous=asynchronous, loop=loop, batch_size=batch_size or _AT_ONCE, **storage_options
        )
        self._options = storage_options
        self._seen: dict[str, str] = {}
        self._settings: Settings | None = None

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        path = super()._strip_protocol(path)
        return path.lstrip("/") if isinstance(path, str) else path

    # The server

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that methods wait for; an error at the end of the program, when it has stopped."""
        if sys.is_finalizing():
            raise RuntimeError("the program is at its end")
        return cast("asyncio.AbstractEventLoop", super().loop)

    @property
    def settings(self) -> Settings:
        """How to reach the server; computed again when the environment has changed."""
        settings = self._settings
        if settings is None or self._stale():
            environment = dict(os.environ)
            with pythons():
                settings = settings_of(self._options, environment)
            self._settings, self._seen = settings, environment
        return settings

    def _stale(self) -> bool:
        return self._settings is None or self._seen != dict(os.environ)

    @property
    def fsid(self) -> str:
        """The servers, which tell one store from another."""
        return f"natsobj:{','.join(self.settings.servers)}"

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Store]:
        """Yield the store; its errors are raised as Python's own as well."""
        with pythons():
            settings = await asyncio.to_thread(lambda: self.settings) if self._stale() else self.settings
            try:
                store = await store_of(settings)
            except errors.ServerUnavailable:
                self._settings = None  # a local server may have another address when it is back
                raise
            yield store

    @asynccontextmanager
    async def at(self, path: str) -> AsyncIterator[tuple[Bucket, str]]:
        """Yield the bucket and the key of a path."""
        bucket, key = split(self._strip_protocol(path))
        async with self.connected() as store:
            yield store.bucket(bucket), key

    async def readable(self, bucket: Bucket, key: str) -> ObjectInfo:
        """Return the object of a key; without a key, the path is a bucket and so a directory."""
        if not key:
            await bucket.stream.info()
            raise IsADirectoryError(errno.EISDIR, "is a bucket", bucket.name)
        return await bucket.info(key, follow=True)
