"""What a bucket really holds, read by hand with plain nats-py: not one line of natsobj's reading code.

One consumer reads the whole stream in its order, so nothing is believed that metadata or counts say.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamInfo

WITHIN = 20.0
"""Seconds after which a server, a leader or a lagging replica is given up."""

PAUSE = 0.05
DELETED_WITHIN = 3.0
"""Seconds in which a server that stood still reads that a consumer is to be deleted; it expires after ten."""

QUIET = 0.3
"""Seconds without a new message after which nothing more is under way to the stream."""

BATCH = 128


@dataclass(slots=True)
class Chunks:
    """All chunks of one nuid, in the stream's order."""

    number: int = 0
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)


@dataclass(slots=True)
class Content:
    """What one reader was given of a stream, in its order."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    """The last record of each encoded name."""
    chunks: dict[str, Chunks] = field(default_factory=dict)
    """By nuid."""
    numbers: Counter[str] = field(default_factory=Counter)
    """Messages by subject."""
    sequences: dict[str, int] = field(default_factory=dict)
    """The last sequence by subject of a record."""

    def take(self, message: Msg, prefix: str) -> None:
        """Sort the next message in."""
        self.numbers[message.subject] += 1
        kind, name = message.subject.removeprefix(prefix).split(".", 1)
        if kind == "C":
            of_nuid = self.chunks.setdefault(name, Chunks())
            of_nuid.number += 1
            of_nuid.size += len(message.data)
            of_nuid.digest.update(message.data)
        else:
            self.bodies[name] = message.data
            self.sequences[message.subject] = message.metadata.sequence.stream


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that is in a bucket."""

    objects: Mapping[str, str | None]
    """SHA-256 (hex) of the bytes of each live object as read back; None: not what its record says."""
    orphans: Mapping[str, int]
    """Chunks of each nuid that no live record names."""
    consumers: int
    """Consumers that the stream had before this look, and still has a moment later."""
    records: Mapping[str, Mapping[str, object]]
    """The metadata of each key as it is stored, tombstones included."""
    unreadable: tuple[str, ...]
    """Subjects of metadata that does not parse or that stands under a wrong subject."""
    chunks: Mapping[str, int]
    """Number of chunks of each nuid."""


async def verdict(url: str, bucket: str) -> Verdict:
    """Read a whole bucket back; in a cluster until the reader has what the leader has, and no more.

    A replica that counts as current may still have to remove what was purged, or have a record that was
    replaced in the place of the new one.
    """
    async with plain_client(url) as client, asyncio.timeout(2 * WITHIN):
        js = client.jetstream(timeout=5)
        consumers = await _consumers(js, bucket)
        while True:
            before = await stream_info(js, bucket)
            content = await _read_all(js, bucket, before.state.messages)
            after = await stream_info(js, bucket, subjects=">")
            same = dict(content.numbers) == (after.state.subjects or {})
            same = same and before.state.last_seq == after.state.last_seq
            if same and await _are_the_leaders(js, bucket, content.sequences):
                return _judge(bucket, content.bodies, content.chunks, consumers)
            await asyncio.sleep(PAUSE)


async def quiet(url: str, bucket: str) -> None:
    """Return once nothing has reached the bucket for a moment: a killed program's last bytes are there."""
    async with plain_client(url) as client, asyncio.timeout(2 * WITHIN):
        js = client.jetstream(timeout=5)
        loop = asyncio.get_running_loop()
        last, since = -1, loop.time()
        while loop.time() - since < QUIET:
            state = (await stream_info(js, bucket)).state
            if state.last_seq != last:
                last, since = state.last_seq, loop.time()
            await asyncio.sleep(PAUSE)


@asynccontextmanager
async def plain_client(url: str) -> AsyncIterator[Client]:
    """A nats-py connection that waits for a server that is just coming back."""
    async with asyncio.timeout(WITHIN):
        while True:
            client = Client()
            try:
                await client.connect(
                    url, allow_reconnect=False, connect_timeout=5, max_reconnect_attempts=1, error_cb=_ignore
                )
                break
            except (NatsError, OSError, TimeoutError):
                await asyncio.sleep(PAUSE)
    try:
        yield client
    finally:
        await client.close()


