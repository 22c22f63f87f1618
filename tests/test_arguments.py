"""What the library refuses before it asks the server: wrong types by name, invalid values, other hands."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

import natsobj
from natsobj import Bucket, BucketConfig, InvalidArgument, ObjectMeta, Placement, Settings, Store
from tests.sinks import Buffer


def refused(make: Callable[..., object], message: str, *args: object, **fields: object) -> None:
    """See that a call is a `TypeError` with this message."""
    with pytest.raises(TypeError) as caught:
        make(*args, **fields)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("description", 5, "ObjectMeta.description must be a str or None, not int"),
        ("description", b"d", "ObjectMeta.description must be a str or None, not bytes"),
        ("headers", None, "ObjectMeta.headers must be a mapping, not None"),
        ("headers", [("X", "a")], "ObjectMeta.headers must be a mapping, not list"),
        (
            "headers",
            {"X": 5},
            "ObjectMeta.headers['X'] must be a str, or a tuple or list of str, not int",
        ),
        (
            "headers",
            {"X": b"a"},
            "ObjectMeta.headers['X'] must be a str, or a tuple or list of str, not bytes",
        ),
        (
            "headers",
            {"X": {"a"}},
            "ObjectMeta.headers['X'] must be a str, or a tuple or list of str, not set",
        ),
        ("headers", {"X": ("a", None)}, "ObjectMeta.headers['X'][1] must be a str, not None"),
        ("headers", {5: ("a",)}, "a key of ObjectMeta.headers must be a str, not int"),
        ("metadata", "a=b", "ObjectMeta.metadata must be a mapping, not str"),
        ("metadata", {"k": 5}, "ObjectMeta.metadata['k'] must be a str, not int"),
        ("metadata", {"k": ["v"]}, "ObjectMeta.metadata['k'] must be a str, not list"),
        ("metadata", {None: "v"}, "a key of ObjectMeta.metadata must be a str, not None"),
        ("chunk_size", "128K", "ObjectMeta.chunk_size must be an int or None, not str"),
        ("chunk_size", 1.5, "ObjectMeta.chunk_size must be an int or None, not float"),
        ("chunk_size", True, "ObjectMeta.chunk_size must be an int or None, not bool"),
    ],
)
def test_a_wrong_type_in_object_meta_is_named(field: str, value: object, message: str) -> None:
    """It says which field must be what, and what was given instead."""
    refused(ObjectMeta, message, **{field: value})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", None, "BucketConfig.name must be a str, not None"),
        ("description", 1, "BucketConfig.description must be a str or None, not int"),
        ("ttl", 60, "BucketConfig.ttl must be a timedelta or None, not int"),
        ("replicas", "3", "BucketConfig.replicas must be an int, not str"),
        ("replicas", True, "BucketConfig.replicas must be an int, not bool"),
        ("replicas", None, "BucketConfig.replicas must be an int, not None"),
        ("storage", None, "BucketConfig.storage must be a str, not None"),
        ("max_bytes", "1G", "BucketConfig.max_bytes must be an int or None, not str"),
        ("compressed", "yes", "BucketConfig.compressed must be a bool, not str"),
        ("compressed", 1, "BucketConfig.compressed must be a bool, not int"),
        ("metadata", [], "BucketConfig.metadata must be a mapping, not list"),
        ("metadata", {"k": 1}, "BucketConfig.metadata['k'] must be a str, not int"),
        ("placement", {"cluster": "c"}, "BucketConfig.placement must be a Placement or None, not dict"),
    ],
)
def test_a_wrong_type_in_bucket_config_is_named(field: str, value: object, message: str) -> None:
    """As in `ObjectMeta`."""
    refused(BucketConfig, message, **{"name": "b"} | {field: value})


def test_a_wrong_type_in_a_placement_is_named() -> None:
    """Tags are several, a cluster is one."""
    refused(Placement, "Placement.cluster must be a str or None, not int", cluster=1)
    refused(Placement, "Placement.tags[0] must be a str, not int", tags=(1,))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("servers", 4222, "Settings.servers must be a str, or a tuple or list of str, not int"),
        ("user", b"u", "Settings.user must be a str or None, not bytes"),
        ("token", 5, "Settings.token must be a str or None, not int"),
        ("tls_ca", "ca.pem", "Settings.tls_ca must be a Path or None, not str"),
        ("tls_first", 1, "Settings.tls_first must be a bool, not int"),
        ("timeout", 5, "Settings.timeout must be a timedelta, not int"),
        ("inbox_prefix", None, "Settings.inbox_prefix must be a str, not None"),
    ],
)
def test_a_wrong_type_in_settings_is_named(field: str, value: object, message: str) -> None:
    """Before any connection is tried."""
    refused(Settings, message, **{field: value})


@pytest.mark.parametrize(
    "fields",
    [
        {"chunk_size": 0},
        {"chunk_size": -1},
        {"chunk_size": 2**63},
        {"description": "\ud800"},
        {"metadata": {"k": "\udfff"}},
        {"metadata": {"\ud800": "v"}},
        {"headers": {"": "v"}},
        {"headers": {"a b": "v"}},
        {"headers": {"a:b": "v"}},
        {"headers": {"ä": "v"}},
        {"headers": {"a\n": "v"}},
        {"headers": {"a b": ()}},
        {"headers": {"a": "v\n"}},
        {"headers": {"a": ("v", "\x1b[31m")}},
        {"headers": {"a": "\x7f"}},
        {"headers": {"a": "a\tb"}},
        {"headers": {"a": "für"}},
    ],
)
def test_meta_that_another_client_could_not_read_is_refused(fields: dict[str, Any]) -> None:
    """One such record would keep other clients from listing the whole bucket."""
    with pytest.raises(InvalidArgument) as caught:
        ObjectMeta(**fields)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "fields",
    [
        {"replicas": 0},
        {"replicas": 10**400},
        {"max_bytes": 0},
        {"max_bytes": 2**63},
        {"ttl": timedelta(seconds=-1)},
        {"ttl": timedelta.max},
        {"storage": "tape"},
        {"description": "\ud800"},
        {"metadata": {"k": "\ud800"}},
    ],
)
def test_a_bucket_that_no_server_could_make_is_refused(fields: dict[str, Any]) -> None:
    """Out of range is no wrong type: it is an error of the library's own tree."""
    with pytest.raises(InvalidArgument) as caught:
        BucketConfig("b", **fields)
    assert len(str(caught.value)) < 200


