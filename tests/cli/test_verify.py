"""`natsobj verify`."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from nats.aio.client import Client

from natsobj import Bucket
from natsobj.adr20.names import metadata_subject
from natsobj.cli.output.checks import VERDICT_FIELDS
from natsobj.cli.output.meters import Whole
from tests.behind import BIG, api, drop_chunk, record_of, write_record
from tests.between import Between, Sent
from tests.program import Program
from tests.servers import NatsServer
from tests.sinks import Buffer

SECONDS = r"\d+\.\d s"


async def break_some(client: Client, bucket: Bucket) -> None:
    """A whole object, one that lacks a chunk, one with other bytes, and a record that cannot be read."""
    for key in ("whole", "short", "other"):
        await bucket.put(key, BIG)
    await drop_chunk(client, bucket, "short")
    digest = (await bucket.put("small", b"x")).digest
    await write_record(
        client, bucket, "other", {**await record_of(client, bucket, "other"), "digest": digest}
    )
    await client.request(metadata_subject(bucket.name, "a\tb"), b"{", timeout=5)


FOUND = {
    "whole": None,
    "short": "missing_chunks",
    "other": "wrong_digest",
    "small": None,
    "a\tb": "unreadable",
}


async def test_whole_objects_are_exit_code_0(cli: Program, bucket: Bucket) -> None:
    """A row for each, and one line about all of them on stderr."""
    await bucket.put("b", BIG)
    await bucket.put("a/b", b"")
    result = cli("verify", bucket.name)
    assert (result.code, result.stdout) == (0, b"true\t\tb\ntrue\t\ta/b\n")
    assert re.fullmatch(f"verified {bucket.name}  2 objects  5 MiB  {SECONDS}\n", result.stderr)
    quick = cli("verify", bucket.name, "--quick")
    assert (quick.code, quick.stdout) == (0, result.stdout)
    assert re.fullmatch(
        f"checked {bucket.name}  2 objects  5 MiB  content not read  {SECONDS}\n", quick.stderr
    )


async def test_anything_broken_is_exit_code_8(cli: Program, bucket: Bucket, client: Client) -> None:
    """Rows say what; the others are verified all the same."""
    await break_some(client, bucket)
    result = cli("verify", bucket.name)
    assert result.code == 8
    assert sorted(result.lines) == [
        "false\tmissing_chunks\tshort",
        "false\tunreadable\ta\\tb",
        "false\twrong_digest\tother",
        "true\t\tsmall",
        "true\t\twhole",
    ]
    assert re.fullmatch(f"verified {bucket.name}  5 objects  15 MiB  3 broken  {SECONDS}\n", result.stderr)
    quiet = cli("verify", bucket.name, "-q")
    assert (quiet.code, quiet.stderr) == (8, "")
    assert sorted(quiet.lines) == sorted(result.lines)[:3], "only those that are broken"


async def test_a_quick_look_claims_what_it_can_know(cli: Program, bucket: Bucket, client: Client) -> None:
    """Nothing is read, so other bytes are not found."""
    await break_some(client, bucket)
    result = cli("verify", bucket.name, "--quick", "--json")
    assert result.code == 8
    found = {fields["name"]: fields["problem"] for fields in map(json.loads, result.lines)}
    assert found == FOUND | {"other": None}


async def test_json_has_the_frozen_fields(cli: Program, bucket: Bucket, client: Client) -> None:
    """One object a line, and no other words; on a terminal, too."""
    await break_some(client, bucket)
    result = cli("verify", bucket.name, "--json")
    assert (result.code, result.stderr) == (8, "")
    verdicts = [json.loads(line) for line in result.lines]
    assert all(tuple(each) == VERDICT_FIELDS and each["bucket"] == bucket.name for each in verdicts)
    assert {each["name"]: each["problem"] for each in verdicts} == FOUND
    assert all(each["ok"] is (each["problem"] is None) for each in verdicts)
    assert sorted(cli.terminal("verify", bucket.name, "--json").lines) == sorted(result.lines)


async def test_one_key_is_verified_alone(cli: Program, bucket: Bucket, client: Client) -> None:
    """Its own exit code, whatever is wrong with the others."""
    await break_some(client, bucket)
    good = cli("verify", bucket.name, "whole")
    assert (good.code, good.stdout) == (0, b"true\t\twhole\n")
    assert re.fullmatch(f"verified {bucket.name}/whole  1 object  5 MiB  {SECONDS}\n", good.stderr)
    assert cli("verify", bucket.name, "short", "-q") == (8, b"false\tmissing_chunks\tshort\n", "")
    assert cli("verify", bucket.name, "a\tb", "-q") == (8, b"false\tunreadable\ta\\tb\n", "")


async def test_what_does_not_exist_has_the_usual_exit_codes(cli: Program, bucket: Bucket) -> None:
    """3 for a bucket, 4 for an object and for a deleted one."""
    await bucket.put("gone", b"")
    await bucket.delete("gone")
    for key in ("gone", "never"):
        result = cli("verify", bucket.name, key)
        assert (result.code, result.stdout) == (4, b"")
        assert result.stderr.startswith(f"natsobj: no such object: {bucket.name}/{key}")
    result = cli("verify", "zzz-no-such")
    assert (result.code, result.stdout) == (3, b"")


async def test_an_empty_bucket_prints_nothing(cli: Program, bucket: Bucket) -> None:
    """Nothing is wrong with it."""
    for form in ([], ["--quick"], ["--json"]):
        assert cli("verify", bucket.name, "-q", *form) == (0, b"", "")


async def test_an_object_that_changes_while_it_is_read_is_exit_code_5(cli: Program, bucket: Bucket) -> None:
    """Not broken, and not known to be whole: trying again helps."""
    await bucket.put("k", b"x" * 300_000_000)
    with cli.running("verify", bucket.name, "--json") as process:
        while not (await consumers(bucket)):
            assert process.poll() is None
        await bucket.put("k", b"y")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (5, b"")
    assert json.loads(out) == {"bucket": bucket.name, "name": "k", "ok": False, "problem": "changed"}


async def consumers(bucket: Bucket) -> int:
    """How many are reading the bucket's stream."""
    info = await bucket.stream.js.stream_info(f"OBJ_{bucket.name}")
    return int(info["state"]["consumer_count"])


