"""A server at some distance that refuses what is too much at once, seen by the program itself.

Ordinary puts, gets and verifications of many small objects pass a proxy. While more requests are under way
than it allows, it answers with a refusal as a server does, and it counts them.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import combinations
from pathlib import Path

import pytest

from benchmarks.proxy import slow_link
from natsobj import Bucket, BucketConfig, Store
from natsobj.settings import Settings
from tests.between import Answer, Between, Sent
from tests.conftest import Serve
from tests.crowd import sha256
from tests.program import TIMEOUT, Argument, Program
from tests.servers import NatsServer
from tests.verdict import verdict

ONE_WAY = 0.01
"""Seconds to the server: more than a hundred transfers begin at once."""

ALLOWED = 24
"""Requests at once."""

FILES = {"put": 160, "get": 520, "verify": 160}
"""Descriptors: for a hundred transfers at most, also where a busy machine makes the server seem far away."""

OBJECTS = 800

FEW = 20
"""Transfers that begin one after the other, and are looked at together."""

Counted = Callable[[Sent], tuple[str, Answer] | None]
"""Tells of a request whether it counts: which transfer it belongs to, and how it is refused."""

TOO_MANY = {"code": 429, "err_code": 10167, "description": "too many requests"}
UNAVAILABLE = {"code": 503, "err_code": 10008, "description": "JetStream system temporarily unavailable"}


def status(line: str) -> Answer:
    """An answer without content."""
    return Answer(f"NATS/1.0 {line}\r\n\r\n".encode(), b"")


def error(said: object, line: str = "") -> Answer:
    """An answer of JetStream's, with a status as well where the server has one."""
    return Answer(status(line).headers if line else b"", json.dumps({"error": said}).encode())


