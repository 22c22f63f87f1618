"""Records of other clients in our buckets: whose they are, what is read of them, and what stays untouched."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from base64 import standard_b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from natsobj.adr20.records import format_digest
from natsobj.errors import InvalidMetadata, ObjectExists, ObjectNotFound, SubjectTaken
from tests.behind import api, fetch, messages
from tests.program import Program


class Stranger:
    """A client that writes what it likes, where it likes."""

    def __init__(self, client: Client, bucket: str) -> None:
        self.client = client
        self.bucket = bucket

    async def chunk(self, nuid: str, data: bytes) -> None:
        """Store a chunk."""
        await self.client.request(f"$O.{self.bucket}.C.{nuid}", data, timeout=5)

    async def write(self, token: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Store a metadata message under a token of its choice."""
        subject = f"$O.{self.bucket}.M.{token}"
        answer = await self.client.request(
            subject, body, headers={"Nats-Rollup": "sub"} | (headers or {}), timeout=5
        )
        assert "error" not in json.loads(answer.data)

    async def store(
        self,
        name: str,
        token: str,
        data: bytes = b"theirs",
        *,
        extra: int = 0,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> str:
        """Store an object of one chunk, and some empty ones more."""
        nuid = fields.pop("nuid", f"N{abs(hash((name, token)))}")
        if data:
            await self.chunk(nuid, data)
        for _ in range(extra):
            await self.chunk(nuid, b"")
        record = {
            "name": name,
            "bucket": self.bucket,
            "nuid": nuid,
            "size": len(data),
            "chunks": 1 if data else 0,
            "digest": format_digest(hashlib.sha256(data).digest()),
        } | fields
        record = {key: value for key, value in record.items() if value is not ...}
        await self.write(token, json.dumps(record).encode(), headers)
        return str(nuid)


@pytest.fixture
def stranger(client: Client, bucket: Bucket) -> Stranger:
    """Somebody else in the fresh bucket."""
    return Stranger(client, bucket.name)


def url_safe(name: str, encoding: str = "utf-8") -> str:
    """The token of today."""
    return urlsafe_b64encode(name.encode(encoding)).decode()


def standard(name: str) -> str:
    """The token of nats.java and NATS.Client."""
    return standard_b64encode(name.encode()).decode()


async def names_in(bucket: Bucket) -> list[str]:
    """What a list shows, sorted."""
    return sorted([info.name async for info in bucket.list()])


FOREIGN = [
    ("file.txt~", standard("file.txt~")),
    ("a/is?ok", standard("a/is?ok")),
    ("日本語/ファイル~?", standard("日本語/ファイル~?")),
    ("Köpfe", url_safe("Köpfe", "latin-1")),
    ("ÿþ", standard_b64encode("ÿþ".encode("latin-1")).decode()),
    ("a", url_safe("a").rstrip("=")),
    ("für", url_safe("für", "latin-1").rstrip("=")),
    ("dir/file.bin", url_safe("dir/file_bin")),
    ("my file.txt", "my_file_txt"),
    ("x y.z", url_safe("x_y_z").rstrip("=")),
    ("under_score.txt", "under_score_txt"),
]
"""Names, and tokens under which some client has put them."""


@pytest.mark.parametrize(("name", "token"), FOREIGN)
async def test_an_object_is_found_replaced_and_deleted_where_its_client_put_it(
    bucket: Bucket, stranger: Stranger, name: str, token: str
) -> None:
    """One object before and after a put, with the new bytes and no old chunk; none after a delete."""
    await stranger.store(name, token)
    assert await fetch(bucket, name) == b"theirs"
    with pytest.raises(ObjectExists):
        await bucket.put(name, b"ours", if_absent=True)
    await bucket.put(name, b"ours")
    assert await names_in(bucket) == [name]
    assert await fetch(bucket, name) == b"ours"
    assert await messages(stranger.client, bucket) == 2
    await bucket.delete(name)
    assert await names_in(bucket) == []
    with pytest.raises(ObjectNotFound):
        await bucket.info(name)


@pytest.mark.parametrize(
    ("name", "other"),
    [("für.txt", "fÃ¼r.txt"), ("a b", "a_b"), ("a.b", "a_b"), ("é", "Ã©"), ("f?r.txt", "für.txt")],
)
async def test_names_that_look_alike_are_two_objects(bucket: Bucket, name: str, other: str) -> None:
    """What one is in another encoding, or changed as older clients did, is not the other."""
    for each, alike in ((name, other), (other, name)):
        await bucket.put(each, b"first")
        with pytest.raises(ObjectNotFound):
            await bucket.delete(alike)
        await bucket.put(alike, b"second")
        assert await fetch(bucket, each) == b"first"
        assert await fetch(bucket, alike) == b"second"
        await bucket.delete(alike)
        assert await names_in(bucket) == [each]
        await bucket.delete(each)


@pytest.mark.parametrize(
    ("key", "theirs", "token"),
    [("a_b", "a.b", url_safe("a_b")), ("ö", "Ã¶", url_safe("Ã¶", "latin-1")), ("k", "other", url_safe("k"))],
)
async def test_a_place_that_holds_another_object_is_not_taken(
    bucket: Bucket, stranger: Stranger, key: str, theirs: str, token: str
) -> None:
    """A put is refused by both names, reading and deleting find nothing, and the other object stays."""
    await stranger.store(theirs, token)
    with pytest.raises(SubjectTaken, match=rf"{key}.*{theirs}"):
        await bucket.put(key, b"ours")
    with pytest.raises(SubjectTaken):
        await bucket.put(key, b"ours" * 300_000)
    for verb in (bucket.info, bucket.delete):
        with pytest.raises(ObjectNotFound):
            await verb(key)
    if theirs != "other":
        assert await fetch(bucket, theirs) == b"theirs"
    assert await messages(stranger.client, bucket) == 2


async def test_a_tombstone_of_another_name_may_be_replaced(bucket: Bucket, stranger: Stranger) -> None:
    """Nothing is lost by it."""
    await stranger.store("a.b", url_safe("a_b"), b"", deleted=True)
    await bucket.put("a_b", b"ours")
    assert await fetch(bucket, "a_b") == b"ours"


async def test_several_records_of_one_key_end_as_one(
    bucket: Bucket, stranger: Stranger, client: Client
) -> None:
    """A put leaves one, and a delete none, wherever they lay."""
    for token in (url_safe("a.b c~"), standard("a.b c~"), "a_b_c~", url_safe("a_b_c~").rstrip("=")):
        await stranger.store("a.b c~", token, token.encode())
    await bucket.put("a.b c~", b"ours")
    assert await names_in(bucket) == ["a.b c~"]
    assert await messages(client, bucket) == 2
    for token in (standard("a.b c~"), "a_b_c~"):
        await stranger.store("a.b c~", token, token.encode())
    await bucket.delete("a.b c~")
    assert await names_in(bucket) == []


async def test_a_name_under_any_subject_is_found_by_what_ls_shows(
    cli: Program, bucket: Bucket, stranger: Stranger
) -> None:
    """Also where no client of today looks for it."""
    await stranger.store("odd/name", "some.where.else")
    assert cli("ls", bucket.name, "-1").expect(0).lines == ["odd/name"]
    assert cli("get", bucket.name, "odd/name").expect(0).stdout == b"theirs"
    assert cli("info", bucket.name, "odd/name", "--json").expect(0)
    cli("verify", bucket.name, "odd/name").expect(0)
    cli("rm", bucket.name, "odd/name").expect(0)
    assert cli("ls", bucket.name).expect(0).stdout == b""


# What cannot be read


DEEP = b'{"name":"k","x":' + b"[" * 2000 + b"]" * 2000 + b"}"
UNREADABLE = [
    b"",
    b"garbage",
    b"null",
    b"[]",
    b'{"name":"k"',
    b'{"name":"k","size":-1}',
    b'{"name":"k","size":1' + b"0" * 400 + b"}",
    b'{"name":"k","chunks":"3"}',
    b'{"name":5}',
    b'{"size":3}',
    '{"name":"k"}'.encode("utf-16"),
    b'{"name":"\\ud800"}',
    b'{"name":"k","nuid":"*"}',
    b'{"name":"k","headers":[1,2]}',
    b'{"name":"k","options":{"link":"x"}}',
]


@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
async def test_an_unreadable_record_is_neither_absent_nor_ours(
    bucket: Bucket, stranger: Stranger, body: bytes
) -> None:
    """It is named, it stands against if_absent and delete, and a plain put heals it."""
    await stranger.write(url_safe("k"), body)
    for verb in (bucket.info, bucket.delete):
        with pytest.raises(InvalidMetadata):
            await verb("k")
    with pytest.raises(ObjectExists):
        await bucket.put("k", b"ours", if_absent=True)
    found: list[InvalidMetadata] = []
    assert [each async for each in bucket.list(on_unreadable=found.append)] == []
    assert len(found) == 1
    await bucket.put("k", b"ours")
    assert await fetch(bucket, "k") == b"ours"


async def test_deep_records_stand_against_if_absent(bucket: Bucket, stranger: Stranger) -> None:
    """However deep an unknown field is, the object is there, and can be replaced and deleted."""
    await stranger.write(url_safe("k"), DEEP)
    with pytest.raises(ObjectExists):
        await bucket.put("k", b"ours", if_absent=True)
    await bucket.put("k", b"ours")
    await stranger.write(url_safe("k"), DEEP)
    await bucket.put("k", b"ours")
    assert await fetch(bucket, "k") == b"ours"


async def test_rm_force_removes_what_cannot_be_read_by_the_name_that_ls_shows(
    cli: Program, bucket: Bucket, stranger: Stranger, client: Client
) -> None:
    """Its chunks go with it, unless another record names them; what is readable stays."""
    await stranger.store("good", url_safe("good"), nuid="SHARED")
    await stranger.chunk("ALONE", b"x")
    await stranger.write(url_safe("own"), b'{"nuid":"ALONE","size":-1}')
    await stranger.write("foreign.token", b'{"nuid":"SHARED","size":-1}')
    shown = cli("ls", bucket.name).expect(1)
    assert "own" in shown.stderr
    assert "foreign.token" in shown.stderr
    cli("rm", bucket.name, "own").expect(8)
    cli("rm", "-f", bucket.name, "own", "foreign.token").expect(0)
    assert cli("ls", bucket.name, "-1").expect(0).lines == ["good"]
    assert await fetch(bucket, "good") == b"theirs"
    assert await messages(client, bucket) == 2


async def test_gc_removes_what_cannot_be_read_when_it_is_told_to(
    cli: Program, bucket: Bucket, stranger: Stranger
) -> None:
    """Without the option it stays, as do the chunks that it may name; the good object always stays."""
    await stranger.store("good", url_safe("good"))
    await stranger.chunk("MAYBE", b"x")
    await stranger.write(url_safe("bad"), b'{"nuid":"MAYBE"')
    cli("gc", bucket.name, "--older-than", "0s").expect(0)
    cli("ls", bucket.name).expect(1)
    shown = cli("gc", bucket.name, "--older-than", "0s", "--unreadable", "-n", "--json").expect(0)
    assert [(found["name"], found["tombstone"]) for found in map(json.loads, shown.lines)] == [("bad", False)]
    cli("gc", bucket.name, "--older-than", "0s", "--unreadable").expect(0)
    assert cli("ls", bucket.name, "-1").expect(0).lines == ["good"]
    cli("gc", bucket.name, "--older-than", "0s").expect(0)
    assert await messages(stranger.client, bucket) == 2


async def test_one_unreadable_record_hides_no_other(
    cli: Program, bucket: Bucket, stranger: Stranger, tmp_path: Path
) -> None:
    """ls, info, verify and get -r name it and go on; gc removes nothing that it may name."""
    await bucket.put("good", b"1")
    await stranger.chunk("MAYBE", b"x")
    await stranger.write(url_safe("bad"), b'{"nuid":"MAYBE","size":1e400}')
    await stranger.write(url_safe("huge"), b'{"name":"huge","size":1' + b"0" * 400 + b"}")
    for args, code in (
        (("ls", bucket.name), 1),
        (("verify", bucket.name), 8),
        (("verify", "--quick", bucket.name), 8),
        (("get", "-r", bucket.name, "", tmp_path / "out"), 1),
        (("gc", bucket.name, "--older-than", "0s"), 0),
    ):
        result = cli(*args).expect(code)
        assert "Traceback" not in result.stderr
        assert "bad" in result.stderr + result.text
    assert (tmp_path / "out" / "good").read_bytes() == b"1"
    state = (await api(stranger.client, f"STREAM.INFO.OBJ_{bucket.name}", subjects_filter=">"))["state"]
    assert isinstance(state, dict)
    assert f"$O.{bucket.name}.C.MAYBE" in state["subjects"]


# Shapes that are whole


@pytest.mark.parametrize("size", [0, 1, 131_072])
@pytest.mark.parametrize("extra", [1, 3])
async def test_empty_chunks_beyond_the_count_do_no_harm(
    bucket: Bucket, stranger: Stranger, cli: Program, size: int, extra: int
) -> None:
    """As nats.net stores them: get, ranges, get -r and verify take the object for whole."""
    data = bytes(size)
    left_out = {"size": ..., "chunks": ...} if size == 0 else {}
    fields: dict[str, Any] = {"options": {"max_chunk_size": 131_072}, **left_out}
    await stranger.store("k", url_safe("k"), data, extra=extra, **fields)
    assert await fetch(bucket, "k") == data
    assert await bucket.read("k", offset=1, length=10) == data[1:11]
    cli("get", "-r", bucket.name, "", cli.home / "out").expect(0)
    assert (cli.home / "out" / "k").read_bytes() == data
    cli("verify", bucket.name).expect(0)
    cli("verify", "--quick", bucket.name).expect(0)
    assert "broken" not in cli("gc", bucket.name, "-n").expect(0).stderr


async def test_bytes_beyond_the_count_are_broken(bucket: Bucket, stranger: Stranger, cli: Program) -> None:
    """Only empty chunks are nothing."""
    nuid = await stranger.store("k", url_safe("k"), b"x" * 10)
    await stranger.chunk(nuid, b"y")
    cli("get", bucket.name, "k").expect(8)
    cli("verify", bucket.name).expect(8)
    cli("verify", "--quick", bucket.name).expect(8)


async def test_a_marker_is_a_message_without_a_body(
    bucket: Bucket, stranger: Stranger, client: Client
) -> None:
    """The words in a header of a good record say nothing."""
    await stranger.store("a", url_safe("a"), headers={"Nats-Marker-Reason": "MaxAge"})
    await stranger.store("b", url_safe("b"), headers={"X": "a Nats-Marker-Reason: MaxAge"})
    await stranger.store("c", url_safe("c"), headers={"Nats-Sequence": "1", "Nats-Num-Pending": "0"})
    assert await names_in(bucket) == ["a", "b", "c"]
    for name in "abc":
        assert await fetch(bucket, name) == b"theirs"


async def test_links_that_lead_nowhere_fail_by_themselves(
    cli: Program, bucket: Bucket, stranger: Stranger, tmp_path: Path
) -> None:
    """What a link holds is never wrong usage, and the others are fetched."""
    await bucket.put("good", b"1")
    for name, link in (
        ("one", {"bucket": "no such!", "name": "x"}),
        ("two", {"bucket": "no such!"}),
        ("three", {"bucket": bucket.name, "name": "x" * 3000}),
        ("four", {"bucket": "missing", "name": "x"}),
    ):
        await stranger.store(name, url_safe(name), b"", options={"link": link})
    assert cli("get", "-r", bucket.name, "", tmp_path / "out").expect(1).stderr.count("natsobj: ") >= 4
    assert (tmp_path / "out" / "good").read_bytes() == b"1"
    cli("get", bucket.name, "one").expect(8)
    cli("get", bucket.name, "three").expect(8)


async def test_a_digest_in_hex_is_checked(bucket: Bucket, stranger: Stranger, cli: Program) -> None:
    """As nats.js reads it."""
    digest = hashlib.sha256(b"theirs").hexdigest()
    await stranger.store("good", url_safe("good"), digest=f"SHA-256={digest}")
    await stranger.store("bad", url_safe("bad"), digest=f"SHA-256={'0' * 64}")
    result = cli("get", bucket.name, "good").expect(0)
    assert "cannot be checked" not in result.stderr
    cli("get", bucket.name, "bad").expect(8)


async def test_a_nuid_that_fits_into_no_request_is_read_or_broken_at_once(
    bucket: Bucket, stranger: Stranger, cli: Program
) -> None:
    """No consumer is asked for under a subject that makes the server hang up."""
    await stranger.store("k", url_safe("k"), b"x" * 1000, nuid="N" * 3600, size=1000)
    await stranger.store("big", url_safe("big"), b"", nuid="M" * 3600, size=3_000_000, chunks=3)
    assert cli("get", bucket.name, "k").code in {0, 8}
    cli("get", bucket.name, "big").expect(8)


MANY = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


async def test_many_large_unreadable_records_take_little_memory(
    cli: Program, bucket: Bucket, stranger: Stranger, tmp_path: Path
) -> None:
    """120 records of 900 KB: less than 80 MiB in every verb that looks at all of them."""
    body = b'{"name":"k","size":-1,"x":"' + b"y" * 900_000 + b'"}'
    for number in range(0, 120, 8):
        await asyncio.gather(*(stranger.write(url_safe(f"bad-{n}"), body) for n in range(number, number + 8)))
    for args, code in (
        (("ls", bucket.name), 1),
        (("verify", "--quick", bucket.name), 8),
        (("gc", "-n", bucket.name), 0),
        (("get", "-r", bucket.name, "", str(tmp_path / "out")), 1),
    ):
        command = [sys.executable, "-c", MANY, sys.executable, "-m", "natsobj", *args]
        done = await asyncio.create_subprocess_exec(*command, env=cli.env, stdout=subprocess.PIPE)
        status, mebibytes = map(int, (await done.communicate())[0].split())
        assert status == code, args
        assert mebibytes <= 80, args


async def test_a_link_never_takes_the_place_of_an_object(
    cli: Program, bucket: Bucket, stranger: Stranger
) -> None:
    """Moved or copied with -f, onto its own target or another object: refused, and the bytes stand."""
    await bucket.put("t", b"bytes")
    cli("ln", bucket.name, "t", "l").expect(0)
    for verb in ("mv", "cp"):
        cli(verb, "-f", bucket.name, "l", "t").expect(6)
    assert await fetch(bucket, "t") == b"bytes"
    cli("gc", bucket.name, "--older-than", "0s").expect(0)
    assert await fetch(bucket, "l") == b"bytes"


async def test_a_link_takes_no_chunks_along(bucket: Bucket, stranger: Stranger) -> None:
    """Whatever nuid its record carries."""
    nuid = await stranger.store("live", url_safe("live"))
    options = {"link": {"bucket": bucket.name, "name": "live"}}
    await stranger.store("lk", url_safe("lk"), b"", nuid=nuid, options=options)
    await bucket.delete("lk")
    assert await fetch(bucket, "live") == b"theirs"


async def test_every_verb_takes_the_name_that_ls_shows(
    cli: Program, bucket: Bucket, stranger: Stranger
) -> None:
    """Also under a subject that nobody looks at."""
    for number in range(4):
        await stranger.store(f"odd-{number}", url_safe(f"other-{number}"))
    cli("mv", bucket.name, "odd-0", "moved").expect(0)
    cli("cp", bucket.name, "odd-1", "copied").expect(0)
    cli("ln", bucket.name, "odd-2", "link").expect(0)
    cli("edit", bucket.name, "odd-3", "--description", "said").expect(0)
    assert await names_in(bucket) == ["copied", "link", "moved", "odd-1", "odd-2", "odd-3"]
    assert await fetch(bucket, "moved") == await fetch(bucket, "copied") == b"theirs"


async def test_folders_of_large_records_take_little_memory(
    cli: Program, bucket: Bucket, stranger: Stranger
) -> None:
    """60 objects that say 900 KB of themselves: less than 80 MiB in every verb that takes many."""
    for number in range(60):
        await stranger.store(f"k{number}", url_safe(f"k{number}"), b"", description="x" * 900_000)
    for args in (
        ("ls", bucket.name, "--sort", "size"),
        ("get", "-r", bucket.name, "", str(cli.home / "out")),
        ("cp", "-r", bucket.name, "", "copied/"),
        ("mv", "-r", bucket.name, "copied/", "moved/"),
        ("rm", "-f", bucket.name, "--match", "moved/*"),
    ):
        command = [sys.executable, "-c", MANY, sys.executable, "-m", "natsobj", *args]
        done = await asyncio.create_subprocess_exec(*command, env=cli.env, stdout=subprocess.PIPE)
        status, mebibytes = map(int, (await done.communicate())[0].split())
        assert status == 0, args
        assert mebibytes <= 80, (args, mebibytes)
