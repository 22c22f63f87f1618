"""Buckets that one client makes are the same buckets to the others."""

from __future__ import annotations

import json

import pytest
from nats.aio.client import Client as Connection

from tests.interop.clients import Client, Go, Json, Natsobj, SeenBucket

pytestmark = pytest.mark.interop

MIB = 1024 * 1024
LIKE = SeenBucket(
    description="Köpfe & [bold]",
    ttl=86400,
    max_bytes=10 * MIB,
    replicas=1,
    storage="memory",
    metadata={"a": "b c"},
)


@pytest.mark.parametrize("maker", ["natsobj", "go", "js"])
def test_a_bucket_looks_the_same_to_every_client(
    clients: dict[str, Client], bucket_name: str, maker: str
) -> None:
    """Description, TTL, limit, replicas, storage and metadata are what its maker said."""
    clients[maker].add(bucket_name, LIKE)
    for other in clients.values():
        assert other.status(bucket_name) == LIKE


@pytest.mark.parametrize("maker", ["go", "js"])
async def test_the_same_options_make_the_same_stream(
    clients: dict[str, Client], client: Connection, bucket_name: str, maker: str
) -> None:
    """Not only what is shown: the streams that two clients make are equal but for their names."""
    mine, theirs = f"{bucket_name}-mine", f"{bucket_name}-theirs"
    clients["natsobj"].add(mine, LIKE)
    clients[maker].add(theirs, LIKE)
    assert await stream_config(client, mine) == await stream_config(client, theirs)


async def test_defaults_and_compression_make_the_same_stream(
    natsobj: Natsobj, go: Go, client: Connection, bucket_name: str
) -> None:
    """Without options, and with `--compress`, both make the same stream."""
    for options in ((), ("--compress",)):
        mine, theirs = (f"{bucket_name}-{who}{len(options)}" for who in ("mine", "theirs"))
        natsobj.run("add", *options, mine).expect(0)
        go.add_plain(theirs, *options)
        assert await stream_config(client, mine) == await stream_config(client, theirs)


@pytest.mark.parametrize("maker", ["go", "js"])
def test_a_bucket_of_another_client_is_listed_and_used(
    clients: dict[str, Client], natsobj: Natsobj, bucket_name: str, maker: str
) -> None:
    """natsobj lists, fills and empties a bucket that it has not made."""
    clients[maker].add(bucket_name, LIKE)
    assert bucket_name in natsobj.run("ls", "-1").lines
    natsobj.put(bucket_name, "k", b"x")
    assert clients[maker].keys(bucket_name) == ["k"]
    natsobj.run("add", bucket_name).expect(6)
    natsobj.remove(bucket_name, "k")
    assert clients[maker].keys(bucket_name) == []


def test_a_bucket_deleted_by_the_go_cli_is_not_found(natsobj: Natsobj, go: Go, store_bucket: str) -> None:
    """The bucket is gone for natsobj: exit 3."""
    go.remove_bucket(store_bucket)
    natsobj.run("info", store_bucket).expect(3)
    natsobj.run("put", store_bucket, "k", input=b"x").expect(3)


def test_rm_deletes_a_bucket_of_the_go_cli(natsobj: Natsobj, go: Go, bucket_name: str) -> None:
    """`rm --bucket -f` deletes a bucket of another client with all that is in it."""
    go.add(bucket_name, LIKE)
    go.put(bucket_name, "k", b"x")
    natsobj.run("rm", "--bucket", bucket_name, "-f").expect(0)
    assert bucket_name not in go.buckets()


async def stream_config(client: Connection, bucket: str) -> Json:
    """The bucket's stream as the server has it, without what names it."""
    answer = json.loads((await client.request(f"$JS.API.STREAM.INFO.OBJ_{bucket}", b"", timeout=5)).data)
    config: Json = answer["config"]
    assert config.pop("name") == f"OBJ_{bucket}"
    assert config.pop("subjects") == [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"]
    return config
