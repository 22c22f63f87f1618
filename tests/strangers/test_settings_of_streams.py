"""What a real server does with objects in streams of all kinds of settings: `refusals` must know it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NoAnswer

from natsobj.adr20 import names, streams
from natsobj.models import BucketConfig


class Peer:
    """A client that looks at no setting: it stores three chunks and a record, and removes the old."""

    def __init__(self, client: Client, bucket: str) -> None:
        self.patience = 30.0
        self._client = client
        self._bucket = bucket
        self._stream = names.stream_name(bucket)
        self._record = names.metadata_subject(bucket, "k")

    async def ask(self, verb: str, content: object = None) -> dict[str, object]:
        """Ask JetStream about the stream."""
        subject = f"$JS.API.STREAM.{verb}.{self._stream}"
        answer = await self._client.request(subject, json.dumps(content or {}).encode(), timeout=30)
        found: dict[str, object] = json.loads(answer.data)
        return found

    async def count(self, subject: str) -> int:
        """How many messages a subject holds."""
        state = (await self.ask("INFO", {"subjects_filter": subject}))["state"]
        assert isinstance(state, dict)
        return sum((state.get("subjects") or {}).values())

    async def acknowledged(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> bool:
        """Publish, and say whether the stream took it; only one that never answers is waited for."""
        try:
            answer = await self._client.request(subject, data, headers=headers, timeout=self.patience)
        except (NoAnswer, NoRespondersError):
            return False
        return "error" not in json.loads(answer.data)

    async def put(self, nuid: str) -> bool:
        """Store an object of three chunks."""
        last = await self.ask("MSG.GET", {"last_by_subj": self._record})
        message = last.get("message", {})
        assert isinstance(message, dict)
        headers = {
            "Nats-Rollup": "sub",
            "Nats-Expected-Last-Subject-Sequence": str(message.get("seq", 0)),
        }
        for _ in range(3):
            if not await self.acknowledged(names.chunk_subject(self._bucket, nuid), b"x" * 1000):
                return False
        return await self.acknowledged(self._record, b'{"name":"k"}', headers)

    async def keeps_objects(self) -> bool:
        """Store one, replace it, and say whether everything was taken and is there."""
        taken = await self.put("first") and await self.put("second")
        await self.ask("PURGE", {"filter": names.chunk_subject(self._bucket, "first")})
        kept = await self.count(names.chunk_subject(self._bucket, "second"))
        return taken and (kept, await self.count(self._record)) == (3, 1)


@pytest.fixture
async def peer(client: Client, bucket_name: str) -> AsyncIterator[Peer]:
    """A client of a bucket that is not there yet."""
    peer = Peer(client, bucket_name)
    yield peer
    await peer.ask("DELETE")


LOSING: list[dict[str, object]] = [
    {"max_msgs_per_subject": 2},
    {"max_msgs_per_subject": 2, "discard_new_per_subject": True},
    {"retention": "interest"},
    {"no_ack": True},
    {"allow_rollup_hdrs": False},
    {"allow_rollup_hdrs": False, "deny_purge": True},
    {"allow_msg_counter": True, "discard": "old"},
    {"max_msg_size": 100},
    {"subjects": ["$O.BUCKET.C.>"]},
    {"subjects": ["$O.BUCKET.M.>"]},
    {"subjects": ["$O.BUCKET-2.>"]},
    {"subjects": [], "sources": [{"name": "none"}]},
    {"subject_transform": {"src": "$O.BUCKET.C.>", "dest": "moved.>"}},
    {"subject_transform": {"src": "$O.BUCKET.M.*", "dest": "moved.{{wildcard(1)}}"}},
    {"subject_transform": {"src": "$O.BUCKET.C.second", "dest": "moved"}},
    {"subject_transform": {"src": ">", "dest": "moved.>"}},
]
KEEPING: list[dict[str, object]] = [
    {},
    {"max_msgs_per_subject": 3},
    {"subjects": ["$O.BUCKET.>"]},
    {"subjects": ["$O.BUCKET.C.*", "$O.BUCKET.M.>"]},
    {"subject_transform": {"src": ">", "dest": ">"}},
    {"subject_transform": {"src": "other.>", "dest": "moved.>"}},
    {"republish": {"src": ">", "dest": "BUCKET.>"}},
    {"sources": [{"name": "none"}]},
    {"discard": "old"},
    {"deny_delete": True},
    {"first_seq": 1000},
    {"max_consumers": 1},
    {"max_age": 3600 * 10**9},
    {"allow_msg_ttl": True, "subject_delete_marker_ttl": 10**9},
    {"allow_atomic": True},
    {"allow_direct": False},
    {"persist_mode": "async"},
    {"storage": "memory"},
    {"compression": "s2"},
]


@pytest.mark.parametrize(
    ("settings", "keeps"),
    [(settings, False) for settings in LOSING] + [(settings, True) for settings in KEEPING],
    ids=str,
)
async def test_a_stream_is_refused_exactly_when_the_server_loses_objects_in_it(
    peer: Peer, bucket_name: str, settings: dict[str, object], keeps: bool
) -> None:
    """Neither is an object lost where nothing is refused, nor is a stream refused that keeps objects."""
    changed = json.loads(json.dumps(settings).replace("BUCKET", bucket_name))
    created = await peer.ask("CREATE", streams.stream_config(BucketConfig(bucket_name)) | changed)
    config = created["config"]
    assert isinstance(config, dict)
    peer.patience = 1.0 if config.get("no_ack") else peer.patience
    assert await peer.keeps_objects() is keeps
    assert (not streams.refusals(config, bucket_name, chunks=3)) is keeps
