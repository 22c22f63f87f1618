"""Finding one's way: the first screen, the topics, and the phrasebook for hands that know other programs."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from natsobj import Bucket
from natsobj.cli import COMMANDS, GROUPS
from natsobj.cli.arguments.phrases import PHRASES
from natsobj.cli.exits import ERROR_CODES, EXIT_CODES
from natsobj.cli.output.objects import OBJECT_FIELDS
from natsobj.cli.topics import TOPICS
from tests.program import Program
from tests.shell import Shell


def test_the_top_help_is_one_screen_with_all_commands_in_groups(bare_cli: Program) -> None:
    """30 lines of 80 columns: what there is, three examples, and where to read on."""
    result = bare_cli("--help")
    assert (result.code, result.stderr) == (0, "")
    assert len(result.lines) <= 30
    assert max(map(len, result.lines)) <= 80
    words = [line[:20].split() for line in result.lines]
    assert [words[0] for words in words if words and words[0] in GROUPS] == list(GROUPS)
    for name in COMMANDS:
        assert sum(line[9:21].rstrip() == name for line in result.lines) == 1, name
    assert result.text.count("\n  natsobj ") + result.text.count("\n  tar ") == 3
    assert all(topic in result.text for topic in TOPICS)
    assert bare_cli("-h") == result


def test_each_topic_is_explained(bare_cli: Program) -> None:
    """In 80 columns, and what programs rely on is in it."""
    text = {}
    for name in TOPICS:
        result = bare_cli("help", name).expect(0)
        assert max(map(len, result.lines)) <= 80
        assert "`" not in result.text
        text[name] = result.text
    assert all(f"\n  {row.code} " in f"\n{text['exit-codes']}" for row in EXIT_CODES)
    assert all(word in text["json"] for word in (*ERROR_CODES, *OBJECT_FIELDS))
    assert all(word in text["connection"] for word in ("--server", "--tlsfirst", "--timeout", "--json"))
    assert all(word in text["environment"] for word in ("NATS_URL", "NO_COLOR", "XDG_DATA_HOME"))
    assert all(theirs in text["nats"] for theirs, _ in PHRASES["nats object"])


def test_help_takes_a_command_or_nothing_and_names_its_topics(bare_cli: Program) -> None:
    """`help put` is `put --help`; without a topic it lists them."""
    assert bare_cli("help", "put").stdout == bare_cli("put", "--help").stdout
    assert all(topic in bare_cli("help").text for topic in TOPICS)
    result = bare_cli("help", "jsn")
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.startswith("natsobj: no such topic: jsn (topics: exit-codes, ")


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("del photos cat.jpg", "rm photos cat.jpg"),
        ("rm photos", "rm --bucket photos"),
        ("object ls photos -n", "ls photos -1"),
        ("obj ls", "ls"),
        ("nats object del photos -f", "rm --bucket photos -f"),
        ("show photos cat.jpg", "info photos cat.jpg"),
        ("mb photos", "add photos"),
        ("rb photos", "rm --bucket photos"),
        ("put photos cat.jpg -f", "put photos cat.jpg cat.jpg"),
        ("put photos key -f", "put photos key"),
        ("put photos cat.jpg --name 2026/cat.jpg", "put photos 2026/cat.jpg cat.jpg"),
        ("put photos cat.jpg --no-progress", "put photos cat.jpg cat.jpg --progress none"),
        ("get photos cat.jpg -O x", "get photos cat.jpg x"),
        ("get photos cat.jpg --output=x -f", "get photos cat.jpg x -f"),
        ("get photos/2026/cat.jpg .", "get photos 2026/cat.jpg ."),
        ("ls photos/2026/", "ls photos 2026/"),
        ("ls photos *.jpg", "ls photos --match '*.jpg'"),
        ("get -r photos *.jpg .", "get photos '' . -r --match '*.jpg'"),
        ("rm -r photos 2026/", "rm photos --match '2026/*' -f"),
        (
            "get photos a b c",
            "get photos a . && natsobj get photos b . && natsobj get photos c .",
        ),
        ("info photos a b", "info photos a && natsobj info photos b"),
        ("sync s3://photos/x dist", "sync photos:x dist"),
        ("mirror dist photos/x --overwrite --remove", "sync dist photos:x --delete"),
        ("aws s3 sync dist s3://photos --dryrun", "sync dist photos: --dry-run"),
        ("cp cat.jpg s3://photos/x", "put photos x cat.jpg"),
        ("cp cat.jpg nats/photos/", "put photos cat.jpg cat.jpg"),
        ("cp photos/cat.jpg .", "get photos cat.jpg ."),
        ("cp -r dist photos/dist", "put photos dist dist -r"),
        ("mv photos/a photos/b", "mv photos a b"),
        ("object get photos cat.jpg", "get photos cat.jpg ."),
        ("download photos 2026/cat.jpg", "get photos 2026/cat.jpg ."),
        ("get photos cat.jpg -o x", "get photos cat.jpg x"),
        ("get photos", "get photos '' . -r"),
        ("put cat.jpg photos", "put photos cat.jpg cat.jpg"),
        ("pipe photos/cat.jpg", "put photos cat.jpg"),
        ("copy dist nats:photos/dist", "put photos dist dist -r"),
        ("copyto cat.jpg nats:photos/cat.jpg", "put photos cat.jpg cat.jpg"),
        ("lsl nats:photos", "ls photos"),
        ("lsjson nats:photos", "ls photos --json"),
        ("ls -la photos", "ls photos -l"),
        ("find photos --name *.jpg", "ls photos --match '*.jpg'"),
        ("rm -rf photos/dist", "rm photos --match 'dist/*' -f"),
        ("mb nats/photos", "add photos"),
        ("du photos", "info photos"),
        ("diff dist photos/dist", "sync dist photos:dist --delete --dry-run"),
        ("mirror --overwrite --remove dist nats/photos", "sync dist photos: --delete"),
        ("release upload v1 cat.jpg", "put v1 cat.jpg cat.jpg"),
        ("bucket ls", "ls"),
        ("login", "help connection"),
        ("version", "--version"),
        ("cp s3://photos/x s3://photos/y", "cp photos x y"),
        ("purge nats:photos", "rm --bucket photos"),
        ("purge nats:photos/dist", "rm photos --match 'dist/*' -f"),
        ("rb photos/dist", "rm photos --match 'dist/*' -f"),
        ("rb nats/photos/dist", "rm photos --match 'dist/*' -f"),
        ("rm --bucket photos/dist", "rm photos --match 'dist/*' -f"),
        ("delete nats:photos", "rm photos --match '*' -f"),
        ("delete nats:photos/dist", "rm photos --match 'dist/*' -f"),
        ("delete nats:photos/cat.jpg", "rm photos cat.jpg"),
        ("rclone delete nats:photos --min-age 7d", "rm photos --older-than 7d -f"),
        ("rm photos/", "rm photos --match '*' -f"),
        ("rm -rf photos", "rm photos --match '*' -f"),
        ("rm s3://photos --recursive", "rm photos --match '*' -f"),
        ("s3 rm s3://photos/dist/ --recursive --dryrun", "rm photos --match 'dist/*' --dry-run"),
        ("mc rm --recursive --force nats/photos", "rm photos --match '*' -f"),
        ("rm --recursive photos --older-than 7d", "rm photos --older-than 7d -f"),
        ("rm photos:cat.jpg", "rm photos cat.jpg"),
        ("rm s3://photos/a s3://photos/b", "rm photos a b"),
        ("ls photos:2026", "ls photos 2026"),
        ("ls photos:", "ls photos"),
        ("cat photos:cat.jpg", "cat photos cat.jpg"),
        ("get photos:cat.jpg .", "get photos cat.jpg ."),
        ("purge photos:dist", "rm photos --match 'dist/*' -f"),
        ("copy dist photos:dist", "put photos dist dist -r"),
        ("copy photos:dist out", "get photos dist out -r"),
        ("cp dist photos:d", "put photos d dist -r"),
        ("moveto photos:x photos:y", "mv photos x y"),
        ("size photos:2026", "ls photos 2026 --folders"),
        ("ls nats:", "ls"),
        ("lsd nats:", "ls"),
        ("ls s3://", "ls"),
        ("mirror nats/photos/dist out", "sync photos:dist out"),
        ("mirror photos/dist out", "sync photos:dist out"),
        ("sync s3://photos/x s3://other/y", "cp -r photos x other y"),
        ("check dist nats/photos/dist", "sync dist photos:dist --delete --dry-run"),
        ("cp - s3://photos/x", "put photos x -"),
        ("cp s3://photos/x -", "get photos x -"),
        ("cp s3://photos/x out/x", "get photos x out/x"),
        ("move dist nats:photos/dist", "put photos dist dist -r && rm -r dist"),
        ("mv cat.jpg s3://photos/cat.jpg", "put photos cat.jpg cat.jpg && rm cat.jpg"),
        ("mv s3://photos/cat.jpg .", "get photos cat.jpg . && natsobj rm photos cat.jpg"),
        ("move nats:photos/dist out", "get photos dist out -r && natsobj rm photos --match 'dist/*' -f"),
        ("copy dist nats:photos/dist --dry-run", "sync dist photos:dist --dry-run"),
        ("cp dist s3://photos/dist --recursive --exclude *.map", "sync dist photos:dist --exclude '*.map'"),
        ("put photos dist -r", "put photos dist dist -r"),
        ("du nats/photos/2026", "ls photos 2026 --folders"),
        ("find photos --name app.js", "ls photos --match '*app.js'"),
        ("find nats/photos/2026 --name *.js", "ls photos 2026/ --match '*.js'"),
        ("lsf -R nats:photos", "ls photos -1"),
        ("aws s3 ls s3://photos/", "ls photos --folders"),
        ("s3 ls s3://photos/2026/ --recursive --human-readable --summarize", "ls photos 2026/"),
        ("sha256sum nats:photos", "ls photos --sha256sum"),
        ("copy dist nats:photos/dist -P", "put photos dist dist -r"),
        ("copy dist nats:photos/dist --transfers 8", "put photos dist dist -r -j 8"),
        ("sync dist photos:dist --progress", "sync dist photos:dist"),
        ("sync dist photos:dist --checksum", "sync dist photos:dist"),
        ("sync --include *.js dist photos:dist", "sync dist photos:dist --match '*.js'"),
        ("nats object add photos --storage memory", "add photos --storage memory"),
        ("nats object add photos --tags a --no-compress", "add photos --tags a"),
        ("seal photos --yes", "seal photos -f"),
        ("put photos k cat.jpg --content-type image/jpeg", "put photos k cat.jpg -H Content-Type:image/jpeg"),
        ("presign s3://photos/x", "serve photos"),
        ("share download nats/photos/x", "serve photos"),
        ("nats object put photos x --frobnicate", "put --help"),
        ("create", "add --help"),
        ("-s nats://u:secret@h --password secret del photos x", "rm photos x -s nats://h"),
    ],
)
def test_a_line_for_another_program_is_exit_2_with_the_line_that_works(
    bare_cli: Program, typed: str, line: str
) -> None:
    """Nothing is done, and nothing secret is said again."""
    (bare_cli.home / "cat.jpg").touch()
    (bare_cli.home / "dist").mkdir()
    result = bare_cli(*typed.split())
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.endswith(f" (try natsobj {line})\n")
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr
    assert "Did you mean" not in result.stderr


@pytest.mark.parametrize("typed", ["lss", "put photos x --foo", "frobnicate photos", "ls --sort color"])
def test_a_line_that_nobody_understands_gets_no_advice(bare_cli: Program, typed: str) -> None:
    """A guess that does not work would be worse than the help."""
    (bare_cli.home / "x").touch()
    result = bare_cli(*typed.split())
    assert result.code == 2
    assert "(try natsobj" not in result.stderr or result.stderr.endswith("--help)\n")


async def test_a_pattern_for_a_key_leads_to_match(cli: Program, bucket: Bucket) -> None:
    """A key may have a star: only one that is missing is taken for a pattern."""
    await bucket.put("a*", b"1")
    assert cli("cat", bucket.name, "a*").stdout == b"1"
    result = cli("rm", bucket.name, "*.jpg")
    assert result.code == 4
    assert f"(natsobj ls {bucket.name} --match '*.jpg' shows what matches; " in result.stderr


@pytest.mark.parametrize("program", PHRASES)
def test_the_phrasebook_keeps_the_local_paths_of_the_other_line(program: str) -> None:
    """Whoever copies our line has the files where theirs would be."""
    for theirs, ours in PHRASES[program]:
        paths = {word for word in shlex.split(theirs) if word == "dist" or word.startswith("/")}
        assert paths <= set(shlex.split(ours)), theirs


@pytest.mark.parametrize("program", PHRASES)
def test_every_line_of_the_phrasebook_works(
    cli: Program, bucket_name: str, program: str, tmp_path: Path
) -> None:
    """From top to bottom, as they stand, in a shell; all of them together leave nothing behind."""
    shell = Shell(cli, tmp_path)
    (tmp_path / "dist").mkdir()
    for name in ("cat.jpg", "dist/index.html"):
        (tmp_path / name).write_bytes(b"x" * 1000)
    first, *lines = (
        ours.replace("photos", bucket_name).replace("/tmp/", f"{tmp_path}/") for _, ours in PHRASES[program]
    )
    assert first == f"natsobj add {bucket_name}"
    shell(first).expect(0)
    for key in ("cat.jpg", "2026/dog.jpg", "dist/a"):
        cli("put", bucket_name, key, input=b"x").expect(0)
    for line in lines:
        ending = " --history --until-current" if line.startswith("natsobj watch") else ""
        assert shell(line + ending).code == 0, line
    cli("info", bucket_name).expect(3)
