"""Folders: put_files and get_objects, with what scan and objects_below find for them."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import socket
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from natsobj import Bucket, BucketConfig, Settings, Store
from natsobj.errors import (
    BucketNotFound,
    FileExists,
    InvalidKey,
    InvalidMetadata,
    LinkError,
    NatsobjError,
    ObjectExists,
    ObjectNotFound,
    SourceChanged,
)
from natsobj.files import Sink, Source
from natsobj.folders.get import get_objects
from natsobj.folders.outcomes import Done, Failed, Outcome, Skipped
from natsobj.folders.put import put_files
from natsobj.folders.scan import LocalFile, objects_below, scan
from natsobj.models import ObjectMeta
from tests.behind import drop_chunk, fetch, messages, record_of, write_record
from tests.conftest import Serve
from tests.servers import PLAIN, NatsServer
from tests.verdict import verdict

DATA = bytes(range(256)) * 2000


def grow(folder: Path, files: Iterable[str]) -> Path:
    """Make files whose content is their path."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder, the hidden ones too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


async def put_folder(bucket: Bucket, folder: Path, prefix: str = "", **options: Any) -> dict[str, Outcome]:
    """Store a folder, and give what became of each file by its path below the folder."""
    return await gather(put_files(bucket, scan(str(folder), prefix), **options), folder)


async def get_folder(bucket: Bucket, folder: Path, prefix: str = "", **options: Any) -> dict[str, Outcome]:
    """Fetch into a folder, and give what became of each key."""
    return await gather(get_objects(bucket, objects_below(bucket, prefix), str(folder), prefix, **options))


