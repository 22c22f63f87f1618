"""File systems and folders that are not as ours: what they refuse, and who else works in them."""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import os
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.between import Between, Sent
from tests.program import TIMEOUT, Argument, Program, Result
from tests.servers import NatsServer
from tests.streams import names

NEW = b"new content"


def refusing(cli: Program, error: str, calls: str, *args: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run the program where the system refuses some calls."""
    return subprocess.run(
        [sys.executable, "-m", "tests.refusing", error, calls, "--", *cli.command(*args)],
        capture_output=True,
        env=cli.environment(),
        cwd=Path(__file__).parents[2],
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize("error", ["EPERM", "EACCES", "EOPNOTSUPP", "ENOSYS"])
@pytest.mark.parametrize("mode", [None, 0o600, 0o755])
async def test_a_file_system_that_refuses_chmod_takes_files(
    cli: Program, bucket: Bucket, tmp_path: Path, error: str, mode: int | None
) -> None:
    """CIFS, FUSE, a drive of Windows: the permissions are theirs, never wider than what was asked for."""
    await bucket.put("k", NEW)
    target = tmp_path / "out"
    if mode is not None:
        target.write_bytes(b"old")
        target.chmod(mode)
    done = refusing(
        cli, error, "chmod,fchmod,fchmodat,fchmodat2,fchown", "get", "-f", bucket.name, "k", target
    )
    assert (done.returncode, target.read_bytes(), names(tmp_path)) == (0, NEW, {"out"}), done.stderr
    assert stat.S_IMODE(target.stat().st_mode) & ~(mode or 0o666) == 0


@pytest.mark.parametrize("there", [True, False])
async def test_a_file_system_without_hard_links_takes_files(
    cli: Program, bucket: Bucket, tmp_path: Path, *, there: bool
) -> None:
    """FAT and some network shares: also a whole folder; what exists is kept."""
    await bucket.put("k", NEW)
    target = tmp_path / "out"
    if there:
        target.write_bytes(b"old")
    done = refusing(cli, "EPERM", "link,linkat", "get", bucket.name, "k", target)
    assert done.returncode == (6 if there else 0), done.stderr
    assert target.read_bytes() == (b"old" if there else NEW)
    done = refusing(cli, "EPERM", "link,linkat", "get", "-r", bucket.name, "", tmp_path / "all")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "all/k").read_bytes() == NEW


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("EIO", "Input/output error"),
        ("EDQUOT", "Disk quota exceeded"),
        ("EBUSY", "Device or resource busy (it is a mount point, which cannot be replaced"),
    ],
)
async def test_a_file_that_cannot_be_replaced_stays(
    cli: Program, bucket: Bucket, tmp_path: Path, error: str, why: str
) -> None:
    """Exit code 1, as it was to the last permission, and nothing is beside it; no folder is left either."""
    await bucket.put("k", NEW)
    target = tmp_path / "out"
    target.write_bytes(b"old")
    target.chmod(0o640)
    calls = "rename,renameat,renameat2"
    for args in (
        ("get", "-f", bucket.name, "k", str(target)),
        ("get", "-f", bucket.name, "k", str(tmp_path / "new/out")),
        ("get", "-f", "-r", bucket.name, "", str(tmp_path / "all")),
    ):
        done = refusing(cli, error, calls, *args)
        assert done.returncode == 1
        assert why in done.stderr.decode()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"old", 0o640)
    assert names(tmp_path) == {"out"}


@contextmanager
def swapping(folder: Path, outside: Path) -> Iterator[None]:
    """Put a link that leads elsewhere in the place of a folder, and the folder back, all the time.

    Each time it is one step (RENAME_EXCHANGE of Linux): something is always there.
    """
    ended = threading.Event()
    link = folder.with_name("link")
    link.symlink_to(outside)
    libc = ctypes.CDLL(None, use_errno=True)

    def swap() -> None:
        while not ended.is_set():
            for _ in range(2):
                assert not libc.renameat2(-100, bytes(folder), -100, bytes(link), 2), ctypes.get_errno()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        link.unlink()


@pytest.mark.parametrize("below", ["a", "a/b"])
async def test_a_folder_that_is_swapped_for_a_link_leads_nowhere(
    cli: Program, bucket: Bucket, tmp_path: Path, below: str
) -> None:
    """By somebody who does it all the time: an object lands in the folder, or fails by name."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "a/b").mkdir(parents=True)
    (outside / "b").mkdir(parents=True)
    for number in range(100):
        await bucket.put(f"a/b/{number}", NEW)
    for _ in range(3):
        with swapping(inside / below, outside):
            result = cli("get", "-r", "-f", bucket.name, "", inside)
        landed = {path.name for path in (inside / "a/b").iterdir()}
        assert result.code in (0, 1), result.stderr
        assert [path.name for path in outside.rglob("*")] == ["b"]
        assert landed <= {str(number) for number in range(100)}
        assert result.code or len(landed) == 100
        assert all((inside / "a/b" / name).read_bytes() == NEW for name in landed)


@asynccontextmanager
async def restless(server: NatsServer, file: Path) -> AsyncIterator[str]:
    """Give a file another modification time while it is stored, as some file systems do by themselves."""
    times = itertools.count(1)

    async def change(sent: Sent) -> None:
        if ".C." in sent.subject:
            time = next(times)
            os.utime(file, ns=(time, time))

    async with Between(server.port) as between:
        between.before = change
        yield between.url


async def test_a_file_system_with_unstable_times_is_named(
    server: NatsServer, cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """Exit code 5, the old object stands, and the line says how to store what is read."""
    await bucket.put("k", NEW)
    file = tmp_path / "file"
    file.write_bytes(bytes(1024 * 1024))
    async with restless(server, file) as url:

        async def put(*args: Argument, feed: bytes = b"") -> Result:
            return await asyncio.to_thread(cli, "put", *args, input=feed, env={"NATS_URL": url})

        alone = (await put(bucket.name, "k", file)).expect(5)
        many = (await put("-r", bucket.name, "many", tmp_path)).expect(1)
        piped = (await put(bucket.name, "piped", "-", feed=file.read_bytes())).expect(0)
    for result in (alone, many):
        assert f"changed while it was read: {file} (its modification time, not its size)" in result.stderr
        assert "cat FILE | natsobj put" in result.stderr
    assert "stored" in piped.stderr
    assert cli("get", bucket.name, "k").stdout == NEW
    assert [line.split("\t")[-1] for line in cli("ls", bucket.name).lines] == ["k", "piped"]


@pytest.mark.parametrize("name", ["/proc/self/limits", "/proc/version", "/sys/devices/system/cpu/online"])
async def test_a_file_whose_size_is_made_up_is_stored_as_it_is_read(
    cli: Program, bucket: Bucket, name: str
) -> None:
    """0, or a page, whatever is in it."""
    cli("put", bucket.name, "k", name).expect(0)
    assert cli("get", bucket.name, "k").stdout.split()[:2] == Path(name).read_bytes().split()[:2]
