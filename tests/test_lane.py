"""The fast lane: in use where it can be had, and the same results where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from natsobj import Bucket, BucketConfig, Store
from natsobj.connection import connection
from natsobj.connection.lane import BUFFER_SIZE, Lane, Ordinary, parse_headers
from natsobj.settings import Settings
from tests.behind import BIG, fetch
from tests.conftest import Certificates, Serve
from tests.servers import PLAIN, NatsServer


@pytest.fixture(params=["lane", "ordinary"])
async def either(
    request: pytest.FixtureRequest, server: NatsServer, bucket_name: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bucket]:
    """A fresh bucket, over the lane and over nats-py's own subscriptions."""
    if request.param == "ordinary":
        monkeypatch.setattr(connection, "open_channel", Ordinary)
    async with Store(Settings(servers=(server.url,))) as store:
        yield await store.create_bucket(BucketConfig(bucket_name))
        await store.delete_bucket(bucket_name)


async def test_the_lane_is_in_use(server: NatsServer, certificates: Certificates, serve: Serve) -> None:
    """With the nats-py that is installed the socket is ours, plain and over TLS."""
    tls = serve(
        f'{PLAIN}\ntls {{ cert_file: "{certificates.server_cert}", key_file: "{certificates.server_key}" }}'
    )
    plain = Settings(servers=(server.url,))
    secret = Settings(servers=(tls.url.replace("nats://", "tls://"),), tls_ca=certificates.ca)
    for settings in (plain, secret):
        async with Store(settings) as store:
            channel = store._link.connection._channel
            assert isinstance(channel, Lane)
            bucket = await store.create_bucket(BucketConfig("lane"))
            await bucket.put("k", BIG)
            assert await fetch(bucket, "k") == BIG


async def test_without_the_lane_everything_works(either: Bucket) -> None:
    """Large and small objects, lists, and errors are the same on both ways."""
    await asyncio.gather(*(either.put(f"small {n}", b"%d" % n) for n in range(50)), either.put("big", BIG))
    assert await fetch(either, "big") == BIG
    assert [await fetch(either, f"small {n}") for n in range(50)] == [b"%d" % n for n in range(50)]
    assert len([info async for info in either.list()]) == 51
    await either.delete("big")
    assert len([info async for info in either.list()]) == 50


@pytest.mark.parametrize("size", [0, 1, 1000, BUFFER_SIZE - 200, BUFFER_SIZE, 3 * BUFFER_SIZE])
async def test_messages_of_any_size_arrive_whole(serve: Serve, size: int) -> None:
    """A message that is larger than the buffer is one message, and the next one is not disturbed."""
    server = serve(f"max_payload: 8MB\n{PLAIN}")
    link = await connection.Connection.open(Settings(servers=(server.url,)))
    arrived: list[tuple[str, Mapping[str, str], bytes]] = []
    done = asyncio.Event()

    def take(_subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> None:
        arrived.append((reply, headers, bytes(payload)))
        if len(arrived) == 4:
            done.set()

    payload = bytes(range(256)) * (size // 256 + 1)
    try:
        async with link.subscribe(take) as inbox, asyncio.timeout(10):
            await link.publish(inbox, payload[:size])
            await link.publish(inbox, payload[:size], headers={"A": "b: c", "D": ""})
            await link.publish(inbox, b"MSG lane 1 2\r\n", reply="some.where")
            await link.publish(inbox, payload[:size])
            await done.wait()
    finally:
        link.abort()
    assert arrived == [
        ("", {}, payload[:size]),
        ("", {"A": "b: c", "D": ""}, payload[:size]),
        ("some.where", {}, b"MSG lane 1 2\r\n"),
        ("", {}, payload[:size]),
    ]


async def test_what_is_not_ours_reaches_nats_py(server: NatsServer) -> None:
    """Subscriptions that nats-py has on the same connection go on, between messages of ours."""
    link = await connection.Connection.open(Settings(servers=(server.url,)))
    try:
        theirs = await link._client.subscribe("theirs")
        async with link.subscribe(lambda *_: None) as inbox, asyncio.timeout(5):
            await link._client.flush()
            for n in range(100):
                await link.publish(inbox, bytes(50_000))
                await link.publish("theirs", b"%d MSG lane1" % n * 1000)
            for n in range(100):
                assert (await theirs.next_msg(5)).data == b"%d MSG lane1" % n * 1000
    finally:
        link.abort()


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        (b"NATS/1.0\r\n\r\n", {}),
        (b"NATS/1.0\r\nA: b\r\nC:d\r\n\r\n", {"A": "b", "C": "d"}),
        (b"NATS/1.0 404 Message Not Found\r\n\r\n", {"Status": "404", "Description": "Message Not Found"}),
        (b"NATS/1.0 503\r\n\r\n", {"Status": "503"}),
        (
            b"NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n",
            {"Status": "204", "Description": "EOB", "Nats-Num-Pending": "0"},
        ),
    ],
)
def test_headers_are_read(head: bytes, headers: dict[str, str]) -> None:
    """A status line and headers become one mapping."""
    assert parse_headers(head) == headers
