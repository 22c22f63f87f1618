"""`natsobj put`."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from natsobj import Bucket, Store
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.conftest import Serve
from tests.program import Program
from tests.sinks import Buffer

DATA = bytes(range(256)) * 2000


async def stored(bucket: Bucket, key: str) -> bytes:
    """What is stored under a key."""
    sink = Buffer()
    await bucket.get(key, into=sink)
    return bytes(sink.data)


async def test_put_stores_a_file_and_reports_one_line(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Name, size, chunks, digest and time on stderr, nothing on standard output."""
    file = tmp_path / "data.bin"
    file.write_bytes(DATA)
    result = cli("put", bucket.name, "my/data.bin", file)
    assert (result.code, result.stdout) == (0, b"")
    digest = hashlib.sha256(DATA).hexdigest()[:12]
    line = rf"stored {bucket.name}/my/data.bin  500 KiB  4 chunks  sha256:{digest}  \d+\.\d s\n"
    assert re.fullmatch(line, result.stderr)
    assert await stored(bucket, "my/data.bin") == DATA


@pytest.mark.parametrize("form", [[], ["-"]])
async def test_put_stores_standard_input(cli: Program, bucket: Bucket, form: list[str]) -> None:
    """Left out or `-`: what comes through the pipe."""
    assert cli("put", bucket.name, "k", *form, "-q", input=DATA) == (0, b"", "")
    assert await stored(bucket, "k") == DATA


async def test_put_from_a_terminal_names_both_ways(cli: Program, bucket: Bucket) -> None:
    """Nobody waits for input that nobody knows of; `-` means it."""
    result = cli.terminal("put", bucket.name, "k")
    assert result.code == 2
    assert "FILE" in result.text
    assert " - " in result.text
    assert cli.terminal("put", bucket.name, "k", "-", typed=b"hello\n\x04").code == 0
    assert await stored(bucket, "k") == b"hello\n"
    assert cli.terminal("put", bucket.name, "k", stdin=b"piped").code == 0
    assert await stored(bucket, "k") == b"piped"


@pytest.mark.parametrize(
    "header",
    ["A B:v", "Ä:v", "A\n:v", "A:v\n", "A:a\nb", "A:für", "A:\x1b[31m", "A:a\tb", "A(:v", ":v", "A"],
)
def test_a_header_that_other_clients_cannot_read_is_wrong_usage(
    cli: Program, bucket: Bucket, header: str
) -> None:
    """It would keep them from listing the bucket: refused by its name, on one line, and nothing is stored."""
    done = cli("put", bucket.name, "k", "-", "-H", header, input=b"x").expect(2)
    assert "--header" in done.stderr
    assert cli("ls", bucket.name).expect().stdout == b""


async def test_put_passes_description_headers_and_metadata_on(cli: Program, bucket: Bucket) -> None:
    """Repeatable, values with their own separators in them, in any script."""
    line = [
        "--description",
        "ein Köter",
        "-H",
        "A: 1",
        "--header",
        "A:2:3",
        "--metadata",
        "k=v=w",
        "--metadata",
        "e=",
    ]
    assert cli("put", bucket.name, "k", *line, "--chunk-size", "1K", input=b"x" * 1500).code == 0
    info = await bucket.info("k")
    assert info.description == "ein Köter"
    assert info.headers == {"A": ("1", "2:3")}
    assert info.metadata == {"k": "v=w", "e": ""}
    assert (info.chunks, info.chunk_size) == (2, 1024)
    assert cli("put", bucket.name, "k", "-", "-q").code == 0
    info = await bucket.info("k")
    assert (info.description, info.headers, info.metadata, info.size) == (None, {}, {}, 0)


async def test_put_json_gives_the_object(cli: Program, bucket: Bucket) -> None:
    """On standard output, instead of the line."""
    result = cli("put", "--json", bucket.name, "k", input=b"x")
    assert (result.code, result.stderr) == (0, "")
    fields = json.loads(result.text)
    assert tuple(fields) == OBJECT_FIELDS
    assert (fields["name"], fields["size"], fields["sha256"]) == ("k", 1, hashlib.sha256(b"x").hexdigest())


