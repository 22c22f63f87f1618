"""Artifacts and caches in CI: the very shell of ci/ against a real server, first run and second run."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client

from natsobj import BucketConfig, ObjectNotFound, Store
from natsobj.cli.exits import TEMPORARY
from tests.ci.conftest import Step, github

HOSTILE = [
    'it\'s "quoted"  $(touch pwned) `touch pwned` ${HOME}; touch pwned & > pwned | * ä 🎉',
    "one\ntwo\n::set-output name=x::y\n$(touch pwned)",
    "-rf \\x41 \\n \\\\ %s %0A \ttab",
    "../../up",
]


once = pytest.mark.parametrize("runner", [github], indirect=True)
"""For what depends on the shell alone: test_files.py sees that it is the same for both."""


def files(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Everything below a folder with mode and content."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in folder.rglob("*"):
        content: bytes | str = (
            str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        )
        found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found


def make(folder: Path, text: bytes = b"x") -> None:
    """Fill a folder with what artifacts have: programs, links, empty folders, odd names."""
    (folder / "sub" / "empty").mkdir(parents=True)
    (folder / "program").write_bytes(text)
    (folder / "program").chmod(0o755)
    (folder / "sub" / "it's $(odd)").write_bytes(b"odd")
    (folder / "link").symlink_to("program")


async def names(store: Store, bucket: str) -> set[str]:
    """What is stored."""
    return {info.name async for info in store.bucket(bucket).list()}


# Artifacts


def test_an_artifact_goes_up_and_comes_down(step: Step, work: Path) -> None:
    """On a fresh server the bucket is made; a second run replaces what is there."""
    for text in (b"first", b"second"):
        make(work / "dist", text)
        (work / "notes").write_bytes(text)
        step("upload", name="dist", path="dist/\n\nnotes\n").expect()
        wanted = files(work)
        shutil.rmtree(work / "dist")
        (work / "notes").unlink()
        step("download", name="dist", path="down here\n").expect()
        assert files(work / "down here") == wanted
        shutil.rmtree(work / "down here")


def test_an_artifact_comes_down_where_it_was(step: Step, work: Path, tmp_path: Path) -> None:
    """Without a path, in the folder of the job; a second download replaces files."""
    make(work / "dist")
    step("upload", name="n", path="dist").expect()
    other = tmp_path / "other"
    other.mkdir()
    for _ in range(2):
        step("download", name="n", cwd=other).expect()
        assert files(other / "dist") == files(work / "dist")


@once
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_only_a_name(
    step: Step, work: Path, store: Store, bucket_name: str, name: str
) -> None:
    """Of the artifact, and of a file in it where a file may have it."""
    file = work / (name if "/" not in name and "\n" not in name else "file")
    file.write_bytes(b"content")
    step("upload", name=name, path=file.name).expect()
    assert await names(store, bucket_name) == {f"artifacts/{name}.tar.gz"}
    file.unlink()
    done = step("download", name=name).expect()
    assert file.read_bytes() == b"content"
    assert {path.name for path in work.iterdir()} == {file.name}
    assert not any(line.startswith("::") for line in done.output.splitlines())
    missing = step("download", name=f"{name}?", if_missing="warn").expect()
    lines = [line for line in missing.output.splitlines() if line.startswith("::")]
    assert all(line.startswith("::warning::no such artifact: ") for line in lines)


@once
@pytest.mark.parametrize("folder", [HOSTILE[0], "-rf *"])
def test_a_hostile_path_is_only_a_path(step: Step, work: Path, folder: str) -> None:
    """Of what goes up, and of where it comes down."""
    make(work / folder)
    wanted = files(work / folder)
    step("upload", name="n", path=f"{folder}\n").expect()
    step("download", name="n", path=f"{folder}/{folder}").expect()
    assert files(work / folder / folder / folder) == wanted
    assert {path.name for path in work.iterdir()} == {folder}


def test_a_missing_artifact_is_an_error_or_a_warning(step: Step, work: Path) -> None:
    """By input; a missing bucket likewise. Nothing is unpacked."""
    for name in ("missing", "missing too"):
        assert "no such artifact: missing" in step("download", name=name).expect(4).output
        assert "no such artifact" in step("download", name=name, if_missing="error").expect(4).output
        assert "no such artifact" in step("download", name=name, if_missing="warn").expect().output
        (work / "x").write_bytes(b"x")
        step("upload", name="there", path="x").expect()
        (work / "x").unlink()
    assert list(work.iterdir()) == []


def test_no_server_is_never_taken_for_missing(step: Step) -> None:
    """Neither a warning nor an empty cache."""
    nowhere = "nats://127.0.0.1:1"
    step("download", server=nowhere, name="n", if_missing="warn").expect(TEMPORARY)
    step("restore", server=nowhere, key="k", restore_keys="k").expect(TEMPORARY)
    step("save", server=nowhere, key="k", path=".").expect(TEMPORARY)
    step("upload", server=nowhere, name="n", path=".").expect(TEMPORARY)


@once
async def test_what_cannot_be_packed_is_not_stored(
    step: Step, work: Path, store: Store, bucket_name: str
) -> None:
    """A missing file, or nothing at all; the artifact of before stands."""
    (work / "x").write_bytes(b"old")
    step("upload", name="n", path="x").expect()
    before = await store.bucket(bucket_name).info("artifacts/n.tar.gz")
    for path in ("x\nmissing", "", "\n\n"):
        assert step("upload", name="n", path=path).code != 0
        assert step("save", key="k", path=path).code != 0
    assert [info async for info in store.bucket(bucket_name).list()] == [before]


@once
@pytest.mark.parametrize(
    ("mode", "inputs", "message"),
    [
        ("upload", {"path": "."}, "the input name is empty"),
        ("save", {"path": "."}, "the input key is empty"),
        ("restore", {}, "the input key is empty"),
        ("upload", {"name": "n", "bucket": ""}, "the input bucket is empty"),
        ("download", {"name": "n", "if_missing": "ignore"}, "the input if-missing is error or warn"),
        ("upload", {"name": "n", "path": ".", "retention": "30"}, "the input retention is like 12h"),
        ("upload", {"name": "n", "path": ".", "retention": "0d"}, "the input retention is like 12h"),
        ("upload", {"name": "n", "path": ".", "retention": "99999w"}, "the input retention is like 12h"),
        ("upload", {"name": "n", "path": ".", "retention": "$(id)d"}, "the input retention is like 12h"),
        ("upload", {"name": "n", "path": ".", "bucket": HOSTILE[0]}, "bucket name"),
    ],
)
def test_wrong_inputs_are_named(step: Step, mode: str, inputs: dict[str, str], message: str) -> None:
    """Before anything is done."""
    assert message in step(mode, **inputs).expect(2).output


# Caches


@once
def test_a_cache_is_restored_by_its_key_or_the_newest_below_a_prefix(step: Step, work: Path) -> None:
    """The first run finds nothing, the second run what the first has saved."""
    cache = work / "cache"
    first = step("restore", key="deps-1", restore_keys="deps-").expect()
    assert first.answers == {"cache-hit": "false", "cache-matched-key": ""}
    for number in (1, 2, 3):
        cache.mkdir(exist_ok=True)
        (cache / "file").write_text(str(number))
        step("save", key=f"deps-{number}", path="cache").expect()
    step("save", key="other", path="cache").expect()
    for key, prefixes, restored, hit in (
        ("deps-1", "deps-", "1", "true"),
        ("deps-9", "none-\n\ndeps-\n", "3", "false"),
        ("deps-9", "deps-2\ndeps-", "2", "false"),
        ("deps", "", None, "false"),
    ):
        (cache / "file").unlink(missing_ok=True)
        done = step("restore", key=key, restore_keys=prefixes).expect()
        found = (cache / "file").read_text() if (cache / "file").exists() else None
        assert found == restored
        matched = f"deps-{restored}" if restored else ""
        assert done.answers == {"cache-hit": hit, "cache-matched-key": matched}


@once
async def test_a_prefix_is_one_of_a_saved_key(step: Step, work: Path, store: Store, bucket_name: str) -> None:
    """Of the key as it was given, not of the object's name; what else is stored there is no cache."""
    (work / "file").write_text("x")
    step("save", key="deps", path="file").expect()
    await store.bucket(bucket_name).put("cache/deps-by-hand", b"x")
    for prefix, matched in (("deps.tar", ""), ("deps.tar.gz", ""), ("deps", "deps")):
        done = step("restore", key="other", restore_keys=prefix).expect()
        assert done.answers == {"cache-hit": "false", "cache-matched-key": matched}


