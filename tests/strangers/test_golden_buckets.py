"""Buckets of other clients, message by message as they wrote them, through every verb."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client

from natsobj import Bucket, Store
from natsobj.adr20.names import chunk_subject
from natsobj.checks.verify import survey, verify
from natsobj.errors import NatsobjError, SubjectTaken
from tests import golden
from tests.behind import api, fetch
from tests.program import Program

REPLAYED = sorted(
    name
    for name, bucket in golden.GOLDEN.items()
    if any("chunks_stored" in each for each in bucket["metadata"])
)
"""Buckets of which it is known how many chunks were stored, and what was in them."""


OPEN = {"sealed": False, "allow_rollup_hdrs": True, "deny_delete": False, "deny_purge": False}
"""What a bucket has before it is sealed."""


def is_known(message: dict[str, Any]) -> bool:
    """Say whether an object's content is known: of the large ones in Rust and Java it is not."""
    return isinstance(message["chunks_stored"], list) or json.loads(message["body"]).get("size", 0) in (0, 5)


def chunks_of(message: dict[str, Any]) -> list[bytes]:
    """The chunks of a golden record: sizes where the client is odd about them, else a number."""
    stored, record = message["chunks_stored"], json.loads(message["body"])
    if isinstance(stored, int):
        return [b"hello"[: record.get("size", 0)]] * stored
    data = golden.content(sum(stored))
    return [data[sum(stored[:i]) : sum(stored[: i + 1])] for i in range(len(stored))]


@pytest.fixture(params=REPLAYED)
async def replayed(
    request: pytest.FixtureRequest, store: Store, client: Client, bucket_name: str
) -> AsyncIterator[Bucket]:
    """One golden bucket under a fresh name, stored message by message; deleted at the end."""
    found = json.loads(json.dumps(golden.GOLDEN[request.param]).replace(request.param, bucket_name))
    config = found["stream_config"] | OPEN
    await api(client, f"STREAM.CREATE.{config['name']}", **config)
    written: set[str] = set()
    for message in filter(is_known, found["metadata"]):
        record = json.loads(message["body"])
        if (nuid := record.get("nuid")) and nuid not in written and message["chunks_stored"]:
            written.add(nuid)
            for chunk in chunks_of(message):
                await client.request(chunk_subject(bucket_name, nuid), chunk, timeout=5)
        headers = {"Nats-Rollup": "sub"} if "Nats-Rollup" in (message.get("headers") or "") else None
        await client.request(message["subject"], message["body"].encode(), headers=headers, timeout=5)
    yield store.bucket(bucket_name)
    await store.delete_bucket(bucket_name)


async def objects(bucket: Bucket) -> list[str]:
    """The names that a list gives, links left out."""
    return [info.name async for info in bucket.list() if info.link is None]


async def test_every_object_of_the_list_is_read_by_its_name(replayed: Bucket) -> None:
    """What `ls` shows can be fetched, whole, and nothing is called broken."""
    names = await objects(replayed)
    assert len(set(names)) == len(names) > 2
    for name in names:
        info = await replayed.info(name, search=True)
        assert len(await fetch(replayed, name)) == info.size
    found = [each async for each in verify(await survey(replayed))]
    assert [each for each in found if each.problem not in (None, "shared_nuid")] == []


async def test_put_and_delete_leave_one_object_and_none(replayed: Bucket) -> None:
    """After a put there is one object of that name, with the new bytes; after a delete there is none."""
    before = await objects(replayed)
    for name in before:
        try:
            await replayed.put(name, b"new")
        except SubjectTaken:
            continue
        assert await fetch(replayed, name) == b"new"
        assert sorted(await objects(replayed)) == sorted(before)
    for name in before:
        await replayed.delete(name)
    assert await objects(replayed) == []


async def test_what_is_not_named_stays_as_it_is(replayed: Bucket) -> None:
    """Storing under one name changes no other object."""
    before = {name: await fetch(replayed, name) for name in await objects(replayed)}
    for name in before:
        for other in {name.replace(".", "_"), name.replace("_", "."), f"{name} 2", name.upper()} - set(
            before
        ):
            try:
                await replayed.put(other, b"other")
            except NatsobjError:
                continue
    assert {name: await fetch(replayed, name) for name in before} == before


async def test_the_command_line_lists_and_verifies_it(replayed: Bucket, cli: Program) -> None:
    """A folder is fetched whole, and nothing is broken."""
    listed = cli("ls", replayed.name, "--json").expect(0)
    assert {json.loads(line)["name"] for line in listed.lines} >= set(await objects(replayed))
    cli("gc", replayed.name, "-n").expect(0)
