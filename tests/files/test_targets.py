"""Where fetched bytes go: files that appear whole, in the folder and under the name that was meant."""

from __future__ import annotations

import os
import random
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from natsobj.errors import FileExists, InvalidKey
from natsobj.files import Sink
from natsobj.files.targets import open_target, target_path
from tests.streams import MIB, fetch, names

NEW = b"new content"


class Mishap(Exception):
    """What goes wrong while a target is open."""


def fail() -> None:
    """Let it go wrong."""
    raise Mishap


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Work under another umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


# Which file it is


@pytest.mark.parametrize(
    ("file", "key", "expected"),
    [
        ("out.bin", "a/b", "out.bin"),
        ("out.bin", "a/", "out.bin"),
        ("out.bin", "..", "out.bin"),
        ("missing/out.bin", "a/b", "missing/out.bin"),
        ("folder", "b", "folder/b"),
        ("folder", "a/b", "folder/b"),
        ("folder/", "a/b", "folder/b"),
        ("folder", "../../b", "folder/b"),
        ("folder", "/b", "folder/b"),
        ("folder", "a/.b", "folder/.b"),
        ("folder", "a/...", "folder/..."),
        ("folder", "a/ö🙂 b", "folder/ö🙂 b"),
        ("folder", "a\\b", "folder/a\\b"),
        ("link", "a/b", "link/b"),
        ("missing/", "a/b", "missing/b"),
        ("missing/.", "a/b", "missing/b"),
        ("missing/..", "a/b", "missing/../b"),
        ("...", "a/b", "..."),
        ("./", "a/b", "b"),
        (".", "a/b", "b"),
        ("..", "a/b", "../b"),
    ],
)
def test_a_target_is_the_file_or_lies_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, key: str, expected: str
) -> None:
    """In a folder, or behind a slash, the file has the key's last part as its name."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    monkeypatch.chdir(tmp_path)
    assert target_path(file, key) == Path(expected)


@pytest.mark.parametrize("file", ["folder", "folder/", "missing/", "./"])
@pytest.mark.parametrize("key", ["a/", "/", "..", "a/..", ".", "a/.", "a/x\0y"])
def test_a_key_whose_last_part_names_no_file_is_refused_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, key: str
) -> None:
    """Nothing lands outside of the folder, and nothing under a name that nobody chose."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidKey, match="its last part is not a file name"):
        target_path(file, key)


# The clean end


async def test_a_file_appears_whole_at_the_end_and_not_before(tmp_path: Path) -> None:
    """Until then there is a hidden file beside it, named for it."""
    target = tmp_path / "cat.jpg"
    async with open_target(target, replace=False) as sink:
        assert isinstance(sink, Sink)
        sink.write(memoryview(NEW))
        await sink.drain()
        (temporary,) = names(tmp_path)
        assert re.fullmatch(r"\.cat\.jpg\.\w{4,}\.natsobj", temporary)
    assert names(tmp_path) == {"cat.jpg"}
    assert target.read_bytes() == NEW


async def test_all_parts_stand_in_order(tmp_path: Path) -> None:
    """64 MiB in parts of several sizes, empty ones too."""
    data = random.Random(1).randbytes(64 * MIB)
    sizes = [0, 1, 128 * 1024, MIB, 7 * MIB + 3, 0, len(data)]
    parts, start = [], 0
    for size in sizes:
        parts.append(data[start : start + size])
        start += size
    await fetch(tmp_path / "file", *parts)
    assert (tmp_path / "file").read_bytes() == data


async def test_an_empty_object_is_an_empty_file(tmp_path: Path) -> None:
    """Nothing was written and the file is there."""
    await fetch(tmp_path / "file", b"")
    assert (tmp_path / "file").read_bytes() == b""


