"""Folders as pages and as JSON; names in them are text, whatever they are."""

from __future__ import annotations

from nats.aio.client import Client

from natsobj import Bucket
from natsobj.adr20.names import metadata_subject
from tests.behind import api, write_record
from tests.program import Program
from tests.serve.conftest import Running, Start

HOSTILE = [
    "<script>alert(1)</script>",
    "\"quoted' onload=x",
    "new\r\nline: x",
    "\0nul",
    "..",
    "../up",
    "x/../y",
    "%2e%2e/z",
    "//evil.example",
    "/abs",
    "a",
    "a/",
    "a/b",
    "a//b",
    "index.html",
    "javascript:alert(1)",
    "k" * 2900,
    "\u202egpj.exe",
    "für/猫+ &?#;.txt",
]


async def test_every_key_is_reachable_by_its_links(start: Start, bucket: Bucket) -> None:
    """From page to page one comes to each, and never leaves the site."""
    for key in HOSTILE:
        await bucket.put(key, key.encode())
    site = start(bucket.name, "--no-index")
    seen, found, todo = {"/"}, set(), ["/"]
    while todo:
        reply = site(todo.pop())
        assert reply.status == 200
        if not reply.body.startswith(b"<!doctype html>"):
            found.add(reply.body.decode())
            continue
        for address, _ in reply.page.links:
            assert address.startswith("/")
            assert not address.startswith("//")
            if address not in seen and "sort=" not in address:
                seen.add(address)
                todo.append(address)
    assert found == set(HOSTILE)


async def test_names_are_no_markup(site: Running, bucket: Bucket) -> None:
    """Nothing runs on a page, nothing is loaded, and what cannot be seen is shown as an escape."""
    for key in ("<script>alert(1)<b>", '"x" onclick=y', "\u202egpj.exe", "new\nline"):
        await bucket.put(key, b"")
    reply = site("/?list")
    assert not reply.page.tags & {"script", "b", "img", "iframe", "object", "form", "base"}
    assert not [name for name in reply.page.attributes if name.startswith("on")]
    assert "<script>alert(1)<b>" in reply.page.text
    assert "\\u202egpj.exe" in reply.page.text
    assert "new\\nline" in reply.page.text
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_a_page_has_folders_and_objects_and_can_be_sorted(site: Running, bucket: Bucket) -> None:
    """Folders with what is in them; objects with size, chunks, digest and time, by each order."""
    for key, size in {"b/1": 10, "b/2": 20, "c": 30, "a": 40}.items():
        await bucket.put(key, b"x" * size)
    page = site("/").page
    assert page.rows == ["b/", "a", "c"]
    digest = (await bucket.info("a")).sha256 or ""
    for text in ("2 objects", "40 B", "1 chunk", digest[:12], "4 objects, 100 B"):
        assert text in page.text
    assert site("/?sort=name&reverse").page.rows == ["b/", "c", "a"]
    assert site("/?sort=size").page.rows == ["b/", "c", "a"]
    assert site("/?sort=time").page.rows == ["b/", "c", "a"]
    assert site("/?sort=time&reverse").page.rows == ["b/", "a", "c"]
    assert site("/b/").page.rows == ["b", "1", "2"]
    assert site("/?sort=nonsense").status == 404


async def test_a_folder_without_its_slash_is_found(site: Running, bucket: Bucket) -> None:
    """The answer leads to it, on this site and with the query; an object of that name is an object."""
    for key in ("a/b", "//evil.example/x", "o", "o/p", "up/../x"):
        await bucket.put(key, b"")
    reply = site("/a?json")
    assert (reply.status, reply.headers["location"]) == (307, "/a/?json")
    assert site("//%2Fevil.example").headers["location"] == "/%2F%2Fevil.example/"
    for asked, location in (("a&sort=size", "/a/?sort=size"), ("up/..&json", "/?folder=up%2F..%2F&json")):
        assert site(f"/?key={asked}").headers["location"] == location
        assert site(location).status == 200
    assert site("/o").status == 200
    assert site("/nothing/").status == 404
    assert site("/nothing").status == 404


async def test_json_is_what_ls_gives(site: Running, bucket: Bucket, cli: Program) -> None:
    """The same lines as `ls --folders --json`."""
    for key in ("2026/a", "2026/b/c", "x", "<y>"):
        await bucket.put(key, b"")
    for prefix in ("", "2026/"):
        listed = cli("ls", bucket.name, prefix, "--folders", "--json").expect()
        reply = site(f"/{prefix}?json")
        assert reply.body.decode() == listed.text
        assert reply.headers["content-type"] == "application/x-ndjson"
    assert site("/none/?json").status == 404


async def test_an_index_is_shown_for_its_folder(site: Running, start: Start, bucket: Bucket) -> None:
    """Unless that is not wanted, for once or at all."""
    await bucket.put("docs/index.html", b"<h1>hello</h1>")
    await bucket.put("docs/a.txt", b"")
    reply = site("/docs/")
    assert (reply.body, reply.headers["content-type"]) == (b"<h1>hello</h1>", "text/html; charset=utf-8")
    listed = [bucket.name, "docs", "a.txt", "index.html"][1:]
    assert site("/docs/?list").page.rows == listed
    assert len(site("/docs/?json").entries) == 2
    assert start(bucket.name, "--no-index")("/docs/").page.rows == listed


async def test_an_unreadable_record_is_told(site: Running, bucket: Bucket, client: Client) -> None:
    """It hides nothing else, and asking for it is an error and not an absence."""
    await bucket.put("good", b"")
    await client.request(metadata_subject(bucket.name, "<bad>"), b"{", timeout=5)
    assert site("/").page.rows == ["good"]
    assert "1 record of the bucket cannot be read" in site("/").page.text
    assert "<bad>" in site("/").page.text
    lines = site("/?json").entries
    assert {lines[0].get("name"), lines[1].get("name")} == {"good", None}
    assert [line["error"]["code"] for line in lines if "error" in line] == ["invalid_metadata"]
    reply = site("/%3Cbad%3E")
    assert reply.status == 500
    assert b"unreadable metadata" in reply.body


async def test_records_in_other_places_are_found(site: Running, bucket: Bucket, client: Client) -> None:
    """What a list shows, its link leads to, wherever another client has put the record."""
    info = await bucket.put("k", b"theirs")
    record = {"name": "a+b/c d.txt", "nuid": info.nuid, "size": 6, "chunks": 1, "digest": info.digest}
    await write_record(client, bucket, "elsewhere", record)
    await api(client, f"STREAM.PURGE.OBJ_{bucket.name}", filter=metadata_subject(bucket.name, "k"))
    address = site("/a%2Bb/").page.links[-1][0]
    assert site(address).body == b"theirs"
