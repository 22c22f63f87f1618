"""Listing a bucket: complete, once each, and in bounded memory, whatever is written meanwhile."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import timedelta

import nats
import pytest
from nats.aio.client import Client

from natsobj import Bucket, ObjectInfo, Store
from natsobj.adr20.names import metadata_subject
from natsobj.errors import TemporaryError
from natsobj.jetstream.direct import BATCH
from natsobj.models import BucketConfig
from natsobj.settings import Settings
from tests.behind import api
from tests.conftest import Serve
from tests.servers import PLAIN
from tests.standstill import standing_still

MANY = 2 * BATCH + 500
"""Objects of more than two batches: when the first is given, the last is not asked for."""


async def write_many(client: Client, bucket: Bucket, keys: Sequence[str], *, size: int = 0) -> None:
    """Write a metadata record for each key, as large as asked for; all are stored then."""
    reply = client.new_inbox()
    acks = await client.subscribe(reply)
    for key in keys:
        record = {"name": key, "bucket": bucket.name, "nuid": "n", "description": "x" * size}
        subject, data = metadata_subject(bucket.name, key), json.dumps(record).encode()
        await client.publish(subject, data, headers={"Nats-Rollup": "sub"}, reply=reply)
    for _ in keys:
        assert b"error" not in (await acks.next_msg(30)).data
    await acks.unsubscribe()


async def names_of(bucket: Bucket) -> list[str]:
    """The names in the bucket, as listed."""
    return [info.name async for info in bucket.list()]


async def test_more_objects_than_two_batches_are_listed_in_order(bucket: Bucket, client: Client) -> None:
    """Each once, the oldest change first."""
    keys = [f"k{number}" for number in range(MANY)]
    await write_many(client, bucket, keys)
    assert await names_of(bucket) == keys


async def test_large_records_are_listed_whole(bucket: Bucket, client: Client) -> None:
    """Batches are bounded by bytes as well: these need several."""
    keys = [f"k{number}" for number in range(60)]
    await write_many(client, bucket, keys, size=200_000)
    listed = [info async for info in bucket.list()]
    assert [info.name for info in listed] == keys
    assert {len(info.description or "") for info in listed} == {200_000}


async def test_what_changes_while_it_is_listed_is_given_once(bucket: Bucket, client: Client) -> None:
    """An object that was given already does not come again, one that was not comes as it is now."""
    keys = [f"k{number}" for number in range(MANY)]
    await write_many(client, bucket, keys)
    listed: list[ObjectInfo] = []
    async with contextlib.aclosing(bucket.list()) as infos:
        async for info in infos:
            listed.append(info)
            if len(listed) == 1:
                await bucket.put("k0", b"given already")
                await bucket.put(keys[-1], b"not given so far")
                await bucket.put(keys[-1], b"nor now")
                await bucket.put("new", b"x")
                await bucket.delete(keys[-2])
    assert sorted(info.name for info in listed) == sorted({*keys, "new"} - {keys[-2]})
    assert {info.name: info.size for info in listed}[keys[-1]] == len(b"nor now")


async def test_among_many_only_the_last_record_of_a_subject_counts(bucket: Bucket, client: Client) -> None:
    """Also where only one of thousands was written again without rollup."""
    keys = [f"k{number}" for number in range(BATCH)]
    await write_many(client, bucket, keys)
    record = {"name": "k7", "bucket": bucket.name, "options": {"link": {"bucket": "other"}}}
    await client.request(metadata_subject(bucket.name, "k7"), json.dumps(record).encode(), timeout=5)
    listed = [info async for info in bucket.list()]
    assert [info.name for info in listed] == [*keys[:7], *keys[8:], "k7"]
    assert str(listed[-1].link) == "other"


async def test_a_bucket_without_direct_get_is_listed(bucket: Bucket, client: Client) -> None:
    """One record at a time; of several on one subject the last one counts there, too."""
    await write_many(client, bucket, ["a", "b", "c"])
    record = {"name": "a", "bucket": bucket.name, "nuid": "n"}
    await client.request(metadata_subject(bucket.name, "a"), json.dumps(record).encode(), timeout=5)
    config = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}"))["config"]
    assert isinstance(config, dict)
    await api(client, f"STREAM.UPDATE.OBJ_{bucket.name}", **config | {"allow_direct": False})
    assert await names_of(bucket) == ["b", "c", "a"]


async def test_a_listing_can_be_left_in_the_middle(bucket: Bucket, client: Client) -> None:
    """What was on its way is dropped, and the connection goes on."""
    keys = [f"k{number}" for number in range(MANY)]
    await write_many(client, bucket, keys)
    async with contextlib.aclosing(bucket.list()) as infos:
        assert (await anext(infos)).name == "k0"
    assert await names_of(bucket) == keys


@pytest.mark.parametrize("silent", [True, False])
async def test_a_listing_that_gets_no_answer_ends(serve: Serve, bucket_name: str, *, silent: bool) -> None:
    """With a temporary error, whether the server is gone or only says nothing."""
    server = serve(PLAIN)
    async with Store(Settings(servers=(server.url,), timeout=timedelta(seconds=1))) as store:
        bucket = await store.create_bucket(BucketConfig(bucket_name))
        writer = await nats.connect(server.url)
        await write_many(writer, bucket, [f"k{number}" for number in range(MANY)])
        await writer.close()
        async with contextlib.aclosing(bucket.list()) as infos:
            assert (await anext(infos)).name == "k0"
            with contextlib.ExitStack() as stack:
                if silent:
                    stack.enter_context(standing_still(server.pid))
                else:
                    server.kill()
                with pytest.raises(TemporaryError):
                    _ = [info async for info in infos]
