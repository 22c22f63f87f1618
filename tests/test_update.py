"""Changes of what is said about an object, through the library."""

from __future__ import annotations

import asyncio
import json

import pytest
from nats.aio.client import Client

from natsobj import Bucket, InvalidArgument, InvalidMetadata, ObjectMeta, ObjectNotFound
from tests.behind import last_sequence, messages, record_of, write_record

META = ObjectMeta("old", {"A": ("1", "2"), "B": "3"}, {"x": "1", "y": "2"})


async def test_an_update_changes_what_it_names_and_nothing_else(bucket: Bucket, client: Client) -> None:
    """Bytes, nuid, digest and the rest of headers and metadata stay; one record takes the other's place."""
    before = await bucket.put("k", b"content", META)
    after = await bucket.update(
        "k",
        description="new",
        headers={"A": "9", "C": ("4", "5")},
        metadata={"x": "9", "z": "3"},
        remove_headers=["B", "none"],
        remove_metadata=["y"],
    )
    assert (after.description, after.headers) == ("new", {"A": ("9",), "C": ("4", "5")})
    assert after.metadata == {"x": "9", "z": "3"}
    assert (after.nuid, after.digest, after.chunks) == (before.nuid, before.digest, before.chunks)
    assert after.revision > before.revision
    assert await bucket.info("k") == after
    assert await bucket.read("k") == b"content"
    assert await messages(client, bucket) == 2


async def test_what_goes_altogether_leaves_no_field(bucket: Bucket, client: Client) -> None:
    """An empty description, the last header, the last metadata."""
    await bucket.put("k", b"", META)
    await bucket.update("k", description="", remove_headers=("A", "B"), remove_metadata=("x", "y"))
    assert not {"description", "headers", "metadata"} & set(await record_of(client, bucket, "k"))


async def test_fields_that_nobody_here_knows_survive_byte_for_byte(bucket: Bucket, client: Client) -> None:
    """Also inside of those that are known, and numbers as they were written."""
    raw = (
        f'{{"name":"k","unknown": {{"b":1.50,"a":[1e2]}} ,"bucket":"{bucket.name}","nuid":"n1",'
        '"size":0,"chunks":0,"options":{"new":true,"max_chunk_size":7},"mtime":"0001-01-01T00:00:00Z"}'
    )
    subject = f"$O.{bucket.name}.M.aw=="
    await client.request(subject, raw.encode(), headers={"Nats-Rollup": "sub"})
    await bucket.update("k", description="new")
    stored = await client.jetstream().get_last_msg(f"OBJ_{bucket.name}", subject)
    assert stored.data is not None
    text = stored.data.decode()
    for kept in (
        '"unknown": {"b":1.50,"a":[1e2]}',
        '"size":0,"chunks":0,"options":{"new":true,"max_chunk_size":7}',
        '"nuid":"n1"',
    ):
        assert kept in text
    assert json.loads(text) == {**json.loads(raw), "description": "new"}


async def test_an_update_that_changes_nothing_writes_nothing(bucket: Bucket, client: Client) -> None:
    """Values that are there already, names that are not, and no wish at all."""
    before = await bucket.put("k", b"", META)
    last = await last_sequence(client, f"OBJ_{bucket.name}")
    same = await bucket.update("k", description="old", headers={"B": "3"}, remove_metadata=("none",))
    assert same == await bucket.update("k") == before
    assert await last_sequence(client, f"OBJ_{bucket.name}") == last


async def test_updates_at_the_same_time_are_all_made(bucket: Bucket) -> None:
    """Who loses the race reads again."""
    await bucket.put("k", b"content")
    await asyncio.gather(*(bucket.update("k", metadata={str(each): "x"}) for each in range(8)))
    assert len((await bucket.info("k")).metadata) == 8


async def test_a_record_is_changed_where_it_lies(bucket: Bucket, client: Client) -> None:
    """A Latin-1 place of nats.js; afterwards there is one record still."""
    subject = f"$O.{bucket.name}.M.9g=="
    record = {"name": "ö", "bucket": bucket.name, "nuid": "n", "size": 0, "chunks": 0}
    await client.request(subject, json.dumps(record).encode())
    assert (await bucket.update("ö", description="new")).subject == subject
    assert [info.description async for info in bucket.list()] == ["new"]


async def test_there_must_be_an_object_to_change(bucket: Bucket, client: Client) -> None:
    """Nothing, a tombstone, a record that cannot be read; and what no server takes is refused at once."""
    await bucket.put("gone", b"")
    await bucket.delete("gone")
    await write_record(client, bucket, "bad", {"size": -1})
    for key in ("nothing", "gone"):
        with pytest.raises(ObjectNotFound):
            await bucket.update(key, description="new")
    with pytest.raises(InvalidMetadata):
        await bucket.update("bad", description="new")
    await bucket.put("k", b"")
    with pytest.raises(InvalidArgument, match="record is too large"):
        await bucket.update("k", description="x" * 2_000_000)
    with pytest.raises(InvalidArgument, match="header"):
        await bucket.update("k", headers={"A B": "1"})
    with pytest.raises(TypeError, match="metadata"):
        await bucket.update("k", metadata={"a": 1})  # type: ignore[dict-item]
