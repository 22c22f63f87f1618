"""Syncs: sync_to_bucket and sync_to_folder."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from natsobj import Bucket, ObjectInfo, Store
from natsobj.adr20.names import metadata_subject
from natsobj.errors import (
    BucketSealed,
    InvalidArgument,
    InvalidKey,
    InvalidMetadata,
    ObjectNotFound,
)
from natsobj.files.spool import Sorted, Spool
from natsobj.folders.filters import Filter
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped
from natsobj.folders.sync_down import sync_to_folder
from natsobj.folders.sync_up import sync_to_bucket
from tests.behind import write_record

TREE = ["a", "b.txt", "b/c", "b/d/e", "b-/f", "ä/ö"]
"""Their order is another one folder by folder than by whole names."""


def grow(folder: Path, files: Sequence[str]) -> Path:
    """Make files whose content is their path."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


async def objects(bucket: Bucket, prefix: str = "") -> dict[str, str]:
    """Every object of a bucket, by its name without the prefix."""
    infos = [info async for info in bucket.list(prefix)]
    return {info.name.removeprefix(prefix): (await bucket.read(info)).decode() for info in infos}


async def gather(outcomes: AsyncGenerator[Outcome, None]) -> list[Outcome]:
    """All outcomes."""
    async with aclosing(outcomes) as each:
        return [outcome async for outcome in each]


async def up(bucket: Bucket, folder: Path, prefix: str = "", **options: Any) -> dict[str, str]:
    """Sync into the bucket, and give what became of each key."""
    outcomes = await gather(sync_to_bucket(bucket, str(folder), prefix, **options))
    return {each.info.name: each.change for each in outcomes if isinstance(each, Done)}


async def down(bucket: Bucket, folder: Path, prefix: str = "", **options: Any) -> dict[str, str]:
    """Sync into the folder, and give what became of each key."""
    outcomes = await gather(sync_to_folder(bucket, prefix, str(folder), **options))
    return {each.info.name: each.change for each in outcomes if isinstance(each, Done)}


async def store_all(bucket: Bucket, keys: Sequence[str]) -> None:
    """Store objects whose content is their key."""
    for key in keys:
        await bucket.put(key, key.encode())


# What is equal, and what is not


@pytest.mark.parametrize("prefix", ["", "p", "p/", "p//"])
async def test_a_bucket_becomes_what_the_folder_is(bucket: Bucket, tmp_path: Path, prefix: str) -> None:
    """What differs is stored, what is equal is not, what the folder lacks goes; all else stays."""
    start = f"{prefix.rstrip('/')}/{'/' * prefix.count('//')}" if prefix else ""
    others = ["p-/x", "q"] if prefix else []
    await store_all(bucket, [*others, f"{start}gone", f"{start}b/c/gone"])
    await bucket.put(f"{start}b/c", b"old")
    await bucket.put(f"{start}b/d/e", b"b/d/e")
    await bucket.put(f"{start}b.txt", b"B.TXT")
    grow(tmp_path, TREE)
    changes = await up(bucket, tmp_path, prefix, delete=True)
    gone = {f"{start}gone": "deleted", f"{start}b/c/gone": "deleted"}
    stored = {f"{start}{path}": "stored" for path in TREE if path != "b/d/e"}
    assert changes == {**stored, f"{start}b/d/e": "unchanged", **gone}
    assert await objects(bucket) == {
        **{f"{start}{path}": path for path in TREE},
        **{each: each for each in others},
    }
    assert set((await up(bucket, tmp_path, prefix, delete=True)).values()) == {"unchanged"}


