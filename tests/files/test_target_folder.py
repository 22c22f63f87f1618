"""The files below one folder: which keys may name one, and that nothing lands outside of it."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from natsobj.errors import FileExists, InvalidKey
from natsobj.files.target_folder import Place, Places, path_parts


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


def test_folders_are_made_as_they_are_needed(tmp_path: Path) -> None:
    """And the first one, with all that it is in."""
    places = Places(f"{tmp_path}/x/y")
    assert os.listdir(tmp_path) == []
    with places.take("a/b/c") as place:
        assert (place.path, place.name, place.exists) == (
            tmp_path / "x/y/a/b/c",
            f"{tmp_path}/x/y/a/b/c",
            False,
        )
        place.path.write_text("")
    places.tidy()
    assert (tmp_path / "x/y/a/b/c").is_file()


def test_folders_in_which_nothing_landed_are_taken_away(tmp_path: Path) -> None:
    """All that were made, and none of those that were there."""
    (tmp_path / "old").mkdir()
    places = Places(str(tmp_path))
    with pytest.raises(RuntimeError), places.take("old/new/k"):
        raise RuntimeError
    with pytest.raises(RuntimeError), places.take("a/b/c/k"):
        raise RuntimeError
    with places.take("a/x/k") as place:
        place.path.write_text("")
    places.tidy()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "a",
        "a/x",
        "a/x/k",
        "old",
    ]


def test_a_folder_of_many_levels_is_no_problem(tmp_path: Path) -> None:
    """As deep as the longest key can be, and as the system allows."""
    places = Places(str(tmp_path))

    def look(place: Place) -> None:
        assert place.path.parent.is_dir()
        raise RuntimeError

    with pytest.raises(RuntimeError), places.take("/".join("a" * 1200)) as place:
        look(place)
    places.tidy()
    assert os.listdir(tmp_path) == []  # which also spares pytest a tree that it cannot remove


def test_a_name_that_is_too_long_is_an_error_that_names_it(tmp_path: Path) -> None:
    """The file's own as well as a folder's."""
    for path in ("n" * 300, f"{'n' * 300}/k"):
        with pytest.raises(OSError, match="too long") as caught, Places(str(tmp_path)).take(path):
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
    places = Places(str(inside))
    for path in ("folder/k", "folder/x/k", "up/k", "up/in-2/k", "file", "new"):
        with pytest.raises(InvalidKey, match="leads out of the folder"), places.take(path):
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
    places = Places(str(link))
    for path, target, exists in (
        ("b/k", "a/k", False),
        ("b/old", "a/old", True),
        ("old", "a/old", True),
        ("dangling", "a/new", False),
    ):
        with places.take(path) as place:
            assert (place.path, place.exists) == (real / target, exists)
            assert place.name == f"{link}/{path}"


def test_a_file_and_a_folder_of_one_name_collide(tmp_path: Path) -> None:
    """Whichever was first, there already or only on its way."""
    places = Places(str(tmp_path))
    with places.take("a"):
        for path in ("a/b", "a/b/c"):
            with pytest.raises(NotADirectoryError), places.take(path):
                pass
    with places.take("d/e"), pytest.raises(IsADirectoryError) as caught, places.take("d"):
        pass
    assert caught.value.filename == f"{tmp_path}/d"
    (tmp_path / "f").write_text("")
    with pytest.raises(NotADirectoryError) as refused, places.take("f/g"):
        pass
    assert refused.value.filename == f"{tmp_path}/f"


def test_two_cannot_land_in_one_place_at_the_same_time(tmp_path: Path) -> None:
    """Two keys lead there by a link."""
    (tmp_path / "b").symlink_to("a")
    places = Places(str(tmp_path))
    with places.take("a"), pytest.raises(FileExists), places.take("b"):
        pass


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A FIFO would wait for a reader, a device would swallow it."""
    os.mkfifo(tmp_path / "fifo")
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(f"{tmp_path}/socket")
        for name in ("fifo", "socket"):
            with pytest.raises(OSError, match="not a regular file"), Places(str(tmp_path)).take(name):
                pass
