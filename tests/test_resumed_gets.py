"""Gets that go on: what may be used of what lies beside the target, and what becomes of it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from natsobj.errors import (
    DigestMismatch,
    FileExists,
    InvalidArgument,
    ObjectNotFound,
    TransferUnderWay,
)
from natsobj.files import Sink
from natsobj.units import format_size
from tests.behind import record_of, write_record
from tests.program import Program

DATA = random.Random(5).randbytes(5_000_000)


class Ends:
    """A sink that passes on what comes until it is enough."""

    def __init__(self, sink: Sink, enough: int) -> None:
        self._sink = sink
        self._left = enough

    def write(self, view: memoryview, /) -> None:
        self._left -= len(view)
        if self._left < 0:
            raise ConnectionAbortedError
        self._sink.write(view)

    async def drain(self) -> None:
        await self._sink.drain()

    def restart(self) -> None:
        self._sink.restart()


class Counts(Ends):
    """A sink that counts how often it had to begin anew."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink, 10**12)
        self.restarts = 0

    def restart(self) -> None:
        self.restarts += 1
        super().restart()


class Loses(Ends):
    """A sink whose file somebody takes away, and puts another one there, before it ends."""

    def __init__(self, sink: Sink, path: Path, other: bytes | None) -> None:
        super().__init__(sink, 3_000_000)
        self._path = path
        self._other = other

    def write(self, view: memoryview, /) -> None:
        try:
            super().write(view)
        except ConnectionAbortedError:
            self._path.unlink()
            if self._other is not None:
                self._path.write_bytes(self._other)
            raise


@pytest.fixture
async def partial(bucket: Bucket, tmp_path: Path) -> Path:
    """What a get of the object has left beside the target, in the middle."""
    await bucket.put("k", DATA)
    with pytest.raises(ConnectionAbortedError):
        await bucket.get("k", tmp_path / "t", resume=True, wrap=lambda sink: Ends(sink, 2_000_000))
    (path,) = tmp_path.iterdir()
    assert path.read_bytes() == DATA[: path.stat().st_size]
    return path


async def fetched(bucket: Bucket, folder: Path) -> int:
    """Go on to the end, and return how often the file was begun."""
    sinks: list[Counts] = []

    def wrap(sink: Sink) -> Sink:
        sinks.append(Counts(sink))
        return sinks[-1]

    await bucket.get("k", folder / "t", resume=True, wrap=wrap)
    assert {path.name for path in folder.iterdir()} == {"t"}
    return sum(sink.restarts for sink in sinks)


async def test_what_is_there_is_gone_on_with(bucket: Bucket, partial: Path) -> None:
    """Nothing is begun anew; the target is the object."""
    assert await fetched(bucket, partial.parent) == 0
    assert (partial.parent / "t").read_bytes() == DATA


@pytest.mark.parametrize("what", ["tampered", "longer", "whole and wrong", "cut", "empty"])
async def test_what_is_not_the_beginning_is_fetched_again(bucket: Bucket, partial: Path, what: str) -> None:
    """Whatever somebody has made of it never lands: it is begun anew, once at most."""
    there = partial.read_bytes()
    made = {
        "tampered": b"X" + there[1:],
        "longer": DATA + b"more",
        "whole and wrong": b"X" + DATA[1:],
        "cut": there[:-70_000],
        "empty": b"",
    }
    partial.write_bytes(made[what])
    assert await fetched(bucket, partial.parent) == (0 if what == "cut" else 1)
    assert (partial.parent / "t").read_bytes() == DATA


