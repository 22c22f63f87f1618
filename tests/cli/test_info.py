"""`natsobj info`."""

from __future__ import annotations

import json

from nats.aio.client import Client

from natsobj import Bucket, ObjectMeta
from natsobj.cli.output.account import ACCOUNT_FIELDS
from natsobj.cli.output.buckets import BUCKET_FIELDS
from natsobj.cli.output.objects import OBJECT_FIELDS
from tests.behind import write_record
from tests.program import Program


async def test_info_gives_an_object_as_fields_to_a_pipe(cli: Program, bucket: Bucket) -> None:
    """`field<TAB>value` lines with the names of the JSON fields, in their order."""
    info = await bucket.put("a/b", b"hello", ObjectMeta("a\nb", {"h": ("1",)}, {"k": "v"}))
    result = cli("info", bucket.name, "a/b")
    assert (result.code, result.stderr) == (0, "")
    fields = dict(line.split("\t") for line in result.lines)
    assert tuple(fields) == OBJECT_FIELDS
    assert fields["size"] == "5"
    assert fields["sha256"] == info.sha256
    assert fields["description"] == "a\\nb"
    assert fields["headers"] == '{"h":["1"]}'
    assert fields["link"] == ""


async def test_info_gives_an_object_as_json(cli: Program, bucket: Bucket) -> None:
    """One compact object on one line."""
    await bucket.put("a", b"hello")
    result = cli("info", bucket.name, "a", "--json")
    assert result.stdout.count(b"\n") == 1
    assert tuple(json.loads(result.text)) == OBJECT_FIELDS


async def test_info_shows_an_object_on_a_terminal(cli: Program, bucket: Bucket) -> None:
    """Readable at a glance, with the whole digest."""
    info = await bucket.put("my/random/data.bin", b"x" * 300_000)
    result = cli.terminal("info", bucket.name, "my/random/data.bin")
    assert result.code == 0
    shown = result.text
    assert f"{bucket.name} > my/random/data.bin" in shown
    assert "Size  293 KiB (300,000 bytes)" in shown
    assert "Chunks  3 of 128 KiB" in shown
    assert f"SHA-256  {info.sha256}" in shown
    assert shown.endswith("\n\n"), "another result may follow"


async def test_info_counts_a_bucket_exactly(cli: Program, bucket: Bucket) -> None:
    """Live objects and chunks are counted, and the cluster is shown."""
    await bucket.put("a", b"x" * 300_000)
    await bucket.put("b", b"y")
    await bucket.delete("b")
    fields = json.loads(cli("info", bucket.name, "--json").text)
    assert tuple(fields) == BUCKET_FIELDS
    assert (fields["objects"], fields["chunks"]) == (1, 3)
    assert fields["cluster"]["leader"]
    shown = cli.terminal("info", bucket.name).text
    assert "Objects  1" in shown
    assert "Chunks  3" in shown


def test_info_shows_the_account(cli: Program) -> None:
    """Without arguments: what the account stores, in the same three forms."""
    result = cli("info", "--json")
    assert (result.code, result.stderr) == (0, "")
    assert tuple(json.loads(result.text)) == ACCOUNT_FIELDS
    assert [line.split("\t")[0] for line in cli("info").lines] == list(ACCOUNT_FIELDS)
    assert "Buckets" in cli.terminal("info").text


async def test_info_of_a_link_shows_the_link(cli: Program, bucket: Bucket, client: Client) -> None:
    """Where it leads, not what is there; only get follows it."""
    await bucket.put("target", b"hello")
    link = {"link": {"bucket": bucket.name, "name": "target"}}
    await write_record(client, bucket, "link", {"options": link, "nuid": "L" * 22, "digest": ""})
    fields = json.loads(cli("info", bucket.name, "link", "--json").text)
    assert (fields["name"], fields["size"], fields["link"]) == (
        "link",
        0,
        {"bucket": bucket.name, "name": "target"},
    )
    assert cli("get", bucket.name, "link").stdout == b"hello"


async def test_info_tells_missing_bucket_and_missing_object_apart(cli: Program, bucket: Bucket) -> None:
    """Exit codes 3 and 4, with a did-you-mean for each; a folder's name leads to what is below it."""
    await bucket.put("cats/tom.jpg", b"")
    result = cli("info", bucket.name, "cats/tim.jpg")
    said = f"natsobj: no such object: {bucket.name}/cats/tim.jpg (did you mean cats/tom.jpg?)\n"
    assert result == (4, b"", said)
    result = cli("info", bucket.name, "cats")
    said = f"no such object: {bucket.name}/cats (natsobj ls {bucket.name} cats/ shows what is below it)"
    assert result == (4, b"", f"natsobj: {said}\n")
    result = cli("info", bucket.name[:-1])
    assert result == (3, b"", f"natsobj: no such bucket: {bucket.name[:-1]} (did you mean {bucket.name}?)\n")
