"""Calls of one file each, as programs make them that do not go through copy, get and put."""

from __future__ import annotations

from pathlib import Path

import pytest

from natsobj.fsspec import NatsobjFileSystem


def test_a_folder_is_put_and_fetched_as_an_empty_one(
    fs: NatsobjFileSystem, root: str, tmp_path: Path
) -> None:
    """Nothing is stored for it; what lies below comes by calls of its own."""
    fs.put_file(str(tmp_path), f"{root}/folder")
    assert fs.find(root) == []
    fs.pipe(f"{root}/folder/key", b"x")
    fs.get_file(f"{root}/folder", str(tmp_path / "new" / "folder"))
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_one_object_is_moved_or_copied_and_no_bucket(fs: NatsobjFileSystem, root: str) -> None:
    """A bucket is named as what it is."""
    fs.pipe(f"{root}/a", b"x")
    fs.cp_file(f"{root}/a", f"{root}/b")
    fs.mv(f"{root}/a", f"{root}/c")
    assert fs.cat(root, recursive=True) == {f"{root}/b": b"x", f"{root}/c": b"x"}
    with pytest.raises(IsADirectoryError, match="recursive"):
        fs.cp_file(root, f"{root}/d")


def test_a_directory_needs_its_bucket_unless_it_makes_it(fs: NatsobjFileSystem, root: str) -> None:
    """A directory by itself is nothing, so it can be made as often as one likes."""
    for _ in range(2):
        fs.mkdir(f"{root}/folder", create_parents=False)
        fs.mkdir(f"{root}/folder")
        fs.rmdir(f"{root}/folder")
    fs.makedirs(root, exist_ok=True)
    with pytest.raises(FileExistsError):
        fs.makedirs(root)
    with pytest.raises(FileNotFoundError):
        fs.mkdir(f"{root}-none/folder", create_parents=False)


def test_a_walk_says_what_is_missing_as_it_is_asked_to(fs: NatsobjFileSystem, root: str) -> None:
    """By nothing, an error or a call; a file is walked as itself."""
    fs.pipe(f"{root}/key", b"x")
    assert list(fs.walk(f"{root}/key")) == [(f"{root}/key", [], [""])]  # as fsspec's own do
    assert list(fs.walk(f"{root}-none")) == [(f"{root}-none", [], [])]
    told: list[OSError] = []
    for path in (f"{root}-none", f"{root}/none"):
        with pytest.raises(FileNotFoundError):
            list(fs.walk(path, on_error="raise"))
        list(fs.walk(path, on_error=told.append))
    assert [isinstance(error, FileNotFoundError) for error in told] == [True, True]
    fs.rm(f"{root}/key")
    assert list(fs.walk(root, on_error="raise")) == [(root, [], [])]
    with pytest.raises(ValueError, match="maxdepth"):
        fs.find(root, maxdepth=0)


@pytest.mark.parametrize("topdown", [True, False])
def test_a_walk_shows_no_folder_whose_entries_are_too_deep(
    fs: NatsobjFileSystem, root: str, *, topdown: bool
) -> None:
    """Such a folder would look empty."""
    fs.pipe({f"{root}/a/b/c": b"", f"{root}/d": b""})
    levels = [(root, ["a"], ["d"]), (f"{root}/a", ["b"], []), (f"{root}/a/b", [], ["c"])]
    for depth in (1, 2, 3):
        walked = list(fs.walk(root, maxdepth=depth, topdown=topdown))
        assert walked == (levels[:depth] if topdown else levels[:depth][::-1])


def test_modes_that_no_object_has_are_refused(fs: NatsobjFileSystem, root: str) -> None:
    """Nothing is opened for both reading and writing."""
    with pytest.raises(NotImplementedError, match=r"invalid mode: r\+b"):
        fs.open(f"{root}/key", "r+b")
