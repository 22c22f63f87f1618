"""`natsobj help`: what all commands have in common, and the help of one."""

from __future__ import annotations

from typing import Annotated

import typer

from natsobj.cli.arguments import grammar
from natsobj.cli.arguments.grammar import Context, TyperArgument, TyperGroup
from natsobj.cli.exits import UsageError
from natsobj.cli.output import console

EXAMPLES = (
    ("List the exit codes", "natsobj help exit-codes"),
    ("Find the counterpart of a nats object command", "natsobj help nats"),
    ("Explain a command", "natsobj help put"),
)

app = grammar.new_app()


def _complete(ctx: typer.Context, incomplete: str) -> list[str]:
    from natsobj.cli.topics import TOPICS

    root = ctx.find_root().command
    assert isinstance(root, TyperGroup)
    return [name for name in (*TOPICS, *root.list_commands(ctx)) if name.startswith(incomplete)]


@app.command("help", cls=grammar.Command)
def help_(
    ctx: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            help="exit-codes, environment, json, connection, nats, or a command.",
            autocompletion=_complete,
        ),
    ] = None,
) -> None:
    """Explain a topic or a command."""
    from natsobj.cli import topics

    top = ctx.find_root()
    root = top.command
    assert isinstance(root, TyperGroup)
    if topic is None:
        console.write(f"{root.get_help(top)}\n\nTopics of natsobj help:\n{_topics()}")
    elif topic in topics.TOPICS:
        console.write(topics.topic(topic, _options(top)))
    elif topic in root.list_commands(top):
        command = root.get_command(top, topic)
        assert command is not None
        with command.make_context(topic, [], top, resilient_parsing=True) as inner:
            console.write(command.get_help(inner) + "\n")
    else:
        error = UsageError(f"no such topic: {topic}", ctx)
        error.add_note(f"topics: {', '.join(topics.TOPICS)}, and the commands")
        raise error


def _topics() -> str:
    from natsobj.cli.topics import TOPICS

    return "".join(f"  {name:<12}  {about}\n" for name, about in TOPICS.items())


def _options(ctx: Context) -> list[tuple[str, str, str]]:
    """Give panel, name and meaning of each option that all commands take."""
    found = []
    for param in ctx.command.params:
        record = None if isinstance(param, TyperArgument) else param.get_help_record(ctx)
        panel = getattr(param, "rich_help_panel", None)
        if record is not None and panel:
            found.append((str(panel), *record))
    return found
