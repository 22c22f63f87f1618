"""Lists that are so long that a consumer reads them: the same guarantees as for short ones."""

from __future__ import annotations

import base64
import json

from nats.aio.client import Client

from natsobj import Bucket, Store
from natsobj.adr20.names import metadata_subject
from natsobj.stream.listing import LONG, every_record
from tests.behind import api


async def fill(client: Client, bucket: Bucket, number: int) -> None:
    """Write small records as fast as they can be taken."""
    for each in range(number):
        subject = f"$O.{bucket.name}.M.{base64.urlsafe_b64encode(b'%06d' % each).decode()}"
        await client.publish(subject, b'{"name":"%06d"}' % each)
        if each % 5000 == 0:
            await written(client, bucket)
    await written(client, bucket)


async def written(client: Client, bucket: Bucket) -> None:
    """All that was published is stored."""
    await client.request(metadata_subject(bucket.name, "last"), b'{"name":"last"}', timeout=20)


async def test_a_long_list_has_every_record_once(client: Client, bucket: Bucket, store: Store) -> None:
    """Of a subject with several messages the last one; what changes meanwhile once; consumers are gone."""
    await fill(client, bucket, LONG)
    for size in (1, 2):  # as older clients write it, without rollup
        await client.request(metadata_subject(bucket.name, "000007"), b'{"name":"000007","size":%d}' % size)
    names: list[str] = []
    async for record in every_record(bucket.stream):
        names.append(record.name)
        if record.name == "000007":
            assert record.info is not None
            assert record.info.size == 2
        if len(names) == 10:
            changed = json.dumps({"name": "000001", "size": 5}).encode()
            await client.request(metadata_subject(bucket.name, "000001"), changed)
    assert len(names) == len(set(names)) == LONG + 1
    status = await bucket.status()
    assert (status.objects, status.chunks) == (LONG + 1, 0)
    state = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}"))["state"]
    assert isinstance(state, dict)
    assert state["consumer_count"] == 0
