"""ADR-20 without a server: the names of buckets and keys, and the subjects that they stand for."""

from __future__ import annotations

import base64

import pytest

from natsobj.adr20 import names, streams
from natsobj.errors import InvalidBucketName, InvalidKey
from natsobj.models import BucketConfig
from tests.golden import GOLDEN, name_of


@pytest.mark.parametrize("name", ["a", "A-b_9", "-", "_", "0", "x" * 200])
def test_a_bucket_name_of_letters_digits_dash_and_underscore_is_taken(name: str) -> None:
    """ADR-20 allows these and nothing else."""
    assert names.check_bucket_name(name) == name
    assert names.bucket_of_stream(names.stream_name(name)) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a.b", "a/b", "*", ">", "a\n", "\na", "ä", "٣", "a\0", "$O", "a*", "ａ"]
)
def test_any_other_bucket_name_is_refused(name: str) -> None:
    """What would be a wildcard, two tokens or no token of a subject never reaches the server."""
    with pytest.raises(InvalidBucketName):
        names.check_bucket_name(name)
    with pytest.raises(InvalidBucketName):
        streams.stream_config(BucketConfig(name))


@pytest.mark.parametrize(
    "stream", ["", "OBJ_", "OBJ", "KV_b", "obj_b", "xOBJ_b", "OBJ_a b", "OBJ_a.b", "OBJ_a\n"]
)
def test_a_stream_that_keeps_no_bucket_is_told_apart(stream: str) -> None:
    """Other streams of the account are not listed as buckets."""
    assert names.bucket_of_stream(stream) is None


def test_a_bucket_may_be_called_like_the_prefix() -> None:
    """Only the first prefix is taken off."""
    assert names.bucket_of_stream("OBJ_OBJ_b") == "OBJ_b"


@pytest.mark.parametrize(
    "key", ["k", " ", "/", "..", "a/../b", "a\nb", "\0", "*.>", "ö🙂", "x" * 2900, "ö" * 1450]
)
def test_a_key_is_any_text_up_to_2900_bytes(key: str) -> None:
    """Keys are stored exactly as given."""
    assert names.check_key(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "it is empty"),
        ("x" * 2901, "2,901 bytes, the limit is 2,900"),
        ("ö" * 1450 + "x", "2,901 bytes"),
        ("🙂" * 726, "2,904 bytes"),
        ("a\udcff", "it is not UTF-8"),
    ],
)
def test_a_key_that_the_server_would_drop_is_refused(key: str, reason: str) -> None:
    """Length is counted in bytes, and what has no bytes is no key."""
    with pytest.raises(InvalidKey, match=reason):
        names.check_key(key)


def test_every_subject_is_as_adr_20_has_it() -> None:
    """Other clients look for exactly these."""
    assert names.stream_name("b") == "OBJ_b"
    assert names.chunk_subject("b", "NUID") == "$O.b.C.NUID"
    assert names.chunks_filter("b") == "$O.b.C.>"
    assert names.metadata_subject("b", "k") == "$O.b.M.aw=="
    assert names.metadata_subject("b", "ÿþ?>") == "$O.b.M.w7_Dvj8-"
    assert names.metadata_filter("b") == "$O.b.M.>"


@pytest.mark.parametrize("bucket", ["golden_go", "golden_js", "golden_py", "golden_rs", "net"])
def test_the_subjects_of_today_are_ours(bucket: str) -> None:
    """Where clients that follow ADR-20 to the letter put a record, we put it."""
    for message in GOLDEN[bucket]["metadata"]:
        assert names.metadata_subject(bucket, name_of(message)) == message["subject"]


