"""The library without `await`: the same verbs, arguments and errors as the other one."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import natsobj
from natsobj import (
    BucketConfig,
    BucketExists,
    BucketNotFound,
    InvalidMetadata,
    ObjectMeta,
    ObjectNotFound,
    ServerUnavailable,
    blocking,
)
from tests.servers import NatsServer
from tests.streams import run, script

DATA = os.urandom(3_000_017)


@pytest.fixture
def store(server: NatsServer) -> Iterator[blocking.Store]:
    """A store that is connected without `await`."""
    with blocking.connect(server.url) as connected:
        yield connected


@pytest.fixture
def bucket(store: blocking.Store, bucket_name: str) -> Iterator[blocking.Bucket]:
    """A fresh bucket, gone after the test."""
    yield store.create_bucket(BucketConfig(bucket_name))
    store.delete_bucket(bucket_name)


def methods(kind: type) -> dict[str, Any]:
    """The public methods and properties of a class."""
    return {name: member for name, member in inspect.getmembers(kind) if not name.startswith("_")}


def arguments(function: Any) -> list[tuple[str, Any, Any]]:
    """Names, kinds and defaults."""
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", ["Bucket", "Store"])
def test_every_verb_is_there_with_the_same_arguments(name: str) -> None:
    """What one library can do, the other can; `census` is the library's own."""
    there, here = methods(getattr(natsobj, name)), methods(getattr(blocking, name))
    there.pop("census", None)
    properties = {each for each, member in here.items() if isinstance(member, property)}
    assert here.keys() - properties == there.keys()
    for verb, method in there.items():
        assert arguments(here[verb]) == arguments(method), verb
        assert inspect.getdoc(here[verb]) == inspect.getdoc(method), verb
    assert arguments(blocking.connect) == arguments(natsobj.connect)


def test_objects_go_up_and_come_down(bucket: blocking.Bucket, tmp_path: Path) -> None:
    """By bytes, path, file and iterable."""
    path = tmp_path / "file"
    path.write_bytes(DATA)
    meta = ObjectMeta("d", {"A": "1"}, {"k": "v"})
    info = bucket.put("path", path, meta)
    assert (info.size, info.description, info.headers) == (len(DATA), "d", {"A": ("1",)})
    bucket.put("bytes", DATA)
    bucket.put("file", io.BytesIO(DATA))
    bucket.put("iterable", (DATA[start : start + 100_000] for start in range(0, len(DATA), 100_000)))
    for key in ("path", "bytes", "file", "iterable"):
        assert bucket.read(key) == DATA
    assert bucket.get("path", tmp_path / "copy").sha256 == info.sha256
    assert (tmp_path / "copy").read_bytes() == DATA
    assert [each.name for each in bucket.list()] == ["path", "bytes", "file", "iterable"]
    assert bucket.status().objects == 4
    assert bucket.delete("file").deleted
    with pytest.raises(ObjectNotFound):
        bucket.info("file")


def test_an_object_is_read_in_chunks(bucket: blocking.Bucket) -> None:
    """And can be stored elsewhere as it comes; whoever leaves early has no trouble."""
    bucket.put("k", DATA)
    with bucket.open("k") as reader:
        assert reader.info.size == len(DATA)
        assert b"".join(reader) == DATA
    with bucket.open("k") as reader:
        bucket.put("copy", reader)
    assert bucket.read("copy") == DATA
    with bucket.open("k") as reader:
        for chunk in reader:
            assert chunk
            break
    with pytest.raises(ValueError, match="^no longer open: .*/k$"):
        next(iter(reader))
    with pytest.raises(ObjectNotFound), bucket.open("missing"):
        pass