class Overloaded:
    """Refuses requests while too many are under way, and notes how many transfers the program has begun."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._requests: set[str] = set()
        self._transfers: set[str] = set()
        self.refused = 0
        self._begun: list[int] = []
        """How many transfers were under way as each began, also those that wait after a refusal."""

    def instead(self, sent: Sent) -> Answer | None:
        """Refuse a request, or let it pass."""
        if (counted := self._counted(sent)) is None:
            return None
        subject, refusal = counted
        if subject not in self._transfers:
            self._transfers.add(subject)
            self._begun.append(len(self._transfers))
        if len(self._requests) >= ALLOWED:
            self.refused += 1
            return refusal
        self._requests.add(sent.reply)
        return None

    def change(self, sent: Sent, answer: Answer) -> Answer:
        """Note that a request is answered, and whether that is all that was to be done."""
        if sent.reply in self._requests and (counted := self._counted(sent)) is not None:
            self._requests.discard(sent.reply)
            if b'"error"' not in answer.payload:
                self._transfers.discard(counted[0])
        return answer

    @property
    def peaks(self) -> list[int]:
        """The most that were under way while each few transfers began."""
        return [max(self._begun[start : start + FEW]) for start in range(0, len(self._begun) - FEW + 1, FEW)]


@pytest.fixture
async def far(server: NatsServer) -> AsyncIterator[Between]:
    """What stands between the program and a server at some distance."""
    with slow_link(server.url, ONE_WAY) as url:
        async with Between(int(url.rpartition(":")[2])) as between:
            yield between


async def run(far: Between, cli: Program, counted: Counted, *args: Argument) -> None:
    """Run the program against it: all is done, after some refusals, with fewer and then more at once."""
    overloaded = Overloaded(counted)
    far.instead, far.change = overloaded.instead, overloaded.change
    limited = ("sh", "-c", 'ulimit -n "$0" && exec "$@"', str(FILES[str(args[0])]))
    process = await asyncio.create_subprocess_exec(
        *(*limited, *cli.command(*args)),
        env=cli.environment({"NATS_URL": far.url}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), TIMEOUT)
    assert process.returncode == 0, said.decode()
    assert overloaded.refused
    peaks = overloaded.peaks
    later = peaks[peaks.index(max(peaks)) :]
    halves = [peak for peak in later if peak <= max(peaks) / 2]
    assert halves, peaks
    assert max(more / fewer for fewer, more in combinations(later, 2) if fewer in halves) >= 5 / 4, peaks


def contents() -> dict[str, bytes]:
    """The objects."""
    dice = random.Random(13)
    return {f"{number:03}": dice.randbytes(4096) for number in range(OBJECTS)}


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(error(TOO_MANY, "429 Too Many Requests"), id="429"),
        pytest.param(error(TOO_MANY), id="10167"),
        pytest.param(status("503"), id="503"),
    ],
)
async def test_a_put_of_many_backs_off_and_grows_again(
    far: Between, server: NatsServer, bucket: Bucket, cli: Program, tmp_path: Path, *, refusal: Answer
) -> None:
    """Chunks and records are refused; in the end every object is stored, and nothing is left over."""
    data = contents()
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)

    def counted(sent: Sent) -> tuple[str, Answer] | None:
        return (sent.subject, refusal) if sent.subject.startswith(f"$O.{bucket.name}.") else None

    await run(far, cli, counted, "put", "-q", "-r", bucket.name, "", tmp_path)
    await whole(server, bucket.name, data)


async def test_a_put_of_many_does_with_a_short_ingest_queue(
    serve: Serve, bucket_name: str, cli: Program, tmp_path: Path
) -> None:
    """The server itself refuses what comes while its queue is full, and takes it later."""
    short = serve("jetstream {max_buffered_msgs: 4}")
    data = contents()
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    async with Store(Settings(servers=(short.url,))) as store:
        await store.create_bucket(BucketConfig(bucket_name))
    command = ("put", "-q", "-r", bucket_name, "", tmp_path)
    (await asyncio.to_thread(cli, *command, env={"NATS_URL": short.url})).expect(0)
    assert "excessive stream ingest rate" in short.said
    await whole(short, bucket_name, data)


async def whole(server: NatsServer, bucket: str, data: Mapping[str, bytes]) -> None:
    """Every object is stored as it was, and nothing is left over."""
    found = await verdict(server.url, bucket)
    assert found.objects == {name: sha256(content) for name, content in data.items()}
    assert (found.orphans, found.consumers, found.unreadable) == ({}, 0, ())


@pytest.mark.parametrize(
    ("command", "direct", "asked"),
    [
        pytest.param("get", status("429 Too Many Requests"), error(TOO_MANY), id="get-429"),
        pytest.param("get", status("503"), error(TOO_MANY), id="get-10167"),
        pytest.param("get", status("503"), error(UNAVAILABLE), id="get-503"),
        pytest.param("verify", status("429 Too Many Requests"), error(TOO_MANY), id="verify-429"),
    ],
)
async def test_a_read_of_many_backs_off_and_grows_again(
    far: Between, bucket: Bucket, cli: Program, tmp_path: Path, *, command: str, direct: Answer, asked: Answer
) -> None:
    """Reads are refused, of replicas and of the leader; in the end every byte is there and verified."""
    data, own = contents(), f".OBJ_{bucket.name}"
    await asyncio.gather(*(bucket.put(name, content) for name, content in data.items()))

    def counted(sent: Sent) -> tuple[str, Answer] | None:
        refusal = {"$JS.API.DIRECT.GET": direct, "$JS.API.STREAM.MSG.GET": asked}.get(
            sent.subject[: -len(own)]
        )
        subject = json.loads(sent.payload)["next_by_subj"] if refusal is not None else ""
        return (subject, refusal) if refusal is not None and ".C." in subject else None

    if command == "verify":
        await run(far, cli, counted, "verify", bucket.name)
        return
    folder = tmp_path / "there"
    await run(far, cli, counted, "get", "-q", "-r", bucket.name, "", folder)
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == data
