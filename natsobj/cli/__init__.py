"""The `natsobj` command line: which commands there are, and the options that all of them take."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import typer

from natsobj import __version__
from natsobj.cli.arguments import grammar, shared_options
from natsobj.cli.arguments.grammar import ClickCommand, Context, HelpFormatter
from natsobj.cli.exits import UsageError
from natsobj.cli.output import console
from natsobj.cli.session import bridge
from natsobj.cli.session.interrupts import interrupts
from natsobj.errors import InvalidBucketName

__all__ = ["app", "main"]

GROUPS = {
    "Objects": ("put", "get", "cat", "ls", "info", "rm", "mv", "cp", "ln", "edit", "watch", "serve"),
    "Buckets": ("add", "seal"),
    "Folders": ("sync",),
    "Care": ("verify", "gc"),
    "Setup": ("server", "completion", "help"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
"""Each is a module of `natsobj.cli.commands` with an `app` and `EXAMPLES`, imported when it is needed."""


READ_ON = """
Examples:
  natsobj put photos cat.jpg ./cat.jpg      store a file under the key cat.jpg
  natsobj get -r photos 2026/ ./holidays    fetch all of 2026/ into a folder
  tar c dist | natsobj put artifacts dist.tar --create
Exit codes: 0 done, 1 failed, 2 usage, 3 no bucket, 4 no object, 5 try again,
6 refused, 7 not authorised, 8 broken. More: natsobj COMMAND --help and natsobj
help connection (options of all commands), exit-codes, environment, json, nats.
"""

COMPLETE = "_NATSOBJ_COMPLETE"
"""The variable by which a shell's script asks what TAB may offer."""


class Root(grammar.Group):
    """The command itself, which imports a command's module only when that command is wanted."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> ClickCommand | None:  # noqa: ARG002
        for name in (cmd_name,) if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                module = importlib.import_module(f"natsobj.cli.commands.{name}")
                command = typer.main.get_command(module.app)
                assert isinstance(command, grammar.Shared)
                command.name, command.examples = name, module.EXAMPLES
                self.add_command(command)
        return self.commands.get(cmd_name)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write one screen: the commands by groups, three examples, and where to read on."""
        self.format_usage(ctx, formatter)
        formatter.write("\n")
        for group, names in GROUPS.items():
            for number, name in enumerate(names):
                command = self.get_command(ctx, name)
                assert command is not None
                about = command.get_short_help_str(limit=60)
                formatter.write(f"{'' if number else group:<9}{name:<12}{about}\n")
        formatter.write(READ_ON)


app = grammar.new_app(Root, name="natsobj", no_args_is_help=True)


def _print_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:  # which is what TAB does
        console.write(f"natsobj {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    *,
    server: shared_options.Server = None,
    context: shared_options.Context = None,
    creds: shared_options.Creds = None,
    nkey: shared_options.Nkey = None,
    user: shared_options.User = None,
    password: shared_options.Password = None,
    token: shared_options.Token = None,
    tlscert: shared_options.TlsCert = None,
    tlskey: shared_options.TlsKey = None,
    tlsca: shared_options.TlsCa = None,
    tlsfirst: shared_options.TlsFirst = False,
    js_domain: shared_options.JsDomain = None,
    js_api_prefix: shared_options.ApiPrefix = None,
    inbox_prefix: shared_options.InboxPrefix = None,
    timeout: shared_options.Timeout = None,
    local: shared_options.Local = False,
    json: shared_options.Json = False,
    quiet: shared_options.Quiet = False,
    verbose: shared_options.Verbose = False,
    debug: shared_options.Debug = False,
    color: shared_options.Color = None,
    progress: shared_options.Progress = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep files in NATS JetStream object stores."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    console.prepare()
    interrupts.install()
    bridge.end(bridge.guard(_run))


def _run() -> None:
    command = typer.main.get_command(app)
    if instruction := os.environ.get(COMPLETE):
        from natsobj.cli.arguments.completion import answer

        console.write(answer(command, instruction, os.environ, sys.argv[1:]))
        return
    try:
        with command.make_context("natsobj", sys.argv[1:]) as ctx:
            command.invoke(ctx)
    except (UsageError, InvalidBucketName) as error:
        _advise(error, command)
        raise


def _advise(error: UsageError | InvalidBucketName, command: ClickCommand) -> None:
    """Note the line that would have worked on an error about one that was typed for another program."""
    from natsobj.cli.arguments.phrasebook import advice

    if not getattr(error, "__notes__", None):
        with command.make_context("natsobj", ["help"], resilient_parsing=True) as ctx:
            line = advice(sys.argv[1:], ctx)
        if line is not None:
            error.add_note(f"try {line}")