def test_a_long_list_comes_whole(bucket: blocking.Bucket) -> None:
    """More than what is fetched ahead, also where it is left in the middle."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: bucket.put(f"k{number}", b"", read_back=False), range(2500)))
    assert {info.name for info in bucket.list()} == {f"k{number}" for number in range(2500)}
    assert next(iter(bucket.list("k24"))).name.startswith("k24")
    assert len(list(bucket.list("k24"))) == 111


def test_stores_have_their_verbs(store: blocking.Store, bucket: blocking.Bucket) -> None:
    """Buckets by name, all of them, and the account."""
    assert bucket.name in store.bucket_names()
    assert bucket.name in [info.bucket for info in store.buckets()]
    assert store.account().buckets >= 1
    assert store.bucket(bucket.name).status().bucket == bucket.name
    with pytest.raises(BucketExists):
        store.create_bucket(BucketConfig(bucket.name))
    with pytest.raises(BucketNotFound):
        store.bucket("no-such-bucket").put("k", b"x")


def test_errors_are_the_library_s_own(bucket: blocking.Bucket, server: NatsServer) -> None:
    """Of arguments, of the server, of what was handed over."""
    with pytest.raises(TypeError, match="key must be a str"):
        bucket.put(5, b"x")  # type: ignore[arg-type]
    with (
        pytest.raises(ServerUnavailable),
        blocking.connect("nats://127.0.0.1:1"),
    ):
        pass

    def failing() -> Iterator[bytes]:
        yield DATA
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        bucket.put("k", failing())
    bucket.put("k", b"still there")
    assert bucket.read("k") == b"still there"
    told: list[InvalidMetadata] = []
    assert [info.name for info in bucket.list(on_unreadable=told.append)] == ["k"]


def test_threads_share_a_store(bucket: blocking.Bucket) -> None:
    """Each waits for its own."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: bucket.put(f"k{number}", bytes([number]) * 200_000), range(32)))
        read = list(pool.map(lambda number: bucket.read(f"k{number}"), range(32)))
    assert read == [bytes([number]) * 200_000 for number in range(32)]


def test_a_callback_cannot_wait_for_itself(bucket: blocking.Bucket) -> None:
    """It is told so, instead of waiting for ever."""
    asked: list[RuntimeError] = []

    class Asking:
        def write(self, _view: memoryview, /) -> None:
            try:
                bucket.info("k")
            except RuntimeError as e:
                asked.append(e)

        async def drain(self) -> None:
            pass

        def restart(self) -> None:
            pass

    bucket.put("k", b"x")
    bucket.get("k", Asking())
    assert len(asked) == 1


INTERRUPTED = """
import os, signal, sys, threading
from natsobj import blocking

def endless():
    while True:
        started.set()
        yield bytes(1 << 20)

started = threading.Event()
with blocking.connect(sys.argv[1]) as store:
    bucket = store.bucket(sys.argv[2])
    def interrupt():
        started.wait()
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        bucket.put("k", endless())
    except KeyboardInterrupt:
        print("interrupted", bucket.status().chunks)
"""


def test_ctrl_c_leaves_nothing_behind(bucket: blocking.Bucket, server: NatsServer) -> None:
    """The put is undone before the interrupt goes on its way."""
    done = run([*script(INTERRUPTED), server.url, bucket.name])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"interrupted 0\n", b"")


FORKED = """
import os, sys, warnings
from natsobj import blocking

warnings.simplefilter("ignore")
with blocking.connect(sys.argv[1]) as store:
    bucket = store.bucket(sys.argv[2])
    bucket.put("parent", b"x")
    child = os.fork()
    if not child:
        try:
            bucket.read("parent")
        except RuntimeError as e:
            with blocking.connect(sys.argv[1]) as anew:
                anew.bucket(sys.argv[2]).put("child", str(e).encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(bucket.read("child").decode())
"""


def test_a_forked_process_connects_anew(bucket: blocking.Bucket, server: NatsServer) -> None:
    """Its parent's store is refused in words, and goes on in the parent."""
    done = run([*script(FORKED), server.url, bucket.name])
    assert done.returncode == 0, done.stderr
    assert b"connect again" in done.stdout


def test_a_program_that_forgets_to_leave_ends(bucket: blocking.Bucket, server: NatsServer) -> None:
    """Neither a thread nor a warning keeps it."""
    code = """
import sys
from natsobj import blocking
store = blocking.connect(sys.argv[1]).__enter__()
listing = store.bucket(sys.argv[2]).list()
store.bucket(sys.argv[2]).put("k", b"x")
print(next(listing).name)
"""
    done = run([*script(code), server.url, bucket.name])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"k\n", b"")


def test_what_reads_after_the_end_of_the_program_is_told(bucket: blocking.Bucket, server: NatsServer) -> None:
    """By an error that it can catch, and by nothing else."""
    code = """
import sys
from natsobj import blocking
store = blocking.connect(sys.argv[1]).__enter__()
class Late:
    def __del__(self):
        try:
            bucket.read("k")
        except RuntimeError:
            print("told")
bucket = store.bucket(sys.argv[2])
bucket.put("k", b"x")
late = Late()
"""
    done = run([*script(code), server.url, bucket.name])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"told\n", b"")
