"""Options and arguments: where they are accepted, what they take, and how help shows them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import typer

from natsobj import Bucket, __version__
from natsobj.cli import app
from natsobj.cli.arguments import grammar, values
from natsobj.cli.arguments.grammar import ClickCommand, TyperGroup
from natsobj.cli.exits import UsageError
from tests.program import Program

DEAD = "nats://127.0.0.1:1"


def commands() -> dict[str, ClickCommand]:
    """All commands by what is typed to reach them."""
    root = typer.main.get_command(app)
    ctx = typer.Context(root, info_name="natsobj")
    assert isinstance(root, TyperGroup)
    found: dict[str, ClickCommand] = {}
    for name in root.list_commands(ctx):
        command = root.get_command(ctx, name)
        assert command is not None
        found[name] = command
        if isinstance(command, TyperGroup):
            found |= {f"{name} {each}": nested for each, nested in command.commands.items()}
    return found


# Options on either side


@pytest.mark.parametrize("command", [["ls"], ["--json", "ls"]])
def test_a_connection_option_is_accepted_before_and_after_the_command(
    cli: Program, command: list[str]
) -> None:
    """`natsobj -s URL ls` and `natsobj ls -s URL` are the same."""
    before = cli("-s", DEAD, *command)
    after = cli(*command, "-s", DEAD)
    assert before == after
    assert before.code == 5
    assert DEAD in before.stderr


def test_what_comes_after_the_command_beats_what_came_before(cli: Program) -> None:
    """A flag after the command is the last word."""
    assert cli("-s", DEAD, "ls", "-s", cli.env["NATS_URL"]).code == 0
    assert cli("-s", cli.env["NATS_URL"], "ls", "-s", DEAD).code == 5


@pytest.mark.parametrize(
    "line",
    ["--json server status", "server --json status", "server status --json", "-q server --json status -v"],
)
def test_a_command_in_a_group_takes_the_shared_options_at_every_place(bare_cli: Program, line: str) -> None:
    """`server status` is one level deeper and no exception."""
    result = bare_cli(*line.split())
    assert result.stdout == b'{"running":false,"pid":null,"url":null,"data":null}\n'
    assert (result.code, result.stderr) == (1, "")


async def test_output_options_are_accepted_on_either_side(cli: Program, bucket: Bucket) -> None:
    """`--json` and `-q` work before and after, and together with the command's own options."""
    assert cli("-q", "put", bucket.name, "a", "-") == cli("put", "-q", bucket.name, "a", "-") == (0, b"", "")
    assert cli("--json", "ls", bucket.name).lines == cli("ls", bucket.name, "--json").lines != []


def test_every_command_takes_every_shared_option() -> None:
    """What the root command declares is what all of them accept; `--version` is the root's own.

    Behind `serve`, `--token` is the one of its pages.
    """
    root = typer.main.get_command(app)
    ctx = typer.Context(root, info_name="natsobj")
    expected = {each.name for each in root.params} - {"version"}
    for name, command in commands().items():
        inner = typer.Context(command, parent=ctx, info_name=name)
        accepted = {each.name for each in command.get_params(inner)}
        assert expected - accepted == ({"token"} if name == "serve" else set())


# Help


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_help_of_a_command_ends_with_a_word_on_the_shared_options(bare_cli: Program, name: str) -> None:
    """They are not repeated in each help, but nobody has to guess that they are accepted."""
    result = bare_cli(*name.split(), "--help")
    assert (result.code, result.stderr) == (0, "")
    assert result.text.startswith(f"Usage: natsobj {name} ")
    assert result.lines[-1] == grammar.SHARED_NOTE
    assert "--tlsca" not in result.text


@pytest.mark.parametrize(("name", "command"), sorted(commands().items()))
def test_the_first_line_of_a_help_is_short_and_every_option_is_explained(
    name: str, command: ClickCommand
) -> None:
    """A command says in 60 characters what it does, and has an example."""
    first = (command.help or "").splitlines()[0]
    assert 0 < len(first) <= 60
    assert first.endswith(".")
    assert all(getattr(param, "help", None) for param in command.params)
    assert isinstance(command, grammar.Shared)
    if " " not in name:
        assert command.examples
        assert all(f"natsobj {name}" in line for _, line in command.examples)


def test_no_arguments_at_all_show_the_help_and_are_wrong_usage(bare_cli: Program) -> None:
    """Somebody who only types the name learns what to type; a script learns that it did nothing."""
    result = bare_cli()
    assert (result.code, result.stdout) == (2, b"")
    assert result.stderr.startswith("Usage: natsobj ")


@pytest.mark.unmeasured
def test_version_prints_name_and_version_and_imports_nothing_heavy(bare_cli: Program) -> None:
    """Start-up stays cheap: no nats, no rich, no asyncio for what needs none of them."""
    command = bare_cli.command("--version")
    command[1:1] = ["-X", "importtime"]
    done = subprocess.run(command, env=bare_cli.environment(), capture_output=True, text=True, check=True)
    assert done.stdout == f"natsobj {__version__}\n"
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert imported.isdisjoint({"nats", "rich", "asyncio", "logging", "ssl", "json"})


