"""A bare connection of our own: it fills buckets, reads back what the participants stored, and counts.

It shares no code with any of them, so that a mistake of theirs cannot hide itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

__all__ = ["Raw", "WrongResult", "connect"]

TIMEOUT = 120.0
BUFFER = 1 << 20
UNACKED = 64
"""Messages without an answer: 8 MiB of chunks."""

BATCH = 500
"""Records that are sent in one go."""

CHUNK_SIZE = 128 * 1024
ROLLUP = b"NATS/1.0\r\nNats-Rollup: sub\r\n\r\n"


class WrongResult(Exception):
    """A participant said that it was done, and it was not."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came."""

    subject: str
    """The one that the server stored it under, for stored messages."""
    status: int | None
    payload: bytes


@contextmanager
def connect(url: str) -> Iterator[Raw]:
    """Open a connection and close it."""
    host, _, port = url.removeprefix("nats://").rpartition(":")
    with socket.create_connection((host, int(port)), TIMEOUT) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Raw(link)


class Raw:
    """What the benchmarks need of a bucket. All calls wait for their answers, one after the other."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lines = link.makefile("rb", BUFFER)
        self._inbox = f"_INBOX.{secrets.token_hex(11)}"
        self._open = 0
        self._lines.readline()
        options = json.dumps({"verbose": False, "headers": True, "no_responders": True})
        link.sendall(f"CONNECT {options}\r\nSUB {self._inbox} 1\r\n".encode())

    def round_trip(self) -> float:
        """Measure how long the server takes to answer, in seconds: the shortest of five."""
        times = []
        for _ in range(5):
            began = time.perf_counter()
            self._link.sendall(b"PING\r\n")
            while self._lines.readline() != b"PONG\r\n":
                pass
            times.append(time.perf_counter() - began)
        return min(times)

    # --- buckets

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket as `nats object add` does."""
        config = {
            "name": f"OBJ_{bucket}",
            "subjects": [f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
            "max_bytes": -1,
            "storage": "file",
            "num_replicas": 1,
            "discard": "new",
            "allow_rollup_hdrs": True,
            "allow_direct": True,
        }
        self._api("STREAM.CREATE", bucket, config)

    def delete_bucket(self, bucket: str) -> None:
        """Delete a bucket with all that is in it."""
        self._api("STREAM.DELETE", bucket)

    def stored(self, bucket: str) -> int:
        """Count the bytes that are stored."""
        return int(self._api("STREAM.INFO", bucket)["state"]["bytes"])

    def consumers(self, bucket: str) -> int:
        """Count the consumers of a bucket's stream."""
        return int(self._api("STREAM.INFO", bucket)["state"]["consumer_count"])

    def delete_consumers(self, bucket: str) -> None:
        """Delete what a participant left behind, so that the next one finds what it found."""
        while names := self._api("CONSUMER.NAMES", bucket)["consumers"]:
            for name in names:
                self._request(f"$JS.API.CONSUMER.DELETE.OBJ_{bucket}.{name}", b"")

    # --- writing

    def store(self, bucket: str, objects: Iterable[tuple[str, Iterable[bytes]]]) -> None:
        """Store objects, each a key and its chunks."""
        for key, chunks in objects:
            nuid = secrets.token_hex(11)
            digest, size, count = hashlib.sha256(), 0, 0
            for chunk in chunks:
                digest.update(chunk)
                self._publish(f"$O.{bucket}.C.{nuid}", chunk)
                size, count = size + len(chunk), count + 1
            record = {
                "name": key,
                "options": {"max_chunk_size": CHUNK_SIZE},
                "bucket": bucket,
                "nuid": nuid,
                "size": size,
                "chunks": count,
                "digest": "SHA-256=" + base64.urlsafe_b64encode(digest.digest()).decode(),
            }
            self._publish(_record_subject(bucket, key), json.dumps(record).encode(), ROLLUP)
        while self._open:
            self._take_ack()

    # --- checking

    def write_records(self, bucket: str, keys: Iterable[str]) -> None:
        """Write records without chunks as fast as can be: of each batch only the last one is waited for."""
        left = iter(keys)
        while batch := [_record(bucket, key) for key in islice(left, BATCH)]:
            *most, (subject, record) = batch
            lines = (b"PUB %b %d\r\n%b\r\n" % (each.encode(), len(data), data) for each, data in most)
            self._link.sendall(b"".join(lines))
            self._publish(subject, record)
            self._settle()

    def _settle(self) -> None:
        while self._open:
            self._take_ack()

    def check(self, bucket: str, expected: Mapping[str, str], *, read: bool = True) -> None:
        """Compare all objects of a bucket with the hex SHA-256 of what they must hold.

        Without `read` only what the metadata says and the number of the chunks are looked at.

        Raises:
            WrongResult: one is missing, one is too many, or one is not what it should be.
        """
        records = [json.loads(each.payload) for each in self._stored(bucket, f"$O.{bucket}.M.>", 1000)]
        found = {record["name"]: _hex(record["digest"]) for record in records}
        if found != expected:
            raise WrongResult(f"{len(found)} objects instead of {len(expected)}, or other digests")
        state = self._api("STREAM.INFO", bucket, {"subjects_filter": f"$O.{bucket}.C.>"})["state"]
        chunks = {subject.rpartition(".")[2]: count for subject, count in state.get("subjects", {}).items()}
        if chunks != {record["nuid"]: record["chunks"] for record in records if record["chunks"]}:
            raise WrongResult(
                f"{sum(chunks.values())} chunks are stored, which is not what the metadata says"
            )
        if read:
            self._read_back(bucket, {record["nuid"]: record for record in records})

    def _read_back(self, bucket: str, records: Mapping[str, Mapping[str, Any]]) -> None:
        digests = {nuid: hashlib.sha256() for nuid in records}
        for message in self._stored(bucket, f"$O.{bucket}.C.>", UNACKED):
            digests[message.subject.rpartition(".")[2]].update(message.payload)
        for nuid, record in records.items():
            if digests[nuid].hexdigest() != _hex(record["digest"]):
                raise WrongResult(f"the stored bytes of {record['name']} are not what its digest says")

    def _stored(self, bucket: str, subject: str, batch: int) -> Iterator[Message]:
        """Read all stored messages of a subject, by direct gets: no consumer."""
        sequence = 1
        while True:
            asked = {"seq": sequence, "next_by_subj": subject, "batch": batch}
            self._send(f"$JS.API.DIRECT.GET.OBJ_{bucket}", json.dumps(asked).encode())
            while True:
                message, headers = self._take()
                if message.status is None:
                    sequence = int(headers["nats-sequence"]) + 1
                    yield message
                elif message.status == 204 and headers.get("nats-num-pending") != "0":
                    break
                elif message.status in {204, 404}:
                    return
                else:
                    raise WrongResult(f"a direct get was answered with {message.status}")

    # --- the protocol

    def _api(self, call: str, bucket: str, body: object = None) -> Any:
        payload = b"" if body is None else json.dumps(body).encode()
        answer = json.loads(self._request(f"$JS.API.{call}.OBJ_{bucket}", payload))
        if "error" in answer:
            raise WrongResult(f"{call} of {bucket}: {answer['error']['description']}")
        return answer

    def _request(self, subject: str, payload: bytes) -> bytes:
        self._send(subject, payload)
        return self._take()[0].payload

    def _publish(self, subject: str, payload: bytes, headers: bytes = b"") -> None:
        """Send a message to be stored; more than UNACKED are not under way."""
        while self._open >= UNACKED:
            self._take_ack()
        self._send(subject, payload, headers)
        self._open += 1

    def _take_ack(self) -> None:
        answer = json.loads(self._take()[0].payload)
        self._open -= 1
        if "error" in answer:
            raise WrongResult(f"a message was not stored: {answer['error']['description']}")

    def _send(self, subject: str, payload: bytes, headers: bytes = b"") -> None:
        sizes = f"{len(headers)} {len(headers) + len(payload)}" if headers else f"{len(payload)}"
        verb = "HPUB" if headers else "PUB"
        self._link.sendall(
            b"".join((f"{verb} {subject} {self._inbox} {sizes}\r\n".encode(), headers, payload, b"\r\n"))
        )

    def _take(self) -> tuple[Message, dict[str, str]]:
        """Wait for the next message; its headers are in lower case."""
        while True:
            verb, *words = self._lines.readline().decode().split()
            if verb == "PING":
                self._link.sendall(b"PONG\r\n")
            elif verb == "-ERR":
                raise ConnectionError(" ".join(words))
            elif verb in {"MSG", "HMSG"}:
                break
        head = self._lines.read(int(words[-2])).decode() if verb == "HMSG" else ""
        payload = self._lines.read(int(words[-1]) - len(head.encode()))
        self._lines.read(2)
        first, *lines = head.splitlines() or [""]
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        status = int(first.split()[1]) if len(first.split()) > 1 else None
        return Message(headers.get("nats-subject", words[0]), status, payload), headers


def _record_subject(bucket: str, key: str) -> str:
    return f"$O.{bucket}.M.{base64.urlsafe_b64encode(key.encode()).decode()}"


def _hex(digest: str) -> str:
    """Give the hex digits of a digest as the metadata has it."""
    return base64.urlsafe_b64decode(digest.partition("=")[2]).hex()


def _record(bucket: str, key: str) -> tuple[str, bytes]:
    """Give the subject and the record of an object with one byte, whose chunk is not there."""
    record = {
        "name": key,
        "options": {"max_chunk_size": CHUNK_SIZE},
        "bucket": bucket,
        "nuid": key.replace("/", "-").replace(".", "-"),
        "size": 1,
        "chunks": 1,
        "digest": "SHA-256=" + base64.urlsafe_b64encode(hashlib.sha256(b"x").digest()).decode(),
    }
    encoded = json.dumps(record, separators=(",", ":")).encode()
    return _record_subject(bucket, key), encoded
