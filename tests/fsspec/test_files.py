"""Open files: ranges of one version, and new objects that appear whole or not at all."""

from __future__ import annotations

import gc
import random
from contextlib import suppress

import fsspec
import pytest

from natsobj import ObjectChanged
from natsobj.fsspec import NatsobjFileSystem
from tests.servers import NatsServer

BIG = random.Random(3).randbytes(9_876_543)
"""More than two blocks of a file that is written."""


def test_a_file_shows_at_close_and_streams_until_then(fs: NatsobjFileSystem, root: str) -> None:
    """Several blocks are on the server before anybody can see the object; then it is there, byte for byte."""
    with fs.open(f"{root}/big", "wb") as file:
        for start in range(0, len(BIG), 1_000_000):
            assert file.write(BIG[start : start + 1_000_000])
        assert not fs.exists(f"{root}/big")
    assert fs.cat(f"{root}/big") == BIG


@pytest.mark.parametrize("content", [b"small", BIG], ids=["one block", "several blocks"])
def test_a_block_of_code_that_fails_stores_nothing(
    server: NatsServer, fs: NatsobjFileSystem, root: str, content: bytes
) -> None:
    """However it was opened: half a file is no file, and what was there before stands."""
    fs.pipe(f"{root}/key", b"before")
    text = content.hex()
    url = f"natsobj://{root}/key"
    for opened, written in [
        (fs.open(f"{root}/key", "wb"), content),
        (fs.open(f"{root}/key", "w"), text),
        (fs.open(f"{root}/key", "wb", compression="gzip"), content),
        (fs.open(f"{root}/key", "w", compression="gzip"), text),
        (fsspec.open(url, "wb", servers=server.url), content),
        (fsspec.open(url, "wt", servers=server.url, compression="gzip"), text),
    ]:
        with suppress(KeyError), opened as file:
            file.write(written)
            raise KeyError
    abandoned = fs.open(f"{root}/key", "wb")
    abandoned.write(content)
    del abandoned
    gc.collect()
    discarded = fs.open(f"{root}/key", "wb")
    discarded.write(content)
    discarded.discard()
    assert fs.find(root) == [f"{root}/key"]
    assert fs.cat(f"{root}/key") == b"before"


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zip", "infer"])
def test_what_is_compressed_on_the_way_is_stored_whole(
    fs: NatsobjFileSystem, root: str, compression: str
) -> None:
    """At the end of its block, or of its transaction, closed or not; one that is forgotten leaves nothing."""
    content = BIG if compression == "gzip" else BIG[:100_000]  # the others are slow
    with fs.open(f"{root}/bytes.gz", "wb", compression=compression) as file:
        file.write(content)
    with fs.open(f"{root}/text.gz", "w", compression=compression) as file:
        file.write("für alle")
    with fs.transaction:
        fs.open(f"{root}/open.gz", "wb", compression=compression).write(b"open")
        with fs.open(f"{root}/closed.gz", "wb", compression=compression) as file:
            file.write(b"closed")
        assert len(fs.find(root)) == 2
    forgotten = fs.open(f"{root}/forgotten.gz", "wb", compression=compression)
    forgotten.write(content)
    del forgotten
    gc.collect()
    wanted = {"bytes": content, "text": "für alle".encode(), "open": b"open", "closed": b"closed"}
    assert sorted(fs.find(root)) == sorted(f"{root}/{name}.gz" for name in wanted)
    for name, stored in wanted.items():
        with fs.open(f"{root}/{name}.gz", "rb", compression=compression) as file:
            assert file.read() == stored
    with pytest.raises(ValueError, match="nonsense"):
        fs.open(f"{root}/none", "wb", compression="nonsense")


def test_a_transaction_shows_all_files_at_its_end_or_none(fs: NatsobjFileSystem, root: str) -> None:
    """Closed or not, of one block or several."""
    with fs.transaction:
        fs.open(f"{root}/open", "wb").write(b"1")
        for name, content in (("small", b"2"), ("big", BIG)):
            with fs.open(f"{root}/{name}", "wb") as file:
                file.write(content)
        assert fs.find(root) == []
    assert fs.cat(f"{root}/", recursive=True) == {
        f"{root}/big": BIG,
        f"{root}/open": b"1",
        f"{root}/small": b"2",
    }
    with suppress(KeyError), fs.transaction:
        for name, content in (("small2", b"2"), ("big2", BIG)):
            with fs.open(f"{root}/{name}", "wb") as file:
                file.write(content)
        raise KeyError
    assert len(fs.find(root)) == 3


def test_any_part_can_be_read_in_any_order(fs: NatsobjFileSystem, root: str) -> None:
    """Jumps, reading on, and lines: always the bytes that are there."""
    chance = random.Random(5)
    fs.pipe(f"{root}/big", BIG)
    with fs.open(f"{root}/big") as file:
        for _ in range(25):
            start, size = chance.randrange(len(BIG)), chance.choice([1, 70_000, 300_000, 2_000_000])
            file.seek(start)
            assert file.read(size) + file.read(size) == BIG[start : start + 2 * size]
        file.seek(0)
        assert b"".join(file) == BIG
    assert fs.cat_file(f"{root}/big", -10, None) == BIG[-10:]
    assert fs.cat_ranges([f"{root}/big"] * 2 + [f"{root}/none"], [0, 5_000_000, 0], [9, 5_000_009, 1])[
        :2
    ] == [
        BIG[:9],
        BIG[5_000_000:5_000_009],
    ]


def test_reading_on_in_another_version_is_an_error(fs: NatsobjFileSystem, root: str) -> None:
    """Parts of two versions would be a file that never was."""
    fs.pipe(f"{root}/big", BIG)
    with fs.open(f"{root}/big") as file:
        file.read(10)
        fs.pipe(f"{root}/big", BIG[::-1])
        file.seek(5_000_000)
        with pytest.raises(ObjectChanged) as caught:
            file.read(10)
    assert isinstance(caught.value, OSError)


def test_nothing_is_appended(fs: NatsobjFileSystem, root: str) -> None:
    """An object is replaced whole."""
    fs.pipe(f"{root}/key", b"x")
    for kind in (OSError, ValueError, NotImplementedError):
        with pytest.raises(kind, match="cannot append to an object"):
            fs.open(f"{root}/key", "ab")
