"""ADR-20 without a server: the records that other clients wrote, of today and of years ago."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from natsobj.adr20 import names, records
from natsobj.models import Link, ObjectInfo
from tests.golden import (
    EMPTY,
    EMPTY_DIGEST,
    GOLDEN,
    HELLO,
    HELLO_DIGEST,
    MESSAGES,
    PEERS,
    content,
    decode_message,
    golden,
    message_of,
)

# Objects that other clients wrote


@pytest.mark.parametrize("bucket", PEERS)
def test_golden_plain_objects_have_their_values(bucket: str) -> None:
    """Size, chunks and digest as stored; Modified is the message's time and not the `mtime` in the record."""
    message = GOLDEN[bucket]["metadata"][0]
    info = golden(bucket, "plain")
    assert info == ObjectInfo(
        bucket=bucket,
        name="plain",
        size=5,
        chunks=1,
        modified=datetime.fromisoformat(message["time"]),
        revision=2,
        chunk_size=131072,
        digest=HELLO_DIGEST,
        sha256=HELLO,
        nuid=json.loads(message["body"])["nuid"],
    )


@pytest.mark.parametrize("bucket", PEERS)
def test_golden_empty_objects_have_no_chunks(bucket: str) -> None:
    """An empty object is an object, with the digest of nothing."""
    info = golden(bucket, "empty")
    assert (info.size, info.chunks, info.digest, info.sha256) == (0, 0, EMPTY_DIGEST, EMPTY)
    assert (info.deleted, info.link, info.nuid is None) == (False, None, False)


@pytest.mark.parametrize("bucket", PEERS)
def test_golden_tombstones_are_deleted_objects_of_no_size(bucket: str) -> None:
    """Go writes them without a digest, the others with an empty one."""
    info = golden(bucket, "gone")
    assert (info.deleted, info.size, info.chunks, info.digest, info.sha256) == (True, 0, 0, "", None)
    assert info.nuid is not None


@pytest.mark.parametrize(
    ("bucket", "name", "headers", "metadata"),
    [
        ("golden_go", "mit Köpfen/🙂", {"X-A": ("1", "2")}, {}),
        ("golden_js", "with headers/x y", {"X-A": ("1", "2")}, {"k": "v"}),
        ("golden_py", "mit Köpfen/🙂", {"X-A": ("1",)}, {}),
    ],
)
def test_golden_descriptions_headers_and_metadata_are_read(
    bucket: str, name: str, headers: dict[str, tuple[str, ...]], metadata: dict[str, str]
) -> None:
    """A header is a list, or a single string as nats-py stores it."""
    info = golden(bucket, name)
    assert (info.description, info.headers, info.metadata) == ("d", headers, metadata)


def test_golden_links_are_read_without_nuid_digest_and_chunks() -> None:
    """nats.js writes a link to an object with nothing but the link."""
    info = golden("golden_js", "link")
    assert info.link == Link("golden_js", "plain")
    assert (info.nuid, info.digest, info.sha256, info.chunk_size) == (None, None, None, None)
    assert (info.size, info.chunks, info.deleted, info.revision) == (0, 0, False, 9)


def test_golden_links_to_buckets_name_no_object() -> None:
    """A link without a name leads to a whole bucket."""
    info = golden("golden_js", "bucketlink")
    assert info.link == Link("golden_js2")
    assert (info.sha256, info.chunk_size) == (EMPTY, 131072)


def test_an_absent_description_is_none_and_not_an_empty_string() -> None:
    """nats.js stores `""` for none."""
    assert golden("golden_js", "plain").description is None


@pytest.mark.parametrize(("bucket", "message"), MESSAGES)
def test_golden_objects_become_tombstones_that_decode(bucket: str, message: dict[str, Any]) -> None:
    """Whoever wrote it: what is deleted keeps its name and nuid and has no content."""
    before = decode_message(bucket, message)
    tombstone = records.encode_tombstone(message["body"].encode()).decode()
    gone = replace(before, size=0, chunks=0, digest="", sha256=None, link=None, deleted=True)
    assert decode_message(bucket, message | {"body": tombstone}) == gone


# Every record of every client


@pytest.mark.parametrize(("bucket", "message"), MESSAGES)
def test_a_golden_object_is_found_by_its_name(bucket: str, message: dict[str, Any]) -> None:
    """Under whatever subject its client put it."""
    name = decode_message(bucket, message).name
    assert message["subject"] in names.key_subjects(bucket, name)