# On a terminal


async def test_a_terminal_shows_what_is_broken_and_nothing_else(
    cli: Program, bucket: Bucket, client: Client
) -> None:
    """A table with details, and one line about all."""
    await break_some(client, bucket)
    shown = cli.terminal("verify", bucket.name, "--color", "never", "--progress", "none")
    assert shown.code == 8
    for text in ("Name", "Problem", "Detail", "short", "39 of 40 chunks are stored", "a\\tb", "not JSON"):
        assert text in shown.text
    assert "whole" not in shown.text
    assert "3 broken" in shown.lines[-1]


async def test_a_terminal_says_that_nothing_is_broken(cli: Program, bucket: Bucket) -> None:
    """In words, not by silence."""
    await bucket.put("k", b"x")
    shown = cli.terminal("verify", bucket.name)
    assert shown.code == 0
    assert shown.lines[0] == "no broken objects"
    assert shown.lines[1].startswith(f"verified {bucket.name}  1 object  1 B")


def test_progress_counts_all_objects_as_one() -> None:
    """Bytes and objects of the whole, both known from the beginning."""
    whole = Whole("photos", 0.0, shown=True, noun="object")
    whole.expect(5, 4096)
    whole.sink(Buffer()).write(memoryview(b"x" * 1024))
    whole.settle()
    assert whole.facts(1.0)[:3] == ["1 KiB of 4 KiB", "1 of 5 objects", "25 %"]


@pytest.mark.parametrize("mode", ["bar", "plain", "none"])
async def test_every_kind_of_progress_leaves_the_results_alone(
    cli: Program, bucket: Bucket, mode: str
) -> None:
    """Standard output has the rows and nothing else."""
    await bucket.put("k", BIG)
    for form in ([], ["--quick"]):
        assert cli("verify", bucket.name, "--progress", mode, *form).stdout == b"true\t\tk\n"


# Usage


@pytest.mark.parametrize("line", [[], ["photos", "a", "b"], ["photos", ""], ["a b"]])
def test_wrong_usage_is_exit_code_2(bare_cli: Program, line: list[str]) -> None:
    """No bucket, too many keys, an empty key, an invalid bucket."""
    result = bare_cli("verify", *line)
    assert (result.code, result.stdout) == (2, b"")


async def test_a_mirror_can_be_verified(cli: Program, bucket: Bucket, client: Client) -> None:
    """Reading is all that it takes."""
    await bucket.put("k", b"x")
    name = f"{bucket.name}-mirror"
    await api(client, f"STREAM.CREATE.OBJ_{name}", name=f"OBJ_{name}", mirror={"name": f"OBJ_{bucket.name}"})
    result = cli("verify", name)
    while result.stdout == b"":
        result = cli("verify", name)
    assert result[:2] == (0, b"true\t\tk\n")
    await api(client, f"STREAM.DELETE.OBJ_{name}")


async def test_a_mirror_that_gets_its_first_object_meanwhile(
    server: NatsServer, cli: Program, bucket: Bucket, client: Client
) -> None:
    """Whose subjects it has is known only then; the object is whole, and said to be."""
    origin, mirror = f"OBJ_{bucket.name}", f"OBJ_{bucket.name}-mirror"
    await api(client, f"STREAM.CREATE.{mirror}", name=mirror, mirror={"name": origin})
    filled = asyncio.Event()

    async def fill(sent: Sent) -> None:
        if (
            not filled.is_set()
            and sent.subject.startswith("$JS.API.STREAM.INFO.")
            and b"subjects" in sent.payload
        ):
            filled.set()
            await bucket.put("k", b"x")
            while (await api(client, f"STREAM.INFO.{mirror}"))["state"]["messages"] < 2:  # type: ignore[index]
                await asyncio.sleep(0.01)

    async with Between(server.port) as between:
        between.before = fill
        result = await asyncio.to_thread(
            cli, "verify", f"{bucket.name}-mirror", env={"NATS_URL": between.url}
        )
    assert filled.is_set()
    assert result.expect(0).stdout == b"true\t\tk\n"
    await api(client, f"STREAM.DELETE.{mirror}")