async def stream_info(js: JetStreamContext, bucket: str, subjects: str | None = None) -> StreamInfo:
    """Ask the leader, again and again while there is none."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                return await js.stream_info(f"OBJ_{bucket}", subjects)
            except nats.js.errors.NotFoundError:
                raise
            except (nats.js.errors.Error, NatsError, TimeoutError):
                await asyncio.sleep(PAUSE)


async def _consumers(js: JetStreamContext, bucket: str) -> int:
    """Count those that stay: a program may have ended before the server has read its last words."""
    loop = asyncio.get_running_loop()
    until = loop.time() + DELETED_WITHIN
    while (number := (await stream_info(js, bucket)).state.consumer_count) and loop.time() < until:
        await asyncio.sleep(PAUSE)
    return int(number)


async def _are_the_leaders(js: JetStreamContext, bucket: str, sequences: Mapping[str, int]) -> bool:
    """Say whether the leader's last record under each subject has this sequence."""
    try:
        for subject, sequence in sequences.items():
            if (await js.get_last_msg(f"OBJ_{bucket}", subject)).seq != sequence:
                return False
    except (nats.js.errors.Error, NatsError, TimeoutError):  # gone, or there is no leader now
        return False
    return True


async def _ignore(_: Exception) -> None:
    """What goes wrong is seen where it is awaited."""


async def _read_all(js: JetStreamContext, bucket: str, expected: int) -> Content:
    """Read the stream from its first message to its last."""
    content = Content()
    if not expected:
        return content
    stream, name = f"OBJ_{bucket}", f"verdict-{secrets.token_hex(8)}"
    config = ConsumerConfig(
        name=name, ack_policy=AckPolicy.NONE, mem_storage=True, num_replicas=1, inactive_threshold=30
    )
    # What fails makes it short, and the caller asks again: a cluster may be without a leader at any step.
    with suppress(NatsError, nats.js.errors.Error, TimeoutError):
        await js.add_consumer(stream, config)
        reader = await js.pull_subscribe_bind(name, stream)
        while (left := expected - content.numbers.total()) > 0:
            for message in await reader.fetch(min(BATCH, left), timeout=2):
                content.take(message, f"$O.{bucket}.")
    with suppress(NatsError, nats.js.errors.Error, TimeoutError):
        await js.delete_consumer(stream, name)
    return content


def _judge(bucket: str, bodies: Mapping[str, bytes], chunks: Mapping[str, Chunks], consumers: int) -> Verdict:
    records: dict[str, dict[str, object]] = {}
    unreadable: list[str] = []
    for name, body in bodies.items():
        try:
            record = json.loads(body)
            key = record["name"]
            if base64.urlsafe_b64decode(name).decode() != key or record["bucket"] != bucket:
                raise ValueError(name)
        except (ValueError, KeyError, TypeError, binascii.Error):
            unreadable.append(name)
        else:
            records[key] = record
    live = {key: record for key, record in records.items() if not record.get("deleted")}
    owned = {record.get("nuid") for record in live.values()}
    return Verdict(
        objects={key: _digest_read_back(record, chunks) for key, record in live.items()},
        orphans={nuid: found.number for nuid, found in chunks.items() if nuid not in owned},
        consumers=consumers,
        records=records,
        unreadable=tuple(unreadable),
        chunks={nuid: found.number for nuid, found in chunks.items()},
    )


def _digest_read_back(record: Mapping[str, object], chunks: Mapping[str, Chunks]) -> str | None:
    """Hash what is stored and hold it against all that the record says of it."""
    found = chunks.get(str(record.get("nuid")), Chunks())
    digest = "SHA-256=" + base64.urlsafe_b64encode(found.digest.digest()).decode()
    stored = (found.size, found.number, digest)
    said = (record.get("size", 0), record.get("chunks", 0), record.get("digest"))
    return found.digest.hexdigest() if stored == said else None
