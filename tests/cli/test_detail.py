"""Single things as they appear on a terminal of a given width."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from natsobj.cli.output import account, buckets, formats, objects
from natsobj.models import AccountInfo, Cluster, Link, Placement, Replica
from tests.cli.drawn import BUCKET, DATA, SHA256, draw

pytestmark = pytest.mark.usefixtures("utc")

HOSTILE = ["[bold]x[/bold]", "[/x]", ":smile:", "a\nb", "\x1b[31mred", "\u202egpj", "日本語", "n" * 300]


def test_object_detail_is_the_one_of_the_documentation() -> None:
    """Title, aligned names, exact bytes, offset of the time, whole digest; nothing that is absent."""
    assert draw(objects.object_detail(DATA)) == [
        "test-bucket > my/random/data.bin",
        "",
        "      Size  10 MiB (10,485,760 bytes)",
        "  Modified  2026-11-20 14:54:02 +0000",
        "    Chunks  80 of 128 KiB",
        f"   SHA-256  {SHA256}",
    ]


def test_object_detail_shows_what_the_writer_said() -> None:
    """Description, each header value and metadata pair on a line of its own, the link's target."""
    info = replace(
        DATA,
        description="[b]a cat[/b]",
        headers={"X-A": ("1", "2"), "X-B": ("\x1b",)},
        metadata={"k": "v\n"},
        link=Link("other", "thing"),
    )
    assert draw(objects.object_detail(info))[6:] == [
        "  Description  [b]a cat[/b]",
        "      Headers  X-A: 1",
        "               X-A: 2",
        r"               X-B: \x1b",
        r"     Metadata  k=v\n",
        "         Link  other/thing",
    ]
    assert draw(objects.object_detail(replace(DATA, link=Link("other"))))[-1] == "      Link  bucket other"


@pytest.mark.parametrize("width", [60, 20])
def test_object_detail_never_cuts_the_digest(width: int) -> None:
    """The terminal wraps, we do not: all 64 digits can be selected at once."""
    assert f"   SHA-256  {SHA256}" in draw(objects.object_detail(DATA), width)


def test_the_digest_is_on_one_line_of_80_columns() -> None:
    """Also beside the longest field name that an object can have."""
    full = replace(DATA, description="x", headers={"a": ("b",)}, metadata={"k": "v"}, link=Link("b", "k"))
    line = next(line for line in draw(objects.object_detail(full), 80) if SHA256 in line)
    assert line == f"      SHA-256  {SHA256}"
    assert len(line) <= 80


@pytest.mark.parametrize("name", HOSTILE)
def test_object_detail_shows_every_name_whole_and_harmless(name: str) -> None:
    """The title is user data, too."""
    lines = draw(objects.object_detail(replace(DATA, name=name)), 40)
    assert lines[0] == f"test-bucket > {formats.printable(name)}"


@pytest.mark.parametrize(
    ("chunk_size", "text"),
    [
        (None, "80"),
        (1048576, "80 of 1 MiB"),
        (512, "80 of 512 B"),
        (100_000, "80 of 98 KiB (100,000 bytes)"),
        (1024 * 1500, "80 of 1.5 MiB (1,536,000 bytes)"),
    ],
)
def test_object_detail_never_rounds_the_chunk_size(chunk_size: int | None, text: str) -> None:
    """A short form that is not exact is followed by the bytes."""
    lines = draw(objects.object_detail(replace(DATA, chunk_size=chunk_size)))
    assert lines[4] == f"    Chunks  {text}"


def test_object_detail_shows_a_digest_of_another_kind_as_stored() -> None:
    """What cannot be checked is still shown."""
    assert "    Digest  MD5=x" in draw(objects.object_detail(replace(DATA, sha256=None, digest="MD5=x")))
    assert "    Digest  none" in draw(objects.object_detail(replace(DATA, sha256=None, digest=None)))


