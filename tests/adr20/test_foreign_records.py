"""ADR-20 without a server: the records of objects, whoever wrote them and however broken they are."""

from __future__ import annotations

import json
import sys
from traceback import walk_tb

import pytest

from natsobj.adr20 import records
from natsobj.errors import InvalidMetadata
from natsobj.models import Link, ObjectInfo
from tests.golden import (
    HELLO_DIGEST,
    NOW,
    decode,
)

# Liberties that clients take


def test_headers_may_be_strings_lists_or_nothing() -> None:
    """Go writes a header without values as null."""
    record: dict[str, object] = {
        "name": "k",
        "headers": {"a": "1", "b": ["1", "2"], "c": [], "d": None, "e": 5},
    }
    assert decode(record).headers == {"a": ("1",), "b": ("1", "2"), "c": (), "d": (), "e": ("5",)}


def test_a_record_needs_nothing_but_a_name() -> None:
    """Absent, null and empty fields are read as nothing."""
    least = ObjectInfo(bucket="b", name="k", size=0, chunks=0, modified=NOW, revision=7)
    assert decode({"name": "k"}) == least
    empty = dict.fromkeys(
        ("description", "headers", "metadata", "options", "nuid", "size", "chunks", "digest")
    )
    assert decode({"name": "k", "deleted": False, **empty}) == least
    assert decode({"name": "k", "options": {"link": None, "max_chunk_size": 0}, "nuid": ""}) == least


def test_unknown_fields_are_passed_over() -> None:
    """A newer client may have more to say."""
    assert decode({"name": "k", "mtime": 5, "checksum": {"crc": 1}}).name == "k"


def test_the_bucket_is_the_one_that_was_asked() -> None:
    """A mirror or a restored stream holds records that name another bucket."""
    assert decode({"name": "k", "bucket": "other"}).bucket == "b"
    assert decode({"name": "k", "options": {"link": {"name": "x"}}}).link == Link("b", "x")


# Records that cannot be meant


