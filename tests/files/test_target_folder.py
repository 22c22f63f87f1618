"""The files below one folder: which keys may name one, and that nothing lands outside of it."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from natsobj.errors import FileExists, InvalidKey
from natsobj.files.target_folder import TargetFolder, path_parts


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "a//b",
        "a/",
        ".",
        "..",
        "../a",
        "a/../../b",
        "a/./b",
        "a/..",
        "a\0b",
        "\0",
        "\ud800",
        "a/\udcff",
        "nul",
        "NUL.txt",
        "a/con",
        "Com1",
        "com¹.log",
        "lpt9/x",
        "aux .c",
        "conin$",
        "prn:x",
    ],
)
def test_a_path_that_could_lead_out_of_a_folder_is_refused(path: str) -> None:
    """Empty parts (so absolute paths too), dots, NULs, what no file system can write, Windows devices."""
    with pytest.raises(InvalidKey):
        path_parts(path, windows=False)


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a/b/c",
        "...",
        "..a/b..",
        " ",
        "-rf",
        "~",
        "*",
        "\\..\\x",
        "C:x",
        "a\nb",
        "日本",
        "null",
        "comx",
        "com",
    ],
)
def test_every_other_path_is_taken_as_it_is(path: str) -> None:
    """Odd names are names."""
    assert path_parts(path, windows=False) == path.split("/")


@pytest.mark.parametrize("path", ["..\\a", "C:x", "C:/x", "a/b:c", "a?", "a*", "a|b", '"', "<", "a.", "a /b"])
def test_on_windows_what_is_special_there_is_refused_too(path: str) -> None:
    """Backslashes, drives, streams, wildcards, and the ends that it cuts off."""
    with pytest.raises(InvalidKey):
        path_parts(path, windows=True)


def land(folder: TargetFolder, path: str, data: bytes = b"") -> None:
    """Let an object land there."""
    with folder.take(path) as target, target.open(replace=True) as sink:
        sink.write(memoryview(data))


def below(folder: Path) -> list[str]:
    """All that is in a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_folders_are_made_as_they_are_needed(tmp_path: Path) -> None:
    """And the first one, with all that it is in."""
    folder = TargetFolder(f"{tmp_path}/x/y")
    assert os.listdir(tmp_path) == []
    with folder.take("a/b/c") as target:
        assert (target.name, target.exists) == (f"{tmp_path}/x/y/a/b/c", False)
        with target.open(replace=False) as sink:
            sink.write(memoryview(b"new"))
    folder.tidy()
    assert (tmp_path / "x/y/a/b/c").read_bytes() == b"new"


def test_folders_in_which_nothing_landed_are_taken_away(tmp_path: Path) -> None:
    """All that were made, and none of those that were there."""
    (tmp_path / "old").mkdir()
    folder = TargetFolder(str(tmp_path))
    for path in ("old/new/k", "a/b/c/k"):
        with pytest.raises(RuntimeError), folder.take(path):
            raise RuntimeError
    land(folder, "a/x/k")
    folder.tidy()
    assert below(tmp_path) == ["a", "a/x", "a/x/k", "old"]


def test_the_folder_itself_is_taken_away_if_nothing_landed(tmp_path: Path) -> None:
    """With those that it is in, as far as they were made; what others put there stays."""
    folder = TargetFolder(f"{tmp_path}/x/y/z")
    with pytest.raises(RuntimeError), folder.take("a/k") as target, target.open(replace=False):
        raise RuntimeError
    folder.tidy()
    assert below(tmp_path) == []
    with pytest.raises(RuntimeError), folder.take("a/k"):
        raise RuntimeError
    (tmp_path / "x/other").touch()
    folder.tidy()
    assert below(tmp_path) == ["x", "x/other"]