@pytest.mark.parametrize("what", ["kept", "tampered", "stored again", "short", "nothing"])
async def test_a_get_says_whether_it_resumes(cli: Program, bucket: Bucket, partial: Path, what: str) -> None:
    """Where, or that it starts over and why, naming the partial file; not with `-q` or `--json`."""
    there, target = partial.read_bytes(), partial.parent / "t"
    made = {"tampered": b"X" + there[1:], "short": b"X"}
    name = f"{bucket.name}/k"
    said = {
        "kept": [f"natsobj: resuming at {format_size(len(there))} of 4.8 MiB"],
        "tampered": [
            f"natsobj: resuming at {format_size(len(there))} of 4.8 MiB",
            f"natsobj: starting over: {partial} is not the beginning of {name}",
        ],
        "stored again": [f"natsobj: starting over: what was kept is not of what {name} is now"],
        "short": [f"natsobj: starting over: {partial} is less than a chunk"],
        "nothing": [],
    }
    for options in ([], ["-q"], ["--json"]):
        partial.write_bytes(made.get(what, there))
        if what == "nothing":
            partial.unlink()
        elif what == "stored again":
            await bucket.put("k", DATA)
        result = cli("get", bucket.name, "k", target, "--resume", "-f", *options).expect(0)
        lines = result.stderr.splitlines()
        assert lines[:-1] == said[what] if not options else lines == []
        assert target.read_bytes() == DATA


async def test_a_whole_one_only_needs_its_name(bucket: Bucket, partial: Path) -> None:
    """A get that was ended right before the rename."""
    partial.write_bytes(DATA)
    assert await fetched(bucket, partial.parent) == 0


async def test_another_object_begins_anew(bucket: Bucket, partial: Path) -> None:
    """What is left of the old one goes, and with it the room that it takes."""
    await bucket.put("k", DATA[::-1])
    await fetched(bucket, partial.parent)
    assert (partial.parent / "t").read_bytes() == DATA[::-1]


async def test_an_object_without_a_digest_is_never_gone_on_with(
    bucket: Bucket, client: Client, partial: Path
) -> None:
    """Nothing could tell in the end whether the beginning is right."""
    record = await record_of(client, bucket, "k")
    del record["digest"]
    await write_record(client, bucket, "k", record)
    partial.write_bytes(b"X" * 2_000_000)
    await fetched(bucket, partial.parent)
    assert (partial.parent / "t").read_bytes() == DATA


async def test_a_broken_object_leaves_nothing(bucket: Bucket, client: Client, partial: Path) -> None:
    """It is fetched anew before it is called broken, and what has come is of no use to anybody."""
    record = await record_of(client, bucket, "k")
    await write_record(client, bucket, "k", record | {"digest": "SHA-256=" + "A" * 43 + "="})
    with pytest.raises(DigestMismatch):
        await bucket.get("k", partial.parent / "t", resume=True)
    assert list(partial.parent.iterdir()) == []


async def test_a_deleted_object_leaves_what_has_come(bucket: Bucket, partial: Path) -> None:
    """A key that is not there says nothing about the file; the next get into it tidies up."""
    await bucket.delete("k")
    with pytest.raises(ObjectNotFound):
        await bucket.get("k", partial.parent / "t", resume=True)
    assert partial.exists()


@pytest.mark.parametrize("kind", ["link", "other name", "pipe"])
async def test_what_others_may_write_is_not_gone_on_with(bucket: Bucket, partial: Path, kind: str) -> None:
    """A link is not followed, another name's file is not written, a FIFO is not waited for."""
    other = partial.parent.parent / "other"
    other.write_bytes(b"another's")
    partial.unlink()
    if kind == "link":
        partial.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(partial)
    else:
        os.link(other, partial)
    await fetched(bucket, partial.parent)
    assert (other.read_bytes(), other.stat().st_nlink) == (b"another's", 1)
    assert (partial.parent / "t").read_bytes() == DATA


async def test_the_place_of_the_partial_file_may_be_taken(bucket: Bucket, partial: Path) -> None:
    """What cannot be removed is named, and the target is as it was."""
    partial.unlink()
    partial.mkdir()
    with pytest.raises(OSError, match="in the way"):
        await bucket.get("k", partial.parent / "t", resume=True)


