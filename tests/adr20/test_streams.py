"""ADR-20 without a server: the streams of buckets."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from natsobj.adr20 import streams
from natsobj.models import BucketConfig, Cluster, Placement, Replica
from tests.golden import GOLDEN, NOW


def test_a_new_bucket_has_exactly_the_stream_of_adr_20() -> None:
    """No `rollup_hdrs`, no list of metadata, nothing that a strict server refuses."""
    assert streams.stream_config(BucketConfig("b")) == {
        "name": "OBJ_b",
        "subjects": ["$O.b.C.>", "$O.b.M.>"],
        "max_age": 0,
        "max_bytes": -1,
        "storage": "file",
        "num_replicas": 1,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "compression": "none",
    }


def test_every_setting_of_a_bucket_reaches_its_stream() -> None:
    """Everything that `BucketConfig` has, under the server's name."""
    config = BucketConfig(
        "b",
        description="d",
        ttl=timedelta(days=1),
        replicas=3,
        storage="memory",
        max_bytes=5,
        compressed=True,
        metadata={"k": "v"},
        placement=Placement("c1", ("ssd", "eu")),
    )
    assert streams.stream_config(config) == {
        "name": "OBJ_b",
        "description": "d",
        "subjects": ["$O.b.C.>", "$O.b.M.>"],
        "max_age": 86_400_000_000_000,
        "max_bytes": 5,
        "storage": "memory",
        "num_replicas": 3,
        "discard": "new",
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "compression": "s2",
        "metadata": {"k": "v"},
        "placement": {"cluster": "c1", "tags": ["ssd", "eu"]},
    }


@pytest.mark.parametrize(
    "config",
    [
        BucketConfig(
            "golden_go",
            description="from go",
            ttl=timedelta(days=1),
            max_bytes=1024**3,
            compressed=True,
            metadata={"a": "b"},
        ),
        BucketConfig("golden_js", description="from js", metadata={"a": "b"}),
        BucketConfig("golden_py", description="from py"),
    ],
    ids=lambda config: config.name,
)
def test_our_streams_are_those_of_other_clients(config: BucketConfig) -> None:
    """Every field that we set has the value that Go, nats.js and nats-py set for the same bucket."""
    theirs = GOLDEN[config.name]["stream_config"]
    ours = streams.stream_config(config)
    metadata = {key: value for key, value in theirs["metadata"].items() if not key.startswith("_nats.")}
    assert ours.pop("metadata", {}) == metadata
    assert ours == {field: theirs[field] for field in ours}


@pytest.mark.parametrize(
    ("ttl", "nanoseconds"),
    [
        (None, 0),
        (timedelta(), 0),
        (timedelta(microseconds=1), 1_000),
        (timedelta(milliseconds=100), 100_000_000),
        (timedelta(seconds=0.3), 300_000_000),
        (timedelta(days=3650, microseconds=1), 315_360_000_000_001_000),
        (timedelta(days=106751, microseconds=7), 9_223_286_400_000_007_000),
    ],
)
def test_a_ttl_is_exact_in_both_directions(ttl: timedelta | None, nanoseconds: int) -> None:
    """No rounding of floats, up to the 292 years that the server can count."""
    assert streams.stream_config(BucketConfig("b", ttl=ttl))["max_age"] == nanoseconds
    assert streams.decode_bucket(stream({"max_age": nanoseconds})).ttl == (ttl or None)


def stream(config: dict[str, object] | None = None, **info: object) -> dict[str, object]:
    """A stream info of the server."""
    least = {"name": "OBJ_b", "subjects": ["$O.b.C.>", "$O.b.M.>"]}
    return {"config": least | (config or {}), "created": "2026-11-20T14:54:02.123456789Z"} | info


@pytest.mark.parametrize("bucket", GOLDEN)
def test_golden_buckets_are_read(bucket: str) -> None:
    """What the server added to the metadata (`_nats.`) is not the user's and is left out."""
    config = GOLDEN[bucket]["stream_config"]
    info = streams.decode_bucket(stream(config))
    assert (info.bucket, info.stream) == (bucket, f"OBJ_{bucket}")
    assert info.description == (config.get("description") or None)
    assert info.metadata == ({"a": "b"} if bucket in ("golden_go", "golden_js") else {})
    assert info.ttl == (timedelta(days=1) if config["max_age"] else None)
    assert info.max_bytes == (1024**3 if config["max_bytes"] > 0 else None)
    assert info.compressed is (config.get("compression") == "s2")
    assert (info.storage, info.replicas, info.sealed) == (config["storage"], 1, bucket == "netall")


