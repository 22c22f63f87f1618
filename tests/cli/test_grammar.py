"""What `cli/arguments/grammar.py` leans on in Typer, which promises none of it: a new release may lack it."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest
import typer

from natsobj.cli.arguments import grammar

ATTRIBUTES = {
    grammar.Context: ("find_root", "get_parameter_source", "scope", "command_path"),
    grammar.ClickCommand: (
        "format_usage",
        "get_help",
        "get_short_help_str",
        "invoke",
        "main",
        "make_context",
        "shell_complete",
    ),
    grammar.TyperGroup: ("add_command", "format_commands", "get_command", "list_commands"),
    grammar.Parameter: ("get_help_record", "human_readable_name", "param_type_name", "shell_complete"),
    grammar.HelpFormatter: ("section", "write", "write_dl", "write_paragraph", "write_text"),
    grammar.UsageError: ("format_message",),
}


@pytest.mark.parametrize("kind", ATTRIBUTES, ids=lambda kind: str(kind.__name__))
def test_typer_has_what_is_called_of_it(kind: type) -> None:
    """Methods and properties of Typer's classes that the program uses."""
    assert [name for name in ATTRIBUTES[kind] if not hasattr(kind, name)] == []


def test_every_method_that_is_ours_replaces_one_of_typer() -> None:
    """One that Typer calls by another name would be passed over in silence."""
    for ours, theirs in (
        (grammar.Shared, grammar.ClickCommand),
        (grammar.Command, grammar.TyperCommand),
        (grammar.Group, grammar.TyperGroup),
    ):
        methods = {name for name, each in vars(ours).items() if inspect.isfunction(each)}
        assert methods - {"own_params"} <= set(dir(theirs)), ours


def test_a_wrong_line_tells_what_was_wrong_in_fields() -> None:
    """Messages are written from them: the context, what was missing, and the nearest option."""
    app = grammar.new_app()

    @app.command(cls=grammar.Command)
    def command(key: str, color: str = "") -> None:
        """Take one argument and one option."""

    line = typer.main.get_command(app)
    with pytest.raises(grammar.MissingParameter) as missing:
        line.make_context("natsobj", [])
    assert missing.value.param is not None
    assert missing.value.param.human_readable_name == "key"
    assert missing.value.ctx is not None
    with pytest.raises(grammar.NoSuchOption) as unknown:
        line.make_context("natsobj", ["k", "--colour=always"])
    assert unknown.value.possibilities == ["--color"]


def test_the_word_at_the_cursor_is_found() -> None:
    """With the parameter or the command that it is for, and what of it is typed."""
    app = grammar.new_app()

    @app.command(cls=grammar.Command)
    def command(key: str, color: str = "") -> None:
        """Take one argument and one option."""

    line = typer.main.get_command(app)
    ctx, target, text = grammar.word_to_complete(line, "natsobj", ["k"], "--color=al")
    assert isinstance(target, grammar.Parameter)
    assert (ctx.params["key"], target.name, text) == ("k", "color", "al")


@pytest.mark.parametrize(
    "lacking",
    [
        "core.ParameterSource",
        "exceptions.NoSuchOption",
        "formatting.HelpFormatter",
        "shell_completion._resolve_context",
        "shell_completion._resolve_incomplete",
    ],
)
def test_a_typer_that_lacks_something_ends_the_program_in_a_line(lacking: str) -> None:
    """Before anything is read or done, whatever was typed."""
    module, _, name = lacking.partition(".")
    code = (
        f"import sys, typer, typer._click.{module} as part; del part.{name}; sys.argv = ['natsobj', 'ls'];"
        "from natsobj.__main__ import main; main()"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"natsobj: typer {typer.__version__} does not fit: ")
    assert name in done.stderr
    assert done.stderr.count("\n") == 1
