"""nats-py's own ObjectStore as a program, used as its documentation shows it. It knows nothing of natsobj."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

import nats
from nats.js.object_store import ObjectStore


async def put(store: ObjectStore, key: str, file: str) -> None:
    """Store a file."""
    with Path(file).open("rb") as source:
        await store.put(key, source)


async def get(store: ObjectStore, key: str, file: str) -> None:
    """Fetch into a file."""
    with Path(file).open("wb") as target:
        await store.get(key, writeinto=target)


async def get_often(store: ObjectStore, key: str, *files: str) -> None:
    """Fetch an object again and again."""
    for file in files:
        await get(store, key, file)


async def put_all(store: ObjectStore, prefix: str, folder: str, *names: str) -> None:
    """Store files of a folder, after each other."""
    for name in names:
        await put(store, f"{prefix}/{name}", str(Path(folder, name)))


async def get_all(store: ObjectStore, prefix: str, folder: str, *names: str) -> None:
    """Fetch objects into a folder, after each other."""
    for name in names:
        await get(store, f"{prefix}/{name}", str(Path(folder, name)))


async def ls(store: ObjectStore) -> None:
    """Print the names."""
    for info in await store.list():
        print(info.name)


COMMANDS: Mapping[str, Callable[..., Coroutine[None, None, None]]] = {
    "put": put,
    "get": get,
    "get-often": get_often,
    "put-all": put_all,
    "get-all": get_all,
    "ls": ls,
}


async def main(url: str, bucket: str, command: str, *arguments: str) -> None:
    """Connect, do one thing, close."""
    client = await nats.connect(url)
    store = await client.jetstream().object_store(bucket)
    await COMMANDS[command](store, *arguments)
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