@pytest.mark.parametrize(
    "key", ["a\nb", "../..", "[red]", "/x", " ", "ünï", "-x", "a//b", "*", ">", "x" * 2900]
)
async def test_put_stores_under_any_key(cli: Program, bucket: Bucket, key: str) -> None:
    """Exactly as it is given; behind `--` it may begin with a dash."""
    assert cli("put", "-q", bucket.name, "--", key, input=b"x") == (0, b"", "")
    assert (await bucket.info(key)).name == key


# Conditions


async def test_put_if_absent_does_not_replace(cli: Program, bucket: Bucket) -> None:
    """Exit code 6, and the old content stays; a deleted object is absent."""
    assert cli("put", bucket.name, "k", "--if-absent", input=b"1").code == 0
    result = cli("put", bucket.name, "k", "--if-absent", input=b"2")
    assert (result.code, result.stdout) == (6, b"")
    assert result.stderr.startswith(f"natsobj: object exists: {bucket.name}/k")
    assert await stored(bucket, "k") == b"1"
    await bucket.delete("k")
    assert cli("put", bucket.name, "k", "--if-absent", input=b"3").code == 0


async def test_put_if_match_replaces_only_that_content(cli: Program, bucket: Bucket) -> None:
    """Hex digits in any case; another content and a missing key are exit code 6."""
    await bucket.put("k", b"1")
    wanted = f"sha256:{hashlib.sha256(b'1').hexdigest().upper()}"
    assert cli("put", bucket.name, "k", "--if-match", wanted, input=b"2").code == 0
    result = cli("put", bucket.name, "k", "--if-match", wanted, input=b"3", env={"LANG": "C"})
    assert (result.code, result.stdout) == (6, b"")
    assert await stored(bucket, "k") == b"2"
    assert cli("put", bucket.name, "missing", "--if-match", wanted, input=b"3").code == 6


@pytest.mark.parametrize(
    "wrong",
    [
        ["--if-absent", "--if-match", "sha256:" + "0" * 64],
        ["--if-match", "0" * 64],
        ["--if-match", "sha256:xyz"],
        ["--chunk-size", "many"],
        ["--chunk-size", "0"],
        ["-H", "novalue"],
        ["--metadata", "novalue"],
    ],
)
def test_put_refuses_what_makes_no_sense_without_asking(bare_cli: Program, wrong: list[str]) -> None:
    """Wrong usage is one line and exit code 2."""
    result = bare_cli("put", "photos", "k", *wrong)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.count("\n") == 1


# Buckets and files that are not there


async def test_put_create_makes_the_bucket(cli: Program, store: Store, bucket_name: str) -> None:
    """With defaults, when it is missing; one that exists is used as it is."""
    assert cli("put", bucket_name, "k", input=b"x").code == 3
    for content in (b"1", b"2"):
        assert cli("put", "--create", bucket_name, "k", input=content).code == 0
        assert await stored(store.bucket(bucket_name), "k") == content


async def test_put_of_a_missing_file_makes_no_bucket(cli: Program, store: Store, bucket_name: str) -> None:
    """The file is opened first."""
    result = cli("put", "--create", bucket_name, "k", "/no/such/file")
    assert result == (1, b"", "natsobj: /no/such/file: No such file or directory\n")
    assert bucket_name not in await store.bucket_names()