async def test_a_saved_cache_is_never_overwritten(
    step: Step, work: Path, store: Store, bucket_name: str
) -> None:
    """The second save of a key is no failure, and changes nothing."""
    (work / "file").write_text("first")
    step("save", key="k", path="file").expect()
    before = await store.bucket(bucket_name).info("cache/k.tar.gz")
    (work / "file").write_text("second")
    assert "kept what is saved as k" in step("save", key="k", path="file").expect().output
    assert await store.bucket(bucket_name).info("cache/k.tar.gz") == before
    step("restore", key="k").expect()
    assert (work / "file").read_text() == "first"


@once
async def test_a_full_bucket_is_no_saved_cache(
    step: Step, work: Path, store: Store, bucket_name: str
) -> None:
    """Refused for another reason than that it is there: the step fails."""
    await store.create_bucket(BucketConfig(bucket_name, max_bytes=100_000))
    (work / "file").write_bytes(os.urandom(1_000_000))
    assert "full" in step("save", key="k", path="file").expect(6).output


@once
@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_only_a_key(step: Step, work: Path, key: str) -> None:
    """Saved, restored exactly, and by a prefix; the outputs are whole."""
    (work / "file").write_bytes(b"content")
    step("save", key=key, path="file").expect()
    for asked, hit in ((key, "true"), (f"{key} more", "false")):
        (work / "file").unlink()
        done = step("restore", key=asked, restore_keys=key.split("\n", maxsplit=1)[0]).expect()
        assert (work / "file").read_bytes() == b"content"
        assert not done.answers or done.answers == {"cache-hit": hit, "cache-matched-key": key}
    assert {path.name for path in work.iterdir()} == {"file"}


