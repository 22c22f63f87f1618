"""Whether a file and an object have the same content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from natsobj import Bucket
from natsobj.errors import BucketNotFound, SourceChanged
from natsobj.files.given import as_source
from natsobj.files.sources import open_regular
from natsobj.folders.compare import has_content, stored_already
from natsobj.store import Store

DATA = bytes(range(256)) * 10_000


async def test_the_same_content_is_found_under_its_key(bucket: Bucket) -> None:
    """The object is given; another content, another size and a missing key are None."""
    info = await bucket.put("k", DATA)
    assert await stored_already(bucket, "k", as_source(DATA)) == info
    assert await stored_already(bucket, "k", as_source(DATA[:-1] + b"x")) is None
    assert await stored_already(bucket, "k", as_source(DATA[:-1])) is None
    assert await stored_already(bucket, "missing", as_source(DATA)) is None
    await bucket.delete("k")
    assert await stored_already(bucket, "k", as_source(DATA)) is None


async def test_a_source_is_left_where_it_began(bucket: Bucket) -> None:
    """So that it can be stored."""
    await bucket.put("k", DATA)
    source = as_source(b"x" * len(DATA))
    assert await stored_already(bucket, "k", source) is None
    assert (await bucket.put("k", source)).size == len(DATA)


async def test_a_file_that_changes_meanwhile_is_an_error(bucket: Bucket, tmp_path: Path) -> None:
    """What was compared is not what is there."""
    file = tmp_path / "k"
    file.write_bytes(DATA)
    info = await bucket.put("k", DATA)
    with open_regular(str(file)) as source:
        with file.open("r+b") as changed:
            changed.write(b"x")
        with pytest.raises(SourceChanged):
            await stored_already(bucket, "k", source)
    with open_regular(str(file)) as source:
        assert not await has_content(source, info)
        os.utime(file, ns=(1, 1))
        with pytest.raises(SourceChanged) as caught:
            await has_content(source, info)
    assert caught.value.__notes__ == ["try again when nothing writes to it"]  # and not what a put could do


async def test_a_missing_bucket_is_an_error(store: Store, bucket_name: str) -> None:
    """It is not only the object that is missing."""
    with pytest.raises(BucketNotFound):
        await stored_already(store.bucket(bucket_name), "k", as_source(b""))


async def test_a_file_has_the_content_of_an_object_or_not(bucket: Bucket, tmp_path: Path) -> None:
    """Size and digest decide."""
    info = await bucket.put("k", DATA)
    file = tmp_path / "k"
    for content, same in ((DATA, True), (DATA[:-1], False), (DATA[:-1] + b"x", False), (b"", False)):
        file.write_bytes(content)
        with open_regular(str(file)) as source:
            assert await has_content(source, info) is same
