"""Where to connect, and the connections of this process: one for each event loop and settings."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

import natsobj
from natsobj import local_server
from natsobj.settings import Settings, config_home, resolve, with_home
from natsobj.settings.local import local_by_environment

__all__ = ["OPTIONS", "settings_of", "store_of"]

OPTIONS: Mapping[str, str] = {
    "server": "servers",
    "context": "context",
    "creds": "creds",
    "nkey": "nkey",
    "user": "user",
    "password": "password",
    "token": "token",
    "jwt": "jwt",
    "seed": "seed",
    "tlscert": "tls_cert",
    "tlskey": "tls_key",
    "tlsca": "tls_ca",
    "tlsfirst": "tls_first",
    "js_domain": "js_domain",
    "js_api_prefix": "api_prefix",
    "inbox_prefix": "inbox_prefix",
    "timeout": "timeout",
}
"""Settings by their names on the command line, with those in `storage_options`: the fields of `Settings`."""

_CLOSE_WITHIN = 2.0


def settings_of(options: Mapping[str, Any], env: Mapping[str, str]) -> Settings:
    """Merge a program's settings with the environment and the contexts, as the command does.

    Starts the local server if NATSOBJ_LOCAL asks for it.

    Raises:
        InvalidArgument: a setting is invalid, or two of them contradict each other.
        LocalServerError: the local server cannot be started.
        OSError: a file that it names cannot be read.
    """
    given = {flag: options[name] for flag, name in OPTIONS.items() if options.get(name) is not None}
    timeout = given.pop("timeout", None)
    if isinstance(timeout, str):
        given["timeout"] = timeout
    if not isinstance(given.get("server", ""), str):
        given["server"] = ",".join(given["server"])
    env = with_home(env)
    if local_by_environment({flag: OPTIONS[flag] for flag in given}, env, instead="servers"):
        wait = _duration(timeout) or resolve({"timeout": given.get("timeout")}, env, None).timeout
        return local_server.settings(local_server.start(local_server.data_home(env), timeout=wait), wait)
    flags = {flag: value if isinstance(value, bool) else str(value) for flag, value in given.items()}
    settings = resolve(flags, env, config_home(env), labels=OPTIONS)
    return replace(settings, timeout=_duration(timeout) or settings.timeout)


def _duration(timeout: Any) -> timedelta | None:
    if isinstance(timeout, (int, float)):
        return timedelta(seconds=timeout)
    return timeout if isinstance(timeout, timedelta) else None


class _Connections:
    """The stores of one event loop; they are closed when the loop shuts down."""

    def __init__(self) -> None:
        self._opening: dict[Settings, asyncio.Task[natsobj.Store]] = {}
        self._held: list[AsyncGenerator[natsobj.Store, None]] = []

    async def store(self, settings: Settings) -> natsobj.Store:
        """Return the store for these settings; concurrent callers share one attempt."""
        task = self._opening.get(settings)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._opening[settings] = asyncio.create_task(self._open(settings))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Close all connections."""
        self._opening.clear()
        while self._held:
            await self._held.pop().aclose()

    async def _open(self, settings: Settings) -> natsobj.Store:
        held = _hold(settings)
        store = await anext(held)
        self._held.append(held)
        return store


async def _hold(settings: Settings) -> AsyncGenerator[natsobj.Store, None]:
    """Keep a connection until the loop closes its generators."""
    async with natsobj.connect(settings=settings) as store:
        yield store


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Connections] = WeakKeyDictionary()
_of_parents: list[object] = []
"""Connections from before a fork, kept alive: to collect them here could disturb the parent process."""


async def store_of(settings: Settings) -> natsobj.Store:
    """Return the connected store of the running loop for these settings."""
    loop = asyncio.get_running_loop()
    for each in [each for each in _open if each.is_closed()]:
        del _open[each]
    return await _open.setdefault(loop, _Connections()).store(settings)


def _close_all() -> None:
    for loop, connections in list(_open.items()):
        if loop.is_running():
            with contextlib.suppress(Exception):
                asyncio.run_coroutine_threadsafe(connections.close(), loop).result(_CLOSE_WITHIN)


def _forget() -> None:
    _of_parents.append(dict(_open))
    _open.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