@pytest.mark.parametrize(
    ("key", "tails"),
    [
        ("k", ["aw==", "aw", "k"]),
        ("abc", ["YWJj", "abc"]),
        ("file.txt~", ["ZmlsZS50eHR-", "ZmlsZS50eHR+", "ZmlsZV90eHR-", "file_txt~"]),
        ("Köpfe", ["S8O2cGZl", "S_ZwZmU=", "S/ZwZmU=", "S_ZwZmU", "Köpfe"]),
        ("dir/file.bin", ["ZGlyL2ZpbGUuYmlu", "ZGlyL2ZpbGVfYmlu", "dir/file_bin"]),
        ("my file.txt", ["bXlfZmlsZV90eHQ=", "bXlfZmlsZV90eHQ", "my_file_txt"]),
        ("日本/語.txt", ["5pel5pysL+iqni50eHQ="]),
        ("x" * 2900, ["x" * 2900]),
    ],
)
def test_a_key_may_lie_where_any_client_of_any_age_put_it(key: str, tails: list[str]) -> None:
    """Both alphabets, Latin-1, without padding, and the changed names of old clients; its own place first."""
    subjects = names.key_subjects("b", key)
    assert subjects[0] == names.metadata_subject("b", key)
    assert {f"$O.b.M.{tail}" for tail in tails} <= set(subjects)
    assert len(set(subjects)) == len(subjects) < 20


@pytest.mark.parametrize(
    "key", ["*", ">", "a.*", "*.b", "a.>", "a.>.b", ".", "a..b", " ", "a\tb", "\0", "a\nb"]
)
def test_no_subject_of_a_key_is_a_wildcard_or_none_at_all(key: str) -> None:
    """What one key is asked or purged by never matches the records of others."""
    for subject in names.key_subjects("b", key):
        *_, root, kind, tail = subject.split(".", 3)
        assert (root, kind) == ("b", "M")
        assert all(
            token not in ("", "*", ">") and not set(token) & set(" \t\r\n\0") for token in tail.split(".")
        )


@pytest.mark.parametrize(
    "tail",
    [
        "aw==",
        "aw",
        "k",
        "abc",
        "YWJj",
        "S_ZwZmU=",
        "ZsO8ci50eHQ",
        "8J+OiQ==",
        "8J-OiQ",
        "my_file_txt",
        "a.b.c",
    ],
)
def test_a_subject_is_one_of_those_of_the_key_that_it_stands_for(tail: str) -> None:
    """A record that cannot be read is named by its subject, and is found by that name."""
    subject = f"$O.b.M.{tail}"
    assert subject in names.key_subjects("b", names.key_of_subject(subject))


def test_a_subject_that_is_no_base64_of_utf_8_names_itself() -> None:
    """The changed names of old clients, Latin-1, and what nobody can have meant."""
    for tail in ("my_file_txt", "S_ZwZmU=", "a.b", "aw=", "aw===", "aw==aw==", "ax==", "*", "=", "ä"):
        assert names.key_of_subject(f"$O.b.M.{tail}") == tail


@pytest.mark.parametrize(
    ("token", "name", "meant"),
    [
        ("ZsO8ci50eHQ=", "f?r.txt", "für.txt"),
        ("5pel5pysL+iqni50eHQ=", "??/?.txt", "日本/語.txt"),
        ("5pel5pysL-iqni50eHQ=", "??/?.txt", "日本/語.txt"),
        ("8J+OiQ==", "??", "🎉"),
        ("8J+OiQ==", "?", "?"),
        ("Zj9yLnR4dA==", "f?r.txt", "f?r.txt"),
        ("ZsO8ci50eHQ=", "für.txt", "für.txt"),
        ("ZsO8ci50eHQ=", "other?", "other?"),
        ("ZvxyLnR4dA==", "f?r.txt", "f?r.txt"),
    ],
)
def test_a_name_in_ascii_is_completed_by_its_subject(token: str, name: str, meant: str) -> None:
    """NATS.Client 1.x writes `?` for each UTF-16 unit beyond ASCII; anything else is what it says."""
    assert names.stored_name(f"$O.b.M.{token}", name) == meant


def test_nuids_are_fresh_and_can_be_stored() -> None:
    """22 characters of base 62, never twice."""
    nuids = {names.new_nuid() for _ in range(1000)}
    assert len(nuids) == 1000
    assert all(len(nuid) == 22 and nuid.isascii() and nuid.isalnum() for nuid in nuids)


def test_base64_of_a_key_is_that_of_its_utf_8() -> None:
    """Every byte may appear in a key and none of them in its subject."""
    key = "".join(map(chr, range(1, 0x250)))
    token = names.metadata_subject("b", key).removeprefix("$O.b.M.")
    assert base64.urlsafe_b64decode(token).decode() == key
    assert not set(token) & set(". *>\t\r\n")