def test_a_folder_that_was_taken_away_is_made_again(tmp_path: Path) -> None:
    """Another get had made it, and nothing landed there."""
    folder = TargetFolder(str(tmp_path))
    with folder.take("a/b/k") as target:
        (tmp_path / "a/b").rmdir()
        (tmp_path / "a").rmdir()
        with target.open(replace=False) as sink:
            sink.write(memoryview(b"new"))
    folder.tidy()
    assert (tmp_path / "a/b/k").read_bytes() == b"new"


def test_a_folder_of_many_levels_is_no_problem(tmp_path: Path) -> None:
    """As deep as the longest key can be, and as the system allows."""
    folder = TargetFolder(str(tmp_path))
    path = "/".join("a" * 1200)
    with pytest.raises(RuntimeError), folder.take(path) as target, target.open(replace=False):
        raise RuntimeError
    folder.tidy()
    assert os.listdir(tmp_path) == []  # which also spares pytest a tree that it cannot remove


def test_a_name_that_is_too_long_is_an_error_that_names_it(tmp_path: Path) -> None:
    """The file's own as well as a folder's."""
    for path in ("n" * 300, f"{'n' * 300}/k"):
        with pytest.raises(OSError, match="too long") as caught, TargetFolder(str(tmp_path)).take(path):
            pass
        assert str(caught.value.filename).startswith(f"{tmp_path}/nnn")


# What is there already


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Neither to a folder, nor to a file, nor to nothing yet; by whatever detour."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "file").write_text("old")
    (inside / "folder").symlink_to(outside)
    (inside / "up").symlink_to("..")
    (inside / "file").symlink_to(outside / "file")
    (inside / "new").symlink_to(outside / "new")
    folder = TargetFolder(str(inside))
    for path in ("folder/k", "folder/x/k", "up/k", "up/in-2/k", "file", "new"):
        with pytest.raises(InvalidKey, match="leads out of the folder"), folder.take(path):
            pass
    assert os.listdir(outside) == ["file"]


def test_a_link_that_stays_in_the_folder_is_followed(tmp_path: Path) -> None:
    """To a folder and to a file; the folder itself may be reached by a link."""
    real, link = tmp_path / "real", tmp_path / "link"
    (real / "a").mkdir(parents=True)
    (real / "a/old").write_text("")
    link.symlink_to(real)
    (real / "b").symlink_to("a")
    (real / "old").symlink_to("a/old")
    (real / "dangling").symlink_to("a/new")
    (real / "self").symlink_to(".")
    (real / "absolute").symlink_to(link / "b")
    folder = TargetFolder(str(link))
    for path, target, exists in (
        ("b/k", "a/k", False),
        ("b/old", "a/old", True),
        ("old", "a/old", True),
        ("dangling", "a/new", False),
        ("self/self/b/x", "a/x", False),
        ("absolute/y", "a/y", False),
    ):
        with folder.take(path) as place:
            assert (place.name, place.exists) == (f"{link}/{path}", exists)
        land(folder, path, path.encode())
        assert (real / target).read_bytes() == path.encode()
    assert (real / "old").is_symlink()


