"""ADR-20 without a server: digests, and the records that we write."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from natsobj.adr20 import records
from natsobj.models import Link, ObjectInfo
from tests.golden import HELLO, HELLO_DIGEST, NOW, decode

# Digests


def test_digests_are_written_with_padding_and_the_url_alphabet() -> None:
    """The form that every client compares as text."""
    assert records.format_digest(hashlib.sha256(b"hello").digest()) == HELLO_DIGEST
    assert records.format_digest(b"\xfb\xef\xbe" * 10 + b"\xff\xff") == "SHA-256=" + "----" * 10 + "__8="


@pytest.mark.parametrize(
    "digest",
    [
        HELLO_DIGEST,
        HELLO_DIGEST.rstrip("="),
        HELLO_DIGEST.replace("SHA-256", "sha-256"),
        HELLO_DIGEST.replace("SHA-256", "Sha-256"),
        HELLO_DIGEST.replace("-wow", "+wow"),
        HELLO_DIGEST.replace("-wow", "+wow").rstrip("="),
        "SHA-256=" + HELLO,
        "sha-256=" + HELLO.upper(),
    ],
)
def test_digests_are_read_in_any_case_alphabet_and_padding(digest: str) -> None:
    """Clients differ in how they write the same digest; nats.js reads hex digits as well."""
    assert records.parse_digest(digest) == HELLO


def test_digests_of_the_standard_alphabet_are_read() -> None:
    """`+` and `/` stand for `-` and `_`."""
    assert records.parse_digest("SHA-256=" + "++++" * 10 + "//8=") == "fbefbe" * 10 + "ffff"


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "SHA-256",
        "SHA-256=",
        "SHA-256====",
        "SHA-1=" + HELLO_DIGEST.removeprefix("SHA-256="),
        HELLO_DIGEST.removeprefix("SHA-256="),
        HELLO_DIGEST[:-2],
        HELLO_DIGEST + "AAAA",
        HELLO_DIGEST.replace("LPJN", "LP\nJN"),
        HELLO_DIGEST.replace("LPJN", "LPJÑ"),
        HELLO_DIGEST.replace("LPJN", "LPJ\ud800"),
        "SHA-256=" + HELLO[:-1],
        "SHA-256=" + HELLO + "0",
        "SHA-256=g" + HELLO[1:],
        HELLO,
    ],
)
def test_what_is_no_sha_256_is_none(digest: str) -> None:
    """A digest of another kind, or half of one, cannot be checked and is not guessed at."""
    assert records.parse_digest(digest) is None


# What we write

FULL = ObjectInfo(
    bucket="b",
    name="mit Köpfen/🙂",
    size=300_000,
    chunks=3,
    modified=NOW,
    revision=7,
    chunk_size=131072,
    digest=HELLO_DIGEST,
    sha256=HELLO,
    nuid="NUID",
    description="ein Bild",
    headers={"X-A": ("1", "2"), "X-B": ()},
    metadata={"k": "v"},
)


def test_an_object_is_written_with_exactly_the_fields_of_adr_20() -> None:
    """No `mtime`, headers as lists, nothing that is ours alone."""
    assert json.loads(records.encode_object(FULL)) == {
        "name": "mit Köpfen/🙂",
        "description": "ein Bild",
        "headers": {"X-A": ["1", "2"], "X-B": []},
        "metadata": {"k": "v"},
        "options": {"max_chunk_size": 131072},
        "bucket": "b",
        "nuid": "NUID",
        "size": 300_000,
        "chunks": 3,
        "digest": HELLO_DIGEST,
    }


def test_what_is_absent_is_not_written() -> None:
    """An object without description, headers and metadata has no such fields; the others always stand."""
    bare = ObjectInfo(bucket="b", name="k", size=0, chunks=0, modified=NOW, revision=7)
    assert json.loads(records.encode_object(bare)) == {
        "name": "k",
        "options": {},
        "bucket": "b",
        "nuid": "",
        "size": 0,
        "chunks": 0,
        "digest": "",
    }


def test_a_record_is_compact_utf_8() -> None:
    """Names are stored as they are, as Go does it."""
    record = records.encode_object(FULL)
    assert record.startswith('{"name":"mit Köpfen/🙂","description":"ein Bild",'.encode())


@pytest.mark.parametrize(
    "info",
    [
        FULL,
        replace(FULL, description=None, headers={}, metadata={}, chunk_size=None),
        replace(FULL, name='\0\n"\\/\u2028'),
        replace(FULL, description="a\ufffd"),
        replace(FULL, link=Link("other", "k"), size=0, chunks=0),
        replace(FULL, link=Link("other"), size=0, chunks=0),
        replace(FULL, deleted=True, size=0, chunks=0, digest="", sha256=None),
    ],
)
def test_what_is_written_is_read_back_the_same(info: ObjectInfo) -> None:
    """Encoding and decoding lose nothing."""
    assert decode(records.encode_object(info)) == info


def test_a_link_is_written_under_options() -> None:
    """A link to a bucket has an empty name: without the field nats.net lists nothing of the whole bucket."""
    link = replace(FULL, link=Link("other", "k"))
    assert json.loads(records.encode_object(link))["options"]["link"] == {"bucket": "other", "name": "k"}
    link = replace(FULL, link=Link("other"))
    assert json.loads(records.encode_object(link))["options"]["link"] == {"bucket": "other", "name": ""}


def test_a_tombstone_keeps_all_that_it_does_not_change() -> None:
    """Fields of newer clients survive as they are written: numbers, lone surrogates, other bytes."""
    record = (
        b'{ "name" : "\xc3\xb6", "nuid":"N","size":5 ,"digest":"x","deleted":false,'
        b'\n"description":"\\ud800\xff",'
        b'"new":{"a":[1.50,null,1e400,18446744073709551616],"size":1,"b":{}}, "chunks":1, "new":2}'
    )
    assert records.encode_tombstone(record) == (
        b'{"name" : "\xc3\xb6","nuid":"N","description":"\\ud800\xff",'
        b'"new":{"a":[1.50,null,1e400,18446744073709551616],"size":1,"b":{}},"new":2,'
        b'"size":0,"chunks":0,"digest":"","deleted":true}'
    )


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\0",
        b"[]",
        b"{",
        b"{}",
        b'{"name":"k"',
        b'{"name":"other","size":-1}',
        b'{"name":"other","headers":"x"}',
        b'{"name":"other\xff"}',
        b'{"name":"other","new":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        '{"name":"other"}'.encode("utf-16"),
    ],
)
def test_a_tombstone_can_be_made_of_whatever_is_there(record: bytes) -> None:
    """What cannot be read leaves nothing but the name that it is removed by."""
    tombstone = decode(records.encode_tombstone(record, bucket="b", name="k"))
    assert tombstone == ObjectInfo(
        bucket="b", name="k", size=0, chunks=0, modified=NOW, revision=7, digest="", deleted=True
    )
