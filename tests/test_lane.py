"""The lane: messages of any size, over TCP and over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from natsobj import BucketConfig, Store
from natsobj.connection import Connection
from natsobj.connection.lane import BUFFER_SIZE
from natsobj.connection.message import parse_headers
from natsobj.settings import Settings
from tests.behind import BIG, fetch
from tests.conftest import Certificates, Serve
from tests.servers import PLAIN


async def test_it_works_over_tls(certificates: Certificates, serve: Serve) -> None:
    """Large and small objects, lists, and errors are the same on both ways."""
    tls = serve(
        f'{PLAIN}\ntls {{ cert_file: "{certificates.server_cert}", key_file: "{certificates.server_key}" }}'
    )
    secret = Settings(servers=(tls.url.replace("nats://", "tls://"),), tls_ca=certificates.ca)
    async with Store(secret) as store:
        bucket = await store.create_bucket(BucketConfig("lane"))
        await asyncio.gather(
            *(bucket.put(f"small {n}", b"%d" % n) for n in range(50)), bucket.put("big", BIG)
        )
        assert await fetch(bucket, "big") == BIG
        assert [await fetch(bucket, f"small {n}") for n in range(50)] == [b"%d" % n for n in range(50)]
        assert len([info async for info in bucket.list()]) == 51
        await bucket.delete("big")
        assert len([info async for info in bucket.list()]) == 50


@pytest.mark.parametrize("size", [0, 1, 1000, BUFFER_SIZE - 200, BUFFER_SIZE, 3 * BUFFER_SIZE])
async def test_messages_of_any_size_arrive_whole(serve: Serve, size: int) -> None:
    """A message that is larger than the buffer is one message, and the next one is not disturbed."""
    server = serve(f"max_payload: 8MB\n{PLAIN}")
    link = await Connection.open(Settings(servers=(server.url,)))
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
