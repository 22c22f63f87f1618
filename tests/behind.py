"""What tests do behind the library's back: ask the server by hand, write records, break things."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nats.aio.client import Client

from natsobj.adr20.names import chunk_subject, metadata_filter, metadata_subject
from natsobj.bucket import Bucket
from tests.between import Between, Sent
from tests.sinks import Buffer

BIG = bytes(range(256)) * 512 * 40
"""40 chunks of the default size."""


async def api(client: Client, call: str, **request: object) -> dict[str, object]:
    """Ask the JetStream API by hand."""
    answer = await client.request(f"$JS.API.{call}", json.dumps(request).encode(), timeout=5)
    decoded: dict[str, object] = json.loads(answer.data)
    assert "error" not in decoded, decoded
    return decoded


async def messages(client: Client, bucket: Bucket) -> int:
    """How many messages the bucket's stream keeps."""
    state = (await api(client, f"STREAM.INFO.OBJ_{bucket.name}"))["state"]
    assert isinstance(state, dict)
    return int(state["messages"])


async def last_sequence(client: Client, stream: str) -> int:
    """The sequence of the last message that a stream has had."""
    state = (await api(client, f"STREAM.INFO.{stream}"))["state"]
    assert isinstance(state, dict)
    return int(state["last_seq"])


async def fetch(bucket: Bucket, key: str) -> bytes:
    """Read an object."""
    sink = Buffer()
    await bucket.get(key, sink)
    return bytes(sink.data)


async def write_record(client: Client, bucket: Bucket, key: str, fields: Mapping[str, object]) -> None:
    """Write a metadata record by hand, as any client could."""
    record = {"name": key, "bucket": bucket.name, **fields}
    await client.request(
        metadata_subject(bucket.name, key),
        json.dumps(record).encode(),
        headers={"Nats-Rollup": "sub"},
        timeout=5,
    )


async def record_of(client: Client, bucket: Bucket, key: str) -> dict[str, object]:
    """Read a metadata record as it is stored."""
    stream = await client.jetstream().get_last_msg(f"OBJ_{bucket.name}", metadata_subject(bucket.name, key))
    record: dict[str, object] = json.loads(stream.data or b"")
    return record


async def drop_chunk(client: Client, bucket: Bucket, key: str) -> None:
    """Delete one chunk in the middle of an object."""
    info = await bucket.info(key)
    assert info.nuid
    subject = chunk_subject(bucket.name, info.nuid)
    found = await api(client, f"STREAM.MSG.GET.OBJ_{bucket.name}", seq=1, next_by_subj=subject)
    message = found["message"]
    assert isinstance(message, dict)
    await api(client, f"STREAM.MSG.DELETE.OBJ_{bucket.name}", seq=message["seq"] + 1)


async def lag_behind(between: Between, behind: Bucket) -> None:
    """Let Direct Get know no newer records than there are now, as on a replica that has not caught up."""
    records = metadata_filter(behind.name).encode()
    everything = metadata_filter("*").encode()

    def of_records(sent: Sent) -> bool:
        return ".DIRECT.GET." in sent.subject and (records in sent.payload or everything in sent.payload)

    between.remember(of_records)
    async for _ in behind.list(deleted=True):
        pass
    between.freeze()