def test_a_bucket_is_read_with_its_state() -> None:
    """Size is the stream's bytes; objects and chunks are not counted here."""
    state = {"bytes": 12345, "last_ts": "2026-11-20T14:54:02.123456Z"}
    info = streams.decode_bucket(stream(state=state))
    assert (info.bucket, info.stream, info.created, info.size) == ("b", "OBJ_b", NOW, 12345)
    assert (info.last_update, info.objects, info.chunks) == (NOW, None, None)


@pytest.mark.parametrize("state", [{}, {"last_ts": ""}, {"last_ts": "0001-01-01T00:00:00Z"}])
def test_a_bucket_that_was_never_written_to_has_no_last_update(state: dict[str, object]) -> None:
    """The server says year 1."""
    assert streams.decode_bucket(stream(state=state)).last_update is None


def test_what_a_bucket_does_not_have_is_none() -> None:
    """Limits of -1 and 0, empty descriptions and placements are no limits, descriptions and placements."""
    nothing = {"max_bytes": -1, "max_age": 0, "description": "", "metadata": None, "placement": None}
    for config in (None, nothing, nothing | {"max_bytes": 0}):
        info = streams.decode_bucket(stream(config, cluster=None, state=None))
        assert (info.max_bytes, info.ttl, info.description, info.metadata) == (None, None, None, {})
        assert (info.placement, info.cluster, info.sealed, info.mirror) == (None, None, False, False)


def test_what_is_special_about_a_bucket_is_read() -> None:
    """Sealed, a mirror, in memory, compressed, placed."""
    special = {
        "sealed": True,
        "mirror": {"name": "OBJ_a"},
        "storage": "memory",
        "compression": "s2",
        "num_replicas": 3,
        "placement": {"cluster": "c1", "tags": ["ssd"]},
    }
    info = streams.decode_bucket(stream(special))
    assert (info.sealed, info.mirror, info.storage, info.compressed) == (True, True, "memory", True)
    assert (info.replicas, info.placement) == (3, Placement("c1", ("ssd",)))
    assert streams.decode_bucket(stream({"placement": {"tags": ["ssd"]}})).placement == Placement(
        None, ("ssd",)
    )


def test_the_cluster_of_a_bucket_is_read() -> None:
    """Leader and followers, with how far they are behind; a single server has a leader only."""
    cluster = {
        "name": "c1",
        "leader": "n1",
        "replicas": [
            {"name": "n2", "current": True, "active": 5},
            {"name": "n3", "current": False, "lag": 17, "offline": True},
        ],
    }
    info = streams.decode_bucket(stream(cluster=cluster))
    assert info.cluster == Cluster("c1", "n1", (Replica("n2", True, 0), Replica("n3", False, 17)))
    assert streams.decode_bucket(stream(cluster={"leader": "n1"})).cluster == Cluster(None, "n1")


# Times


# May it keep an object?


def config(**settings: object) -> dict[str, object]:
    """The configuration of a bucket's stream as a server of 2.15 tells it, with some settings changed."""
    golden: dict[str, object] = GOLDEN["golden_go"]["stream_config"]
    return golden | {"subjects": ["$O.b.C.>", "$O.b.M.>"], "max_age": 0} | settings


@pytest.mark.parametrize("bucket", GOLDEN)
def test_the_streams_of_all_clients_keep_objects(bucket: str) -> None:
    """None is refused; a plain one needs no count before the commit, unless its chunks expire."""
    made = GOLDEN[bucket]["stream_config"]
    assert streams.refusals(made, bucket) == ()
    assert streams.is_plain(made | {"max_age": 0}, bucket) is not made["sealed"]
    assert not (made["max_age"] and streams.is_plain(made, bucket))