def test_settings_that_lead_nowhere_are_refused() -> None:
    """No server, or no time to wait for one."""
    for fields in ({"servers": ()}, {"timeout": timedelta(0)}, {"timeout": timedelta(seconds=-1)}):
        with pytest.raises(InvalidArgument):
            Settings(**cast(Any, fields))


def test_a_header_may_have_one_value_or_several() -> None:
    """A string alone is one value, never its letters; tuples come out."""
    meta = ObjectMeta(headers={"A": "one", "B": ["1", "2"], "C": ("3",), "x-d!#$%&'*+.^_`|~": ()})
    assert meta.headers == {"A": ("one",), "B": ("1", "2"), "C": ("3",), "x-d!#$%&'*+.^_`|~": ()}


def test_what_a_caller_changes_later_changes_nothing() -> None:
    """Mappings and lists are copied."""
    values, headers, metadata, tags = ["1"], {"A": ["1"]}, {"k": "v"}, ["t"]
    headers["A"] = values
    meta, config = ObjectMeta(headers=headers, metadata=metadata), BucketConfig("b", metadata=metadata)
    placement = Placement(tags=cast(Any, tags))
    values.append("2")
    headers["B"] = ["3"]
    metadata["k"] = "w"
    tags.append("u")
    assert (meta.headers, meta.metadata, config.metadata) == ({"A": ("1",)}, {"k": "v"}, {"k": "v"})
    assert placement.tags == ("t",)


class Name(str, enum.Enum):  # noqa: UP042  # what older programs have
    """Strings of a subclass, which would show as `Name.KEY`."""

    KEY = "k"
    STORAGE = "memory"


def test_a_string_of_a_subclass_is_as_good_as_any() -> None:
    """It becomes an ordinary one."""
    meta = ObjectMeta(Name.KEY, {Name.KEY: Name.KEY}, {Name.KEY: Name.KEY})
    for text in (meta.description, *meta.headers, meta.headers["k"][0], *meta.metadata, meta.metadata["k"]):
        assert type(text) is str
    assert BucketConfig("b", storage=cast(Any, Name.STORAGE)).storage == "memory"


