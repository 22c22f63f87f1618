"""The file system: each method of fsspec in terms of one or two of a bucket's."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from fsspec.asyn import _run_coros_in_chunks, sync_wrapper
from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.core import get_compression

from natsobj import Bucket, BucketConfig, ObjectInfo, errors
from natsobj.fsspec.errors import AppendRefused, pythons
from natsobj.fsspec.listing import Listed, ignore
from natsobj.fsspec.reading import ReadFile
from natsobj.fsspec.tree import Tree, split
from natsobj.fsspec.writing import PackedWriter, TextWriter, WriteFile

__all__ = ["NatsobjFileSystem"]


class NatsobjFileSystem(Listed):
    """Buckets and their objects as `bucket/key`; each part of a key before a slash is a directory.

    A directory exists as long as there is an object below it, and creating one does nothing. A bucket is a
    directory that is created and removed. Errors are both ours and Python's own: `ObjectNotFound` is a
    `FileNotFoundError`.

    Args:
        storage_options: fields of `natsobj.Settings`, and `context`, `creds`, `nkey` and `js_domain` as on
            the command line. The rest comes from `NATS_*` and the contexts of the `nats` command.
    """

    # Content

    async def _cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        async with self.at(path) as (bucket, key):
            return await _part(bucket, await self.readable(bucket, key), start, end)

    async def _cat_ranges(
        self,
        paths: list[str],
        starts: int | Iterable[int | None] | None,
        ends: int | Iterable[int | None] | None,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> Any:
        return await super()._cat_ranges(
            paths, starts, ends, batch_size=batch_size, on_error=on_error, **kwargs
        )

    async def _cat(
        self,
        path: str | list[str],
        recursive: bool = False,
        on_error: str = "raise",
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        found = await super()._cat(path, recursive, "return", batch_size, **kwargs)
        several = isinstance(found, dict)
        result = {}
        for name, content in found.items() if several else [("", found)]:
            if (
                isinstance(content, (FileNotFoundError, IsADirectoryError))
                and recursive
                and await self._isdir(name)
            ):
                continue
            if isinstance(content, BaseException) and on_error == "raise":
                raise content
            if not (isinstance(content, BaseException) and on_error == "omit"):
                result[name] = content
        return result if several else found

    async def _get_file(
        self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, **kwargs: Any
    ) -> None:
        if not hasattr(lpath, "write"):
            lpath = Path(lpath)
        try:
            async with self.at(rpath) as (bucket, key):
                info = await self.readable(bucket, key)
                callback.set_size(info.size)
                await bucket.get(info, lpath, replace=True)
                callback.absolute_update(info.size)
        except (FileNotFoundError, IsADirectoryError):
            if not (isinstance(lpath, Path) and await self._isdir(rpath)):
                raise
            lpath.mkdir(parents=True, exist_ok=True)

    # Changes

    async def _pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        async with self.at(path) as (bucket, key):
            await bucket.put(key, value, kwargs.get("meta"), if_absent=mode == "create", read_back=False)

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        mode: str = "overwrite",
        callback: Any = DEFAULT_CALLBACK,
        **kwargs: Any,
    ) -> None:
        source = Path(lpath)
        if source.is_dir():
            await self._makedirs(rpath, exist_ok=True)
            return
        async with self.at(rpath) as (bucket, key):
            info = await bucket.put(
                key, source, kwargs.get("meta"), if_absent=mode == "create", read_back=False
            )
        callback.set_size(info.size)
        callback.absolute_update(info.size)

    async def _cp_file(self, path1: str, path2: str, *, move: bool = False, **kwargs: Any) -> None:
        other, to = split(self._strip_protocol(path2))
        async with self.at(path1) as (bucket, key):
            if not key:
                raise IsADirectoryError(errno.EISDIR, "to copy a bucket, use recursive=True", path1)
            verb = bucket.move if move else bucket.copy
            await verb(key, to, bucket=other, replace=True)

    async def _mv(
        self,
        path1: str | list[str],
        path2: str | list[str],
        recursive: bool = False,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        await self._copy(path1, path2, recursive=recursive, maxdepth=maxdepth, move=True, **kwargs)

    async def _mv_file(self, path1: str, path2: str) -> None:
        await self._cp_file(path1, path2, move=True)

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        async with self.at(path) as (bucket, key):
            if not key:
                raise IsADirectoryError(errno.EISDIR, "to remove a bucket, use rmdir or recursive=True", path)
            await bucket.delete(key)

    async def _rm(
        self,
        path: str | list[str],
        recursive: bool = False,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        if not recursive:
            await super()._rm(path, batch_size=batch_size, **kwargs)
            return
        for each in [path] if isinstance(path, str) else path:
            for name in await self._expand_path(each):
                await self._rm_below(name, maxdepth)

    async def _rm_below(self, path: str, maxdepth: int | None) -> None:
        """Remove a path and everything below it; a bucket with all of its objects."""
        if not path:
            raise PermissionError(errno.EPERM, "refusing to remove all buckets")
        async with self.at(path) as (bucket, key), self.connected() as store:
            if not key and maxdepth is None:
                await store.delete_bucket(bucket.name)
                return
            tree = Tree(path, maxdepth)
            names = []
            async with aclosing(bucket.list(f"{key}/" if key else "", on_unreadable=ignore)) as below:
                async for info in below:
                    tree.add(info)
                    names.append(info.name)
            kept = maxdepth is not None
            doomed = [name for name in names if not kept or f"{bucket.name}/{name}" in tree.files]
            if key and (not names or await self._isfile(path)):
                doomed.append(key)
            await _each(bucket.delete, doomed, self.batch_size)

    async def _mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        bucket, key = split(self._strip_protocol(path))
        async with self.connected() as store:
            try:
                if not key or create_parents:
                    await store.create_bucket(BucketConfig(bucket))
                else:
                    await store.bucket(bucket).stream.info()
            except errors.BucketExists:
                if not key:
                    raise

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        try:
            await self._mkdir(path, create_parents=True)
        except FileExistsError:
            if not exist_ok:
                raise

    async def _rmdir(self, path: str) -> None:
        bucket, key = split(self._strip_protocol(path))
        tree = await self._tree(self._strip_protocol(path), 1)
        if tree.found or not bucket:
            raise OSError(errno.ENOTEMPTY, "not empty", path)
        if not key:
            async with self.connected() as store:
                await store.delete_bucket(bucket)

    mkdir = sync_wrapper(_mkdir)
    rmdir = sync_wrapper(_rmdir)
    mv = sync_wrapper(_mv)

    # Open files

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | str | None = None,
        cache_options: dict[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open an object; if a `with` block raises, nothing of what it has written is stored."""
        if "r" in mode:
            return super().open(path, mode, block_size, cache_options, compression, **kwargs)
        names = () if "b" in mode else ("encoding", "errors", "newline")
        text = {name: kwargs.pop(name) for name in names if name in kwargs}
        packing = get_compression(path, compression)
        binary = mode if "b" in mode else mode.replace("t", "") + "b"
        file = super().open(path, binary, block_size, cache_options, **kwargs)
        if packing is not None:
            file = PackedWriter(file, packing)
            if self._intrans:
                self.transaction.files[-1] = file
        return file if "b" in mode else TextWriter(file, **text)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | str | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> ReadFile | WriteFile:
        if mode == "rb":
            return ReadFile(self, path, block_size=block_size, cache_options=cache_options, **kwargs)
        if mode == "ab":
            raise AppendRefused(f"cannot append to an object: {path}")
        if mode not in ("wb", "xb"):
            raise NotImplementedError(f"invalid mode: {mode}")
        if mode == "xb" and self.exists(path):
            with pythons():
                raise errors.ObjectExists(*split(path))
        return WriteFile(self, path, mode, block_size=block_size, autocommit=autocommit, **kwargs)


async def _part(bucket: Bucket, info: ObjectInfo, start: int | None, end: int | None) -> bytes:
    first, stop, _ = slice(start, end).indices(info.size)
    if (first, stop) == (0, info.size):
        return await bucket.read(info)
    return await bucket.read(info, offset=first, length=max(0, stop - first))


async def _each(verb: Callable[[str], Any], keys: Iterable[str], at_once: int) -> None:
    """Call a verb for many keys, several in parallel; a missing key is an error only if it is alone."""
    todo = list(keys)

    async def one(key: str) -> None:
        try:
            await verb(key)
        except errors.ObjectNotFound:
            if len(todo) == 1:
                raise

    await _run_coros_in_chunks([one(key) for key in todo], batch_size=at_once)
