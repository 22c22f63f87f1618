"""man/ and completions/: what is committed is what the program says of itself today."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest
import typer

from natsobj import __version__
from natsobj.cli import COMMANDS, app
from natsobj.cli.arguments import completion, grammar
from natsobj.cli.arguments.grammar import Context, TyperGroup, TyperOption
from natsobj.cli.exits import ERROR_CODES, EXIT_CODES
from natsobj.cli.output import account, actions, buckets, checks, objects
from natsobj.models import Problem
from natsobj.settings.layers import NAMES
from natsobj.settings.local import LOCAL_VARIABLE

ROOT = Path(__file__).parents[1]
PAGES = ("natsobj", *(f"natsobj-{name}" for name in COMMANDS))
SECTIONS = (
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "OPTIONS",
    "EXIT STATUS",
    "ENVIRONMENT",
    "FILES",
    "EXAMPLES",
    "JSON FIELDS",
    "SEE ALSO",
)


def plain(source: str) -> str:
    """The text of a page without fonts and escapes, all of it on one line."""
    text = re.sub(r"\\f[BIR]|\\&", "", source).replace(r"\-", "-")
    for name, char in {"aq": "'", "ga": "`", "ha": "^", "ti": "~", "dq": '"'}.items():
        text = text.replace(rf"\({name}", char)
    return " ".join(text.replace(r"\e", "\\").split())


def source_of(page: str) -> str:
    """A page as it is committed."""
    return (ROOT / "man" / f"{page}.1").read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """The text of one section."""
    found = re.search(rf"^\.SH {title}\n(.*?)(?=^\.SH |\Z)", source_of(page), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no {title}"
    return plain(found[1])


def tags(page: str, title: str) -> list[str]:
    """What the items of a section are about."""
    found = re.search(rf"^\.SH {title}\n(.*?)(?=^\.SH |\Z)", source_of(page), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no {title}"
    return [plain(tag) for tag in re.findall(r"^\.TP\n(.*)$", found[1], re.MULTILINE)]


def all_commands() -> Iterator[grammar.Shared]:
    """The root and its commands."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    for command in (root, *(root.get_command(Context(root), name) for name in COMMANDS)):
        assert isinstance(command, grammar.Shared)
        yield command


COMMAND_TREE = tuple(all_commands())


def page_of(command: grammar.Shared) -> str:
    """The page that describes a command."""
    return "natsobj" if command.name == "natsobj" else f"natsobj-{command.name}"