def good(**changes: object) -> bytes:
    """A good record with some fields changed."""
    record = {"name": "k", "nuid": "N", "size": 5, "chunks": 1, "digest": HELLO_DIGEST, "options": {}}
    return json.dumps(record | changes).encode()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"", "not JSON"),
        (b"\0", "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        (good()[:-1], "not JSON"),
        (good()[: len(good()) // 2], "not JSON"),
        (b"NATS/1.0\r\n\r\n", "not JSON"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'"k"', "not a JSON object"),
        (b"5", "not a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"name":' * 100_000, "nested too deeply"),
        (b"{}", "it has no name"),
        (good(name=""), "it has no name"),
        (good(name=None), "it has no name"),
        (good(name=5), "name is not a string"),
        (good(name=["k"]), "name is not a string"),
        (good(name="a\udcff"), "name is not UTF-8"),
        (b'{"name":"\xed\xa0\x80"}', "name is not UTF-8"),
        (good(description=5), "description is not a string"),
        (good(digest=5), "digest is not a string"),
        (good(digest=["SHA-256="]), "digest is not a string"),
        (good(size="5"), "size is not a count"),
        (good(size=5.5), "size is not a count"),
        (good(size=-1), "size is not a count"),
        (good(size=True), "size is not a count"),
        (good(size=False), "size is not a count"),
        (good(size=""), "size is not a count"),
        (good(size=[]), "size is not a count"),
        (good(size=float("nan")), "NaN is not JSON"),
        (good(size=float("inf")), "Infinity is not JSON"),
        (good(new=[float("-inf")]), "-Infinity is not JSON"),
        (good(size=5.0), "size is not a count"),
        (good().replace(b"5", b"5e0"), "size is not a count"),
        (good(size=2**63), "size is not a count"),
        (good(size=10**400), "size is not a count"),
        (good().replace(b"5", b"5" * 100_000), "size is not a count"),
        (good(chunks=2**63), "chunks is not a count"),
        (good().decode().encode("utf-16"), "not JSON"),
        (good().decode().encode("utf-32-be"), "not JSON"),
        (good() + b"\0", "not JSON"),
        (good() + b"{}", "not JSON"),
        (good() + b" ]", "not JSON"),
        (good(new="\t").replace(b"\\t", b"\t"), "not JSON"),
        (good(name="x" * 5000), "name has 5,000 bytes"),
        (b'{"name":"k\xff"}', "name is not UTF-8"),
        (good(deleted="yes"), "deleted is not true or false"),
        (good(deleted=1), "deleted is not true or false"),
        (good(chunks=True), "chunks is not a count"),
        (good(chunks=-1), "chunks is not a count"),
        (good(headers=["a"]), "headers is not an object"),
        (good(headers="a: b"), "headers is not an object"),
        (good(metadata=["a"]), "metadata is not an object"),
        (good(options="x"), "options is not an object"),
        (good(options={"max_chunk_size": -1}), "max_chunk_size is not a count"),
        (good(options={"max_chunk_size": True}), "max_chunk_size is not a count"),
        (good(options={"link": "b/k"}), "link is not an object"),
        (good(options={"link": {"bucket": 5}}), "bucket is not a string"),
        (good(options={"link": {"bucket": "b", "name": 5}}), "name is not a string"),
        (good(options={"link": {"bucket": "b", "name": "\ud800"}}), "name is not UTF-8"),
        (good(options={"link": {"bucket": "\ud800"}}), "bucket is not UTF-8"),
        (good(options={"max_chunk_size": 2**63}), "max_chunk_size is not a count"),
        (good(nuid=5), "nuid is not a string"),
        (good(nuid="x" * 5000), "nuid has 5,000 bytes"),
    ],
)
def test_a_record_that_cannot_be_meant_is_invalid_metadata(record: bytes, reason: str) -> None:
    """Whatever is stored under a metadata subject: one error that names it, and no other kind."""
    with pytest.raises(InvalidMetadata, match=f"^unreadable metadata: b/k: .*{reason}") as caught:
        decode(record)
    assert (caught.value.bucket, caught.value.where) == ("b", "k")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("depth", [10, 200, 800, 990, 5_000])
def test_a_record_of_any_depth_is_read_or_refused(depth: int) -> None:
    """Nesting that the parser still takes may be too deep for what comes after it."""
    nested = b"[" * depth + b"]" * depth
    record = b'{"name":"k","headers":{"h":%s},"metadata":{"m":%s}}' % (nested, nested)
    try:
        assert decode(record).name == "k"
    except InvalidMetadata as e:
        assert "nested too deeply" in str(e)  # noqa: PT017  # both ends are right, an error of another kind is not


@pytest.mark.parametrize("nuid", ["*", ">", "a.b", "a.>", ".", "a b", "a\r\nPUB x", "\0", "\ud800"])
@pytest.mark.parametrize("deleted", [True, False])
def test_a_nuid_that_is_not_one_token_is_refused(nuid: str, *, deleted: bool) -> None:
    """Chunks are purged by their nuid: one that is a wildcard would take those of every object with it."""
    with pytest.raises(InvalidMetadata, match="nuid"):
        decode(good(nuid=nuid, deleted=deleted))


def test_what_has_no_utf_8_and_names_nothing_is_shown_with_marks_in_its_place() -> None:
    """Lone surrogates and bytes of another encoding: whatever is decoded can be written as UTF-8."""
    info = decode(
        good(
            description="a\ud800b",
            headers={"h\udcff": ["\ude00\ud83d", "🙂"], "i": "\udfff"},
            metadata={"m\ud800": "\ud800", "n": ["\ud800"]},
            digest="SHA-256=\ud800",
        )
    )
    assert (info.description, info.digest) == ("a\ufffdb", "SHA-256=\ufffd")
    assert info.headers == {"h\ufffd": ("\ufffd\ufffd", "🙂"), "i": ("\ufffd",)}
    assert info.metadata == {"m\ufffd": "\ufffd", "n": '["\\ud800"]'}
    assert decode(b'{"name":"k","description":"K\xf6ln"}').description == "K\ufffdln"


def test_a_byte_order_mark_and_blanks_are_passed_over() -> None:
    """An editor's, not a client's."""
    assert decode(b"\xef\xbb\xbf \r\n" + good() + b"\n") == decode(good())


def test_the_last_of_two_fields_counts() -> None:
    """As the parsers of all other clients have it."""
    assert decode(b'{"name":"a","size":-1,"size":5,"name":"k"}') == decode({"name": "k", "size": 5})


def test_a_number_of_any_length_in_a_field_of_no_concern_is_passed_over() -> None:
    """Python refuses to parse integers of 4,300 digits."""
    record = b'{"name":"k","new":%s,"metadata":{"m":%s}}' % (b"5" * 5000, b"7" * 5000)
    assert decode(record).name == "k"


def test_values_that_are_no_strings_are_shown_as_json() -> None:
    """Never as Python writes them."""
    values = {"n": None, "t": True, "f": 1.5, "l": ["a", None], "d": {"k": "v"}}
    assert decode({"name": "k", "metadata": values}).metadata == {
        "n": "",
        "t": "true",
        "f": "1.5",
        "l": '["a", null]',
        "d": '{"k": "v"}',
    }
    assert decode({"name": "k", "headers": {"h": [True, None, {"k": "v"}]}}).headers == {
        "h": ("true", "", '{"k": "v"}')
    }


def test_the_headers_of_an_older_nats_rs_are_read() -> None:
    """Version 0.42 wrote its own structure; a header that is called `inner` is one all the same."""
    nested = {"inner": {"X": [{"inner": "a"}, {"inner": "b"}], "Y": []}}
    assert decode({"name": "k", "headers": nested}).headers == {"X": ("a", "b"), "Y": ()}
    assert decode({"name": "k", "headers": {"inner": ["a"]}}).headers == {"inner": ("a",)}


def test_a_tombstone_is_no_link() -> None:
    """nats.net leaves the link in it."""
    record = good(deleted=True, options={"link": {"bucket": "b", "name": "k"}})
    assert decode(record).link is None


def test_an_error_keeps_nothing_of_the_record() -> None:
    """Hundreds of unreadable records of a megabyte each do not stay in memory with their errors."""
    with pytest.raises(InvalidMetadata) as caught:
        decode(b"[" + b" " * 1_000_000)
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    frames = [frame for frame, _ in walk_tb(error.__traceback__) if frame.f_globals is vars(records)]
    held = [value for frame in frames for value in frame.f_locals.values()]
    assert held
    assert max(map(sys.getsizeof, held)) < 10_000
    assert len(str(error)) < 200
