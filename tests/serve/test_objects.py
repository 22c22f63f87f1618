"""Objects over HTTP: whole, in part, on conditions, and never whole when they are not."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import time

import pytest
from nats.aio.client import Client

from natsobj import Bucket, ObjectMeta, Store
from natsobj.adr20.names import chunk_subject
from tests.behind import BIG, api, write_record
from tests.conftest import Serve
from tests.program import TIMEOUT, Program
from tests.serve.conftest import Running, Start

TEXT = b"0123456789"


async def test_an_object_comes_with_all_that_is_known_of_it(site: Running, bucket: Bucket) -> None:
    """Type by its name, length, digest as a strong tag, and the time of its record."""
    await bucket.put("2026/notes.txt", TEXT)
    digest = hashlib.sha256(TEXT).hexdigest()
    reply, head = site("/2026/notes.txt"), site("/2026/notes.txt", "HEAD")
    assert (reply.status, reply.body) == (200, TEXT)
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["etag"] == f'"{digest}"'
    assert reply.headers["last-modified"].endswith(" GMT")
    assert reply.headers["content-length"] == "10"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert (head.status, head.body) == (200, b"")
    assert {**head.headers, "date": ""} == {**reply.headers, "date": ""}


@pytest.mark.parametrize(
    ("name", "stored", "kind"),
    [
        ("a.tar.gz", None, "application/gzip"),
        ("a.html", None, "text/html; charset=utf-8"),
        ("data:,a.png", None, "image/png"),
        ("a", None, "application/octet-stream"),
        ("a.unheard-of", "image/webp", "image/webp"),
        ("a.css", "text/html, x", "text/css; charset=utf-8"),
    ],
)
async def test_the_type_is_the_records_else_the_names(
    site: Running, bucket: Bucket, name: str, stored: str | None, kind: str
) -> None:
    """An archive stays one, and what is no type in a record is not passed on."""
    await bucket.put(name, TEXT, ObjectMeta(headers={"Content-Type": stored} if stored else {}))
    assert site(f"/{name}").headers["content-type"] == kind


async def test_a_type_in_other_letters_is_not_passed_on(
    site: Running, bucket: Bucket, client: Client
) -> None:
    """Other clients store any header; a Kelvin sign is a k in small letters, and nothing for HTTP."""
    await bucket.put("a.txt", TEXT)
    await _write_as(client, bucket, "a.txt", headers={"Content-Type": ["text/\N{KELVIN SIGN}"]})
    reply = site("/a.txt")
    assert (reply.status, reply.body) == (200, TEXT)
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "stored", "sandboxed"),
    [
        ("a.html", None, True),
        ("a.svg", None, True),
        ("a.png", None, False),
        ("a", "image/x+xml", True),
        ("a", "Video/Vnd.X+XML; charset=utf-8", True),
        ("a", "Image/PNG", False),
    ],
)
async def test_what_could_run_is_of_another_origin(
    site: Running, bucket: Bucket, name: str, stored: str | None, sandboxed: bool
) -> None:
    """A page that somebody stored cannot read the rest of the bucket through its reader's browser."""
    await bucket.put(name, TEXT, ObjectMeta(headers={"Content-Type": stored} if stored else {}))
    policy = site(f"/{name}").headers.get("content-security-policy", "")
    assert policy.startswith("sandbox ") == sandboxed
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("bytes=2-4", (206, b"234", "bytes 2-4/10")),
        ("bytes=7-", (206, b"789", "bytes 7-9/10")),
        ("bytes=-2", (206, b"89", "bytes 8-9/10")),
        ("bytes=0-99", (206, TEXT, "bytes 0-9/10")),
        ("bytes=10-", (416, None, "bytes */10")),
        ("bytes=-0", (416, None, "bytes */10")),
        ("bytes=1-2,4-5", (200, TEXT, None)),
        ("bytes=4-2", (200, TEXT, None)),
        ("lines=1-2", (200, TEXT, None)),
        ("bytes=" + "9" * 5000 + "-", (200, TEXT, None)),
    ],
)
async def test_one_range_is_given(
    site: Running, bucket: Bucket, wanted: str, expected: tuple[int, bytes | None, str | None]
) -> None:
    """Several at once, and what is none, are answered with all."""
    await bucket.put("k", TEXT)
    status, part, where = expected
    reply = site("/k", Range=wanted)
    assert (reply.status, reply.headers.get("content-range")) == (status, where)
    assert part is None or reply.body == part


async def test_a_range_of_a_large_object_is_of_it(site: Running, bucket: Bucket) -> None:
    """Over the borders of chunks, to the byte."""
    await bucket.put("k", BIG)
    assert site("/k").body == BIG
    assert site("/k", Range="bytes=300000-900000").body == BIG[300_000:900_001]
    await bucket.put("nothing", b"")
    assert site("/nothing", Range="bytes=-5").status == 200
    assert site("/nothing", Range="bytes=0-").status == 416


