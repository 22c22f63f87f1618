"""Names that are near: the did-you-mean of an error, and what TAB offers for buckets and objects."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from natsobj.cli.arguments.target import config_home, local_home, local_wanted, remote
from natsobj.errors import BucketNotFound, NatsobjError, ObjectNotFound

if TYPE_CHECKING:
    from natsobj.settings import Settings
    from natsobj.store import Store

__all__ = [
    "MOST_COMPLETIONS",
    "add_suggestion",
    "complete_bucket",
    "complete_context",
    "complete_key",
    "complete_key_or_file",
    "complete_side",
    "nearest",
]

SUGGESTION_TIME = 1.0
"""Seconds that a did-you-mean may cost."""

MOST_NAMES = 10_000
"""Names that a did-you-mean looks at."""

COMPLETION_TIME = 0.6
"""Seconds for connecting and reading; the rest of a second is for starting Python."""

MOST_COMPLETIONS = 200


# Did you mean


async def add_suggestion(store: Store, error: NatsobjError) -> None:
    """Note the nearest name that exists on an error about one that does not; silent when that fails."""
    import asyncio

    deadline = time.monotonic() + SUGGESTION_TIME
    names: list[str] = []
    with suppress(NatsobjError, TimeoutError):
        async with asyncio.timeout(SUGGESTION_TIME):
            if isinstance(error, BucketNotFound):
                names += await store.bucket_names()
                _note(error, nearest(error.bucket, names[:MOST_NAMES], deadline))
            elif isinstance(error, ObjectNotFound) and error.unmatched:
                pass
            elif isinstance(error, ObjectNotFound) and set("*?") & set(error.key):
                import shlex

                line = shlex.join(("natsobj", "ls", error.bucket, "--match", error.key))
                error.add_note(f"{line} shows what matches; rm and get -r have --match, too")
            elif isinstance(error, ObjectNotFound) and not error.deleted_meanwhile:
                if error.names is None:
                    await _collect(store, error.bucket, "", names, MOST_NAMES)
                else:
                    names += error.names
                folder = error.key if error.key.endswith("/") else f"{error.key}/"
                if any(name.startswith(folder) for name in names):
                    error.add_note(f"natsobj ls {error.bucket} {folder} shows what is below it")
                else:
                    _note(error, nearest(error.key, names, deadline))


def _note(error: NatsobjError, name: str | None) -> None:
    if name is not None:
        error.add_note(f"did you mean {name}?")


def nearest(wanted: str, names: Sequence[str], deadline: float) -> str | None:
    """Find the name that is most like the wanted one, as far as the time (`time.monotonic`) allows."""
    from difflib import get_close_matches

    best: list[str] = []
    for start in range(0, len(names), 100):
        if time.monotonic() > deadline:
            break
        others = [name for name in names[start : start + 100] if name != wanted]
        best = get_close_matches(wanted, [*best, *others], n=1)
    return best[0] if best else None


async def _collect(store: Store, bucket: str, prefix: str, found: list[str], most: int) -> None:
    """Add the names of a bucket's objects as they come, for who waits no longer has those that came."""
    async with aclosing(store.bucket(bucket).list(prefix, on_unreadable=lambda _: None)) as infos:
        async for info in infos:
            found.append(info.name)
            if len(found) >= most:
                break


# What TAB offers


def complete_bucket(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the names of buckets."""

    async def find(store: Store, found: list[str]) -> None:
        found += [name for name in await store.bucket_names() if name.startswith(incomplete)]

    return _offer(ctx, find)


def complete_context(incomplete: str) -> list[str]:
    """Offer the names of the nats command's contexts."""
    from natsobj.settings.contexts import context_names

    names = context_names(config_home(os.environ))
    return [name for name in names if name.startswith(incomplete) and name.isprintable()]


def complete_key(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the objects of the bucket that is already on the command line, one folder level at a time."""
    bucket = ctx.params.get("bucket")

    async def find(store: Store, found: list[str]) -> None:
        await _find_level(store, str(bucket), incomplete, found)

    return _offer(ctx, find) if bucket else []


def complete_key_or_file(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer local files as well: an object that is to be stored often gets the name of its file."""
    return list(dict.fromkeys((*_local(incomplete), *complete_key(ctx, incomplete))))[:MOST_COMPLETIONS]


def complete_side(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer what a sync may have on a side: local folders, buckets, and in a bucket the folders."""
    bucket, colon, prefix = incomplete.partition(":")
    if "/" in bucket:
        return _local(incomplete, folders=True)

    async def find(store: Store, found: list[str]) -> None:
        if not colon:
            found += [f"{name}:" for name in await store.bucket_names() if name.startswith(incomplete)]
            return
        await _find_level(store, bucket, prefix, found, folders=True)
        found[:] = [f"{bucket}:{name}" for name in found]

    return ([] if colon else _local(incomplete, folders=True)) + _offer(ctx, find)


async def _find_level(
    store: Store, bucket: str, incomplete: str, found: list[str], *, folders: bool = False
) -> None:
    """Find the names of one folder level that begin so, or whole names where there is only one."""
    seen: set[str] = set()
    names: list[str] = []
    level = incomplete.rfind("/") + 1
    listed = store.bucket(bucket).list(incomplete, on_unreadable=lambda _: None)
    async with aclosing(listed) as infos:
        async for info in infos:
            head, slash, _ = info.name[level:].partition("/")
            offer = info.name[:level] + head + slash
            names[1:] = [info.name]  # the first one, and whether there are others
            if offer not in seen and (slash or not folders):
                seen.add(offer)
                found.append(offer)
            if len(found) >= MOST_COMPLETIONS:
                break
    if len(names) == 1 and not folders:  # nothing else is in that folder
        found[:] = names


def _local(incomplete: str, *, folders: bool = False) -> list[str]:
    """Find local files and folders, which have a slash behind them."""
    head, slash, start = incomplete.rpartition("/")
    found: list[str] = []
    with suppress(OSError), os.scandir(head + slash or os.curdir) as entries:
        for entry in entries:
            if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
                continue
            if entry.is_dir():
                found.append(f"{head}{slash}{entry.name}/")
            elif not folders:
                found.append(f"{head}{slash}{entry.name}")
    return [name for name in sorted(found) if name.isprintable()][:MOST_COMPLETIONS]


def _offer(ctx: typer.Context, find: Callable[[Store, list[str]], Awaitable[None]]) -> list[str]:
    """Ask the server in a thread of its own: a name lookup that hangs can only be left behind."""
    import asyncio
    import logging
    import threading

    logging.disable(logging.CRITICAL)
    found: list[str] = []

    async def ask() -> None:
        from natsobj.store import Store

        settings = _settings(ctx.find_root().params)
        if settings is not None:
            async with Store(settings) as store:
                await find(store, found)

    def work() -> None:
        with suppress(Exception):  # TAB is not the place to report errors
            asyncio.run(asyncio.wait_for(ask(), COMPLETION_TIME))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(COMPLETION_TIME)
    return [name for name in found[:MOST_COMPLETIONS] if name.isprintable()]


def _settings(params: Mapping[str, Any]) -> Settings | None:
    """Resolve the settings without starting anything: None when the local server does not run."""
    soon = timedelta(seconds=COMPLETION_TIME)
    if not local_wanted(params, os.environ):
        return replace(remote(params, os.environ), timeout=soon)
    from natsobj import local_server

    running = local_server.status(local_home(os.environ))
    return None if running is None else local_server.settings(running, soon)
