"""The reader and the writer of the README, on a server that enforces what they may do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import nats
import pytest

from tests.conftest import Serve
from tests.program import Program, Result
from tests.test_readme import README

CONFIG = re.findall(r"```conf\n(.*?)```", README, re.DOTALL)[0].replace("change me", "p")

READS = (
    "ls photos",
    "ls photos --folders",
    "info photos",
    "info photos cat.jpg",
    "get photos cat.jpg -",
    "get photos cat.jpg copy.jpg",
    "get photos cat.jpg - --offset 2 --length 3",
    "get -r photos 2026/ out",
    "cat photos cat.jpg 2026/dog.jpg",
    "watch photos --history --until-current",
    "verify photos",
    "verify photos --quick",
    "gc photos -n --older-than 0s",
    "add photos --if-not-exists",
)

WRITES = (
    "put photos new file",
    "put photos cat.jpg file",
    "put photos brief file --ttl 1h",
    "put -r photos 2027 folder",
    "edit photos cat.jpg --description x",
    "mv photos 2026/dog.jpg 2026/tom.jpg -f",
    "cp photos cat.jpg copy",
    "ln photos cat.jpg link",
    "rm photos copy",
    "rm photos --match 2027/* -f",
    "gc photos --older-than 0s",
)
"""In this order each of them has something to do."""

OWNS = (
    "ls",
    "info",
    "add other",
    "edit photos --description x",
    "seal photos -f",
    "rm --bucket photos -f",
    "ls secret",
    "cp photos cat.jpg secret cat.jpg",
    "mv photos cat.jpg secret cat.jpg",
)


@pytest.fixture
def run(bare_cli: Program, serve: Serve) -> Callable[[str, str], Result]:
    """Run a line as one of the three users; the bucket has two objects, and chunks of a killed upload."""
    server = serve(CONFIG)

    def run(user: str, line: str) -> Result:
        return bare_cli(*line.split(), "-s", f"nats://{user}:p@{server.address}")

    (bare_cli.home / "folder").mkdir()
    for name in ("file", "folder/file"):
        (bare_cli.home / name).write_bytes(bytes(300_000))
    for line in (
        "add photos --object-ttl",
        "add secret",
        "put photos cat.jpg file",
        "put photos 2026/dog.jpg file",
    ):
        run("owner", line).expect(0)
    orphan(server.url)
    return run


def orphan(url: str) -> None:
    """A chunk that no object names, as a killed upload leaves it."""

    async def publish() -> None:
        client = await nats.connect(url, user="owner", password="p")
        await client.request("$O.photos.C.6dPnkBjDSDFTFQ1uK5yB2m", b"left", timeout=5)
        await client.close()

    asyncio.run(publish())


def refused(result: Result) -> bool:
    """Exit 7 and one line that names what is not allowed."""
    line = result.stderr.startswith("natsobj: permission denied: $") and result.stderr.count("\n") == 1
    return (result.code, line) == (7, True)


def test_a_reader_reads_and_changes_nothing(run: Callable[[str, str], Result]) -> None:
    """All that it must not do is exit 7, one line, and nothing is other than before."""
    before = run("owner", "ls photos --json").stdout
    for line in READS:
        run("reader", line).expect(0)
    wholly = " | ".join((*WRITES, *OWNS)).replace("rm photos copy", "rm photos cat.jpg")
    for line in wholly.replace("2027/*", "2026/*").split(" | "):
        assert refused(result := run("reader", line)), (line, result)
    assert run("owner", "ls photos --json").stdout == before
    assert run("owner", "gc photos -n --older-than 0s").stdout != b""


def test_a_writer_also_stores_and_deletes_but_owns_nothing(run: Callable[[str, str], Result]) -> None:
    """The settings of the bucket and all other buckets are not its own."""
    for line in (*READS, *WRITES):
        run("writer", line).expect(0)
    for line in OWNS:
        assert refused(result := run("writer", line)), (line, result)
    assert run("owner", "ls photos -1").lines == ["new", "brief", "cat.jpg", "2026/tom.jpg", "link"]
    run("owner", "verify photos").expect(0)
    assert run("owner", "gc photos -n --older-than 0s").stdout == b""


def test_without_the_optional_right_a_writer_puts_as_well(bare_cli: Program, serve: Serve) -> None:
    """Publishing on inboxes is left out; what it is for is done in another way."""
    config, number = re.subn(r'\n *"_INBOX\.>".*optional.*', "", CONFIG)
    assert number == 1
    server = serve(config)
    bare_cli("add", "photos", "-s", f"nats://owner:p@{server.address}").expect(0)
    put = bare_cli(
        "put", "photos", "k", input=bytes(300_000), env={"NATS_URL": f"nats://writer:p@{server.address}"}
    )
    assert (put.code, put.stderr.count("\n")) == (0, 1)


def test_the_readme_names_every_right_that_is_tried() -> None:
    """And nothing wider: no `>` but behind one bucket's name, and none on its objects."""
    rights = re.findall(r'"(\$[^"]*)"', CONFIG)
    assert {right for right in rights if ">" in right} == {"$JS.API.DIRECT.GET.OBJ_photos.>"}
    assert all("photos" in right for right in rights)