async def gather(outcomes: AsyncGenerator[Outcome, None], folder: Path | None = None) -> dict[str, Outcome]:
    """All outcomes by their names."""
    async with aclosing(outcomes) as each:
        found = [outcome async for outcome in each]
    names = [os.path.relpath(each.name, folder) if folder is not None else each.name for each in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


def failures(outcomes: dict[str, Outcome]) -> dict[str, type[Exception]]:
    """The kinds of errors of those that failed."""
    return {name: type(each.error) for name, each in outcomes.items() if isinstance(each, Failed)}


def changes(outcomes: dict[str, Outcome]) -> dict[str, str]:
    """What was done for those that did not fail."""
    return {name: each.change for name, each in outcomes.items() if isinstance(each, Done)}


async def keys(bucket: Bucket) -> list[str]:
    """What a bucket has."""
    return sorted([info.name async for info in bucket.list()])


# What scan finds


@pytest.mark.parametrize(
    ("prefix", "begin"), [("", ""), ("p", "p/"), ("p/", "p/"), ("p/q", "p/q/"), ("p//", "p//")]
)
def test_keys_are_the_prefix_and_the_path_below_the_folder(tmp_path: Path, prefix: str, begin: str) -> None:
    """With a slash between them, unless there is one or the prefix is empty."""
    grow(tmp_path, ["b", "a/x", "a/b/y", "c"])
    (tmp_path / "empty").mkdir()
    found = list(scan(str(tmp_path), prefix))
    assert found == [
        LocalFile(f"{tmp_path}/{path}", f"{begin}{path}", len(path)) for path in ("a/b/y", "a/x", "b", "c")
    ]


def test_a_slash_behind_the_folder_changes_nothing(tmp_path: Path) -> None:
    """Unlike with rsync."""
    grow(tmp_path, ["a"])
    assert [each.key for each in scan(f"{tmp_path}/", "p") if isinstance(each, LocalFile)] == ["p/a"]


def test_an_empty_folder_has_nothing_to_store(tmp_path: Path) -> None:
    """A bucket has no folders."""
    (tmp_path / "a/b").mkdir(parents=True)
    assert list(scan(str(tmp_path))) == []


def test_what_cannot_be_scanned_is_an_error_at_once(tmp_path: Path) -> None:
    """Before anything is asked of the server."""
    grow(tmp_path, ["file"])
    with pytest.raises(FileNotFoundError):
        scan(f"{tmp_path}/missing")
    with pytest.raises(NotADirectoryError):
        scan(f"{tmp_path}/file")


def test_links_are_followed(tmp_path: Path) -> None:
    """To files and to folders, wherever they are: what they lead to is stored under their own names."""
    inside, outside = grow(tmp_path / "in", ["a/file"]), grow(tmp_path / "out", ["x", "y/z"])
    (inside / "file").symlink_to("a/file")
    (inside / "b").symlink_to("a")
    (inside / "out").symlink_to(outside)
    found = list(scan(str(inside)))
    assert [each.key for each in found if isinstance(each, LocalFile)] == [
        "a/file",
        "b/file",
        "file",
        "out/x",
        "out/y/z",
    ]
    assert len(found) == 5


def test_a_link_in_a_circle_is_skipped(tmp_path: Path) -> None:
    """To the folder that it is in, further up, by another folder, or to where the scan began."""
    grow(tmp_path, ["a/b/file", "c/file"])
    (tmp_path / "a/b/here").symlink_to(".")
    (tmp_path / "a/b/up").symlink_to("..")
    (tmp_path / "a/b/top").symlink_to(tmp_path)
    (tmp_path / "a/to-c").symlink_to("../c")
    (tmp_path / "c/to-a").symlink_to("../a")
    found = list(scan(str(tmp_path)))
    skipped = {os.path.relpath(each.name, tmp_path) for each in found if isinstance(each, Skipped)}
    assert skipped == {
        "a/b/here",
        "a/b/top",
        "a/b/up",
        "a/to-c/to-a",
        "c/to-a/b/here",
        "c/to-a/b/top",
        "c/to-a/b/up",
        "c/to-a/to-c",
    }
    assert {each.reason for each in found if isinstance(each, Skipped)} == {
        "a link to a folder that it is in"
    }
    assert not [each for each in found if isinstance(each, Failed)]


def test_what_is_no_file_is_skipped_by_name(tmp_path: Path) -> None:
    """It has no content, and opening it could wait for ever; the same behind a link."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "link").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{tmp_path}/socket")
        found = list(scan(str(tmp_path)))
    assert found == [
        Skipped(f"{tmp_path}/device", "a device"),
        Skipped(f"{tmp_path}/fifo", "a FIFO"),
        Skipped(f"{tmp_path}/link", "a FIFO"),
        Skipped(f"{tmp_path}/socket", "a socket"),
    ]


def test_a_link_that_leads_nowhere_fails(tmp_path: Path) -> None:
    """To nothing, and to itself."""
    grow(tmp_path, ["a"])
    (tmp_path / "lost").symlink_to("nothing")
    (tmp_path / "self").symlink_to("self")
    _, lost, itself = scan(str(tmp_path))
    assert isinstance(lost, Failed)
    assert isinstance(lost.error, FileNotFoundError)
    assert isinstance(itself, Failed)
    assert isinstance(itself.error, OSError)
    assert itself.error.errno == errno.ELOOP


def test_a_folder_that_may_not_be_read_fails_by_itself(tmp_path: Path) -> None:
    """The others are found, also when it is root who runs the tests, as whom everything may be read."""
    grow(tmp_path, ["a/x", "secret/y", "z"])
    (tmp_path / "secret").chmod(0)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("test_", "popen-", "pytest-")):  # which pytest makes for its user alone
            folder.chmod(folder.stat().st_mode | 0o055)
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        found = list(scan(str(tmp_path)))
    finally:
        os.seteuid(user)
        (tmp_path / "secret").chmod(0o700)
    first, secret, last = found
    assert [first, last] == [LocalFile(f"{tmp_path}/a/x", "a/x", 3), LocalFile(f"{tmp_path}/z", "z", 1)]
    assert isinstance(secret, Failed)
    assert isinstance(secret.error, PermissionError)
    assert secret.error.filename == f"{tmp_path}/secret"


def test_names_that_cannot_be_keys_fail_by_themselves(tmp_path: Path) -> None:
    """Not UTF-8, also that of a folder on the way; more bytes than a key may have."""
    grow(tmp_path, ["good"])
    for path in (b"bad\xff", b"folder\xe4/x"):
        file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + path))
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    found = list(scan(str(tmp_path)))
    assert [type(each) for each in found] == [Failed, Failed, LocalFile]
    assert [str(each.error) for each in found if isinstance(each, Failed)] == [
        "invalid key: it is not UTF-8"
    ] * 2
    (long,) = scan(str(grow(tmp_path / "deep", ["n" * 200])), "p" * 2700)
    assert isinstance(long, Failed)
    assert "2,901 bytes" in str(long.error)


def test_each_folder_is_read_once(tmp_path: Path) -> None:
    """What is written into it while its files are stored is not found: that could go on for ever."""
    grow(tmp_path, ["a/1", "a/2", "b/1"])
    found = []
    for number, each in enumerate(scan(str(tmp_path))):
        found.append(os.path.relpath(each.name if not isinstance(each, LocalFile) else each.path, tmp_path))
        (tmp_path / f"a/new{number}").write_text("")
        (tmp_path / f"new{number}").write_text("")
    assert found == ["a/1", "a/2", "b/1"]


def test_a_file_that_is_being_written_by_ourselves_is_skipped(tmp_path: Path) -> None:
    """Such as the file behind standard output."""
    grow(tmp_path, ["a", "log"])
    status = (tmp_path / "log").stat()
    found = list(scan(str(tmp_path), outputs={(status.st_dev, status.st_ino)}))
    assert found[1:] == [Skipped(f"{tmp_path}/log", "this command writes to it")]


# Up


async def test_put_files_stores_each_under_its_key(bucket: Bucket, tmp_path: Path) -> None:
    """With its content; the outcome has the object."""
    paths = ["a", "x/b", "x/y/c", "-d", "e f", "ü/ñ", "q\"'\\\n", "…"]
    outcomes = await put_folder(bucket, grow(tmp_path, paths), "p")
    assert changes(outcomes) == dict.fromkeys(paths, "stored")
    assert await keys(bucket) == sorted(f"p/{path}" for path in paths)
    for path in paths:
        outcome = outcomes[path]
        assert isinstance(outcome, Done)
        assert outcome.info == await bucket.info(f"p/{path}")
        assert await fetch(bucket, f"p/{path}") == path.encode()


async def test_put_files_gives_every_object_the_same_meta(bucket: Bucket, tmp_path: Path) -> None:
    """Description, headers, metadata and the size of chunks."""
    meta = ObjectMeta("a build", {"A": ("1",)}, {"k": "v"}, 2)
    assert not failures(await put_folder(bucket, grow(tmp_path, ["abc", "abcde"]), meta=meta))
    for key, chunks in (("abc", 2), ("abcde", 3)):
        info = await bucket.info(key)
        assert (info.description, info.headers, info.metadata) == ("a build", {"A": ("1",)}, {"k": "v"})
        assert (info.chunk_size, info.chunks) == (2, chunks)


async def test_put_files_if_absent_concerns_each_file(bucket: Bucket, tmp_path: Path) -> None:
    """One that is there already fails and stays, the others are stored."""
    await bucket.put("b", b"old")
    outcomes = await put_folder(bucket, grow(tmp_path, ["a", "b", "c"]), if_absent=True)
    assert (failures(outcomes), changes(outcomes)) == ({"b": ObjectExists}, {"a": "stored", "c": "stored"})
    assert await fetch(bucket, "b") == b"old"


async def test_files_that_change_behind_the_scan_fail_by_themselves(bucket: Bucket, tmp_path: Path) -> None:
    """Gone, a folder now, or something that would keep us waiting; the others are stored."""
    found = list(scan(str(grow(tmp_path, ["fifo", "folder", "gone", "good", "link"]))))
    for name in ("fifo", "folder", "gone", "link"):
        (tmp_path / name).unlink()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/dev/zero")
    outcomes = await gather(put_files(bucket, found), tmp_path)
    assert failures(outcomes) == {
        "fifo": OSError,
        "folder": IsADirectoryError,
        "gone": FileNotFoundError,
        "link": OSError,
    }
    assert await keys(bucket) == ["good"]


async def test_a_file_that_changes_while_it_is_stored_fails_by_itself(
    bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """Nothing of it is stored."""
    grow(tmp_path, ["good", "growing"])

    def wrap(source: Source) -> Source:
        if source.name.endswith("growing"):
            with (tmp_path / "growing").open("a") as file:
                file.write("more")
        return source

    outcomes = await put_folder(bucket, tmp_path, wrap=wrap)
    assert failures(outcomes) == {"growing": SourceChanged}
    assert await keys(bucket) == ["good"]
    assert await messages(client, bucket) == 2


async def test_many_files_go_up_a_few_at_a_time(bucket: Bucket, tmp_path: Path) -> None:
    """No more are open than were asked for."""
    grow(tmp_path, [f"{number % 7}/{number}" for number in range(300)])
    most = 0

    def wrap(source: Source) -> Source:
        nonlocal most
        links = (Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd"))
        opened = [link for link in links if link.is_symlink() and tmp_path in link.readlink().parents]
        most = max(most, len(opened))
        return source

    outcomes = await put_folder(bucket, tmp_path, jobs=3, wrap=wrap)
    assert len(changes(outcomes)) == len(await keys(bucket)) == 300
    assert 1 <= most <= 3


async def test_put_files_that_is_ended_leaves_no_chunks(
    server: NatsServer, bucket: Bucket, tmp_path: Path
) -> None:
    """Whoever iterates no more ends the transfers under way, and what they had stored is undone."""
    for number in range(30):
        (tmp_path / str(number)).write_bytes(DATA * 8)
    async with aclosing(put_files(bucket, scan(str(tmp_path)), jobs=4)) as outcomes:
        assert isinstance(await anext(outcomes), Done)
    seen = await verdict(server.url, bucket.name)
    assert not seen.orphans
    assert 0 < len(seen.objects) < 30
    assert set(seen.objects.values()) == {hashlib.sha256(DATA * 8).hexdigest()}


@pytest.mark.parametrize("files", [["a"], []])
async def test_put_files_into_a_missing_bucket_fails(
    store: Store, bucket_name: str, tmp_path: Path, files: list[str]
) -> None:
    """Also where there is nothing to store in it."""
    with pytest.raises(BucketNotFound):
        await put_folder(store.bucket(bucket_name), grow(tmp_path, files))


# Down


async def test_what_was_put_comes_back(bucket: Bucket, tmp_path: Path) -> None:
    """File by file, whatever their names are."""
    paths = ["a", "x/b", "x/y/c", "-d", "e f", "ü/ñ", "q\"'\\\n", "n" * 255, ".hidden/.x"]
    await put_folder(bucket, grow(tmp_path / "up", paths), "p")
    (tmp_path / "up/empty").write_bytes(b"")
    (tmp_path / "up/large").write_bytes(b"x" * 1_000_000)
    await put_folder(bucket, tmp_path / "up", "p")
    outcomes = await get_folder(bucket, tmp_path / "down", "p")
    assert changes(outcomes) == {f"p/{path}": "fetched" for path in (*paths, "empty", "large")}
    assert content(tmp_path / "down") == content(tmp_path / "up")


async def test_only_what_is_below_the_prefix_is_fetched(bucket: Bucket, tmp_path: Path) -> None:
    """It ends at a slash: neither its own name nor a longer one is below it."""
    for key in ("p", "p/a", "p/b/c", "pp/d", "p-e", "f"):
        await bucket.put(key, key.encode())
    for prefix in ("p", "p/"):
        await get_folder(bucket, tmp_path / prefix, prefix)
        assert content(tmp_path / prefix) == {"a": "p/a", "b/c": "p/b/c"}
        for path in (tmp_path / prefix).rglob("[ac]"):
            path.unlink()
    await get_folder(bucket, tmp_path / "b", "p/b")
    assert content(tmp_path / "b") == {"c": "p/b/c"}


async def test_nothing_below_a_prefix_is_an_object_that_is_missing(bucket: Bucket, tmp_path: Path) -> None:
    """A bucket without objects is none; nothing is made for the one, the folder for the other."""
    assert await get_folder(bucket, tmp_path / "all") == {}
    assert os.listdir(tmp_path) == ["all"]
    await bucket.put("p", b"")
    with pytest.raises(ObjectNotFound, match="/p/$"):
        await get_folder(bucket, tmp_path / "p", "p")
    assert os.listdir(tmp_path) == ["all"]


async def test_a_missing_bucket_ends_the_search(store: Store, bucket_name: str, tmp_path: Path) -> None:
    """There is nothing to go on with."""
    with pytest.raises(BucketNotFound):
        await get_folder(store.bucket(bucket_name), tmp_path / "new")
    assert os.listdir(tmp_path) == []


async def test_match_narrows_what_is_found(bucket: Bucket) -> None:
    """It sees whole keys; that it leaves none is an error where something is needed."""
    for key in ("p/a.jpg", "p/b.txt", "q/a.jpg"):
        await bucket.put(key, b"")
    for suffix, expected in ((".jpg", ["p/a.jpg"]), (".png", [])):
        found = objects_below(bucket, "p", lambda key, suffix=suffix: key.endswith(suffix))  # type: ignore[misc]
        assert [each.name async for each in found] == expected
    with pytest.raises(ObjectNotFound, match="no matching object"):
        [_ async for _ in objects_below(bucket, "p", lambda key: key.endswith(".png"), needed=True)]


async def test_the_search_goes_on_when_the_server_comes_back(serve: Serve, bucket_name: str) -> None:
    """Whoever fetches takes longer than it: it is found where it was left, each object once."""
    long = ObjectMeta(description="x" * 150_000)  # that many are more than come in one answer
    server = serve(PLAIN)
    async with Store(Settings(servers=(server.url,))) as store:
        bucket = await store.create_bucket(BucketConfig(bucket_name))
        expected = [f"p/{number}" for number in range(100)]
        for key in expected:
            await bucket.put(key, b"", long)
        async with aclosing(objects_below(bucket, "p")) as objects:
            found = [(await anext(objects)).name for _ in range(10)]
            server.kill()
            server.start()
            found += [each.name async for each in objects]
    assert found == expected


@pytest.mark.parametrize(
    "key",
    ["p/../x", "p/..", "p//x", "p//etc/x", "p/", "p/./x", "p/a/../../x", "p/x\0", "p/NUL", "p/a/con.txt"],
)
async def test_no_key_escapes_the_folder(bucket: Bucket, tmp_path: Path, key: str) -> None:
    """It fails by its name, and the others are fetched."""
    await bucket.put(key, b"evil")
    await bucket.put("p/good", b"good")
    outcomes = await get_folder(bucket, tmp_path / "in", "p")
    assert (failures(outcomes), changes(outcomes)) == ({key: InvalidKey}, {"p/good": "fetched"})
    assert content(tmp_path) == {"in/good": "good"}
    assert os.listdir(tmp_path) == ["in"]


async def test_an_absolute_key_escapes_no_folder(bucket: Bucket, tmp_path: Path) -> None:
    """Without a prefix a key may begin with a slash."""
    await bucket.put(f"{tmp_path}/out", b"evil")
    outcomes = await get_folder(bucket, tmp_path / "in")
    assert failures(outcomes) == {f"{tmp_path}/out": InvalidKey}
    assert os.listdir(tmp_path) == []


async def test_no_link_leads_out_of_the_folder(bucket: Bucket, tmp_path: Path) -> None:
    """One that is there already, to a folder or to a file, whatever may be replaced."""
    for key in ("folder/k", "file", "good"):
        await bucket.put(key, b"new")
    grow(tmp_path, ["out/file", "in/x"])
    (tmp_path / "in/folder").symlink_to("../out")
    (tmp_path / "in/file").symlink_to("../out/file")
    outcomes = await get_folder(bucket, tmp_path / "in", replace=True)
    assert failures(outcomes) == {"folder/k": InvalidKey, "file": InvalidKey}
    assert content(tmp_path / "out") == {"file": "out/file"}
    assert (tmp_path / "in/good").read_text() == "new"


@pytest.mark.parametrize("jobs", [1, 8])
@pytest.mark.parametrize("order", [("k", "k/a", "k/b/c"), ("k/a", "k/b/c", "k")])
async def test_a_key_that_collides_with_another_fails(
    bucket: Bucket, tmp_path: Path, order: tuple[str, ...], jobs: int
) -> None:
    """The one that was stored first has its place, as a file or as a folder."""
    for key in order:
        await bucket.put(key, key.encode())
    outcomes = await get_folder(bucket, tmp_path, jobs=jobs)
    notes = [each.error.__notes__[0] for each in outcomes.values() if isinstance(each, Failed)]
    assert all(f"{bucket.name} has both k and k/" in note for note in notes) or jobs > 1
    if order[0] == "k":
        assert failures(outcomes) == {"k/a": NotADirectoryError, "k/b/c": NotADirectoryError}
        assert content(tmp_path) == {"k": "k"}
    else:
        assert failures(outcomes) == {"k": IsADirectoryError}
        assert content(tmp_path) == {"k/a": "k/a", "k/b/c": "k/b/c"}


async def test_files_that_exist_are_kept_replaced_or_failures(bucket: Bucket, tmp_path: Path) -> None:
    """As it was asked for; those that are missing are fetched anyway."""
    for key in ("a", "b/c"):
        await bucket.put(key, b"new")
    grow(tmp_path, ["b/c", "other"])
    outcomes = await get_folder(bucket, tmp_path)
    assert (failures(outcomes), changes(outcomes)) == ({"b/c": FileExists}, {"a": "fetched"})
    (tmp_path / "a").unlink()
    assert changes(await get_folder(bucket, tmp_path, skip_existing=True)) == {"a": "fetched", "b/c": "kept"}
    assert content(tmp_path) == {"a": "new", "b/c": "b/c", "other": "other"}
    assert changes(await get_folder(bucket, tmp_path, replace=True)) == {"a": "fetched", "b/c": "fetched"}
    assert content(tmp_path) == {"a": "new", "b/c": "new", "other": "other"}


async def test_objects_that_cannot_be_fetched_leave_nothing(
    bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """No file, no temporary file, no folder that was made for it; an old file stays."""
    for key in ("broken/a", "broken/b", "old", "good"):
        await bucket.put(key, DATA)
    for key in ("broken/a", "broken/b", "old"):
        await drop_chunk(client, bucket, key)
    grow(tmp_path, ["old"])
    outcomes = await get_folder(bucket, tmp_path, replace=True)
    assert set(failures(outcomes)) == {"broken/a", "broken/b", "old"}
    assert all(issubclass(error, NatsobjError) for error in failures(outcomes).values())
    assert sorted(os.listdir(tmp_path)) == ["good", "old"]
    assert (tmp_path / "old").read_text() == "old"


async def test_an_object_that_is_deleted_behind_the_search_fails(bucket: Bucket, tmp_path: Path) -> None:
    """The others are fetched."""
    for key in ("a", "b"):
        await bucket.put(key, DATA)
    found = [each async for each in objects_below(bucket)]
    await bucket.delete("a")

    async def later() -> AsyncGenerator[Any, None]:
        for each in found:
            yield each

    outcomes = await gather(get_objects(bucket, later(), str(tmp_path)))
    assert failures(outcomes) == {"a": ObjectNotFound}
    assert os.listdir(tmp_path) == ["b"]


async def test_links_to_objects_are_followed(
    store: Store, bucket: Bucket, client: Client, bucket_name: str, tmp_path: Path
) -> None:
    """The file has the link's name; a link to a bucket, to a link or to nothing fails."""
    other = await store.create_bucket(BucketConfig(f"{bucket_name}-2"))
    await other.put("target", b"elsewhere")
    await bucket.put("target", b"here")
    for key, link in {
        "here": {"bucket": bucket.name, "name": "target"},
        "there": {"bucket": other.name, "name": "target"},
        "bucket": {"bucket": other.name},
        "again": {"bucket": bucket.name, "name": "here"},
        "lost": {"bucket": bucket.name, "name": "nothing"},
    }.items():
        await write_record(client, bucket, key, {"options": {"link": link}, "nuid": "n"})
    outcomes = await get_folder(bucket, tmp_path)
    assert failures(outcomes) == {"bucket": LinkError, "again": LinkError, "lost": ObjectNotFound}
    assert content(tmp_path) == {"target": "here", "here": "here", "there": "elsewhere"}
    await store.delete_bucket(other.name)


async def test_records_that_cannot_be_read_fail_by_themselves(
    bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """Those below the prefix; the others are nobody's business."""
    await bucket.put("p/good", b"good")
    for key in ("p/bad", "q/bad"):
        await write_record(client, bucket, key, {"size": "many"})
    outcomes = await get_folder(bucket, tmp_path, "p")
    assert (failures(outcomes), changes(outcomes)) == ({"p/bad": InvalidMetadata}, {"p/good": "fetched"})


async def test_get_objects_that_is_ended_leaves_no_temporary_files(bucket: Bucket, tmp_path: Path) -> None:
    """And no folders without files; what has landed is whole."""
    for number in range(30):
        await bucket.put(f"{number}/k", DATA * 4)
    async with aclosing(
        get_objects(bucket, objects_below(bucket), str(tmp_path / "new"), jobs=4)
    ) as outcomes:
        assert isinstance(await anext(outcomes), Done)
    landed = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert 0 < len(landed) < 30
    assert {path.read_bytes() for path in landed} == {DATA * 4}
    assert {path.name for path in landed} == {"k"}
    assert len(os.listdir(tmp_path / "new")) == len(landed)


async def test_a_cancelled_fetch_leaves_nothing(bucket: Bucket, tmp_path: Path) -> None:
    """In the middle of all transfers at once."""
    for number in range(4):
        await bucket.put(f"{number}/k", DATA * 4)
    writing = asyncio.Event()

    def wrap(sink: Sink) -> Sink:
        return _Stuck(sink, writing)

    task = asyncio.create_task(get_folder(bucket, tmp_path / "new", wrap=wrap))
    await asyncio.wait_for(writing.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert os.listdir(tmp_path) == []


class _Stuck:
    """A sink that never takes more than one chunk."""

    def __init__(self, sink: Sink, writing: asyncio.Event) -> None:
        self._sink = sink
        self._writing = writing

    def write(self, view: memoryview, /) -> None:
        self._sink.write(view)

    async def drain(self) -> None:
        self._writing.set()
        await asyncio.Event().wait()

    def restart(self) -> None:
        self._sink.restart()


# Only what has changed


async def test_put_files_if_changed_stores_only_what_has_another_content(
    bucket: Bucket, tmp_path: Path
) -> None:
    """The same content stays as it is, with its time, description and revision."""
    grow(tmp_path, ["same", "other", "shorter", "new"])
    (tmp_path / "empty").write_bytes(b"")
    for key, data in (
        ("same", b"same"),
        ("other", b"OTHER"),
        ("shorter", b"longer than that"),
        ("empty", b""),
    ):
        await bucket.put(key, data, ObjectMeta("old"))
    before = await bucket.info("same")
    outcomes = await put_folder(bucket, tmp_path, if_changed=True, meta=ObjectMeta("new"))
    assert changes(outcomes) == {
        "empty": "unchanged",
        "new": "stored",
        "other": "stored",
        "same": "unchanged",
        "shorter": "stored",
    }
    same = outcomes["same"]
    assert isinstance(same, Done)
    assert (same.info, same.saved) == (before, 4)
    assert await bucket.info("same") == before
    assert await fetch(bucket, "other") == b"other"


async def test_put_files_if_changed_replaces_links_and_unreadable_records(
    bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """They have no content to compare with."""
    await bucket.put("target", b"link")
    await write_record(
        client, bucket, "link", {"options": {"link": {"bucket": bucket.name, "name": "target"}}, "nuid": "n"}
    )
    await write_record(client, bucket, "bad", {"size": "many"})
    outcomes = await put_folder(bucket, grow(tmp_path, ["bad", "link"]), if_changed=True)
    assert changes(outcomes) == {"bad": "stored", "link": "stored"}


async def test_get_objects_if_changed_replaces_only_what_has_another_content(
    bucket: Bucket, tmp_path: Path
) -> None:
    """A file with the same content is not touched, one that is missing is fetched."""
    for key in ("same", "other", "shorter", "new"):
        await bucket.put(key, key.encode())
    (tmp_path / "same").write_text("same")
    (tmp_path / "other").write_text("OTHER")
    (tmp_path / "shorter").write_text("longer than that")
    before = (tmp_path / "same").stat()
    outcomes = await get_folder(bucket, tmp_path, if_changed=True)
    assert changes(outcomes) == {
        "new": "fetched",
        "other": "fetched",
        "same": "unchanged",
        "shorter": "fetched",
    }
    assert content(tmp_path) == {key: key for key in ("same", "other", "shorter", "new")}
    after = (tmp_path / "same").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_get_objects_if_changed_compares_what_a_link_leads_to(
    bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """The link itself has no content."""
    await bucket.put("target", b"content")
    await write_record(
        client, bucket, "link", {"options": {"link": {"bucket": bucket.name, "name": "target"}}, "nuid": "n"}
    )
    (tmp_path / "link").write_text("content")
    outcomes = await get_folder(bucket, tmp_path, if_changed=True)
    assert changes(outcomes) == {"target": "fetched", "link": "unchanged"}


async def test_an_object_without_a_digest_is_never_unchanged(
    bucket: Bucket, client: Client, tmp_path: Path
) -> None:
    """Nobody can say that it is the same."""
    await bucket.put("k", b"k")
    record = {
        name: value for name, value in (await record_of(client, bucket, "k")).items() if name != "digest"
    }
    await write_record(client, bucket, "k", record)
    (tmp_path / "k").write_text("k")
    assert changes(await get_folder(bucket, tmp_path, if_changed=True)) == {"k": "fetched"}
    assert changes(await put_folder(bucket, tmp_path, if_changed=True)) == {"k": "stored"}
    assert changes(await put_folder(bucket, tmp_path, if_changed=True)) == {"k": "unchanged"}


def test_a_link_to_a_folder_above_the_first_one_is_skipped(tmp_path: Path) -> None:
    """It would take along what nobody asked for, and the folder itself once more."""
    (tmp_path / "top/sub").mkdir(parents=True)
    (tmp_path / "top/sub/file").write_text("")
    (tmp_path / "top/secret").write_text("")
    (tmp_path / "top/sub/up").symlink_to("..")
    (tmp_path / "top/sub/root").symlink_to("/")
    found = list(scan(str(tmp_path / "top/sub")))
    assert [each.key for each in found if isinstance(each, LocalFile)] == ["file"]
    assert [Path(each.name).name for each in found if isinstance(each, Skipped)] == ["root", "up"]
