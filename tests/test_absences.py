"""A put of many does not look for what cannot be there, and still leaves one record a key."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from nats.aio.client import Client

import natsobj
from natsobj import Bucket
from natsobj.adr20.names import key_subjects
from natsobj.folders.outcomes import Done
from natsobj.folders.put import put_files
from natsobj.folders.scan import scan
from tests.behind import fetch, record_of
from tests.faults.proxy import Proxy
from tests.servers import NatsServer


def grow(folder: Path, number: int) -> Path:
    """Make files whose content is their name; some names have other subjects elsewhere."""
    for each in range(number):
        name = f"file {each}?.txt~"
        (folder / name).write_text(name)
    return folder


async def put(bucket: Bucket, folder: Path) -> int:
    """Store a folder and say how many files were stored."""
    async with aclosing(put_files(bucket, scan(str(folder)), read_back=False)) as outcomes:
        return len([each async for each in outcomes if isinstance(each, Done)])


async def test_nothing_is_looked_for_in_a_bucket_without_the_keys(
    server: NatsServer, bucket: Bucket, tmp_path: Path
) -> None:
    """What is stored costs its chunks and its record; the bucket is listed once for all of them."""
    await bucket.put("other", b"data")
    with Proxy(server.port) as proxy:
        looked = [proxy.at("up", text, lambda _: None) for text in (b".MSG.GET.", b".DIRECT.GET.")]
        listed = proxy.at("up", b'{"subjects_filter"', lambda _: None)
        async with natsobj.connect(proxy.url) as store:
            assert await put(store.bucket(bucket.name), grow(tmp_path, 100)) == 100
        assert listed.is_set()
        assert not any(each.is_set() for each in looked)
    assert await fetch(bucket, "file 7?.txt~") == b"file 7?.txt~"


async def test_records_that_another_client_put_elsewhere_are_found(
    client: Client, bucket: Bucket, tmp_path: Path
) -> None:
    """Whatever subject of the key they lie under: behind the put there is one record."""
    await bucket.put("file 3?.txt~", b"old")
    own, *foreign = key_subjects(bucket.name, "file 3?.txt~")
    js = client.jetstream()
    record = (await js.get_last_msg(f"OBJ_{bucket.name}", own)).data or b""
    await js.purge_stream(f"OBJ_{bucket.name}", subject=own)
    await js.publish(foreign[0], record)
    assert await put(bucket, grow(tmp_path, 10)) == 10
    assert sorted([info.name async for info in bucket.list()]) == sorted(f"file {n}?.txt~" for n in range(10))
    assert await fetch(bucket, "file 3?.txt~") == b"file 3?.txt~"


async def test_what_was_there_before_is_replaced(client: Client, bucket: Bucket, tmp_path: Path) -> None:
    """Its chunks as well."""
    folder = grow(tmp_path, 20)
    assert await put(bucket, folder) == 20
    before = await record_of(client, bucket, "file 1?.txt~")
    assert await put(bucket, folder) == 20
    assert (await record_of(client, bucket, "file 1?.txt~"))["nuid"] != before["nuid"]
    assert (await bucket.status()).chunks == 20