async def test_put_of_a_folder_is_refused(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """A folder is no file."""
    for options in ([], ["--if-changed"], ["--resume"], ["--resume", "--if-changed"]):
        result = cli("put", bucket.name, "k", tmp_path, *options)
        assert result == (1, b"", f"natsobj: {tmp_path}: Is a directory (-r is for folders)\n")
    assert cli("info", bucket.name, "k").code == 4


async def test_put_takes_a_file_whose_name_is_not_utf_8(cli: Program, bucket: Bucket, tmp_path: Path) -> None:
    """Local names are the system's business; in a message it is shown escaped."""
    name = os.fsencode(tmp_path) + b"/\xff\x1b"
    Path(os.fsdecode(name)).write_bytes(b"x")
    assert cli("put", bucket.name, "k", name).code == 0
    result = cli("put", bucket.name, "k", name + b"\n")
    assert result.code == 1
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr
    assert "No such file" in result.stderr


async def test_put_says_when_a_bucket_is_full(serve: Serve, cli: Program) -> None:
    """Exit code 6."""
    url = serve("jetstream: enabled").url
    assert cli("add", "small", "--max-bucket-size", "10K", "-s", url).code == 0
    result = cli("put", "small", "k", "-s", url, input=b"x" * 20_000)
    assert (result.code, result.stdout) == (6, b"")
    assert result.stderr.startswith("natsobj: bucket is full: small")
    assert result.stderr.count("\n") == 1


# Progress


async def test_put_shows_plain_progress_only_when_asked_for(cli: Program, bucket: Bucket) -> None:
    """In a pipe there is none by itself, and a bar that is asked for leaves no control codes."""
    assert "\x1b" not in cli("put", bucket.name, "k", "--progress", "bar", input=DATA).stderr
    assert cli("put", bucket.name, "k", "--progress", "none", "-q", input=DATA) == (0, b"", "")


# Only what has changed


async def test_put_if_changed_stores_only_another_content(
    cli: Program, bucket: Bucket, tmp_path: Path
) -> None:
    """One line says which it was; what is the same keeps its time and its description."""
    file = tmp_path / "k"
    file.write_bytes(DATA)
    result = cli("put", bucket.name, "k", file, "--if-changed")
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr.startswith(f"stored {bucket.name}/k  500 KiB  ")
    before = await bucket.info("k")
    result = cli("put", bucket.name, "k", file, "--if-changed", "--description", "new")
    digest = hashlib.sha256(DATA).hexdigest()
    assert result == (0, b"", f"unchanged {bucket.name}/k  500 KiB  sha256:{digest[:12]}\n")
    result = cli("put", bucket.name, "k", file, "--if-changed", "--json")
    assert (result.code, result.stderr) == (0, "")
    assert json.loads(result.text)["sha256"] == digest
    assert await bucket.info("k") == before
    file.write_bytes(DATA[::-1])
    assert cli("put", bucket.name, "k", file, "--if-changed").stderr.startswith("stored ")
    assert await stored(bucket, "k") == DATA[::-1]


def test_put_if_changed_needs_a_file(bare_cli: Program, tmp_path: Path) -> None:
    """What can be read only once cannot be compared first; neither does it go with other conditions."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for line in ([], ["-"], [fifo]):
        result = bare_cli("put", "b", "k", *line, "--if-changed", input=b"x")
        assert (result.code, result.stdout) == (2, b"")
        assert "--if-changed needs a FILE" in result.stderr
    for other in (["--if-absent"], ["--if-match", "sha256:" + "0" * 64]):
        result = bare_cli("put", "b", "k", "file", "--if-changed", *other)
        assert (result.code, result.stdout) == (2, b"")
        assert f"contradicting options: {other[0]} and --if-changed" in result.stderr


@pytest.mark.parametrize("args", [("k",), ("k", "-"), ("k", "fifo"), ("f/", "one", "two"), ("-r", "k", ".")])
def test_only_one_file_is_gone_on_with(cli: Program, bucket: Bucket, args: tuple[str, ...]) -> None:
    """Exit 2: a stream cannot be read again, and of many files each would be an upload of its own."""
    os.mkfifo(cli.home / "fifo")
    for name in ("one", "two"):
        (cli.home / name).write_bytes(b"content")
    result = cli("put", "--resume", bucket.name, *args, input=b"content")
    assert (result.code, result.stdout) == (2, b"")
    assert "--resume" in result.stderr


def test_without_a_place_for_its_state_nothing_is_gone_on_with(cli: Program, bucket: Bucket) -> None:
    """A relative folder could be anybody's; the message names the variables."""
    (cli.home / "file").write_bytes(b"content")
    env = {"XDG_STATE_HOME": "relative", "HOME": "relative"}
    result = cli("put", "--resume", bucket.name, "k", "file", env=env)
    assert result.code == 2
    assert result.stderr.startswith("natsobj: no place for the state of uploads: neither XDG_STATE_HOME nor ")


async def test_put_that_may_go_on_stores_like_any_other(cli: Program, bucket: Bucket) -> None:
    """Its report, its JSON and its conditions are those of every put, and nothing stays behind."""
    (cli.home / "file").write_bytes(b"content")
    result = cli("put", "--resume", bucket.name, "folder/", "file", "--if-absent", "--json").expect()
    assert json.loads(result.stdout)["name"] == "folder/file"
    assert cli("put", "--resume", bucket.name, "folder/file", "file", "--if-absent").code == 6
    assert "unchanged" in cli("put", "--resume", bucket.name, "folder/file", "file", "--if-changed").stderr
    assert os.listdir(cli.home / ".local/state/natsobj/uploads") == []
