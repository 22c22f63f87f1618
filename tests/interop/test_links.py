"""Links, as nats.js makes them: without a digest, a nuid or a rollup."""

from __future__ import annotations

import pytest

from tests.interop.clients import Go, Js, Natsobj

pytestmark = pytest.mark.interop


def test_get_follows_a_link_of_nats_js(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """A link gives the bytes of its target, also after the target was replaced."""
    natsobj.put(store_bucket, "target", b"one")
    js.call("link", bucket=store_bucket, key="link", toBucket=store_bucket, toKey="target")
    assert natsobj.get(store_bucket, "link") == b"one"
    natsobj.put(store_bucket, "target", b"two")
    assert natsobj.get(store_bucket, "link") == b"two"


def test_get_follows_a_link_into_another_bucket(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """The target may live in another bucket."""
    other = f"{store_bucket}-other"
    natsobj.run("add", other).expect(0)
    natsobj.put(other, "target", b"there")
    js.call("link", bucket=store_bucket, key="link", toBucket=other, toKey="target")
    assert natsobj.get(store_bucket, "link") == b"there"


def test_info_and_ls_show_where_a_link_leads(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """A link is shown as a link of size 0, not as what it leads to."""
    natsobj.put(store_bucket, "target", b"one")
    js.call("link", bucket=store_bucket, key="link", toBucket=store_bucket, toKey="target")
    js.call("link", bucket=store_bucket, key="bucket-link", toBucket=store_bucket)
    listed = {entry["name"]: entry for entry in natsobj.listed(store_bucket)}
    assert listed["link"]["link"] == {"bucket": store_bucket, "name": "target"}
    assert listed["link"]["size"] == 0
    assert listed["bucket-link"]["link"] == {"bucket": store_bucket, "name": None}
    assert listed["target"]["link"] is None
    shown = natsobj.run.terminal("info", store_bucket, "link")
    assert shown.code == 0
    assert f"{store_bucket}/target" in shown.text


def test_a_link_to_nothing_is_not_found(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """A link whose target was deleted is exit 4, and names the target."""
    natsobj.put(store_bucket, "target", b"one")
    js.call("link", bucket=store_bucket, key="link", toBucket=store_bucket, toKey="target")
    natsobj.remove(store_bucket, "target")
    done = natsobj.run("get", store_bucket, "link")
    assert (done.code, done.stdout) == (4, b"")
    assert "target" in done.stderr


def test_a_link_to_a_bucket_cannot_be_fetched(natsobj: Natsobj, js: Js, store_bucket: str) -> None:
    """A whole bucket has no bytes: one line, exit 1, nothing on stdout."""
    js.call("link", bucket=store_bucket, key="bucket-link", toBucket=store_bucket)
    done = natsobj.run("get", store_bucket, "bucket-link")
    assert (done.code, done.stdout) == (1, b"")
    assert done.stderr.startswith("natsobj: ")
    assert done.stderr.count("\n") == 1


def test_a_put_replaces_a_link_of_nats_js(natsobj: Natsobj, go: Go, js: Js, store_bucket: str) -> None:
    """The link's key holds the new bytes for everyone, and its old target is untouched."""
    natsobj.put(store_bucket, "target", b"one")
    js.call("link", bucket=store_bucket, key="link", toBucket=store_bucket, toKey="target")
    natsobj.put(store_bucket, "link", b"bytes")
    for client in (natsobj, go, js):
        assert client.get(store_bucket, "link") == b"bytes"
        assert client.get(store_bucket, "target") == b"one"


def test_rm_of_a_link_leaves_its_target(natsobj: Natsobj, go: Go, js: Js, store_bucket: str) -> None:
    """Only the link goes."""
    natsobj.put(store_bucket, "target", b"one")
    js.call("link", bucket=store_bucket, key="link", toBucket=store_bucket, toKey="target")
    natsobj.remove(store_bucket, "link")
    assert js.info(store_bucket, "link") is None
    assert go.get(store_bucket, "target") == b"one"