# With a server


async def test_a_key_of_a_subclass_is_stored_by_its_value(bucket: Bucket) -> None:
    """The record, the subject and what comes back agree."""
    info = await bucket.put(Name.KEY, b"x", ObjectMeta(Name.KEY))
    assert (info.name, info.description, type(info.name)) == ("k", "k", str)
    assert await bucket.read("k") == b"x"


@pytest.mark.parametrize("key", [None, 5, b"k", Path("k"), ["k"]])
async def test_a_key_that_is_no_string_is_a_type_error(bucket: Bucket, key: Any) -> None:
    """In every verb, and nothing was stored."""
    for verb in (
        bucket.put(key, b"x"),
        bucket.get(key, Buffer()),
        bucket.read(key),
        bucket.info(key),
        bucket.delete(key),
    ):
        with pytest.raises(TypeError, match=r"^key must be a str( or an ObjectInfo)?, not "):
            await verb
    with pytest.raises(TypeError, match="key must be a str"):
        async with bucket.open(key):
            pass
    assert [info async for info in bucket.list()] == []


@pytest.mark.parametrize("name", [None, 5, b"b", Path("b")])
async def test_a_bucket_name_that_is_no_string_is_a_type_error(store: Store, name: Any) -> None:
    """Wherever a name is taken."""
    with pytest.raises(TypeError, match="^bucket must be a str, not "):
        store.bucket(name)
    with pytest.raises(TypeError, match="^bucket must be a str, not "):
        await store.delete_bucket(name)


async def test_other_wrong_arguments_are_named(store: Store, bucket: Bucket) -> None:
    """Every one that a verb takes."""
    put, get, read = cast(Any, bucket.put), cast(Any, bucket.get), cast(Any, bucket.read)
    for call, message in (
        (lambda: put("k", b"x", {"description": "d"}), "meta must be an ObjectMeta or None, not dict"),
        (lambda: put("k", b"x", if_absent="no"), "if_absent must be a bool, not str"),
        (lambda: put("k", b"x", if_match=5), "if_match must be a str, not int"),
        (lambda: get("k", Buffer(), offset="1"), "offset must be an int, not str"),
        (lambda: get("k", Buffer(), length=True), "length must be an int or None, not bool"),
        (lambda: get("k", Buffer(), replace=1), "replace must be a bool, not int"),
        (lambda: read("k", limit="1K"), "limit must be an int or None, not str"),
        (
            lambda: cast(Any, store.create_bucket)("b"),
            "config must be a BucketConfig, not str",
        ),
        (lambda: anext(bucket.list(cast(Any, None))), "prefix must be a str, not None"),
    ):
        with pytest.raises(TypeError) as caught:
            await call()
        assert str(caught.value) == message
    with pytest.raises(InvalidArgument, match="64 hex digits"):
        await bucket.put("k", b"x", if_match="abc")
    assert [info async for info in bucket.list()] == []


def test_wrong_arguments_of_connect_are_named() -> None:
    """Before there is any connection."""
    connect = cast(Any, natsobj.connect)
    refused(connect, "servers must be a str, not int", 4222)
    refused(connect, "settings must be Settings, not dict", settings={"servers": ()})
    refused(cast(Any, Store), "settings must be Settings, not str", "nats://127.0.0.1")


async def test_a_record_that_is_no_message_is_refused_before_the_upload(bucket: Bucket) -> None:
    """Key, headers and metadata travel in one message; the source is not even read."""
    asked = []

    def data() -> Any:
        asked.append(1)
        yield b"x"

    await bucket.put("k", b"old")
    for meta in (
        ObjectMeta("d" * 1024 * 1024),
        ObjectMeta(metadata={"k": "ä" * 600_000}),
        ObjectMeta(headers={"A": ["v" * 1000] * 1100}),
    ):
        with pytest.raises(InvalidArgument, match="description, headers and metadata"):
            await bucket.put("k", data(), meta)
    assert asked == []
    assert await bucket.read("k") == b"old"
    info = await bucket.put("k", b"x", ObjectMeta("d" * (1024 * 1024 - 500)))
    assert len(info.description or "") == 1024 * 1024 - 500