def test_a_folder_behind_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    """Nothing is made where it leads: a disk may be missing there."""
    (tmp_path / "link").symlink_to("missing")
    for name in ("link", "link/below"):
        folder = TargetFolder(f"{tmp_path}/{name}")
        with pytest.raises(FileNotFoundError, match="leads nowhere"), folder.take("k"):
            pass
        folder.tidy()
    assert os.listdir(tmp_path) == ["link"]


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a note: the file itself may be one that may be written. Also when it is root who runs the tests."""
    (tmp_path / "x/a").mkdir(parents=True, mode=0o555)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        with pytest.raises(PermissionError) as caught:
            land(TargetFolder("x"), "a/k")
    finally:
        os.seteuid(user)
    assert caught.value.filename == "x/a/k"
    assert caught.value.__notes__ == ["the new file is written beside it: x/a must be writable"]


def test_a_file_and_a_folder_of_one_name_collide(tmp_path: Path) -> None:
    """Whichever was first, there already or only on its way."""
    folder = TargetFolder(str(tmp_path))
    with folder.take("a"):
        for path in ("a/b", "a/b/c"):
            with pytest.raises(NotADirectoryError), folder.take(path):
                pass
    with folder.take("d/e"), pytest.raises(IsADirectoryError) as caught, folder.take("d"):
        pass
    assert caught.value.filename == f"{tmp_path}/d"
    (tmp_path / "f").write_text("")
    with pytest.raises(NotADirectoryError) as refused, folder.take("f/g"):
        pass
    assert refused.value.filename == f"{tmp_path}/f"


def test_two_cannot_land_in_one_place_at_the_same_time(tmp_path: Path) -> None:
    """Two keys lead there by a link."""
    (tmp_path / "b").symlink_to("a")
    folder = TargetFolder(str(tmp_path))
    with folder.take("a"), pytest.raises(FileExists), folder.take("b"):
        pass


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A FIFO would wait for a reader, a device would swallow it."""
    os.mkfifo(tmp_path / "fifo")
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(f"{tmp_path}/socket")
        for name in ("fifo", "socket"):
            with pytest.raises(OSError, match="not a regular file"), TargetFolder(str(tmp_path)).take(name):
                pass


def test_links_in_a_circle_are_an_error_that_names_them(tmp_path: Path) -> None:
    """To a folder as well as to a file."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for path in ("a", "b/k"):
        with (
            pytest.raises(OSError, match="Too many levels") as caught,
            TargetFolder(str(tmp_path)).take(path),
        ):
            pass
        assert str(caught.value.filename).startswith(str(tmp_path))


# What somebody changes meanwhile


def swap(folder: Path, outside: Path) -> None:
    """Put a link that leads elsewhere in the place of a folder."""
    folder.rename(folder.with_name("parked"))
    folder.symlink_to(outside)


@pytest.mark.parametrize("which", ["", "a", "a/b"])
def test_a_folder_that_becomes_a_link_leads_nowhere(tmp_path: Path, which: str) -> None:
    """Neither for what is under way there nor for what comes next; nothing is left in either."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    (outside / "a/b").mkdir(parents=True)
    folder = TargetFolder(str(inside))
    land(folder, "a/b/first")
    with (
        pytest.raises(OSError, match="was moved meanwhile") as caught,
        folder.take("a/b/k") as target,
        target.open(replace=False),
    ):
        swap(inside / which, outside)
    assert caught.value.filename == f"{inside}/a/b/k"
    with pytest.raises((InvalidKey, OSError)):
        land(folder, "a/b/next")
    folder.tidy()
    assert below(outside) == ["a", "a/b"]
    assert not [
        path for path in tmp_path.rglob("*") if path.name not in ("a", "b", "in", "out", "parked", "first")
    ]


def test_a_file_that_becomes_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """What it leads to stays as it is, and is not what is compared."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/k").write_bytes(b"old")
    (tmp_path / "out").write_bytes(b"other")
    with TargetFolder(str(tmp_path / "in")).take("k") as target:
        (tmp_path / "in/k").unlink()
        (tmp_path / "in/k").symlink_to(tmp_path / "out")
        with pytest.raises(OSError, match="Too many levels"), target.source():
            pass
        with target.open(replace=True) as sink:
            sink.write(memoryview(b"new"))
    assert (tmp_path / "in/k").read_bytes() == b"new"
    assert (tmp_path / "out").read_bytes() == b"other"


def test_folders_are_not_taken_away_behind_a_link(tmp_path: Path) -> None:
    """An empty folder of somebody else has the name of one that was made."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    (outside / "b").mkdir(parents=True)
    folder = TargetFolder(str(inside))
    with pytest.raises(RuntimeError), folder.take("a/b/k"):
        raise RuntimeError
    swap(inside / "a", outside)
    folder.tidy()
    assert below(outside) == ["b"]
