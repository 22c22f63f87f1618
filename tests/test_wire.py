"""ADR-20 without a server: names, subjects, digests, times, and the records that we write."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from natsobj import wire
from natsobj.errors import InvalidBucketName, InvalidKey
from natsobj.models import BucketConfig, Link, ObjectInfo
from tests.golden import (
    HELLO,
    HELLO_DIGEST,
    MESSAGES,
    NOW,
    decode,
    name_of,
)

# Names and subjects


@pytest.mark.parametrize("name", ["a", "A-b_9", "-", "_", "0", "x" * 200])
def test_a_bucket_name_of_letters_digits_dash_and_underscore_is_taken(name: str) -> None:
    """ADR-20 allows these and nothing else."""
    assert wire.check_bucket_name(name) == name
    assert wire.bucket_of_stream(wire.stream_name(name)) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a.b", "a/b", "*", ">", "a\n", "\na", "ä", "٣", "a\0", "$O", "a*", "ａ"]
)
def test_any_other_bucket_name_is_refused(name: str) -> None:
    """What would be a wildcard, two tokens or no token of a subject never reaches the server."""
    with pytest.raises(InvalidBucketName):
        wire.check_bucket_name(name)
    with pytest.raises(InvalidBucketName):
        wire.stream_config(BucketConfig(name))


@pytest.mark.parametrize(
    "stream", ["", "OBJ_", "OBJ", "KV_b", "obj_b", "xOBJ_b", "OBJ_a b", "OBJ_a.b", "OBJ_a\n"]
)
def test_a_stream_that_keeps_no_bucket_is_told_apart(stream: str) -> None:
    """Other streams of the account are not listed as buckets."""
    assert wire.bucket_of_stream(stream) is None


def test_a_bucket_may_be_called_like_the_prefix() -> None:
    """Only the first prefix is taken off."""
    assert wire.bucket_of_stream("OBJ_OBJ_b") == "OBJ_b"


@pytest.mark.parametrize(
    "key", ["k", " ", "/", "..", "a/../b", "a\nb", "\0", "*.>", "ö🙂", "x" * 2900, "ö" * 1450]
)
def test_a_key_is_any_text_up_to_2900_bytes(key: str) -> None:
    """Keys are stored exactly as given."""
    assert wire.check_key(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "it is empty"),
        ("x" * 2901, "it has 2,901 bytes, 2,900 are possible"),
        ("ö" * 1450 + "x", "it has 2,901 bytes"),
        ("🙂" * 726, "it has 2,904 bytes"),
        ("a\udcff", "it is not UTF-8"),
    ],
)
def test_a_key_that_the_server_would_drop_is_refused(key: str, reason: str) -> None:
    """Length is counted in bytes, and what has no bytes is no key."""
    with pytest.raises(InvalidKey, match=reason):
        wire.check_key(key)


def test_every_subject_is_as_adr_20_has_it() -> None:
    """Other clients look for exactly these."""
    assert wire.stream_name("b") == "OBJ_b"
    assert wire.chunk_subject("b", "NUID") == "$O.b.C.NUID"
    assert wire.chunks_filter("b") == "$O.b.C.>"
    assert wire.metadata_subject("b", "k") == "$O.b.M.aw=="
    assert wire.metadata_subject("b", "ÿþ?>") == "$O.b.M.w7_Dvj8-"
    assert wire.metadata_filter("b") == "$O.b.M.>"


@pytest.mark.parametrize(("bucket", "message"), MESSAGES)
def test_golden_subjects_are_ours(bucket: str, message: dict[str, Any]) -> None:
    """What other clients stored is found by its name."""
    assert wire.metadata_subject(bucket, name_of(message)) == message["subject"]


def test_a_name_that_nats_js_stored_has_a_second_place() -> None:
    """nats.js encodes Latin-1: `Köpfe` lies elsewhere, and its record tells its name all the same."""
    assert wire.latin1_metadata_subject("b", "Köpfe") == "$O.b.M.S_ZwZmU="
    assert decode('{"name":"Köpfe"}'.encode()).name == "Köpfe"


@pytest.mark.parametrize("key", ["plain", "a b/c", "", "mit 🙂", "Ł"])
def test_a_name_has_no_second_place_where_latin_1_is_the_same_or_impossible(key: str) -> None:
    """No request is spent on a place that cannot be."""
    assert wire.latin1_metadata_subject("b", key) is None


def test_nuids_are_fresh_and_can_be_stored() -> None:
    """22 characters of base 62, never twice."""
    nuids = {wire.new_nuid() for _ in range(1000)}
    assert len(nuids) == 1000
    assert all(len(nuid) == 22 and nuid.isascii() and nuid.isalnum() for nuid in nuids)


def test_base64_of_a_key_is_that_of_its_utf_8() -> None:
    """Every byte may appear in a key and none of them in its subject."""
    key = "".join(map(chr, range(1, 0x250)))
    token = wire.metadata_subject("b", key).removeprefix("$O.b.M.")
    assert base64.urlsafe_b64decode(token).decode() == key
    assert not set(token) & set(". *>\t\r\n")


# Digests


def test_digests_are_written_with_padding_and_the_url_alphabet() -> None:
    """The form that every client compares as text."""
    assert wire.format_digest(hashlib.sha256(b"hello").digest()) == HELLO_DIGEST
    assert wire.format_digest(b"\xfb\xef\xbe" * 10 + b"\xff\xff") == "SHA-256=" + "----" * 10 + "__8="


@pytest.mark.parametrize(
    "digest",
    [
        HELLO_DIGEST,
        HELLO_DIGEST.rstrip("="),
        HELLO_DIGEST.replace("SHA-256", "sha-256"),
        HELLO_DIGEST.replace("SHA-256", "Sha-256"),
        HELLO_DIGEST.replace("-wow", "+wow"),
        HELLO_DIGEST.replace("-wow", "+wow").rstrip("="),
    ],
)
def test_digests_are_read_in_any_case_alphabet_and_padding(digest: str) -> None:
    """Clients differ in how they write the same digest."""
    assert wire.parse_digest(digest) == HELLO


def test_digests_of_the_standard_alphabet_are_read() -> None:
    """`+` and `/` stand for `-` and `_`."""
    assert wire.parse_digest("SHA-256=" + "++++" * 10 + "//8=") == "fbefbe" * 10 + "ffff"


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
        "SHA-256=" + HELLO,
    ],
)
def test_what_is_no_sha_256_is_none(digest: str) -> None:
    """A digest of another kind, or half of one, cannot be checked and is not guessed at."""
    assert wire.parse_digest(digest) is None


# Times


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-20T14:54:02Z", NOW.replace(microsecond=0)),
        ("2026-11-20T14:54:02.1Z", NOW.replace(microsecond=100000)),
        ("2026-11-20T14:54:02.123456789Z", NOW),
        ("2026-11-20T14:54:02.12345678Z", NOW),
        ("2026-11-20T16:54:02.123456+02:00", NOW),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_times_of_the_server_are_read_as_utc(text: str, time: datetime | None) -> None:
    """One to nine digits of a second, any offset; year 1 is never."""
    read = wire.parse_time(text)
    assert read == time
    assert read is None or read.utcoffset() == timedelta()


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
    assert json.loads(wire.encode_object(FULL)) == {
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
    assert json.loads(wire.encode_object(bare)) == {
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
    record = wire.encode_object(FULL)
    assert record.startswith('{"name":"mit Köpfen/🙂","description":"ein Bild",'.encode())


@pytest.mark.parametrize(
    "info",
    [
        FULL,
        replace(FULL, description=None, headers={}, metadata={}, chunk_size=None),
        replace(FULL, name='\0\n"\\/\u2028'),
        replace(FULL, description="a\udcff"),
        replace(FULL, link=Link("other", "k"), size=0, chunks=0),
        replace(FULL, link=Link("other"), size=0, chunks=0),
        replace(FULL, deleted=True, size=0, chunks=0, digest="", sha256=None),
    ],
)
def test_what_is_written_is_read_back_the_same(info: ObjectInfo) -> None:
    """Encoding and decoding lose nothing."""
    assert decode(wire.encode_object(info)) == info


def test_a_link_is_written_under_options() -> None:
    """A link to a bucket has no name."""
    link = replace(FULL, link=Link("other", "k"))
    assert json.loads(wire.encode_object(link))["options"]["link"] == {"bucket": "other", "name": "k"}
    link = replace(FULL, link=Link("other"))
    assert json.loads(wire.encode_object(link))["options"]["link"] == {"bucket": "other"}


def test_a_tombstone_keeps_all_that_it_does_not_change() -> None:
    """Fields of newer clients survive, and so do names, unusual numbers and lone surrogates."""
    record = (
        '{"name":"ö\\ud800","nuid":"N","size":5,"digest":"x","new":{"a":[1.5,null,18446744073709551616]}}'
    )
    tombstone = wire.encode_tombstone(record.encode())
    assert json.loads(tombstone) == json.loads(record) | {
        "size": 0,
        "chunks": 0,
        "digest": "",
        "deleted": True,
    }
    assert b"\\ud800" in tombstone
