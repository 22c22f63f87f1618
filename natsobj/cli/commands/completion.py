"""`natsobj completion`: the script that a shell needs to complete our command lines."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import grammar
from natsobj.cli.output import console
from natsobj.cli.session.bridge import bridge
from natsobj.cli.session.session import Session

EXAMPLES = (
    ("Complete in this bash", "source <(natsobj completion bash)"),
    ("Complete in every fish", "natsobj completion fish > ~/.config/fish/completions/natsobj.fish"),
)

app = grammar.new_app()


@app.command("completion", cls=grammar.Command)
@bridge
def completion(
    session: Session,  # noqa: ARG001  # every command has one
    shell: Annotated[
        Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")
    ],
) -> int:
    """Print a shell's completion script."""
    from natsobj.cli.arguments.completion import script

    console.write(script(shell))
    return exits.DONE
