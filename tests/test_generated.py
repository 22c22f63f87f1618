"""man/ and completions/: what is committed is what the program says of itself today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer._click.core import Context
from typer.core import TyperGroup, TyperOption

from natsobj.cli import COMMANDS, app
from natsobj.cli.exits import ERROR_CODES, EXIT_CODES
from natsobj.cli.render import OBJECT_FIELDS

ROOT = Path(__file__).parents[1]


def words_of(page: str) -> str:
    """The text of a manual page, with its escapes undone as far as words go."""
    return (ROOT / "man" / page).read_text(encoding="utf-8").replace("\\-", "-")


def test_generated_files_are_fresh() -> None:
    """`scripts/generate` would write nothing new."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_its_page(name: str) -> None:
    """Whatever the command takes is in its manual page, those of nested commands included."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    command = root.get_command(Context(root), name)
    assert command is not None
    nested = list(command.commands.values()) if isinstance(command, TyperGroup) else []
    page = words_of(f"natsobj-{name}.1")
    options = [each for part in (command, *nested) for each in part.params if isinstance(each, TyperOption)]
    for option in options:
        for word in option.opts:
            assert word in page


def test_the_shared_options_stand_in_the_main_page() -> None:
    """All of them once, with the exit codes, the fields and the error codes."""
    root = typer.main.get_command(app)
    page = words_of("natsobj.1")
    for param in root.params:
        for word in param.opts:
            assert word in page
    assert " ".join(OBJECT_FIELDS) in page
    assert " ".join(ERROR_CODES) in page


@pytest.mark.parametrize("page", ["natsobj.1", *(f"natsobj-{name}.1" for name in COMMANDS)])
def test_every_page_lists_every_exit_code(page: str) -> None:
    """The one table of the program, whole."""
    for row in EXIT_CODES:
        assert f".B {row.code}\n" in words_of(page)
