"""The `natsobj` command line: which commands there are, and the options that all of them take."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import typer
from typer._click.core import Command, Context
from typer._click.formatting import HelpFormatter

from natsobj import __version__
from natsobj.cli import console, grammar, options, runtime
from natsobj.cli.exits import EXIT_CODES
from natsobj.cli.interrupts import interrupts

__all__ = ["app", "main"]

COMMANDS = (
    "add",
    "ls",
    "put",
    "get",
    "cat",
    "info",
    "rm",
    "mv",
    "cp",
    "ln",
    "edit",
    "seal",
    "watch",
    "verify",
    "gc",
    "server",
    "completion",
)
"""Each is a module of `natsobj.cli.commands` with an `app` and `EXAMPLES`, imported when it is needed."""


COMPLETE = "_NATSOBJ_COMPLETE"
"""The variable by which a shell's script asks what TAB may offer."""


class Root(grammar.Group):
    """The command itself, which imports a command's module only when that command is wanted."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        for name in (cmd_name,) if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                module = importlib.import_module(f"natsobj.cli.commands.{name}")
                command = typer.main.get_command(module.app)
                assert isinstance(command, grammar.Shared)
                command.name, command.examples = name, module.EXAMPLES
                self.add_command(command)
        return self.commands.get(cmd_name)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(row.code), row.meaning) for row in EXIT_CODES])
        super().format_epilog(ctx, formatter)


app = grammar.new_app(Root, name="natsobj", no_args_is_help=True)


def _print_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:  # which is what TAB does
        console.write(f"natsobj {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    *,
    server: options.Server = None,
    context: options.Context = None,
    creds: options.Creds = None,
    nkey: options.Nkey = None,
    user: options.User = None,
    password: options.Password = None,
    token: options.Token = None,
    tlscert: options.TlsCert = None,
    tlskey: options.TlsKey = None,
    tlsca: options.TlsCa = None,
    tlsfirst: options.TlsFirst = False,
    js_domain: options.JsDomain = None,
    js_api_prefix: options.ApiPrefix = None,
    inbox_prefix: options.InboxPrefix = None,
    timeout: options.Timeout = None,
    local: options.Local = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
    color: options.Color = None,
    progress: options.Progress = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep files in NATS JetStream object stores."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    console.prepare()
    interrupts.install()
    runtime.end(runtime.guard(_run))


def _run() -> None:
    command = typer.main.get_command(app)
    if instruction := os.environ.get(COMPLETE):
        from natsobj.cli.completion import answer

        console.write(answer(command, instruction, os.environ, sys.argv[1:]))
        return
    with command.make_context("natsobj", sys.argv[1:]) as ctx:
        command.invoke(ctx)