@pytest.mark.parametrize(("bucket", "message"), MESSAGES)
def test_a_golden_record_agrees_with_what_is_stored(bucket: str, message: dict[str, Any]) -> None:
    """Chunks and bytes; an empty chunk beyond the count is nats.net's."""
    info, stored = decode_message(bucket, message), message.get("chunks_stored")
    if isinstance(stored, list):
        assert [len(part) for part in (stored, stored[: info.chunks])] in (
            [info.chunks, info.chunks],
            [info.chunks + 1, info.chunks],
        )
        assert sum(stored) == info.size
        assert not any(stored[info.chunks :])
    elif stored is not None:
        assert stored == info.chunks


@pytest.mark.parametrize("bucket", [bucket for bucket in GOLDEN if bucket not in PEERS])
def test_the_golden_digests_are_those_of_the_content(bucket: str) -> None:
    """Whatever the size; tombstones and links of some clients have none."""
    for message in GOLDEN[bucket]["metadata"]:
        info = decode_message(bucket, message)
        if info.sha256 is not None:
            assert info.sha256 == hashlib.sha256(content(info.size)).hexdigest(), info.name
        else:
            assert info.deleted or info.link


@pytest.mark.parametrize(
    ("bucket", "name", "token"),
    [
        ("golden_go", "mit Köpfen/🙂", "bWl0IEvDtnBmZW4v8J-Zgg=="),
        ("golden_java", "mit Köpfen/🙂", "bWl0IEvDtnBmZW4v8J+Zgg=="),
        ("golden_java", "file.txt~", "ZmlsZS50eHR+"),
        ("net", "file.txt~", "ZmlsZS50eHR-"),
        ("netv1", "file.txt~", "ZmlsZS50eHR+"),
        ("js_2_9_2", "a", "YQ"),
        ("js_2_9_2", "dir/file.bin", "ZGlyL2ZpbGVfYmlu"),
        ("js_2_9_2", "my file.v1.txt", "bXlfZmlsZV92MV90eHQ"),
        ("js_2_13_1", "my file.v1.txt", "bXlfZmlsZV92MV90eHQ="),
        ("js_2_17_0", "my file.v1.txt", "bXkgZmlsZS52MS50eHQ="),
        ("js_2_29_1", "Größe", "R3L232U="),
    ],
)
def test_the_same_name_lies_elsewhere_for_each_client(bucket: str, name: str, token: str) -> None:
    """Alphabets, encodings, padding, and names that were changed."""
    assert message_of(bucket, name)["subject"] == f"$O.{bucket}.M.{token}"
    assert golden(bucket, name).name == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("f?r.txt", "für.txt"),
        ("??/?.txt", "日本/語.txt"),
        ("sp ace/?uro", "sp ace/€uro"),
        ("??", "🎉"),
        ("a/is?ok", "a/is?ok"),
    ],
)
def test_the_names_that_nats_client_1_cut_down_are_whole(name: str, meant: str) -> None:
    """Its JSON is ASCII; its subject is not."""
    assert golden("netv1", name).name == meant


def test_the_odd_shapes_of_nats_net_are_read() -> None:
    """Size and chunks are left out where they are 0, descriptions and digests of links are null."""
    empty, link, gone = golden("net", "sizes/0"), golden("net", "link"), golden("netall", "gone link")
    assert (empty.size, empty.chunks, empty.sha256, empty.description) == (0, 0, EMPTY, None)
    assert (link.link, link.digest, link.sha256) == (Link("net", "meta"), None, None)
    assert (gone.deleted, gone.link, gone.digest) == (True, None, "")
    assert golden("net", "meta").headers == {"X-One": ("1", "2")}
    assert golden("net", "meta").metadata == {"k": "v"}
    assert golden("net", "bucket link").link == Link("net2", "bucket link")


def test_the_nested_headers_of_an_older_nats_rs_are_read() -> None:
    """Version 0.42 wrote its own structure of them."""
    assert golden("golden_rs_old", "mit Köpfen/🙂").headers == {"X-A": ("1", "2")}
    assert golden("golden_rs", "mit Köpfen/🙂").headers == {"X-A": ("1", "2")}


@pytest.mark.parametrize(
    ("bucket", "name", "link"),
    [
        ("golden_rs", "link", Link("golden_rs", "plain")),
        ("golden_rs", "bucketlink", Link("golden_rs2")),
        ("golden_java", "link", Link("golden_java", "plain")),
        ("golden_java", "bucketlink", Link("golden_java2")),
        ("netv1", "bucket link", Link("netv1b")),
        ("js_2_9_2", "store_link", Link("js_2_9_2_2")),
        ("js_2_9_2", "link", None),
        ("js_2_29_1", "link", Link("js_2_29_1", "chunks")),
    ],
)
def test_links_of_all_clients_lead_where_they_were_meant_to(
    bucket: str, name: str, link: Link | None
) -> None:
    """A link within a bucket of nats.js before 2.15 was a copy of the record."""
    assert golden(bucket, name).link == link
