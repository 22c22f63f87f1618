"""`natsobj completion`: the script that a shell needs to complete our command lines."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from natsobj.cli import console
from natsobj.cli.grammar import Command
from natsobj.cli.runtime import Session, bridge

EXAMPLES = (
    ("Complete in this bash", "source <(natsobj completion bash)"),
    ("Complete in every fish", "natsobj completion fish > ~/.config/fish/completions/natsobj.fish"),
)

app = typer.Typer()


@app.command("completion", cls=Command)
@bridge
def completion(
    _session: Session,
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the completion script of a shell."""
    from natsobj.cli.completion import script

    console.write(script(shell))