@pytest.mark.parametrize("prefix", ["", "p"])
async def test_a_folder_becomes_what_the_bucket_is(bucket: Bucket, tmp_path: Path, prefix: str) -> None:
    """Likewise; folders that are empty then go as well, others stay."""
    start = f"{prefix}/" if prefix else ""
    for path in TREE:
        await bucket.put(f"{start}{path}", path.encode())
    grow(tmp_path, ["a", "gone", "b/x/y/gone"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "b.txt").write_text("B.TXT")
    changes = await down(bucket, tmp_path, prefix, delete=True)
    gone = {f"{start}gone": "deleted", f"{start}b/x/y/gone": "deleted"}
    fetched = {f"{start}{path}": "fetched" for path in TREE if path != "a"}
    assert changes == {**fetched, f"{start}a": "unchanged", **gone}
    assert content(tmp_path) == {path: path for path in TREE}
    assert (tmp_path / "empty").is_dir()
    assert not (tmp_path / "b/x").exists()
    assert set((await down(bucket, tmp_path, prefix, delete=True)).values()) == {"unchanged"}


async def test_a_dry_run_tells_the_same_and_changes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    """Both ways, deletions included."""
    await store_all(bucket, ["a", "gone", "x/y"])
    grow(tmp_path, ["a", "new", "b/c"])
    plan = await up(bucket, tmp_path, delete=True, dry_run=True)
    assert plan == {"a": "unchanged", "new": "stored", "b/c": "stored", "gone": "deleted", "x/y": "deleted"}
    plan = await down(bucket, tmp_path, delete=True, dry_run=True)
    assert plan == {"a": "unchanged", "gone": "fetched", "x/y": "fetched", "new": "deleted", "b/c": "deleted"}
    assert await objects(bucket) == {name: name for name in ("a", "gone", "x/y")}
    assert content(tmp_path) == {name: name for name in ("a", "new", "b/c")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "new"]


async def test_a_dry_run_tells_what_would_fail(bucket: Bucket, tmp_path: Path) -> None:
    """A folder where a file would land, a file where a folder must be, a link out; so nothing would go."""
    await store_all(bucket, ["a", "f/x", "out/b", "new/y"])
    folder = grow(tmp_path / "in", ["a/kept", "f", "surplus"])
    (folder / "out").symlink_to(grow(tmp_path / "away", ["z"]).parent)

    async def failed(**options: Any) -> list[tuple[str, type[Exception]]]:
        outcomes = await gather(sync_to_folder(bucket, "", str(folder), delete=True, **options))
        return sorted((each.name, type(each.error)) for each in outcomes if isinstance(each, Failed))

    told = await failed(dry_run=True)
    assert told == await failed()
    assert told == [("a", IsADirectoryError), ("f/x", NotADirectoryError), ("out/b", InvalidKey)]
    assert sorted(content(folder)) == ["a/kept", "f", "new/y", "surplus"]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_surplus_makes_room_for_objects(bucket: Bucket, tmp_path: Path, dry_run: bool) -> None:
    """Files and empty folders that are in the way go with the rest, then the objects land; a plan says so."""
    await store_all(bucket, ["a", "b-", "f/x", "f/y/z", "h", "k"])
    folder = grow(tmp_path, ["a/1", "a/2/3", "f", "h/i/j", "k", "rest"])
    (folder / "a/empty/inner").mkdir(parents=True)
    (folder / "b-").mkdir()
    changes = await down(bucket, folder, delete=True, dry_run=dry_run)
    gone = dict.fromkeys(["a/1", "a/2/3", "f", "h/i/j", "rest"], "deleted")
    fetched = dict.fromkeys(["a", "b-", "f/x", "f/y/z", "h"], "fetched")
    assert changes == {"k": "unchanged", **gone, **fetched}
    assert (content(folder) == await objects(bucket)) is not dry_run
    assert (folder / "rest").exists() is dry_run


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("what", ["link", "unfinished", "left out", "led to", "another object", "itself"])
async def test_what_is_no_surplus_makes_no_room(
    bucket: Bucket, tmp_path: Path, what: str, dry_run: bool
) -> None:
    """Links, unfinished downloads, what a filter leaves out, or a link leads to, keys that collide."""
    await store_all(bucket, ["a"])
    folder = grow(tmp_path / "in", ["a/1", "rest"])
    only = Filter(exclude=["a/2"])
    if what == "link":
        (folder / "a/link").symlink_to("nowhere")
    elif what == "led to":
        (folder / "link").symlink_to("a")
    elif what == "another object":
        await store_all(bucket, ["a/1"])
    elif what == "itself":
        await store_all(bucket, ["rest/x", "rest/x/y"])
    else:
        grow(folder, ["a/2" if what == "left out" else "a/.b.12345678.natsobj"])
    before = content(folder)
    outcomes = await gather(sync_to_folder(bucket, "", str(folder), delete=True, dry_run=dry_run, only=only))
    failed = [each.error for each in outcomes if isinstance(each, Failed)]
    wrong = [NotADirectoryError] * 2 if what == "itself" else []
    assert sorted(map(type, failed), key=str) == [IsADirectoryError, *wrong]
    said = "has both a and a/1, which" if what == "another object" else "move it away; "
    assert said in failed[0].__notes__[0]
    assert content(folder) == before


async def test_without_delete_nothing_goes(bucket: Bucket, tmp_path: Path) -> None:
    """Neither way."""
    await store_all(bucket, ["a", "b"])
    grow(tmp_path, ["a", "c"])
    assert await up(bucket, tmp_path) == {"a": "unchanged", "c": "stored"}
    (tmp_path / "d").write_text("d")
    assert await down(bucket, tmp_path) == {"a": "unchanged", "b": "fetched", "c": "unchanged"}
    assert sorted(content(tmp_path)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("match", "exclude", "meant"),
    [
        ([], ["drafts/*"], {"a.html", "a.js", "b/c.html", "drafts.html"}),
        (["*.html"], ["drafts/*"], {"a.html", "b/c.html", "drafts.html"}),
        (["*.js", "b/*"], [], {"a.js", "b/c.html"}),
        ([], ["*.html", "*.js"], set()),
    ],
)
async def test_what_filters_leave_out_is_neither_transferred_nor_deleted(
    bucket: Bucket, tmp_path: Path, match: list[str], exclude: list[str], meant: set[str]
) -> None:
    """Patterns are of paths below the folder and the prefix."""
    here = ["a.html", "a.js", "b/c.html", "drafts/d.html", "drafts.html"]
    grow(tmp_path, [*here, "keep"])
    await store_all(bucket, [f"p/{path}" for path in ("drafts/gone.html", "keep")])
    only = Filter([*match, *(["keep"] if match else [])], exclude)
    changes = await up(bucket, tmp_path, "p", delete=True, only=only)
    assert {name for name, change in changes.items() if change == "stored"} == {
        f"p/{path}" for path in {*meant, "keep"}
    }
    assert "p/drafts/gone.html" in await objects(bucket)


async def test_two_records_of_one_name_become_one(client: Client, bucket: Bucket, tmp_path: Path) -> None:
    """A bucket may have two records of one name under odd subjects: there is one afterwards."""
    await bucket.put("a", b"a")
    record = {"name": "a", "bucket": bucket.name, "size": 0, "chunks": 0, "nuid": "x" * 22}
    await client.jetstream().publish(f"$O.{bucket.name}.M.YQ", json.dumps(record).encode())
    grow(tmp_path, ["a"])
    await up(bucket, tmp_path, delete=True)
    assert [info.size async for info in bucket.list()] == [1]


@pytest.mark.parametrize("other", ["same", "elsewhere", "unreadable"])
async def test_what_goes_leaves_the_chunks_that_another_record_names(
    client: Client, bucket: Bucket, tmp_path: Path, other: str
) -> None:
    """Links and renames of older clients are such: what stays in the bucket stays whole."""
    info = await bucket.put("p/gone", b"shared")
    key = "q/other" if other == "elsewhere" else "p/other"
    record: dict[str, object] = {"name": key, "bucket": bucket.name, "size": 6, "chunks": 1}
    record |= {"nuid": info.nuid, "digest": info.digest}
    if other == "unreadable":
        key, record["size"] = "q/bad", "many"
    await client.jetstream().publish(metadata_subject(bucket.name, key), json.dumps(record).encode())
    (tmp_path / ("other" if other == "same" else "mine")).write_bytes(b"shared")
    await up(bucket, tmp_path, "p", delete=True)
    with pytest.raises(ObjectNotFound):
        await bucket.info("p/gone")
    assert await bucket.stream.count(f"$O.{bucket.name}.C.{info.nuid}") == 1
    if other != "unreadable":
        assert await bucket.read(key) == b"shared"


# What must not go


async def refused(outcomes: AsyncGenerator[Outcome, None]) -> str:
    """Why a sync was refused before anything was done."""
    with pytest.raises(InvalidArgument) as error:
        await gather(outcomes)
    return str(error.value)


async def test_delete_needs_a_folder_that_has_something_and_can_be_read_whole(
    bucket: Bucket, tmp_path: Path
) -> None:
    """Missing, empty, a file, with a link to nothing, all of it filtered out: nothing is done."""
    await store_all(bucket, ["a"])
    only = Filter(["*.none"])
    whole = grow(tmp_path / "whole", ["new"])
    (tmp_path / "empty/x").mkdir(parents=True)
    broken = grow(tmp_path / "broken", ["new"])
    (broken / "link").symlink_to("nothing")
    for folder in (tmp_path / "none", tmp_path / "empty", whole / "new", broken):
        assert str(folder) in await refused(sync_to_bucket(bucket, str(folder), delete=True))
    assert str(whole) in await refused(sync_to_bucket(bucket, str(whole), delete=True, only=only))
    assert await objects(bucket) == {"a": "a"}
    changes = await up(bucket, broken, delete=True, only=Filter(exclude=["link"]))
    assert changes == {"new": "stored", "a": "deleted"}


async def test_delete_needs_a_bucket_that_has_something_and_can_be_read_whole(
    client: Client, store: Store, bucket: Bucket, tmp_path: Path
) -> None:
    """A missing one, nothing below the prefix, a record that cannot be read, filtered empty."""
    folder = grow(tmp_path, ["kept"])
    await store_all(bucket, ["a", "p/a"])
    await write_record(client, bucket, "p/broken", {"size": -1})
    missing, whole = store.bucket(f"{bucket.name}-none"), Filter(exclude=["broken"])
    for source, prefix, only in (
        (missing, "", Filter()),
        (bucket, "q", Filter()),
        (bucket, "p", Filter()),
        (bucket, "", Filter()),
        (bucket, "p", Filter(["*.none"], ["broken"])),
    ):
        why = await refused(sync_to_folder(source, prefix, str(folder), delete=True, only=only))
        assert source.name in why
    assert content(folder) == {"kept": "kept"}
    assert await down(bucket, folder, "p", delete=True, only=whole) == {"p/a": "fetched", "p/kept": "deleted"}


async def test_a_failed_transfer_keeps_all_that_would_go(bucket: Bucket, tmp_path: Path) -> None:
    """A name that is not UTF-8 up, a key that leads out of the folder down; the others are transferred."""
    await store_all(bucket, ["a", "../b"])
    folder = grow(tmp_path / "in", ["c"])
    outcomes = await gather(sync_to_folder(bucket, "", str(folder), delete=True))
    assert {type(each.error) for each in outcomes if isinstance(each, Failed)} == {InvalidKey}
    assert content(tmp_path) == {"in/a": "a", "in/c": "c"}
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("")
    outcomes = await gather(sync_to_bucket(bucket, str(folder), delete=True))
    assert {type(each.error) for each in outcomes if isinstance(each, Failed)} == {InvalidKey}
    assert sorted(await objects(bucket)) == ["../b", "a", "c"]


async def test_a_record_that_cannot_be_read_is_healed_or_named(
    client: Client, bucket: Bucket, tmp_path: Path
) -> None:
    """A put replaces it; one that the folder lacks is a failure, but only of what was to be deleted."""
    for key in ("a", "b"):
        await write_record(client, bucket, key, {"size": -1})
    outcomes = await gather(sync_to_bucket(bucket, str(grow(tmp_path, ["a"])), delete=True))
    failed = [each for each in outcomes if isinstance(each, Failed)]
    assert [(each.name, type(each.error)) for each in failed] == [("b", InvalidMetadata)]
    assert await bucket.read("a") == b"a"


async def test_objects_of_another_writer_stay(bucket: Bucket, tmp_path: Path) -> None:
    """New ones, and those that are replaced between the listing and their deletion."""
    await store_all(bucket, ["replaced", "gone", "deleted"])
    grow(tmp_path, ["a"])
    names = []
    async with aclosing(sync_to_bucket(bucket, str(tmp_path), delete=True)) as outcomes:
        async for outcome in outcomes:
            names.append((outcome.name, outcome.change if isinstance(outcome, Done) else outcome))
            if len(names) == 1:  # all is planned
                await store_all(bucket, ["new", "replaced"])
                await bucket.delete("deleted")
    assert sorted(await objects(bucket)) == ["a", "new", "replaced"]
    assert dict(names[1:]) == {"replaced": "kept", "deleted": "kept", "gone": "deleted"}


async def test_objects_that_come_while_the_bucket_is_listed_stay(bucket: Bucket, tmp_path: Path) -> None:
    """They are listed, and newer than the beginning."""
    grow(tmp_path, ["a"])
    await store_all(bucket, ["old"])

    class Busy(Bucket):
        async def entries(self, prefix: str = "") -> AsyncGenerator[ObjectInfo | InvalidMetadata, None]:
            await store_all(bucket, ["new"])
            async for each in super().entries(prefix):
                yield each

    outcomes = await gather(sync_to_bucket(Busy(bucket.stream), str(tmp_path), delete=True))
    assert [each.name for each in outcomes if isinstance(each, Skipped)] == ["new"]
    assert sorted(await objects(bucket)) == ["a", "new"]


async def test_files_of_another_program_stay(bucket: Bucket, tmp_path: Path) -> None:
    """New ones, replaced ones, those that are written to, and those whose folder has become a link."""
    await store_all(bucket, ["a"])
    folder = grow(tmp_path / "in", ["replaced", "written", "gone", "moved/x", "vanished"])
    outside = grow(tmp_path / "out", ["x"])
    async with aclosing(sync_to_folder(bucket, "", str(folder), delete=True)) as outcomes:
        names = [(await anext(outcomes)).name]
        grow(folder, ["new"])
        (tmp_path / "other").write_text("other")
        (tmp_path / "other").replace(folder / "replaced")
        (folder / "written").write_text("more")
        (folder / "moved").rename(tmp_path / "moved")
        (folder / "moved").symlink_to(outside)
        (folder / "vanished").unlink()
        names += [each.name async for each in outcomes if isinstance(each, Skipped)]
    assert names == ["a", *(str(folder / name) for name in ("moved/x", "replaced", "written"))]
    assert sorted(content(folder)) == ["a", "new", "replaced", "written"]
    assert content(outside) == {"x": "x"}


async def test_links_and_what_they_lead_to_stay(bucket: Bucket, tmp_path: Path) -> None:
    """An object that lands behind a link must not be deleted by the link's other name; FIFOs stay, too."""
    await store_all(bucket, ["link", "folder/x"])
    folder = grow(tmp_path / "in", ["real", "real-folder/y", "gone"])
    outside = grow(tmp_path / "out", ["z"])
    (folder / "link").symlink_to("real")
    (folder / "folder").symlink_to("real-folder")
    (folder / "out").symlink_to(outside)
    (folder / "lost").symlink_to("nothing")
    os.mkfifo(folder / "fifo")
    for _ in range(2):
        await down(bucket, folder, delete=True)
    assert content(folder) == {
        "link": "link",
        "real": "link",
        "real-folder/x": "folder/x",
        "real-folder/y": "real-folder/y",
    }
    assert (folder / "lost").is_symlink()
    assert content(outside) == {"z": "z"}


async def test_a_link_to_the_folder_itself_makes_no_object_surplus(bucket: Bucket, tmp_path: Path) -> None:
    """An object lands through it in the folder; up, nobody looks behind it, so nothing there is missing."""
    await bucket.put("link/x", b"x")
    (tmp_path / "link").symlink_to(".")
    assert await down(bucket, tmp_path) == {"link/x": "fetched"}
    assert await down(bucket, tmp_path, delete=True) == {"link/x": "unchanged"}
    assert content(tmp_path)["x"] == "x"
    await store_all(bucket, ["link.", "link0"])
    outcomes = await up(bucket, tmp_path, delete=True)
    assert outcomes == {"x": "stored", "link.": "deleted", "link0": "deleted"}
    assert sorted(await objects(bucket)) == ["link/x", "x"]


async def test_downloads_that_are_not_finished_are_neither_stored_nor_deleted(
    bucket: Bucket, tmp_path: Path
) -> None:
    """What another get is writing, or keeps to be resumed, is nobody's file yet."""
    unfinished = (".big.8d876926.natsobj", "b/.big.YlVVTWsyuQyJKyaVxYAqJW.part.natsobj")
    grow(tmp_path, ["a", *unfinished])
    assert await up(bucket, tmp_path, delete=True) == {"a": "stored"}
    assert await down(bucket, tmp_path, delete=True) == {"a": "unchanged"}
    assert sorted(content(tmp_path)) == [*unfinished[:1], "a", *unfinished[1:]]


async def test_a_folder_that_is_left_out_need_not_be_readable(bucket: Bucket, tmp_path: Path) -> None:
    """Its path is too long for the system; what is surplus elsewhere goes, as it does in a bucket."""
    await bucket.put("a", b"a")
    grow(tmp_path, ["gone", "deep/kept"])
    descriptor = os.open(tmp_path / "deep", os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=descriptor)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    outcomes = await gather(sync_to_folder(bucket, "", str(tmp_path), delete=True))
    assert [type(each) for each in outcomes] == [Failed, Done]
    assert await down(bucket, tmp_path, delete=True, only=Filter((), ["deep/*"])) == {
        "a": "unchanged",
        "gone": "deleted",
    }
    assert (tmp_path / "deep/kept").exists()


async def test_a_file_that_an_object_reaches_by_another_name_stays(bucket: Bucket, tmp_path: Path) -> None:
    """As on file systems that do not tell upper from lower case; two hard links do the same here."""
    await bucket.put("a.txt", b"same")
    (tmp_path / "A.txt").write_text("same")
    (tmp_path / "a.txt").hardlink_to(tmp_path / "A.txt")
    (tmp_path / "A.TXT").write_text("another")
    assert await down(bucket, tmp_path, delete=True) == {"a.txt": "unchanged", "A.TXT": "deleted"}
    assert sorted(content(tmp_path)) == ["A.txt", "a.txt"]


async def test_a_sealed_bucket_is_refused_before_anything(
    store: Store, bucket: Bucket, tmp_path: Path
) -> None:
    """Also by a dry run."""
    await store_all(bucket, ["a"])
    await bucket.seal()
    for dry_run in (False, True):
        with pytest.raises(BucketSealed):
            await up(store.bucket(bucket.name), grow(tmp_path, ["b"]), delete=True, dry_run=dry_run)


async def test_nothing_below_a_prefix_is_no_object(bucket: Bucket, tmp_path: Path) -> None:
    """Without delete; the folder is not made."""
    with pytest.raises(ObjectNotFound):
        await down(bucket, tmp_path / "new", "p")
    assert not (tmp_path / "new").exists()


# Lists that are longer than memory


def test_long_lists_come_back_as_they_were_or_in_order() -> None:
    """What waits in a file, too; errors with their fields."""
    items: list[str | InvalidKey] = [f"{number * 7919 % 20_000:05}" for number in range(20_000)]
    with Spool[str | InvalidKey](str) as unsorted, Sorted[str](str, str) as ordered:
        for item in [*items, InvalidKey("k", "why")]:
            unsorted.add(item)
        for item in items:
            ordered.add(str(item))
        *first, last = unsorted
        assert first == items
        assert isinstance(last, InvalidKey)
        assert (last.key, str(last)) == ("k", str(InvalidKey("k", "why")))
        assert list(ordered) == sorted(map(str, items)) == list(ordered)
