"""What ranged reads cost on the line, counted by a proxy before the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from natsobj.fsspec import NatsobjFileSystem
from tests.faults.proxy import Proxy
from tests.servers import NatsServer

MIB = 1024 * 1024
SIZE = 48 * MIB
CONTENT = bytes(range(256)) * (SIZE // 256)


def part(fs: NatsobjFileSystem, path: str) -> int:
    """One range of a whole object."""
    return len(fs.cat_file(path, start=7_000_001, end=7_000_001 + MIB))


def ranges(fs: NatsobjFileSystem, path: str) -> int:
    """Several at once, as those who read columns want them."""
    starts = [3_333_333 * n for n in range(6)]
    return sum(map(len, fs.cat_ranges([path] * 6, starts, [start + MIB for start in starts])))


def jumps(fs: NatsobjFileSystem, path: str) -> int:
    """Here and there in an open file."""
    with fs.open(path, "rb") as file:
        read = 0
        for start in (40_000_000, 1_000, 20_000_000, 31_234_567):
            file.seek(start)
            read += len(file.read(MIB))
        return read


def beginning(fs: NatsobjFileSystem, path: str) -> int:
    """On and on, and then no further."""
    with fs.open(path, "rb") as file:
        return sum(len(file.read(MIB // 2)) for _ in range(24))


def pieces(fs: NatsobjFileSystem, path: str) -> int:
    """Little by little from somewhere in a chunk, and not much in all."""
    with fs.open(path, "rb") as file:
        file.seek(1_234_567)
        return sum(len(file.read(4096)) for _ in range(257))


def lines(fs: NatsobjFileSystem, path: str) -> int:
    """One after the other: each is looked for in a block that reaches beyond it."""
    with fs.open(path, "rb") as file:
        return sum(len(next(file)) for _ in range(5000))


@pytest.mark.parametrize("read", [part, ranges, jumps, beginning, pieces, lines])
def test_little_is_fetched_beside_what_is_asked_for(
    server: NatsServer, fs: NatsobjFileSystem, root: str, read: Callable[[NatsobjFileSystem, str], int]
) -> None:
    """From 1 MiB on no more than a quarter."""
    fs.pipe(f"{root}/large", CONTENT)
    with Proxy(server.port) as proxy:
        through = NatsobjFileSystem(servers=proxy.url)
        through.info(f"{root}/large")
        before = proxy.passed["down"]
        asked = read(through, f"{root}/large")
        assert asked >= MIB
        assert proxy.passed["down"] - before <= 1.25 * asked
