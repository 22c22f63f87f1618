"""Objects that one client writes, replaces or deletes are the same objects to the others."""

from __future__ import annotations

import hashlib
import random

import pytest

from tests.interop.clients import Client, Go, Js, Natsobj, Seen

pytestmark = pytest.mark.interop

PAIRS = [("natsobj", "go"), ("natsobj", "js"), ("go", "natsobj"), ("js", "natsobj")]
CHUNK = 128 * 1024


def content(size: int) -> bytes:
    """Bytes without a pattern, the same in every run."""
    return random.Random(size).randbytes(size)


def sha256(data: bytes) -> str:
    """The digest in hex."""
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 1024 * 1024 + 3])
@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_content_is_the_same_for_every_client(
    clients: dict[str, Client], store_bucket: str, writer: str, reader: str, size: int
) -> None:
    """Bytes, chunk count and digest of what one stores are what the other reads and shows."""
    data = content(size)
    clients[writer].put(store_bucket, "dir/file.bin", data)
    assert clients[reader].get(store_bucket, "dir/file.bin") == data
    assert clients[reader].info(store_bucket, "dir/file.bin") == Seen(-(-size // CHUNK), sha256(data))
    assert clients[reader].keys(store_bucket) == ["dir/file.bin"]


@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_description_and_headers_are_the_same_for_every_client(
    clients: dict[str, Client], store_bucket: str, writer: str, reader: str
) -> None:
    """A description and headers, repeated ones and ones with colons included, arrive as they were given."""
    headers = {"Content-Type": ["text/plain"], "X-Many": ["one", "two: three"], "X-Time": ["12:30"]}
    clients[writer].put(store_bucket, "k", b"x", description="Köpfe & [bold]: 1", headers=headers)
    assert clients[reader].info(store_bucket, "k") == Seen(1, sha256(b"x"), "Köpfe & [bold]: 1", headers)


def test_metadata_is_the_same_for_natsobj_and_nats_js(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """Metadata arrives as it was given; the Go CLI can neither give nor show any."""
    done = natsobj.run(
        "put", "--metadata", "color=rot grün", "--metadata", "n=1", store_bucket, "ours", input=b"x"
    )
    assert done.code == 0
    assert js.call("info", bucket=store_bucket, key="ours")["metadata"] == {"color": "rot grün", "n": "1"}
    js.call("put", bucket=store_bucket, key="theirs", data="", metadata={"a": "b=c"})
    shown = {entry["name"]: entry["metadata"] for entry in natsobj.listed(store_bucket)}
    assert shown == {"ours": {"color": "rot grün", "n": "1"}, "theirs": {"a": "b=c"}}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_each_client_replaces_what_another_stored(
    clients: dict[str, Client], natsobj: Natsobj, store_bucket: str, first: str, second: str
) -> None:
    """The new content is there for both, and nothing of the old: no description, headers or chunks."""
    clients[first].put(store_bucket, "k", content(CHUNK * 3), description="old", headers={"A": ["1"]})
    clients[second].put(store_bucket, "k", b"new")
    for name in (first, second):
        assert clients[name].get(store_bucket, "k") == b"new"
        assert clients[name].info(store_bucket, "k") == Seen(1, sha256(b"new"))
    assert stored_chunks(natsobj, store_bucket) == 1


@pytest.mark.parametrize(("remover", "other"), PAIRS)
def test_what_one_client_deletes_is_gone_for_the_other(
    clients: dict[str, Client], natsobj: Natsobj, store_bucket: str, remover: str, other: str
) -> None:
    """A tombstone means not found for everyone, no chunks are left, and only `ls --deleted` shows it."""
    clients[other].put(store_bucket, "gone", content(CHUNK + 1))
    clients[other].put(store_bucket, "kept", b"x")
    clients[remover].remove(store_bucket, "gone")
    for name in (remover, other):
        assert clients[name].get(store_bucket, "gone") is None
        assert clients[name].info(store_bucket, "gone") is None
    assert natsobj.keys(store_bucket) == ["kept"]
    assert clients[other].keys(store_bucket) == ["kept"]
    assert stored_chunks(natsobj, store_bucket) == 1
    listed = {entry["name"]: entry for entry in natsobj.listed(store_bucket, "--deleted")}
    assert (listed["gone"]["deleted"], listed["gone"]["size"], listed["gone"]["sha256"]) == (True, 0, None)
    assert listed["kept"]["deleted"] is False


@pytest.mark.parametrize(("remover", "writer"), PAIRS)
def test_a_deleted_key_can_be_stored_again_by_another_client(
    clients: dict[str, Client], store_bucket: str, remover: str, writer: str
) -> None:
    """A tombstone counts as absent: the next put brings the key back for both."""
    clients[writer].put(store_bucket, "k", b"first")
    clients[remover].remove(store_bucket, "k")
    clients[writer].put(store_bucket, "k", b"second")
    assert clients[remover].get(store_bucket, "k") == b"second"


@pytest.mark.parametrize("remover", ["go", "js"])
def test_if_absent_stores_over_the_tombstone_of_another_client(
    clients: dict[str, Client], natsobj: Natsobj, store_bucket: str, remover: str
) -> None:
    """`--if-absent` is refused while the object of another client is there, and works once it is deleted."""
    clients[remover].put(store_bucket, "k", b"theirs")
    natsobj.run("put", "--if-absent", store_bucket, "k", input=b"ours").expect(6)
    clients[remover].remove(store_bucket, "k")
    natsobj.run("put", "--if-absent", store_bucket, "k", input=b"ours").expect(0)
    assert clients[remover].get(store_bucket, "k") == b"ours"


@pytest.mark.parametrize("writer", ["go", "js"])
def test_if_match_knows_the_content_of_another_client(
    clients: dict[str, Client], natsobj: Natsobj, store_bucket: str, writer: str
) -> None:
    """The digest that another client stored is compared, not how it is written down."""
    clients[writer].put(store_bucket, "k", b"theirs")
    wrong = natsobj.run("put", "--if-match", f"sha256:{sha256(b'other')}", store_bucket, "k", input=b"ours")
    assert wrong.code == 6
    right = natsobj.run("put", "--if-match", f"sha256:{sha256(b'theirs')}", store_bucket, "k", input=b"ours")
    assert right.code == 0
    assert clients[writer].get(store_bucket, "k") == b"ours"


def test_a_chunk_size_of_its_own_is_read_by_the_others(
    natsobj: Natsobj, go: Go, js: Js, store_bucket: str
) -> None:
    """Chunks of any size make the same object."""
    data = content(10_000)
    natsobj.run("put", "--chunk-size", "1000", store_bucket, "k", input=data).expect(0)
    for reader in (go, js):
        assert reader.get(store_bucket, "k") == data
        assert reader.info(store_bucket, "k") == Seen(10, sha256(data))


def test_uneven_chunks_of_the_go_cli_are_read(natsobj: Natsobj, go: Go, store_bucket: str) -> None:
    """What the Go CLI stores from a pipe has short chunks in the middle; all of its bytes arrive in order."""
    data = content(1024 * 1024 + 3)
    go.put_piped(store_bucket, "k", data)
    assert natsobj.get(store_bucket, "k") == data
    assert natsobj.info(store_bucket, "k") == go.info(store_bucket, "k")


def test_the_go_cli_shows_the_10_mib_object_as_natsobj_does(
    natsobj: Natsobj, go: Go, store_bucket: str
) -> None:
    """80 chunks and the SHA-256 of the file, in both."""
    data = content(10 * 1024 * 1024)
    natsobj.run("put", store_bucket, "my/random/data.bin", input=data).expect(0)
    seen = Seen(80, sha256(data))
    assert natsobj.info(store_bucket, "my/random/data.bin") == seen
    assert go.info(store_bucket, "my/random/data.bin") == seen


def stored_chunks(natsobj: Natsobj, bucket: str) -> int:
    """How many chunks the bucket holds, counted by the server."""
    return int(natsobj.bucket(bucket)["chunks"])
