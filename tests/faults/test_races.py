"""Many at one key at once: one whole object or none, one version for each reader, and nothing left over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from natsobj import Bucket
from tests.chance import MIB, Chance
from tests.crowd import Arena, crowd, read_part, sha256, stopped_in_the_middle
from tests.program import Program
from tests.servers import NatsServer
from tests.standstill import standing_still

WRITERS = 8
READERS = 3


@pytest.fixture
def contents(chance: Chance) -> list[bytes]:
    """One content for each writer."""
    return [chance.content(MIB // 2, 3 * MIB) for _ in range(WRITERS)]


@pytest.fixture
def versions(chance: Chance) -> list[bytes]:
    """Contents that take a moment to read."""
    return [chance.content(24 * MIB, 40 * MIB) for _ in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "targets"
    made.mkdir()
    return made


@pytest.fixture
def arena(bucket: Bucket, cli: Program, server: NatsServer) -> Arena:
    """A fresh bucket of one server."""
    return Arena(bucket, cli, server.url)


# Writers


async def test_eight_puts_of_one_key_leave_one_whole_object(arena: Arena, contents: list[bytes]) -> None:
    """All succeed, for each was the newest once; the last one stays."""
    with crowd(arena.cli) as many:
        for result in many.put_at_once(arena.bucket.name, "k", contents):
            assert result.expect(0).stderr == ""
    objects = await arena.holds()
    assert set(objects) == {"k"}
    assert objects["k"] in [sha256(data) for data in contents]


async def test_eight_puts_of_files_leave_one_whole_object(
    arena: Arena, contents: list[bytes], chance: Chance, tmp_path: Path
) -> None:
    """The same with files, begun at random moments."""
    with crowd(arena.cli) as many:
        runs = []
        for number, data in enumerate(contents):
            file = tmp_path / str(number)
            file.write_bytes(data)
            runs.append(many.run("put", "-q", arena.bucket.name, "k", file, after=chance.uniform(0, 0.2)))
        for run in runs:
            assert run.result().expect(0).stderr == ""
    objects = await arena.holds()
    assert set(objects) == {"k"}
    assert objects["k"] in [sha256(data) for data in contents]


async def test_put_if_absent_succeeds_exactly_once(arena: Arena, contents: list[bytes]) -> None:
    """The others end with 6, also where all began before the first was done; their chunks are gone."""
    with crowd(arena.cli) as many:
        results = many.put_at_once(arena.bucket.name, "k", contents, "--if-absent")
    assert sorted(result.code for result in results) == [0] + [6] * (WRITERS - 1)
    refused = f"natsobj: object exists: {arena.bucket.name}/k"
    assert all(result.stderr.startswith(refused) for result in results if result.code)
    winner = contents[[result.code for result in results].index(0)]
    assert await arena.holds() == {"k": sha256(winner)}


async def test_a_deleted_object_is_absent_exactly_once(arena: Arena, contents: list[bytes]) -> None:
    """The same where there was one before."""
    await arena.bucket.put("k", b"old")
    await arena.bucket.delete("k")
    await test_put_if_absent_succeeds_exactly_once(arena, contents)


async def test_put_if_match_succeeds_exactly_once(
    arena: Arena, contents: list[bytes], chance: Chance
) -> None:
    """Only one replaces the content that all have seen; the others end with 6."""
    old = chance.content(MIB, 2 * MIB)
    await arena.bucket.put("k", old)
    with crowd(arena.cli) as many:
        results = many.put_at_once(arena.bucket.name, "k", contents, "--if-match", f"sha256:{sha256(old)}")
    assert sorted(result.code for result in results) == [0] + [6] * (WRITERS - 1)
    winner = contents[[result.code for result in results].index(0)]
    assert await arena.holds() == {"k": sha256(winner)}


async def test_puts_against_rms_leave_one_whole_object_or_none(
    arena: Arena, contents: list[bytes], chance: Chance
) -> None:
    """Every put succeeds; an rm removes what is there, or says that nothing is."""
    await arena.bucket.put("k", b"old")
    with crowd(arena.cli) as many:
        rms = [
            many.run("rm", "-q", arena.bucket.name, "k", after=chance.uniform(0, 0.8)) for _ in range(WRITERS)
        ]
        for result in many.put_at_once(arena.bucket.name, "k", contents):
            assert result.expect(0).stderr == ""
        codes = [rm.result().code for rm in rms]
    for code in codes:
        chance.saw(code)
    assert set(codes) <= {0, 4}
    assert 0 in codes
    objects = await arena.holds()
    assert objects in [{}, *({"k": sha256(data)} for data in contents)]


# Writers against readers: `replace` and `remove` happen in the middle of a read

Change = Callable[[Arena, bytes], None]


def replace(arena: Arena, data: bytes) -> None:
    """Put something else in its place."""
    arena.cli("put", "-q", arena.bucket.name, "k", input=data).expect(0)


def remove(arena: Arena, _: bytes) -> None:
    """Delete it."""
    arena.cli("rm", "-q", arena.bucket.name, "k").expect(0)


async def test_a_get_into_a_file_starts_over_when_the_object_is_replaced(
    arena: Arena, versions: list[bytes], chance: Chance, folder: Path
) -> None:
    """The file is one version or the other, whole."""
    old, new, _ = versions
    await arena.bucket.put("k", old)
    with crowd(arena.cli) as many:
        reader = many.start("get", "-q", arena.bucket.name, "k", folder / "file")
        with stopped_in_the_middle(reader, folder, chance.randrange(len(old) // 2)):
            replace(arena, new)
        assert many.finish(reader).result().expect(0).stderr == ""
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert sha256((folder / "file").read_bytes()) in {sha256(old), sha256(new)}
    assert await arena.holds() == {"k": sha256(new)}


async def test_a_get_into_a_file_leaves_none_when_the_object_is_deleted(
    arena: Arena, versions: list[bytes], chance: Chance, folder: Path
) -> None:
    """It had read everything already, or it ends with 4 and there is no file."""
    await arena.bucket.put("k", versions[0])
    with crowd(arena.cli) as many:
        reader = many.start("get", "-q", arena.bucket.name, "k", folder / "file")
        with stopped_in_the_middle(reader, folder, chance.randrange(len(versions[0]) // 2)):
            remove(arena, b"")
        result = many.finish(reader).result()
    chance.saw(result.code)
    if result.code == 0:
        assert sha256((folder / "file").read_bytes()) == sha256(versions[0])
    else:
        assert (result.code, list(folder.iterdir())) == (4, [])
        assert f"{arena.bucket.name}/k" in result.stderr
    assert await arena.holds() == {}


@pytest.mark.parametrize(("change", "code"), [(replace, 5), (remove, 4)])
async def test_a_get_into_a_pipe_says_when_the_object_changes(
    arena: Arena,
    versions: list[bytes],
    chance: Chance,
    change: Change,
    code: int,
) -> None:
    """What came is one version; if it is not all of it the exit code says why."""
    old, new, _ = versions
    await arena.bucket.put("k", old)
    with crowd(arena.cli) as many:
        reader = many.start("get", "-q", arena.bucket.name, "k")
        head = read_part(reader, chance.randrange(len(old) // 2))
        with standing_still(reader.pid):
            change(arena, new)
        result = many.finish(reader).result()
    chance.saw(result.code)
    read = head + result.stdout
    if result.code == 0:
        assert sha256(read) == sha256(old)
    else:
        assert result.code == code
        assert old.startswith(read)
        assert f"while it was read: {arena.bucket.name}/k" in result.stderr
    assert set(await arena.holds()) == ({"k"} if change is replace else set())


async def test_readers_among_writers_see_one_version(
    arena: Arena, versions: list[bytes], chance: Chance, folder: Path
) -> None:
    """Into files every one succeeds; into pipes it is a whole version, or the beginning of one and 5."""
    await arena.bucket.put("k", versions[0])
    with crowd(arena.cli) as many:
        for data in versions[1:]:
            many.run("put", "-q", arena.bucket.name, "k", after=chance.uniform(0, 1), data=data)
        files = [folder / str(number) for number in range(READERS)]
        into_files = [
            many.run("get", "-q", arena.bucket.name, "k", file, after=chance.uniform(0, 1)) for file in files
        ]
        into_pipes = [
            many.run("get", "-q", arena.bucket.name, "k", after=chance.uniform(0, 1)) for _ in range(READERS)
        ]
        for into_file in into_files:
            assert into_file.result().expect(0).stderr == ""
        results = [reader.result() for reader in into_pipes]
    assert all(file.read_bytes() in versions for file in files)
    assert len(list(folder.iterdir())) == READERS
    for code, read, message in results:
        chance.saw(code)
        if code:
            assert code == 5, message
            assert any(data.startswith(read) for data in versions)
        else:
            assert read in versions
    objects = await arena.holds()
    assert objects in [{"k": sha256(data)} for data in versions[1:]]