# Wrong usage


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lss", "no such command 'lss'. Did you mean 'ls'? (try natsobj --help)"),
        ("ls --josn", "no such option: --josn (did you mean --json?)"),
        ("put photos", "missing argument KEY (try natsobj put --help)"),
        ("info a b c d -x", "no such option: -x (try natsobj info --help)"),
        ("ls --color red", "invalid value for '--color': 'red' is not one of 'auto', 'always', 'never'"),
        ("ls --timeout", "option '--timeout' requires an argument (try natsobj ls --help)"),
        ("server", "Usage: natsobj server [OPTIONS] COMMAND"),
        ("--local ls -s x", "contradicting options: --local and --server"),
        ("--local --context x ls", "contradicting options: --local and --context"),
    ],
)
def test_wrong_usage_is_one_line_of_text_and_exit_code_2(cli: Program, line: str, said: str) -> None:
    """It says what is wrong and what to do, as text under `--json` as well."""
    result = cli(*line.split())
    assert (result.code, result.stdout) == (2, b"")
    assert said in result.stderr
    if not said.startswith("Usage"):
        assert result.stderr.startswith("natsobj: ")
        assert result.stderr.count("\n") == 1
        assert cli("--json", *line.split()) == result


def test_wrong_usage_looks_the_same_in_a_ci_step(cli: Program) -> None:
    """Typer would draw boxes in colour there."""
    assert cli("ls", "--foo", env={"GITHUB_ACTIONS": "true"}) == cli("ls", "--foo")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["ls", "a b"], "invalid bucket name: a b (letters, digits, - and _ are allowed)"),
        (["add", ""], "invalid bucket name"),
        (["rm", "--bucket", "x.y", "-f"], "invalid bucket name: x.y"),
        (["put", "photos", ""], "invalid key: it is empty"),
        (["get", "photos", "", "x"], "invalid key: it is empty"),
        (["rm", "photos", "a", ""], "invalid key: it is empty"),
        (["info", "photos", "x" * 2901], "invalid key: 2,901 bytes, the limit is 2,900"),
        (["put", "photos", b"\xff"], "invalid key: it is not UTF-8"),
        (["put", "photos", "x", ""], "the name of FILE is empty"),
        (["put", "photos", "x", "--description", b"\xff"], "not UTF-8"),
    ],
)
def test_invalid_names_are_refused_before_anything_is_asked(
    bare_cli: Program, line: list[str | bytes], said: str
) -> None:
    """No server is needed to know that they are invalid."""
    result = bare_cli("-s", DEAD, *line)
    assert (result.code, result.stdout) == (2, b"")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_name_is_utf_8_whatever_the_locale(cli: Program) -> None:
    """The bytes on the command line are the name, in a C locale as well."""
    result = cli(
        "info", "photos-none", "Köpfe", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )
    assert result.code == 3


# Parsers


def test_sha256_takes_any_case_and_nothing_else() -> None:
    """`--if-match` wants 64 hex digits behind `sha256:`."""
    assert values.sha256("SHA256:" + "aB" * 32) == "ab" * 32
    for wrong in ("", "ab" * 32, "sha256:" + "a" * 63, "sha256:" + "g" * 64, "sha256:" + "a" * 65):
        with pytest.raises(typer.BadParameter):
            values.sha256(wrong)


def test_repeated_headers_are_grouped_by_name() -> None:
    """A name may have several values, in the order they were given."""
    pairs = [values.Pair("a", "1"), values.Pair("b", ""), values.Pair("a", "2")]
    assert values.grouped(pairs) == {"a": ("1", "2"), "b": ("",)}


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        (None, "anything", True),
        ("*.jpg", "2026/cat.jpg", True),
        ("*.jpg", "cat.jpeg", False),
        ("2026/?at*", "2026/cat.jpg", True),
        ("[ab]*", "c", False),
        ("*.JPG", "cat.jpg", False),
        ("a*c", "a\nb/c", True),
    ],
)
def test_a_glob_matches_the_whole_name_and_slashes_too(glob: str | None, name: str, fits: bool) -> None:
    """`*` also matches `/`; case counts."""
    assert values.matcher(glob)(name) is fits


def test_contradicting_options_are_named() -> None:
    """The first two that were given are in the message; one alone is fine."""
    values.exclusive({"--a": False, "--b": "x", "--c": None})
    with pytest.raises(UsageError, match="contradicting options: --a and --c"):
        values.exclusive({"--a": True, "--b": None, "--c": "x", "--d": True})


def test_the_name_of_a_file_is_left_as_the_system_gives_it() -> None:
    """A file may have a name that is not UTF-8."""
    name = os.fsdecode(b"\xff")
    assert values.file_name(name) == name


def test_python_m_natsobj_is_the_installed_command(bare_cli: Program, tmp_path: Path) -> None:
    """Both ways of starting call themselves natsobj."""
    assert bare_cli("--help", cwd=tmp_path).text.startswith("Usage: natsobj ")