async def test_conditions_decide(site: Running, bucket: Bucket) -> None:
    """By the tag, else by the time; a range only of what is still there."""
    await bucket.put("k", TEXT)
    known = site("/k").headers
    tag, now, old = known["etag"], known["last-modified"], "Thu, 01 Jan 2004 00:00:00 GMT"
    for status, headers in [
        (304, {"If_None_Match": tag}),
        (304, {"If_None_Match": f'"x", W/{tag}'}),
        (304, {"If_None_Match": "*"}),
        (200, {"If_None_Match": '"x"', "If_Modified_Since": now}),
        (304, {"If_Modified_Since": now}),
        (200, {"If_Modified_Since": old}),
        (200, {"If_Modified_Since": "yesterday"}),
        (200, {"If_Match": tag}),
        (412, {"If_Match": '"x"'}),
        (412, {"If_Match": f"W/{tag}"}),
        (412, {"If_Unmodified_Since": old}),
        (206, {"Range": "bytes=1-2", "If_Range": tag}),
        (206, {"Range": "bytes=1-2", "If_Range": now}),
        (200, {"Range": "bytes=1-2", "If_Range": '"x"'}),
        (200, {"Range": "bytes=1-2", "If_Range": old}),
    ]:
        reply = site("/k", **headers)
        assert reply.status == status, headers
        assert reply.headers["etag" if status in {200, 206, 304} else "content-length"]
        assert reply.body == {200: TEXT, 206: TEXT[1:3]}.get(status, b"")


async def test_a_condition_may_be_spread_over_several_lines(site: Running, bucket: Bucket) -> None:
    """A list of tags is the same on one line and on two."""
    await bucket.put("k", TEXT)
    tag = site("/k").headers["etag"]
    for name, status in (("If-None-Match", 304), ("If-Match", 200)):
        connection = site.connection()
        connection.putrequest("GET", "/k")
        for value in ('"x"', tag):
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


async def test_a_link_is_followed_once(site: Running, bucket: Bucket) -> None:
    """It gives what it leads to; what leads nowhere, and what was deleted, is not there."""
    await bucket.put("target", TEXT)
    await bucket.link("link.txt", "target")
    reply = site("/link.txt")
    assert (reply.status, reply.body, reply.headers["content-length"]) == (200, TEXT, "10")
    await bucket.delete("target")
    assert site("/link.txt").status == 404
    gone = site("/target")
    assert (gone.status, gone.body.decode()) == (404, f"no such object: {bucket.name}/target\n")


async def test_a_broken_object_never_arrives_whole(
    site: Running, bucket: Bucket, store: Store, client: Client
) -> None:
    """With other bytes than its digest says, the end is missing; one that is short is an error at once."""
    await bucket.put("wrong", BIG)
    other = await bucket.put("other", BIG[1:] + b"x")
    good = await bucket.info("wrong")
    await bucket.put("small", TEXT)
    await bucket.put("gone", TEXT)
    await _write_as(client, bucket, "wrong", digest=good.digest, nuid=other.nuid, size=good.size)
    await _write_as(client, bucket, "small", digest=good.digest, nuid=(await bucket.info("small")).nuid)
    gone = chunk_subject(bucket.name, (await bucket.info("gone")).nuid or "")
    await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=gone)
    with pytest.raises(http.client.IncompleteRead):
        site("/wrong")
    for name in ("small", "gone"):
        reply = site(f"/{name}")
        assert reply.status == 500, name
        assert b"broken" in reply.body
    _, said = site.end()
    assert said.count("broken") == 3


async def _write_as(client: Client, bucket: Bucket, key: str, **fields: object) -> None:
    """Rewrite an object's record, with some fields changed."""
    info = await bucket.info(key)
    whole = {"nuid": info.nuid, "size": info.size, "chunks": info.chunks, "digest": info.digest}
    await write_record(client, bucket, key, {**whole, **fields})


async def test_who_leaves_takes_the_fetch_along(site: Running, bucket: Bucket, client: Client) -> None:
    """Nothing goes on for a client that is gone, and no consumer stays."""
    await bucket.put("large", BIG * 12)
    connection = site.connection()
    connection.request("GET", "/large")
    answer = connection.getresponse()
    answer.read(100_000)
    assert (await api(client, f"CONSUMER.NAMES.OBJ_{bucket.name}"))["total"] == 1
    answer.close()
    connection.close()
    async with asyncio.timeout(TIMEOUT):
        while (await api(client, f"CONSUMER.NAMES.OBJ_{bucket.name}"))["total"]:
            await asyncio.sleep(0.05)


def test_a_lost_server_is_told(start: Start, serve: Serve, cli: Program) -> None:
    """In the middle of an object the end is missing, and afterwards it is 503."""
    nats = serve("jetstream: enabled")
    program = Program(cli.home, nats.url)
    program("add", "b").expect()
    program("put", "b", "large", "-", input=BIG * 12).expect()
    site = start("b", "--timeout", "300ms", program=program)
    connection = site.connection()
    connection.request("GET", "/large")
    answer = connection.getresponse()
    answer.read(100_000)
    nats.kill()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    connection.close()
    reply = site("/large")
    assert reply.status == 503
    assert "retry-after" in reply.headers
    nats.start()
    deadline = time.monotonic() + TIMEOUT
    while site("/large", "HEAD").status != 200:
        assert time.monotonic() < deadline
