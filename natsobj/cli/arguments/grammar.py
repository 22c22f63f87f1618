"""How Typer reads a command line for us, and the only place that knows what Typer does not promise.

Typer has no public names for much of what it is made of (`typer._click`). All that we use of it is imported
here, and has its tests; pyproject.toml holds Typer to releases that pass them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

try:
    from typer._click.core import Command as ClickCommand
    from typer._click.core import Context, Parameter, ParameterSource
    from typer._click.exceptions import MissingParameter, NoArgsIsHelpError, NoSuchOption, UsageError
    from typer._click.formatting import HelpFormatter
    from typer._click.shell_completion import CompletionItem, _resolve_context, _resolve_incomplete
    from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
except ImportError as error:
    hint = "install natsobj again, which brings a typer that fits"
    raise SystemExit(f"natsobj: typer {typer.__version__} does not fit: {error.msg} ({hint})") from error

__all__ = [
    "ClickCommand",
    "Command",
    "CompletionItem",
    "Context",
    "Examples",
    "Group",
    "HelpFormatter",
    "MissingParameter",
    "NoArgsIsHelpError",
    "NoSuchOption",
    "Parameter",
    "Shared",
    "TyperArgument",
    "TyperCommand",
    "TyperGroup",
    "TyperOption",
    "UsageError",
    "new_app",
    "shared_parameters",
    "word_to_complete",
]

Examples = Sequence[tuple[str, str]]
"""What somebody wants to do, and the command line that does it."""

ROOT_ONLY = "version"

SHARED_NOTE = "Options of all commands (connection, output): natsobj help connection"


def shared_parameters(ctx: Context) -> list[Parameter]:
    """List the parameters that every command shares with the root."""
    root = ctx.find_root()
    return [] if ctx is root else [each for each in root.command.params if each.name != ROOT_ONLY]


def usage_of(argument: TyperArgument) -> str:
    """Write an argument as it stands in the usage line."""
    name = argument.human_readable_name
    if argument.nargs != 1 and " " not in name:  # several in one say themselves how many they are
        name += "..."
    return name if argument.required else f"[{name}]"


def _not_hidden(shared: list[Parameter], own: list[Parameter]) -> list[Parameter]:
    """Leave out shared options whose name a command uses itself: they stand before it only."""
    taken = {option for each in own for option in each.opts}
    return [each for each in shared if taken.isdisjoint(each.opts)]


class Shared(ClickCommand):
    """What commands and groups have in common: options that are taken on either side, and help that is ours.

    The shared options are the parameters of the root command. Every command parses them as well, hands what
    was given on to the root's context, and keeps only its own: `natsobj -s URL ls` and `natsobj ls -s URL`
    are the same, and what comes after beats what came before. Where a command has an option of the same name,
    what comes after is the command's.
    """

    examples: Examples = ()

    def get_params(self, ctx: Context) -> list[Parameter]:
        own = super().get_params(ctx)
        return [*own, *_not_hidden(shared_parameters(ctx), own)]

    def own_params(self, ctx: Context) -> list[Parameter]:
        """List what belongs to this command only, its help option included."""
        return super().get_params(ctx)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        try:
            rest = super().parse_args(ctx, args)
        except UsageError as error:
            error.ctx = error.ctx or ctx  # so that the message can name the help to look into
            raise
        given = ctx.find_root().params
        shared = _not_hidden(shared_parameters(ctx), self.own_params(ctx))
        for name in [each.name for each in shared if each.name]:
            value = ctx.params.pop(name, None)
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                given[name] = value
        return rest

    def collect_usage_pieces(self, ctx: Context) -> list[str]:  # noqa: ARG002
        arguments = [each for each in self.params if isinstance(each, TyperArgument)]
        optional = ""
        for each in reversed([each for each in arguments if not each.required]):
            optional = f"{usage_of(each)[:-1]}{' ' if optional else ''}{optional}]"
        required = [usage_of(each) for each in arguments if each.required]
        return ["[OPTIONS]", *required, *([optional] if optional else [])]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.own_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, TyperArgument):
                sections.setdefault("Arguments", []).append((usage_of(param), param.help or ""))
            elif record is not None:
                panel = getattr(param, "rich_help_panel", None) or "Options"
                sections.setdefault(panel, []).append(record)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for purpose, line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{purpose}:\n")
                    formatter.write(f"{'':{formatter.current_indent}}  {line}\n")
        if ctx.parent is not None:
            formatter.write_paragraph()
            formatter.write_text(SHARED_NOTE)


def new_app(cls: type[TyperGroup] | None = None, **settings: Any) -> typer.Typer:
    """Make a Typer app without Typer's own completion options, boxes and tracebacks."""
    return typer.Typer(
        cls=cls,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


class Command(Shared, TyperCommand):
    """A command that takes the shared options."""


class Group(Shared, TyperGroup):
    """A group of commands that takes the shared options, too."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "COMMAND"]

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


def word_to_complete(
    command: ClickCommand, program: str, words: Sequence[str], current: str
) -> tuple[Context, ClickCommand | Parameter, str]:
    """Find what the word at the cursor stands for, after these words, and what of it is typed so far."""
    seen = list(words)
    ctx = _resolve_context(command, {}, program, seen)
    target, text = _resolve_incomplete(ctx, seen, current)
    return ctx, target, text