def generate(
    root: Path, *args: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script of that checkout."""
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "generate"), *args],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        check=False,
    )


def test_what_is_committed_is_fresh() -> None:
    """`scripts/generate` would write nothing else."""
    done = generate(ROOT, "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another checkout of the same program, without the files that are generated."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "generate", tmp_path / "scripts")
    (tmp_path / "natsobj").symlink_to(ROOT / "natsobj")
    return tmp_path


def test_neither_terminal_nor_language_changes_what_is_written(checkout: Path) -> None:
    """A narrow terminal, another locale, forced colour and a CI give the same files."""
    odd = {"COLUMNS": "40", "LC_ALL": "C", "TERM": "dumb", "FORCE_COLOR": "1", "GITHUB_ACTIONS": "true"}
    assert generate(checkout, env=odd).returncode == 0
    for folder in ("man", "completions"):
        ours, theirs = ROOT / folder, checkout / folder
        assert sorted(path.name for path in ours.iterdir()) == sorted(path.name for path in theirs.iterdir())
        for path in ours.iterdir():
            assert path.read_bytes() == (theirs / path.name).read_bytes()


def test_the_check_names_what_is_stale_and_changes_nothing(checkout: Path) -> None:
    """One page was edited by hand, one is missing and one is of a command that is gone."""
    assert generate(checkout).returncode == 0
    man = checkout / "man"
    man.joinpath("natsobj.1").write_text("edited", encoding="utf-8")
    man.joinpath("natsobj-put.1").unlink()
    man.joinpath("natsobj-gone.1").touch()
    done = generate(checkout, "--check")
    assert done.returncode == 1
    names = ("natsobj-gone", "natsobj-put", "natsobj")
    assert done.stdout.splitlines() == [f"stale: man/{name}.1" for name in names]
    assert man.joinpath("natsobj.1").read_text(encoding="utf-8") == "edited"
    assert generate(checkout).returncode == 0
    assert generate(checkout, "--check").returncode == 0
    assert not man.joinpath("natsobj-gone.1").exists()


@pytest.mark.parametrize(
    ("shell", "name"), [("bash", "natsobj.bash"), ("zsh", "_natsobj"), ("fish", "natsobj.fish")]
)
def test_the_completions_are_what_the_command_prints(shell: str, name: str) -> None:
    """`natsobj completion` and the files of a package are the same."""
    assert (ROOT / "completions" / name).read_text(encoding="utf-8") == completion.script(shell)


def test_zsh_knows_the_completion_by_its_first_line() -> None:
    """compinit looks at no other line of a file."""
    assert completion.script("zsh").splitlines()[0] == "#compdef natsobj"


def test_there_is_a_page_for_every_command() -> None:
    """And none for anything else."""
    assert {path.name for path in (ROOT / "man").iterdir()} == {f"{page}.1" for page in PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_its_sections(page: str) -> None:
    """In the usual order, under a title with the version."""
    titles = re.findall(r"^\.SH (.*)$", source_of(page), re.MULTILINE)
    assert [title for title in titles if title in SECTIONS] == list(SECTIONS)
    assert set(titles) - set(SECTIONS) <= {"ARGUMENTS", "COMMANDS"}
    assert f'"natsobj {__version__}"' in source_of(page)
    assert section(page, "NAME").startswith(f"{page} - ")


@pytest.mark.parametrize("command", COMMAND_TREE, ids=page_of)
def test_every_option_stands_in_its_page(command: grammar.Shared) -> None:
    """With all its names; the shared ones stand in natsobj(1)."""
    page = page_of(command)
    there = [name for tag in tags(page, "OPTIONS") for name in re.findall(r"(?:^|, )(-\S+?)(?=,| |$)", tag)]
    wanted = [name for each in command.params if isinstance(each, TyperOption) for name in each.opts]
    assert sorted(there) == sorted([*wanted, "-h", "--help"])


@pytest.mark.parametrize("command", COMMAND_TREE, ids=page_of)
def test_every_example_stands_in_its_page(command: grammar.Shared) -> None:
    """As it is to be typed."""
    for purpose, line in command.examples:
        assert plain(f"{purpose}:") in section(page_of(command), "EXAMPLES")
        assert " ".join(line.split()) in section(page_of(command), "EXAMPLES")


def test_the_commands_stand_in_the_main_page() -> None:
    """And those of `server` in its own."""
    assert [tag.split()[0] for tag in tags("natsobj", "COMMANDS")] == list(COMMANDS)
    assert tags("natsobj-server", "COMMANDS") == ["run", "start", "stop", "status"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("natsobj-put", ["uploads/"]),
        ("natsobj-get", [".NAME.XXXX.natsobj", ".NAME.NUID.part.natsobj"]),
        ("natsobj-server", ["server.json", "server.log", "data/"]),
    ],
)
def test_the_files_of_a_command_stand_in_its_page(page: str, words: list[str]) -> None:
    """Those that it alone writes, and only those."""
    found = tags(page, "FILES")
    assert len(found) == len(words)
    assert all(name.endswith(word) for name, word in zip(found, words, strict=True))


def test_no_option_of_a_nested_command_lacks_a_place() -> None:
    """They have none: one that comes needs a place in the page first."""
    for group in COMMAND_TREE[1:]:
        for command in group.commands.values() if isinstance(group, TyperGroup) else ():
            assert not [each for each in command.params if isinstance(each, TyperOption)]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_lists_every_exit_code(page: str) -> None:
    """The one table of the program, whole."""
    assert tags(page, "EXIT STATUS") == [str(row.code) for row in EXIT_CODES]
    for row in EXIT_CODES:
        assert row.meaning in section(page, "EXIT STATUS")


def test_every_variable_stands_in_the_main_page() -> None:
    """Those of the connection, the local server and the colours."""
    there = {name for tag in tags("natsobj", "ENVIRONMENT") for name in tag.split(", ")}
    connection = {variable for variable, _ in NAMES.values() if variable}
    assert there >= connection | {
        "NATS_CONTEXT",
        LOCAL_VARIABLE,
        "NO_COLOR",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    }


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("natsobj", objects.OBJECT_FIELDS),
        ("natsobj", buckets.BUCKET_FIELDS),
        ("natsobj", account.ACCOUNT_FIELDS),
        ("natsobj", account.SERVER_FIELDS),
        ("natsobj", account.SITE_FIELDS),
        ("natsobj", ERROR_CODES),
        ("natsobj-ls", objects.OBJECT_FIELDS),
        ("natsobj-ls", buckets.BUCKET_FIELDS),
        ("natsobj-put", objects.OBJECT_FIELDS),
        ("natsobj-info", account.ACCOUNT_FIELDS),
        ("natsobj-server", account.SERVER_FIELDS),
        ("natsobj-serve", account.SITE_FIELDS),
        ("natsobj", checks.VERDICT_FIELDS),
        ("natsobj", checks.ORPHAN_FIELDS),
        ("natsobj", checks.TOMBSTONE_FIELDS),
        ("natsobj-verify", checks.VERDICT_FIELDS),
        ("natsobj-sync", actions.ACTION_FIELDS),
        ("natsobj-gc", checks.ORPHAN_FIELDS),
        ("natsobj-gc", checks.TOMBSTONE_FIELDS),
    ],
)
def test_the_fields_of_json_are_listed(page: str, fields: tuple[str, ...]) -> None:
    """All of them in their order; they are frozen."""
    assert ", ".join(fields) in section(page, "JSON FIELDS")


def test_the_columns_of_ls_are_those_that_rows_have() -> None:
    """What the page says of rows is what the code says."""
    told = section("natsobj-ls", "DESCRIPTION").replace(",", "").replace(" and", "")
    for row in (objects.object_row, buckets.bucket_row):
        columns = re.search(r"`(.*?)`", row.__doc__ or "")
        assert columns is not None
        assert columns[1] in told


def test_every_problem_is_explained() -> None:
    """Those that `verify` may name."""
    told = section("natsobj-verify", "DESCRIPTION")
    assert [problem for problem in get_args(Problem) if not re.search(rf"\b{problem}\b.*:", told)] == []


@pytest.mark.interop
def test_mandoc_finds_nothing_to_complain_of() -> None:
    """Every page is proper roff."""
    mandoc = shutil.which("mandoc")
    if mandoc is None:
        pytest.fail("no mandoc here: install it from the system's packages", pytrace=False)
    pages = sorted(str(path) for path in (ROOT / "man").iterdir())
    done = subprocess.run(
        [mandoc, "-W", "warning", "-T", "lint", *pages], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