# Retention


@once
async def test_what_is_older_than_the_retention_goes(
    step: Step, work: Path, store: Store, bucket_name: str
) -> None:
    """Artifacts when one is uploaded, caches when one is saved; what is young stays, and so does all else."""
    (work / "file").write_bytes(b"x")
    others = {"by hand", "artifacts"}
    artifacts, caches = ({f"{folder}/{name}.tar.gz" for name in HOSTILE} for folder in ("artifacts", "cache"))
    await store.create_bucket(BucketConfig(bucket_name))
    for name in artifacts | caches | others:
        await store.bucket(bucket_name).put(name, b"x")
    step("upload", name="kept", path="file", retention="1h").expect()
    step("save", key="kept", path="file", retention="1h").expect()
    kept = {"artifacts/kept.tar.gz", "cache/kept.tar.gz"}
    assert await names(store, bucket_name) == artifacts | caches | others | kept
    last = await store.bucket(bucket_name).info("cache/kept.tar.gz")
    while datetime.now(UTC) - last.modified <= timedelta(seconds=1):
        await asyncio.sleep(0.05)
    new = {"artifacts/new.tar.gz", "cache/new.tar.gz"}  # perhaps older than a second already
    step("save", key="new", path="file", retention="1s").expect()
    assert await names(store, bucket_name) - new == others | artifacts | {"artifacts/kept.tar.gz"}
    step("upload", name="new", path="file", retention="1s").expect()
    assert await names(store, bucket_name) - new == others


@once
async def test_a_record_that_nobody_can_read_hinders_no_step(
    step: Step, work: Path, client: Client, store: Store, bucket_name: str
) -> None:
    """One below the prefix of what is removed by age is named; what can be read is removed all the same."""
    (work / "file").write_bytes(b"x")
    step("upload", name="n", path="file").expect()
    subject = base64.urlsafe_b64encode(b"artifacts/unreadable").decode()
    await client.jetstream().publish(f"$O.{bucket_name}.M.{subject}", b"{")
    before = await store.bucket(bucket_name).info("artifacts/n.tar.gz")
    while datetime.now(UTC) - before.modified <= timedelta(seconds=1):
        await asyncio.sleep(0.05)
    assert "unreadable" in step("upload", name="m", path="file", retention="1s").expect().output
    with pytest.raises(ObjectNotFound):
        await store.bucket(bucket_name).info("artifacts/n.tar.gz")
