"""Directories, names, and what is known of an object."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from natsobj import blocking
from natsobj.fsspec import NatsobjFileSystem
from tests.servers import NatsServer

HOSTILE = ["a//b", "/lead", "q?x=1#y%20", "../../up", " ü\n.txt", "<b>", "*", "[x]", "a/b/c", "natsobj://x"]


def test_every_key_has_its_path(server: NatsServer, fs: NatsobjFileSystem, root: str) -> None:
    """Keys of others, too: each is found once however one looks, and opens by the name that is shown."""
    with blocking.connect(server.url) as store:
        for key in HOSTILE:
            store.bucket(root).put(key, key.encode())
        store.bucket(root).put("empty/", b"")
    paths = sorted(f"{root}/{key}" for key in HOSTILE)
    assert fs.find(root) == paths
    assert [fs.cat_file(path).decode() for path in paths] == [path.removeprefix(f"{root}/") for path in paths]
    walked = [entry["name"] for _, _, files in fs.walk(root, detail=True) for entry in files.values()]
    assert sorted(walked) == paths
    assert fs.du(root) == sum(len(key.encode()) for key in HOSTILE)
    assert fs.isdir(f"{root}/empty")
    assert fs.ls(f"{root}/empty") == []
    assert fs.ls(f"{root}/a", detail=False) == [f"{root}/a//b", f"{root}/a/b"]
    fs.rm([f"{root}/a", f"{root}/empty"], recursive=True)
    assert fs.find(root) == [path for path in paths if not path.startswith(f"{root}/a/")]


def test_no_key_leaves_the_folder_that_it_is_fetched_into(
    fs: NatsobjFileSystem, root: str, tmp_path: Path
) -> None:
    """`..` in a key is part of its name, and no way up."""
    fs.pipe(f"{root}/in/../../up", b"x")
    with pytest.raises(ValueError, match="outside the destination"):
        fs.get(f"{root}/in/", str(tmp_path / "out"), recursive=True)
    assert not (tmp_path / "up").exists()


def test_an_object_is_known_by_its_digest_and_time(fs: NatsobjFileSystem, root: str) -> None:
    """`ukey` is the digest, `checksum` the same as a number."""
    fs.pipe(f"{root}/dir/key", b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    assert (fs.ukey(f"{root}/dir/key"), fs.checksum(f"{root}/dir/key")) == (digest, int(digest, 16))
    assert abs(datetime.now(UTC) - fs.modified(f"{root}/dir/key")) < timedelta(hours=1)
    assert fs.created(f"{root}/dir/key") == fs.modified(f"{root}/dir/key")
    assert fs.info(f"{root}/dir")["type"] == "directory"
    assert fs.glob(f"{root}/d*/k?y") == [f"{root}/dir/key"]
    assert fs.info(f"natsobj://{root}/dir/key") == fs.ls(f"{root}/dir")[0]


def test_a_link_is_what_it_leads_to(server: NatsServer, fs: NatsobjFileSystem, root: str) -> None:
    """Size and bytes are the target's, the name is the link's."""
    with blocking.connect(server.url) as store:
        store.bucket(root).put("target", b"12345")
        store.bucket(root).link("link", "target")
        store.bucket(root).put("gone", b"")
        store.bucket(root).link("nowhere", "gone")
        store.bucket(root).delete("gone")
    assert [(entry["name"], entry["size"]) for entry in fs.ls(root)] == [
        (f"{root}/link", 5),
        (f"{root}/nowhere", 0),
        (f"{root}/target", 5),
    ]
    assert fs.open(f"{root}/link").read() == b"12345"
    with pytest.raises(FileNotFoundError):
        fs.cat(f"{root}/nowhere")


def test_buckets_are_made_and_removed(fs: NatsobjFileSystem, root: str) -> None:
    """One that has objects is removed with them only if that is asked for."""
    with pytest.raises(FileExistsError):
        fs.mkdir(root)
    fs.makedirs(f"{root}/a/b", exist_ok=True)
    fs.pipe(f"{root}/a/key", b"x")
    assert root in fs.ls("", detail=False)
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(root)
    with pytest.raises(IsADirectoryError):
        fs.rm(root)
    with pytest.raises(PermissionError):
        fs.rm("", recursive=True)
    fs.rm(root, recursive=True)
    assert not fs.exists(root)
    with pytest.raises(FileNotFoundError):
        fs.ls(root)


def test_a_move_moves_and_a_missing_source_is_an_error(fs: NatsobjFileSystem, root: str) -> None:
    """One object, or all of a directory; the digest goes along."""
    fs.pipe({f"{root}/a/1": b"1", f"{root}/a/b/2": b"2"})
    fs.mv(f"{root}/a/1", f"{root}/c/3")
    fs.mv(f"{root}/a", f"{root}/d", recursive=True)
    assert fs.find(root) == [f"{root}/c/3", f"{root}/d/b/2"]
    with pytest.raises(FileNotFoundError):
        fs.mv(f"{root}/a", f"{root}/e")