def test_our_own_streams_are_plain() -> None:
    """Compressed, replicated, described: what `add` offers costs no count."""
    made = BucketConfig("b", description="d", metadata={"k": "v"}, compressed=True, replicas=3, max_bytes=10)
    assert streams.is_plain(streams.stream_config(made), "b")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("max_msgs_per_subject", 10, "max_msgs_per_subject is 10"),
        ("retention", "interest", "retention is interest"),
        ("retention", "workqueue", "retention is workqueue"),
        ("no_ack", True, "no_ack is true"),
        ("allow_rollup_hdrs", False, "allow_rollup_hdrs is false"),
        ("allow_msg_counter", True, "allow_msg_counter is true"),
        ("max_msg_size", 100, "max_msg_size is 100"),
        ("subjects", ["other.>"], "subjects lack $O.b.C.> and $O.b.M.>"),
        ("subjects", ["$O.b.C.>"], "subjects lack $O.b.M.>"),
        ("subjects", ["$O.*.M.*", "$O.x.>"], "subjects lack $O.b.C.>"),
        ("subjects", None, "subjects lack $O.b.C.> and $O.b.M.>"),
        ("subject_transform", {"src": "$O.b.C.>", "dest": "x.>"}, "subject_transform moves $O.b.C.>"),
        ("subject_transform", {"src": "$O.b.M.*", "dest": "x.*"}, "subject_transform moves $O.b.M.>"),
        ("subject_transform", {"src": "$O.b.C.n", "dest": "n"}, "subject_transform moves $O.b.C.>"),
        ("subject_transform", {"src": "", "dest": "x.>"}, "subject_transform moves $O.b.C.> and $O.b.M.>"),
    ],
)
def test_a_stream_that_loses_objects_is_refused_by_its_setting(
    setting: str, value: object, reason: str
) -> None:
    """The reason names the setting and its value, and such a stream is never plain."""
    assert streams.refusals(config(**{setting: value}), "b") == (reason,)
    assert setting == "max_msg_size" or not streams.is_plain(config(**{setting: value}), "b")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("subjects", ["$O.>"]),
        ("subjects", [">"]),
        ("subjects", ["$O.b.>"]),
        ("subjects", ["foo", "$O.*.C.*", "$O.b.M.>"]),
        ("subject_transform", {"src": ">", "dest": ">"}),
        ("subject_transform", {"src": "other.>", "dest": "x.>"}),
        ("subject_transform", {"src": "$O.b.C.*.x", "dest": "x.*"}),
        ("republish", {"src": ">", "dest": "copy.>"}),
        ("sources", [{"name": "S"}]),
        ("discard", "old"),
        ("max_msgs", 100),
        ("max_age", 1),
        ("deny_delete", True),
        ("persist_mode", "async"),
        ("of_servers_to_come", True),
    ],
)
def test_a_stream_of_other_settings_takes_objects_but_is_not_plain(setting: str, value: object) -> None:
    """What is not known to lose objects is not refused; what was stored is counted."""
    assert streams.refusals(config(**{setting: value}), "b") == ()
    assert not streams.is_plain(config(**{setting: value}), "b")


@pytest.mark.parametrize("value", [None, False, 0, -1, "", [], {}])
def test_a_setting_that_is_off_is_as_good_as_none(value: object) -> None:
    """Servers to come tell of settings that nobody uses."""
    assert streams.is_plain(config(of_servers_to_come=value, max_msgs_per_subject=value), "b")
    assert streams.refusals(config(of_servers_to_come=value, max_msgs_per_subject=value), "b") == ()


@pytest.mark.parametrize(
    "settings",
    [
        {"sealed": True, "deny_purge": True, "allow_rollup_hdrs": False},
        {"mirror": {"name": "OBJ_b"}, "subjects": None},
    ],
)
def test_sealed_buckets_and_mirrors_are_refused_by_what_they_are(settings: dict[str, object]) -> None:
    """They have errors of their own; the settings that follow from it explain nothing."""
    assert streams.refusals(config(**settings), "b") == ()


def test_a_limit_for_each_subject_matters_to_those_who_have_more_chunks() -> None:
    """Unknown sizes may have; a change of the record alone has none."""
    limited = config(max_msgs_per_subject=10)
    assert streams.refusals(limited, "b", chunks=11) == ("max_msgs_per_subject is 10",)
    assert streams.refusals(limited, "b", chunks=10) == streams.refusals(limited, "b", chunks=0) == ()
    assert streams.refusals(config(subjects=["$O.b.M.>"]), "b", chunks=0) == ()
    assert streams.refusals(config(subjects=["$O.b.C.>"]), "b", chunks=0) == ("subjects lack $O.b.M.>",)


@pytest.mark.parametrize("subjects", [None, 5, "x", [], [5, None], {"$O.b.C.>": 1}])
def test_a_stream_of_invalid_subjects_is_not_plain(subjects: object) -> None:
    """Whatever a server says of it."""
    assert not streams.is_plain(config(subjects=subjects), "b")
    assert streams.refusals(config(subjects=subjects), "b") == ("subjects lack $O.b.C.> and $O.b.M.>",)


def test_every_reason_is_told_in_a_short_line() -> None:
    """Whatever a server says of its stream."""
    reasons = streams.refusals({"retention": "x" * 1000, "no_ack": {"a": 1}, "subjects": 5}, "b")
    assert reasons == (
        "retention is " + "x" * 40,
        'no_ack is {"a": 1}',
        "allow_rollup_hdrs is false",
        "subjects lack $O.b.C.> and $O.b.M.>",
    )


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
    read = streams.parse_time(text)
    assert read == time
    assert read is None or read.utcoffset() == timedelta()
