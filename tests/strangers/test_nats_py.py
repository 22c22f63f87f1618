"""nats-py's own object store beside ours, on the same buckets."""

from __future__ import annotations

import pytest
from nats.aio.client import Client
from nats.js.errors import ObjectNotFoundError

from natsobj import Bucket
from tests.behind import fetch

LARGE = bytes(range(256)) * 1024 * 3
"""Six chunks."""

NAMES = ["plain", "a/b c.txt", "für/日本語", "file.txt~"]


@pytest.mark.parametrize("data", [b"hello", LARGE], ids=["small", "large"])
async def test_nats_py_reads_what_we_store(bucket: Bucket, client: Client, data: bytes) -> None:
    """Whatever the name is; after a delete there is nothing."""
    theirs = await client.jetstream().object_store(bucket.name)
    for name in NAMES:
        await bucket.put(name, data)
        assert (await theirs.get(name)).data == data
        await bucket.delete(name)
        with pytest.raises(ObjectNotFoundError):
            await theirs.get(name)


@pytest.mark.parametrize("data", [b"", b"hello", LARGE], ids=["empty", "small", "large"])
async def test_we_read_what_nats_py_stores(bucket: Bucket, client: Client, data: bytes) -> None:
    """Whatever the name is; what it deletes is gone."""
    theirs = await client.jetstream().object_store(bucket.name)
    for name in NAMES:
        await theirs.put(name, data)
        assert await fetch(bucket, name) == data
    assert sorted([info.name async for info in bucket.list()]) == sorted(NAMES)
    for name in NAMES:
        await theirs.delete(name)
    assert [info.name async for info in bucket.list()] == []
