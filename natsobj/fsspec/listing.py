"""Lists: objects, and the directories that their keys imply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from fsspec.asyn import sync_wrapper

from natsobj import Bucket, InvalidMetadata, ObjectInfo, errors
from natsobj.fsspec.places import Connected
from natsobj.fsspec.tree import Entry, Tree, directory, file, split

__all__ = ["Listed", "ignore"]


class Listed(Connected):
    """The methods that only look."""

    async def _info(self, path: str, **kwargs: Any) -> Entry:
        path = self._strip_protocol(path)
        if not path:
            return directory(path)
        async with self.at(path) as (bucket, key):
            if not key:
                state = await bucket.stream.info()
                made = datetime.fromisoformat(state["created"])
                return {**directory(path), "created": made, "modified": made}
            try:
                return file(await bucket.info(key, follow=True), path)
            except errors.ObjectNotFound:
                async with aclosing(bucket.list(f"{key}/", on_unreadable=ignore)) as below:
                    async for _ in below:
                        return directory(path)
                raise

    async def _exists(self, path: str, **kwargs: Any) -> bool:
        return await self._type(path) is not None

    async def _isfile(self, path: str) -> bool:
        return await self._type(path) == "file"

    async def _isdir(self, path: str) -> bool:
        return await self._type(path) == "directory"

    async def _type(self, path: str) -> str | None:
        """Return what a path is; None if nothing is or can be there. Other errors are raised."""
        try:
            return str((await self._info(path))["type"])
        except (FileNotFoundError, errors.InvalidKey, errors.InvalidBucketName):
            return None

    async def _ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Entry] | list[str]:
        path = self._strip_protocol(path)
        tree = await self._tree(path, 1)
        found = {**tree.directories, **tree.files}
        if not tree.found and split(path)[1]:
            found = {path: await self._info(path)}
        return [found[name] for name in sorted(found)] if detail else sorted(found)

    async def _find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any
    ) -> list[str] | dict[str, Entry]:
        path = self._strip_protocol(path)
        _check_depth(maxdepth)
        found: dict[str, Entry] = {}
        try:
            tree = await self._tree(path, maxdepth, kwargs.get("prefix") or "")
            found |= tree.files
            if withdirs:
                found |= tree.directories
                if path and (tree.found or await self._isdir(path)):
                    found[path] = directory(path)
            if not tree.found and not found and await self._isfile(path):
                found[path] = await self._info(path)
        except FileNotFoundError:
            pass
        names = sorted(found)
        return {name: found[name] for name in names} if kwargs.get("detail") else names

    async def _walk(
        self,
        path: str,
        maxdepth: int | None = None,
        topdown: bool = True,
        on_error: str | Callable[[OSError], object] = "omit",
        **kwargs: Any,
    ) -> AsyncIterator[tuple[str, Any, Any]]:
        _check_depth(maxdepth)
        path = self._strip_protocol(path)
        try:
            tree = await self._tree(path, maxdepth)
            if not tree.found and split(path)[1] and (itself := await self._info(path))["type"] == "file":
                tree.files, tree.parents = {path: itself}, {path: path}
        except FileNotFoundError as e:
            if on_error == "raise":
                raise
            if callable(on_error):
                on_error(e)
            tree = Tree(path)
        for each in tree.walk(path, detail=kwargs.get("detail", False), topdown=topdown):
            yield each

    async def _du(
        self,
        path: str,
        total: bool = True,
        maxdepth: int | None = None,
        withdirs: bool = False,
        **kwargs: Any,
    ) -> int | dict[str, int]:
        found = await self._find(path, maxdepth, withdirs, detail=True)
        assert isinstance(found, dict)
        sizes = {name: int(entry["size"]) for name, entry in found.items()}
        return sum(sizes.values()) if total else sizes

    async def _tree(self, path: str, depth: int | None, prefix: str = "") -> Tree:
        """Read everything below a path; for a missing bucket it raises `FileNotFoundError`."""
        tree = Tree(path, depth)
        bucket, key = split(path)
        async with self.connected() as store:
            buckets = [bucket]
            if not bucket:
                buckets = [name for name in await store.bucket_names() if name.startswith(prefix)]
                for name in buckets:
                    tree.add_bucket(name)
                prefix = ""
            if bucket or depth != 1:
                for name in buckets:
                    await self._read(store.bucket(name), f"{key}/{prefix}" if key else prefix, tree)
        return tree

    async def _read(self, bucket: Bucket, prefix: str, tree: Tree) -> None:
        links = []
        async with aclosing(bucket.list(prefix, on_unreadable=ignore)) as objects:
            async for info in objects:
                tree.add(info)
                if info.link is not None:
                    links.append(info)
        for link in links:
            name = f"{link.bucket}/{link.name}"
            if name in tree.files:
                tree.files[name] |= await _target(bucket, link)

    # Properties

    async def _created(self, path: str) -> datetime | None:
        return (await self._info(path)).get("created")

    async def _modified(self, path: str) -> datetime | None:
        return (await self._info(path)).get("modified")

    async def _ukey(self, path: str) -> str:
        """Return the digest, or if the record has none, the nuid and the revision."""
        info = await self._info(path)
        return str(info.get("sha256") or f"{info.get('nuid')}:{info.get('revision')}")

    async def _checksum(self, path: str) -> int:
        key = await self._ukey(path)
        return int(key, 16) if len(key) == 64 else int.from_bytes(key.encode())

    created = sync_wrapper(_created)
    modified = sync_wrapper(_modified)
    ukey = sync_wrapper(_ukey)
    checksum = sync_wrapper(_checksum)


def ignore(_: InvalidMetadata) -> None:
    """Leave out a record that cannot be read."""


def _check_depth(maxdepth: int | None) -> None:
    if maxdepth is not None and maxdepth < 1:
        raise ValueError("maxdepth must be at least 1")


async def _target(bucket: Bucket, link: ObjectInfo) -> Entry:
    """Describe the target of a link under the link's name, or the link itself if it leads nowhere."""
    try:
        return file(await bucket.follow(link), f"{link.bucket}/{link.name}")
    except (errors.LinkError, errors.ObjectNotFound, errors.BucketNotFound):
        return file(link)