async def test_an_existing_file_stays_until_it_is_replaced(tmp_path: Path) -> None:
    """A reader of the old file sees the old or the new one, and whoever has it open keeps the old one."""
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with target.open("rb") as opened:
        async with open_target(target, replace=True) as sink:
            sink.write(memoryview(NEW))
            assert target.read_bytes() == b"old"
        assert target.read_bytes() == NEW
        assert opened.read() == b"old"
    assert names(tmp_path) == {"file"}


async def test_a_restart_takes_back_what_was_written(tmp_path: Path) -> None:
    """The object was replaced by a shorter one meanwhile."""
    async with open_target(tmp_path / "file", replace=False) as sink:
        sink.write(memoryview(b"much longer than what follows"))
        sink.restart()
        sink.write(memoryview(NEW))
    assert (tmp_path / "file").read_bytes() == NEW


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
@pytest.mark.parametrize("replace", [True, False])
async def test_a_file_has_ordinary_permissions(tmp_path: Path, mask: int, *, replace: bool) -> None:
    """Those that any program would give it, not those of a temporary file."""
    with umask(mask):
        await fetch(tmp_path / "file", NEW, replace=replace)
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask
        assert os.umask(mask) == mask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o777, 0o444, 0o000, 0o4755])
@pytest.mark.parametrize("mask", [0o022, 0o077])
async def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path, mode: int, mask: int) -> None:
    """Whatever the umask is; what lets others run it as its owner was said of the old content."""
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(mode)
    with umask(mask):
        await fetch(target, NEW, replace=True)
    assert stat.S_IMODE(target.stat().st_mode) == mode & 0o777


async def test_a_private_file_is_private_while_it_is_fetched(tmp_path: Path) -> None:
    """Nobody else may read the temporary file either."""
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(0o600)

    def look() -> None:
        (temporary,) = names(tmp_path) - {"file"}
        assert stat.S_IMODE((tmp_path / temporary).stat().st_mode) == 0o600

    await fetch(target, NEW, replace=True, meanwhile=look)


async def test_a_link_has_the_permissions_of_its_target(tmp_path: Path) -> None:
    """And what lands where a link leads nowhere has ordinary ones."""
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "target").chmod(0o750)
    (tmp_path / "link").symlink_to("target")
    await fetch(tmp_path / "link", NEW, replace=True)
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o750
    (tmp_path / "target").unlink()
    with umask(0o027):
        await fetch(tmp_path / "link", NEW, replace=True)
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o640


async def test_the_permissions_are_those_at_the_end(tmp_path: Path) -> None:
    """Somebody made the file private while the new one was fetched."""
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(0o644)
    await fetch(target, NEW, replace=True, meanwhile=lambda: target.chmod(0o600))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


async def test_another_name_of_a_replaced_file_keeps_the_old_content(tmp_path: Path) -> None:
    """The file is replaced, not written."""
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "other").hardlink_to(tmp_path / "file")
    await fetch(tmp_path / "file", NEW, replace=True)
    assert ((tmp_path / "file").read_bytes(), (tmp_path / "other").read_bytes()) == (NEW, b"old")


@pytest.mark.parametrize("name", ["ä" * 127 + "x", "x" * 255, "🙂" * 63 + "xyz", "-", "\n", " .natsobj"])
async def test_a_name_may_be_as_long_and_as_odd_as_the_file_system_allows(tmp_path: Path, name: str) -> None:
    """255 bytes, though the temporary file's name has more in it; what is cut is cut between characters."""
    async with open_target(tmp_path / name, replace=False) as sink:
        sink.write(memoryview(NEW))
        (temporary,) = names(tmp_path)
        assert temporary.encode().startswith(b"." + name.encode()[:150])
    assert names(tmp_path) == {name}


async def test_a_name_need_not_be_utf_8(tmp_path: Path) -> None:
    """A file's name is bytes."""
    target = tmp_path / os.fsdecode(b"\xff\xfe.bin")
    await fetch(target, NEW)
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff\xfe.bin"]  # a Path has no bytes


