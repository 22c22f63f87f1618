"""Renames, copies, links and edits of ours, read by the Go command."""

from __future__ import annotations

import pytest

from tests.interop.clients import Go, Natsobj

pytestmark = pytest.mark.interop


def test_go_reads_what_was_renamed_copied_linked_and_edited(
    natsobj: Natsobj, go: Go, store_bucket: str
) -> None:
    """Under the new names, with what was said about it; nothing is left under the old one."""
    go.put(store_bucket, "a", b"content")
    for line in (
        ("mv", store_bucket, "a", "b/ä"),
        ("cp", store_bucket, "b/ä", "c"),
        ("ln", store_bucket, "c", "d"),
        ("edit", store_bucket, "c", "--description", "text", "-H", "A:1"),
    ):
        natsobj.run(*line).expect(0)
    for key in ("b/ä", "c", "d"):
        assert go.get(store_bucket, key) == b"content"
    assert sorted(entry["name"] for entry in natsobj.listed(store_bucket)) == ["b/ä", "c", "d"]
    go.remove(store_bucket, "b/ä")
    assert go.get(store_bucket, "c") == b"content"


def test_what_go_stored_is_renamed_with_all_that_it_says(natsobj: Natsobj, go: Go, store_bucket: str) -> None:
    """Fields that only Go knows survive: it reads its own record back."""
    go.put(store_bucket, "a", b"content")
    natsobj.run("mv", store_bucket, "a", "b").expect(0)
    natsobj.run("edit", store_bucket, "b", "--metadata", "x=1").expect(0)
    assert go.get(store_bucket, "b") == b"content"
