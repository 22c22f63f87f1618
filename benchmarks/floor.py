"""The floor: the messages that natsobj sends, over a bare socket, with nothing else done but hashing.

No window grows, nothing is checked on the way, no trouble is foreseen, and it does one thing at a time: what
Python cannot do faster than this, no program in it can.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

CHUNK_SIZE = 128 * 1024
AT_ONCE = 256
"""Files whose messages are sent in one go."""

WINDOW = 128
"""Chunks of a file that are not acknowledged: 16 MiB."""

REQUESTS, BATCH = 4, 64
"""Requests for chunks that are under way, and chunks of each: 32 MiB."""

BUFFER = 1 << 20
ROLLUP = b"NATS/1.0\r\nNats-Rollup: sub\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n"


T = TypeVar("T")


class Link:
    """A connection that sends what it is given and reads message by message."""

    def __init__(self, url: str, bucket: str) -> None:
        host, _, port = url.removeprefix("nats://").rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = self._socket.makefile("rb", BUFFER)
        self.bucket = bucket
        self.inbox = f"_INBOX.{secrets.token_hex(11)}"
        self._read.readline()
        self._socket.sendall(
            b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
            + f"SUB {self.inbox} 1\r\nPING\r\n".encode()
        )
        while self._read.readline() != b"PONG\r\n":
            pass

    def message(self, subject: str, payload: bytes, headers: bytes = b"") -> bytes:
        """Put a message together that asks for an answer."""
        if not headers:
            return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), self.inbox.encode(), len(payload), payload)
        sizes = (len(headers), len(headers) + len(payload))
        line = b"HPUB %b %b %d %d\r\n" % (subject.encode(), self.inbox.encode(), *sizes)
        return b"".join((line, headers, payload, b"\r\n"))

    def send(self, *messages: bytes) -> None:
        """Send messages in one go."""
        self._socket.sendall(b"".join(messages))

    def take(self) -> tuple[bytes, bytes]:
        """Wait for the next message: its headers and its payload."""
        while True:
            line = self._read.readline()
            if line.startswith((b"MSG", b"HMSG")):
                break
            if not line or line.startswith(b"-ERR"):
                raise SystemExit(f"the server says {line!r}")
            if line.startswith(b"PING"):
                self._socket.sendall(b"PONG\r\n")
        words = line.split()
        head = int(words[-2]) if words[0] == b"HMSG" else 0
        headers = self._read.read(head)
        payload = self._read.read(int(words[-1]) - head)
        self._read.read(2)
        return headers, payload

    def take_acks(self, number: int) -> None:
        """Wait for the answers to so many messages."""
        for _ in range(number):
            if b'"error"' in (answer := self.take()[1]):
                raise SystemExit(answer.decode())

    def request(self, subject: str, body: object) -> Mapping[str, object]:
        """Ask JetStream for something."""
        self.send(self.message(f"$JS.API.{subject}", json.dumps(body).encode()))
        answer: Mapping[str, object] = json.loads(self.take()[1])
        return answer

    def direct_get(self, body: object) -> bytes:
        """Put a question together that a replica answers."""
        return self.message(f"$JS.API.DIRECT.GET.OBJ_{self.bucket}", json.dumps(body).encode())


def record(link: Link, key: str, nuid: str, size: int, digest: bytes) -> bytes:
    """Put the message together that commits an object."""
    fields = {
        "name": key,
        "options": {"max_chunk_size": CHUNK_SIZE},
        "bucket": link.bucket,
        "nuid": nuid,
        "size": size,
        "chunks": -(-size // CHUNK_SIZE),
        "digest": "SHA-256=" + base64.urlsafe_b64encode(digest).decode(),
    }
    subject = f"$O.{link.bucket}.M.{base64.urlsafe_b64encode(key.encode()).decode()}"
    return link.message(subject, json.dumps(fields, separators=(",", ":")).encode(), ROLLUP)


def put(link: Link, key: str, file: str) -> None:
    """Store a file."""
    nuid, digest, size, sent, acked = secrets.token_hex(11), hashlib.sha256(), 0, 0, 0
    with Path(file).open("rb") as source:
        while data := source.read(CHUNK_SIZE):
            if sent - acked >= WINDOW:
                link.take_acks(1)
                acked += 1
            link.send(link.message(f"$O.{link.bucket}.C.{nuid}", data))
            digest.update(data)
            size, sent = size + len(data), sent + 1
    link.take_acks(sent - acked)
    link.send(record(link, key, nuid, size, digest.digest()))
    link.take_acks(1)


def get(link: Link, key: str, file: str) -> None:
    """Fetch into a file, by a pull consumer."""
    (info,) = _records(link, key)
    subject = f"$O.{link.bucket}.C.{info['nuid']}"
    name = secrets.token_hex(8)
    config = {"name": name, "ack_policy": "none", "filter_subject": subject, "mem_storage": True}
    where = f"OBJ_{link.bucket}.{name}"
    link.request(
        f"CONSUMER.CREATE.{where}.{subject}", {"stream_name": f"OBJ_{link.bucket}", "config": config}
    )
    ask = link.message(f"$JS.API.CONSUMER.MSG.NEXT.{where}", b'{"batch":%d,"no_wait":true}' % BATCH)
    chunks, digest = int(str(info["chunks"])), hashlib.sha256()
    link.send(*[ask] * REQUESTS)
    with Path(file).open("wb") as target:
        for number in range(chunks):
            headers, payload = link.take()
            while headers:  # one of the requests found nothing more
                headers, payload = link.take()
            target.write(payload)
            digest.update(payload)
            if number % BATCH == BATCH - 1:
                link.send(ask)
    link.send(link.message(f"$JS.API.CONSUMER.DELETE.{where}", b""))


def put_all(link: Link, prefix: str, folder: str, *names: str) -> None:
    """Store files that are one chunk each."""
    for part in _parts(names):
        chunks, records = [], []
        for name in part:
            data, nuid = Path(folder, name).read_bytes(), secrets.token_hex(11)
            chunks.append(link.message(f"$O.{link.bucket}.C.{nuid}", data))
            digest = hashlib.sha256(data).digest()
            records.append(record(link, f"{prefix}/{name}", nuid, len(data), digest))
        for messages in (chunks, records):
            link.send(*messages)
            link.take_acks(len(messages))


def get_all(link: Link, prefix: str, folder: str, *names: str) -> None:
    """Fetch objects that are one chunk each."""
    wanted = {f"{prefix}/{name}": Path(folder, name) for name in names}
    found = [info for info in _records(link) if info["name"] in wanted]
    for part in _parts(found):
        link.send(
            *(
                link.direct_get({"seq": 1, "next_by_subj": f"$O.{link.bucket}.C.{info['nuid']}", "batch": 1})
                for info in part
            )
        )
        for info in part:
            _, payload = link.take()
            link.take()  # the end of the batch
            hashlib.sha256(payload)
            wanted[str(info["name"])].write_bytes(payload)


def _records(link: Link, key: str = "") -> list[Mapping[str, object]]:
    """List the bucket, or one key of it."""
    last = base64.urlsafe_b64encode(key.encode()).decode() if key else ">"
    found: list[Mapping[str, object]] = []
    link.send(link.direct_get({"seq": 1, "next_by_subj": f"$O.{link.bucket}.M.{last}", "batch": 100_000}))
    while (answer := link.take())[1]:
        found.append(json.loads(answer[1]))
    return found


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))


COMMANDS: Mapping[str, Callable[..., None]] = {
    "put": put,
    "get": get,
    "put-all": put_all,
    "get-all": get_all,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[3]](Link(sys.argv[1], sys.argv[2]), *sys.argv[4:])