@pytest.mark.parametrize("other", [None, b"another's"])
async def test_what_is_taken_away_meanwhile_is_not_said_to_be_kept(
    bucket: Bucket, partial: Path, other: bytes | None
) -> None:
    """By whoever clears the folder; what has the name then is not ours, and stays."""
    with pytest.raises(ConnectionAbortedError) as caught:
        await bucket.get(
            "k", partial.parent / "t", resume=True, wrap=lambda sink: Loses(sink, partial, other)
        )
    assert not [note for note in getattr(caught.value, "__notes__", ()) if "kept" in note]
    assert [path.read_bytes() for path in partial.parent.iterdir()] == ([] if other is None else [other])


async def test_a_private_file_stays_private_meanwhile(bucket: Bucket, partial: Path) -> None:
    """A file that came there with permissions of its own gives them to what is to replace it, at once."""
    (partial.parent / "t").touch(0o600)
    with pytest.raises(ConnectionAbortedError):
        await bucket.get(
            "k", partial.parent / "t", resume=True, replace=True, wrap=lambda sink: Ends(sink, 3_000_000)
        )
    assert partial.stat().st_mode & 0o777 == 0o600


async def test_a_link_is_followed_and_its_target_replaced(bucket: Bucket, tmp_path: Path) -> None:
    """The partial file lies beside what the link leads to."""
    await bucket.put("k", DATA)
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    with pytest.raises(ConnectionAbortedError):
        await bucket.get("k", tmp_path / "link", resume=True, wrap=lambda sink: Ends(sink, 2_000_000))
    assert len(list((tmp_path / "there").iterdir())) == 1
    await bucket.get("k", tmp_path / "link", resume=True)
    assert (tmp_path / "there" / "file").read_bytes() == DATA
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("length", [100, 250])
async def test_long_names_are_gone_on_with(bucket: Bucket, tmp_path: Path, length: int) -> None:
    """Names that only their ends tell apart have partial files of their own."""
    await bucket.put("k", DATA)
    names = [("ä" * length)[: length // 2] + end for end in "ab"]
    for name in names:
        with pytest.raises(ConnectionAbortedError):
            await bucket.get("k", tmp_path / name, resume=True, wrap=lambda sink: Ends(sink, 2_000_000))
    assert len(list(tmp_path.iterdir())) == 2
    for name in names:
        await bucket.get("k", tmp_path / name, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == set(names)


async def test_two_at_once_are_refused(bucket: Bucket, partial: Path) -> None:
    """The second of two, even in one process."""

    class Intrudes(Ends):
        async def drain(self) -> None:
            with pytest.raises(TransferUnderWay):
                await bucket.get("k", partial.parent / "t", resume=True)

    await bucket.get("k", partial.parent / "t", resume=True, wrap=lambda sink: Intrudes(sink, 10**9))
    assert (partial.parent / "t").read_bytes() == DATA


async def test_a_file_that_came_meanwhile_stays(bucket: Bucket, partial: Path) -> None:
    """It may not be replaced, and what was fetched is there for whoever says that it may."""
    target = partial.parent / "t"

    class Writes(Ends):
        async def drain(self) -> None:
            target.write_bytes(b"another's")

    with pytest.raises(FileExists):
        await bucket.get("k", target, resume=True, wrap=lambda sink: Writes(sink, 10**9))
    assert target.read_bytes() == b"another's"
    assert partial.read_bytes() == DATA


async def test_only_a_whole_object_into_a_file_is_gone_on_with(bucket: Bucket, tmp_path: Path) -> None:
    """Parts, sinks and pipes have nothing to go on with."""
    await bucket.put("k", DATA)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InvalidArgument):
        await bucket.get("k", tmp_path / "t", resume=True, offset=1)
    with pytest.raises(InvalidArgument):
        await bucket.get("k", tmp_path / "fifo", resume=True)
    with (tmp_path / "t").open("wb") as file, pytest.raises(InvalidArgument):
        await bucket.get("k", file, resume=True)
