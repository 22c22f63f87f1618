"""`natsobj add`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from natsobj import Bucket, BucketConfig, BucketInfo, Placement, Store
from natsobj.cli.output.buckets import differences
from tests.conftest import Serve
from tests.program import Program


async def test_add_creates_a_bucket_and_says_so_on_stderr(
    cli: Program, store: Store, bucket_name: str
) -> None:
    """One line for people; standard output is for results, and there is none."""
    result = cli("add", bucket_name)
    assert result == (0, b"", f"created bucket {bucket_name}\n")
    info = await store.bucket(bucket_name).status()
    assert (info.storage, info.replicas, info.ttl, info.max_bytes, info.compressed) == (
        "file",
        1,
        None,
        None,
        False,
    )


async def test_add_passes_every_option_on(cli: Program, store: Store, bucket_name: str) -> None:
    """natscli's names, each of them effective."""
    line = "--description pics --ttl 1h30m --storage memory --max-bucket-size 10M --compress --replicas 1"
    result = cli("add", bucket_name, *line.split(), "--metadata", "a=b=c", "--metadata", "d=", "-q")
    assert result == (0, b"", "")
    info = await store.bucket(bucket_name).status()
    assert info.description == "pics"
    assert info.ttl == timedelta(hours=1, minutes=30)
    assert info.storage == "memory"
    assert info.max_bytes == 10 * 1024 * 1024
    assert info.compressed is True
    assert info.metadata == {"a": "b=c", "d": ""}


async def test_add_asks_for_a_cluster_and_tags(serve: Serve, cli: Program, bucket_name: str) -> None:
    """`--tags` takes several with commas and may be repeated; a server without them refuses."""
    tagged = serve('jetstream: enabled\nserver_tags: ["fast", "eu", "ssd"]')
    url = ("-s", tagged.url)
    assert cli("add", bucket_name, "--tags", "fast,eu", "--tags", "ssd", *url).code == 0
    placement = json.loads(cli("info", bucket_name, "--json", *url).text)["placement"]
    assert placement == {"cluster": None, "tags": ["fast", "eu", "ssd"]}


async def test_add_refuses_a_bucket_that_exists(cli: Program, bucket: Bucket) -> None:
    """Exit code 6, and the next step."""
    result = cli("add", bucket.name)
    assert (result.code, result.stdout) == (6, b"")
    assert result.stderr == f"natsobj: bucket exists: {bucket.name} (use --if-not-exists to accept that)\n"
    error = json.loads(cli("add", bucket.name, "--json").stderr)["error"]
    assert error["code"] == "bucket_exists"


async def test_add_if_not_exists_leaves_the_bucket_as_it_is(
    cli: Program, store: Store, bucket: Bucket
) -> None:
    """It succeeds and changes nothing, whatever else was asked for; a note says what it is instead."""
    add = ("add", bucket.name, "--if-not-exists")
    assert cli(*add, "--replicas", "1", "--storage", "file") == (0, b"", f"kept bucket {bucket.name}\n")
    result = cli(*add, "--description", "another")
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr == (
        f"kept bucket {bucket.name}\nnote: bucket {bucket.name} differs: description none, not another\n"
    )
    assert cli(*add, "--description", "another", "-q") == (0, b"", "")
    assert (await store.bucket(bucket.name).status()).description is None


async def test_add_json_gives_the_bucket(cli: Program, bucket_name: str) -> None:
    """The bucket's fields on standard output instead of the line; the cluster stands in `info` only."""
    result = cli("add", bucket_name, "--json", "--if-not-exists")
    assert (result.code, result.stderr) == (0, "")
    fields = json.loads(result.text)
    assert fields["bucket"] == bucket_name
    assert fields["stream"] == f"OBJ_{bucket_name}"
    assert fields["cluster"] is None
    assert cli("add", bucket_name, "--json", "--if-not-exists") == result


@pytest.mark.parametrize(
    "wrong",
    [
        ["--replicas", "0"],
        ["--replicas", "6"],
        ["--replicas", "x"],
        ["--storage", "tape"],
        ["--ttl", "soon"],
        ["--max-bucket-size", "-1"],
        ["--max-bucket-size", "10Q"],
        ["--metadata", "novalue"],
        ["--metadata", "=novalue"],
    ],
)
def test_add_refuses_invalid_settings_without_asking(bare_cli: Program, wrong: list[str]) -> None:
    """Wrong usage is exit code 2 and names the option."""
    result = bare_cli("add", "photos", *wrong)
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.startswith(f"natsobj: invalid value for '{wrong[0]}': ")


def test_add_reports_what_the_server_refuses(cli: Program, bucket_name: str) -> None:
    """Three replicas need three servers."""
    result = cli("add", bucket_name, "--replicas", "3")
    assert (result.code, result.stdout) == (6, b"")
    assert result.stderr.startswith("natsobj: ")
    assert "replicas" in result.stderr


def test_what_differs_is_named_with_both_values() -> None:
    """Only what was asked for, and nothing that is a default."""
    asked = BucketConfig(
        "b",
        description="text",
        ttl=timedelta(days=3),
        object_ttl=True,
        replicas=3,
        storage="memory",
        max_bytes=1024,
        compressed=True,
        metadata={"a": "1", "b": "2"},
        placement=Placement("east", ("ssd",)),
    )
    there = BucketInfo(
        "b", "OBJ_b", datetime.now(UTC), 0, ttl=timedelta(hours=1), metadata={"b": "2", "c": "3"}
    )
    assert differences(asked, there) == [
        "description none, not text",
        "TTL 1 h, not 3 d",
        "replicas 1, not 3",
        "storage file, not memory",
        "size limit none, not 1 KiB (1,024 bytes)",
        "metadata a none, not 1",
        "placement none, not cluster east, tag ssd",
        "no TTL of single objects",
        "not compressed",
    ]
    same = replace(there, object_ttl=True, compressed=True, replicas=3, placement=asked.placement)
    left = ["storage file, not memory", "metadata a none, not 1"]
    assert differences(replace(asked, max_bytes=None), same)[2:] == left
    assert differences(BucketConfig("b"), there) == []


def test_a_config_for_nowhere_in_particular_has_no_placement() -> None:
    """The default of every client."""
    assert BucketConfig("a").placement is None
    assert Placement("c", ()) != Placement()
