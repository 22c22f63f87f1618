"""What is left when a fetch into a file fails: the old file, and nothing else."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import resource
import signal
from pathlib import Path

import pytest

from natsobj.errors import FileExists
from natsobj.files.targets import open_target
from tests.streams import descriptors, fetch, names, run, script, within

NEW = b"new content"


class Mishap(Exception):
    """What goes wrong while a target is open."""


def fail() -> None:
    """Let it go wrong."""
    raise Mishap


@pytest.mark.parametrize("replace", [True, False])
async def test_an_error_leaves_nothing(tmp_path: Path, *, replace: bool) -> None:
    """No target, no temporary file, no open descriptor."""
    before = descriptors()
    with pytest.raises(Mishap):
        await fetch(tmp_path / "file", NEW, replace=replace, meanwhile=fail)
    assert names(tmp_path) == set()
    assert descriptors() == before


async def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    """As it was, to the last byte and the last permission."""
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(0o640)
    before = target.stat()
    with pytest.raises(Mishap):
        await fetch(target, NEW, replace=True, meanwhile=fail)
    assert target.stat() == before  # reading it changes when it was read
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == {"file"}


async def test_a_cancellation_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a transfer."""
    before = descriptors()
    started = asyncio.Event()

    async def hang() -> None:
        async with open_target(tmp_path / "new" / "file", replace=False) as sink:
            sink.write(memoryview(NEW))
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await within(started.wait())
    assert names(tmp_path) == {"new"}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(tmp_path) == set()
    assert descriptors() == before


async def test_no_descriptor_is_left_by_success_either(tmp_path: Path) -> None:
    """A batch of thousands of files needs no more descriptors than one."""
    before = descriptors()
    for number in range(5):
        await fetch(tmp_path / "file", b"%d" % number, replace=True)
    with pytest.raises(FileExists):
        await fetch(tmp_path / "file", NEW)
    assert descriptors() == before


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from natsobj.files.targets import open_target

async def main():
    async with open_target(Path(sys.argv[1]), replace=True) as sink:
        sink.write(memoryview(b"half of the new"))
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_kill_leaves_the_old_file_and_a_temporary_one_that_tells_its_name(tmp_path: Path) -> None:
    """Nobody can clean up after SIGKILL; the old file is whole all the same."""
    (tmp_path / "file").write_bytes(b"old")
    assert run([*script(KILLED), str(tmp_path / "file")]).returncode == -signal.SIGKILL
    assert (tmp_path / "file").read_bytes() == b"old"
    (temporary,) = names(tmp_path) - {"file"}
    assert re.fullmatch(r"\.file\.\w{4,}\.natsobj", temporary)


async def test_an_existing_file_is_kept_at_once(tmp_path: Path) -> None:
    """Before a byte is fetched."""
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileExists, match=f"file exists: {tmp_path / 'file'}"):
        await fetch(tmp_path / "file", meanwhile=lambda: pytest.fail("it was opened"))
    assert (tmp_path / "file").read_bytes() == b"old"


async def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    """Two gets into one file: the first to finish has it."""
    target = tmp_path / "file"
    with pytest.raises(FileExists, match=f"file exists: {target}"):
        await fetch(target, NEW, meanwhile=lambda: target.write_bytes(b"other"))
    assert target.read_bytes() == b"other"
    assert names(tmp_path) == {"file"}


async def test_two_at_once_never_mix(tmp_path: Path) -> None:
    """The last to finish wins, and its file is whole."""
    target = tmp_path / "file"
    async with open_target(target, replace=True) as first, open_target(target, replace=True) as second:
        for part in (b"a", b"b", b"c"):
            first.write(memoryview(part))
            second.write(memoryview(part.upper()))
    assert target.read_bytes() == b"abc"
    assert names(tmp_path) == {"file"}


@pytest.mark.parametrize("there", [True, False])
async def test_a_file_system_without_hard_links_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool
) -> None:
    """FAT and some network shares: the name is looked at once more and then taken."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "file"
    if there:
        with pytest.raises(FileExists):
            await fetch(target, NEW, meanwhile=lambda: target.write_bytes(b"other"))
    else:
        await fetch(target, NEW)
    assert target.read_bytes() == (b"other" if there else NEW)
    assert names(tmp_path) == {"file"}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("folder", IsADirectoryError),
        ("plain/file", NotADirectoryError),
        ("x" * 256, OSError),
        ("loop", OSError),
    ],
)
@pytest.mark.parametrize("replace", [True, False])
async def test_an_invalid_target_is_an_error_at_once(
    tmp_path: Path, name: str, error: type[OSError], *, replace: bool
) -> None:
    """It names the file that was asked for, and nothing is left."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(error) as caught:
        await fetch(tmp_path / name, NEW, replace=replace, meanwhile=lambda: pytest.fail("it was opened"))
    assert caught.value.filename == str(tmp_path / name)
    assert names(tmp_path) == {"folder", "plain", "loop"}


async def test_a_target_that_becomes_a_folder_is_an_error(tmp_path: Path) -> None:
    """The folder stays, and the error names it and not the temporary file."""
    target = tmp_path / "file"
    with pytest.raises(IsADirectoryError) as caught:
        await fetch(target, NEW, replace=True, meanwhile=target.mkdir)
    assert (caught.value.filename, caught.value.filename2) == (str(target), None)
    assert names(tmp_path) == {"file"}


async def test_a_folder_that_may_not_be_written_is_an_error(tmp_path: Path) -> None:
    """Also when it is root who runs the tests, as whom everything may be written."""
    user = os.geteuid()
    tmp_path.chmod(0o500)
    os.seteuid(user or 65534)
    try:
        with pytest.raises(PermissionError) as caught:
            await fetch(tmp_path / "file", NEW)
    finally:
        os.seteuid(user)
    assert caught.value.filename == str(tmp_path / "file")


async def test_a_full_disk_leaves_nothing_and_is_named(tmp_path: Path) -> None:
    """Here it is the largest file that the process may write: the system says so in the same way."""
    target = tmp_path / "file"
    target.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            await fetch(target, bytes(64 * 1024), bytes(64 * 1024), replace=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(target))
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == {"file"}
