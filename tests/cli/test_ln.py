"""`natsobj ln`."""

from __future__ import annotations

import json

import pytest

from natsobj import Bucket, BucketConfig, Store
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.program import Program


async def test_ln_links_in_a_bucket_between_buckets_and_to_a_bucket(
    cli: Program, store: Store, bucket: Bucket
) -> None:
    """One line on stderr for each, nothing on standard output."""
    name, other = bucket.name, f"{bucket.name}-other"
    await bucket.put("a", b"hello")
    await store.create_bucket(BucketConfig(other))
    assert cli("ln", name, "a", "link") == (0, b"", f"linked {name}/link -> {name}/a\n")
    assert cli("ln", name, "a", other, "b") == (0, b"", f"linked {other}/b -> {name}/a\n")
    assert cli("ln", "--bucket", name, other, "all") == (0, b"", f"linked {other}/all -> {name}\n")
    assert cli("cat", name, "link").stdout == cli("cat", other, "b").stdout == b"hello"
    await store.delete_bucket(other)


async def test_ln_refuses_by_exit_code(cli: Program, bucket: Bucket) -> None:
    """4 for a target that is missing, 6 for one that is a link and for a place that is taken."""
    name = bucket.name
    await bucket.put("a", b"hello")
    await bucket.link("link", "a")
    missing, chain = cli("ln", name, "nothing", "new"), cli("ln", name, "link", "new")
    assert (missing.code, chain.code) == (4, 6)
    assert chain.stderr == f"natsobj: cannot link to a link: {name}/new -> {name}/link -> {name}/a\n"
    taken = cli("ln", name, "a", "link")
    assert (taken.code, taken.stderr) == (6, f"natsobj: object exists: {name}/link (-f replaces a link)\n")
    over = cli("ln", "-f", name, "link", "a")
    assert over.code == 6
    assert cli("ln", "-f", name, "a", "link", "-q") == (0, b"", "")
    assert await bucket.read("a") == b"hello"


async def test_ln_json_gives_the_link(cli: Program, bucket: Bucket) -> None:
    """An object's fields, and where it leads."""
    await bucket.put("a", b"hello")
    result = cli("ln", bucket.name, "a", "link", "--json")
    assert (result.code, result.stderr) == (0, "")
    fields = json.loads(result.text)
    assert tuple(fields) == OBJECT_FIELDS
    assert (fields["name"], fields["link"]) == ("link", {"bucket": bucket.name, "name": "a"})


@pytest.mark.parametrize(
    "line",
    [
        ["photos"],
        ["photos", "a"],
        ["photos", "a", "videos", "b", "c"],
        ["photos", "a", "no such!", "b"],
        ["photos", "", "b"],
        ["photos", "a", ""],
        ["--bucket", "videos", "photos"],
        ["--bucket", "videos", "photos", "a", "b"],
        ["--bucket", "no such!", "photos", "a"],
    ],
)
def test_ln_refuses_what_makes_no_sense(bare_cli: Program, line: list[str]) -> None:
    """Too few names or too many, and invalid ones."""
    result = bare_cli("ln", *line)
    assert (result.code, result.stdout, result.stderr.count("\n")) == (2, b"", 1)
