"""The verdict itself: it must see what is wrong, or the fault tests prove nothing."""

from __future__ import annotations

import hashlib

from nats.aio.client import Client

from natsobj import Bucket
from natsobj.adr20.names import chunk_subject
from tests.behind import BIG, drop_chunk, write_record
from tests.servers import NatsServer
from tests.verdict import quiet, verdict

ORPHAN = "b" * 22


async def test_verdict_reads_whole_objects_back(server: NatsServer, bucket: Bucket) -> None:
    """The digest is that of the bytes; an empty object and a tombstone leave no chunks."""
    await bucket.put("big", BIG)
    await bucket.put("empty", b"")
    await bucket.put("gone", b"x")
    await bucket.delete("gone")
    await quiet(server.url, bucket.name)
    found = await verdict(server.url, bucket.name)
    assert found.objects == {
        "big": hashlib.sha256(BIG).hexdigest(),
        "empty": hashlib.sha256(b"").hexdigest(),
    }
    assert (found.orphans, found.consumers, found.unreadable) == ({}, 0, ())
    assert set(found.records) == {"big", "empty", "gone"}


async def test_verdict_sees_holes_orphans_consumers_and_odd_records(
    server: NatsServer, bucket: Bucket, client: Client
) -> None:
    """A missing chunk, a chunk too many, chunks of nobody, a forgotten consumer, a record that lies."""
    for key in ("hole", "double", "right"):
        await bucket.put(key, BIG)
    await drop_chunk(client, bucket, "hole")
    nuid = (await bucket.info("double")).nuid
    assert nuid
    for subject in (chunk_subject(bucket.name, nuid), chunk_subject(bucket.name, ORPHAN)):
        await client.request(subject, b"late")
    await write_record(client, bucket, "right", {"nuid": nuid, "size": 1, "chunks": 1, "digest": "x"})
    await client.request(f"$O.{bucket.name}.M.!", b"{}")
    await client.jetstream().pull_subscribe("$O.>", stream=f"OBJ_{bucket.name}")
    found = await verdict(server.url, bucket.name)
    assert found.objects == {"hole": None, "double": None, "right": None}
    assert (found.orphans[ORPHAN], len(found.orphans)) == (1, 2)
    assert (found.consumers, found.unreadable) == (1, ("!",))


async def test_verdict_of_an_empty_bucket(server: NatsServer, bucket: Bucket) -> None:
    """Nothing is nothing."""
    found = await verdict(server.url, bucket.name)
    assert (found.objects, found.orphans, found.records, found.consumers) == ({}, {}, {}, 0)