# Folders that are made


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """All of its parents, too."""
    await fetch(tmp_path / "a" / "b" / "file", NEW)
    assert (tmp_path / "a" / "b" / "file").read_bytes() == NEW
    await fetch(tmp_path / "a" / "b" / "other", NEW)
    assert names(tmp_path / "a" / "b") == {"file", "other"}


async def test_two_gets_may_make_the_same_folder(tmp_path: Path) -> None:
    """The one that made it fails, and takes nothing from under the other."""
    async with open_target(tmp_path / "new/a/file", replace=False) as sink:
        with pytest.raises(Mishap):
            await fetch(tmp_path / "new/b/other", NEW, meanwhile=fail)
        sink.write(memoryview(NEW))
    assert (tmp_path / "new/a/file").read_bytes() == NEW
    assert names(tmp_path / "new") == {"a"}


async def test_a_folder_that_was_made_is_taken_away_after_a_failure(tmp_path: Path) -> None:
    """And those that were there before stay."""
    (tmp_path / "a").mkdir()
    with pytest.raises(Mishap):
        await fetch(tmp_path / "a" / "b" / "c" / "file", NEW, meanwhile=fail)
    assert names(tmp_path) == {"a"}
    assert names(tmp_path / "a") == set()


async def test_a_folder_that_others_use_is_not_taken_away(tmp_path: Path) -> None:
    """Somebody put a file into the folder that was made."""

    def interfere() -> None:
        (tmp_path / "a" / "other").touch()
        raise Mishap

    with pytest.raises(Mishap):
        await fetch(tmp_path / "a" / "b" / "file", NEW, meanwhile=interfere)
    assert names(tmp_path / "a") == {"other"}


async def test_a_folder_that_cannot_be_made_leaves_none_of_its_parents(tmp_path: Path) -> None:
    """The last of three names is too long."""
    with pytest.raises(OSError, match="too long"):
        await fetch(tmp_path / "a" / "b" / ("x" * 256) / "file", NEW)
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match="a link that leads nowhere"):
        await fetch(tmp_path / "link" / "a" / "file", NEW)
    assert names(tmp_path) == {"link"}


# Links


@pytest.mark.parametrize("relative", [True, False])
async def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path, *, relative: bool) -> None:
    """The temporary file lies beside the target, for it may be on another disk."""
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "target"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to("real/target" if relative else target)
    async with open_target(link, replace=True) as sink:
        sink.write(memoryview(NEW))
        assert len(names(tmp_path / "real")) == 2
    assert link.is_symlink()
    assert target.read_bytes() == link.read_bytes() == NEW
    assert names(tmp_path) == {"real", "link"}
    assert names(tmp_path / "real") == {"target"}


async def test_a_link_to_a_file_exists(tmp_path: Path) -> None:
    """What counts is what it leads to."""
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(FileExists):
        await fetch(tmp_path / "link", NEW)
    assert (tmp_path / "target").read_bytes() == b"old"


async def test_a_link_that_leads_nowhere_gets_its_target(tmp_path: Path) -> None:
    """The file appears where the link leads; where somebody else puts one meanwhile, that stays."""
    link = tmp_path / "link"
    link.symlink_to("target")
    await fetch(link, NEW)
    assert link.is_symlink()
    assert (tmp_path / "target").read_bytes() == NEW
    (tmp_path / "target").unlink()
    with pytest.raises(FileExists, match=f"file exists: {link}"):
        await fetch(link, NEW, meanwhile=lambda: (tmp_path / "target").write_bytes(b"other"))
    assert (tmp_path / "target").read_bytes() == b"other"
    assert names(tmp_path) == {"link", "target"}


async def test_a_link_that_leads_into_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """It names the link, which is what was asked for."""
    (tmp_path / "link").symlink_to("missing/target")
    with pytest.raises(FileNotFoundError) as caught:
        await fetch(tmp_path / "link", NEW, replace=True)
    assert caught.value.filename == str(tmp_path / "link")
    assert names(tmp_path) == {"link"}