def test_bucket_detail_shows_settings_counts_and_cluster() -> None:
    """Everything there is to know about a bucket, one fact a line."""
    info = replace(
        BUCKET,
        description="our cats",
        objects=3,
        chunks=9830,
        replicas=3,
        ttl=timedelta(days=7),
        max_bytes=1024**3,
        mirror=True,
        compressed=True,
        metadata={"team": "a"},
        placement=Placement("east", ("ssd",)),
        cluster=Cluster("C1", "n1", (Replica("n2", True, 0), Replica("n3", False, 1200))),
    )
    assert draw(buckets.bucket_detail(info)) == [
        "test-bucket",
        "",
        "  Description  our cats",
        "      Objects  3",
        "       Chunks  9,830",
        "         Size  10 MiB (10,485,760 bytes)",
        "      Created  2026-11-20 14:10:27 +0000",
        "  Last Update  2026-11-20 14:54:02 +0000",
        "      Storage  file",
        "     Replicas  3",
        "          TTL  7 d",
        "   Size Limit  1 GiB (1,073,741,824 bytes), less than 1 % used",
        "       Sealed  no",
        "       Mirror  yes",
        "   Compressed  yes",
        "     Metadata  team=a",
        "    Placement  cluster east",
        "               tag ssd",
        "       Stream  OBJ_test-bucket",
        "      Cluster  C1",
        "       Leader  n1",
        "    Followers  n2, current, lag 0",
        "               n3, not current, lag 1,200",
    ]


def test_bucket_detail_shows_whether_objects_may_expire() -> None:
    """On the line of the bucket's own TTL."""
    shown = [
        draw(buckets.bucket_detail(replace(BUCKET, ttl=ttl, object_ttl=True)))
        for ttl in (None, timedelta(days=7))
    ]
    assert [[line for line in lines if "TTL" in line] for lines in shown] == [
        ["          TTL  none, objects may have their own"],
        ["          TTL  7 d, objects may have their own"],
    ]


def test_bucket_detail_says_never_and_none() -> None:
    """What is not set is said, not left to guessing."""
    lines = draw(buckets.bucket_detail(replace(BUCKET, last_update=None, cluster=Cluster(None, None))))
    assert {"  Last Update  never", "          TTL  none", "   Size Limit  none"} <= set(lines)
    assert "       Leader  none" in lines
    assert not any("Cluster" in line for line in lines)


def test_account_detail_shows_storage_and_limits() -> None:
    """Bytes as sizes, counts as counts, and what is used of each limit."""
    info = AccountInfo(
        buckets=1234,
        size=5,
        storage={"file": 2048, "memory": 0},
        limits={"file": 4096, "memory": 1024**2, "streams": 1000, "consumers": None},
        server="n1 (2.15.1)",
        domain="hub",
        used={"streams": 1234, "consumers": 3},
    )
    assert draw(account.account_detail(info))[2:] == [
        "  Buckets  1,234",
        "     Size  5 B",
        "  Storage  file 2 KiB (2,048 bytes)",
        "           memory 0 B",
        "   Limits  file 4 KiB (4,096 bytes), 50 % used",
        "           memory 1 MiB (1,048,576 bytes), 0 % used",
        "           streams 1,000, 123 % used",
        "           consumers none",
        "   Server  n1 (2.15.1)",
        "   Domain  hub",
    ]


def test_server_detail_says_whether_it_runs() -> None:
    """Address, process and data of a server that runs; the data of one that does not."""
    running = account.server_detail(pid=12, url="nats://127.0.0.1:4333", data=Path("/data"))
    assert draw(running)[2:] == [
        "  Running  yes",
        "      PID  12",
        "      URL  nats://127.0.0.1:4333",
        "     Data  /data",
    ]
    stopped = account.server_detail(pid=None, url=None, data=Path("/data"))
    assert draw(stopped)[2:] == ["  Running  no", "     Data  /data"]
