"""From Typer to a command's session, and out of the program with its exit code."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec

import typer

from natsobj.cli import exits
from natsobj.cli.exits import UsageError
from natsobj.cli.output import console
from natsobj.cli.session.interrupts import interrupts
from natsobj.errors import NatsobjError

if TYPE_CHECKING:
    from natsobj.cli.session.session import Session

__all__ = ["bridge", "end", "guard"]

P = ParamSpec("P")


def bridge(
    command: Callable[Concatenate[Session, P], Coroutine[Any, Any, int] | int],
) -> Callable[..., None]:
    """Make a Typer command of a function, or coroutine function, whose first argument is a session.

    What it returns is the exit code.
    """
    signature = inspect.signature(command, eval_str=True)
    first = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)

    @functools.wraps(command)
    def call(ctx: typer.Context, *args: P.args, **kwargs: P.kwargs) -> None:
        from natsobj.cli.session.session import Session

        session = Session(ctx.find_root().params)
        try:
            status = session.run(lambda: command(session, *args, **kwargs))
        except UsageError as error:
            error.ctx = error.ctx or ctx  # so that the message can name the help to look into
            raise
        raise typer.Exit(status)

    parameters = [first, *list(signature.parameters.values())[1:]]
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


def guard(action: Callable[[], object]) -> int:
    """Run the whole command line and give the exit code; whatever gets this far is explained here.

    A signal that came too late to stop anything changes nothing: what was committed is done.
    """
    try:
        action()
    except typer.Exit as ended:
        status = ended.exit_code
    except SystemExit as ended:  # typer's answer to a shell that completes
        status = int(ended.code or 0)
    except UsageError as error:
        status = _wrong_usage(error)
    except BrokenPipeError:
        status = interrupts.status or exits.BROKEN_PIPE
    except BaseException as error:  # noqa: BLE001  # cancelled by a signal, or a bug
        status = interrupts.status or _explain(error)
    else:
        status = 0
    return status


def _wrong_usage(error: UsageError) -> int:
    message, hint = exits.usage_message(error)
    if hint is None:
        console.say_block(message)
    else:
        params = error.ctx.find_root().params if error.ctx else {}
        color = console.colored(str(params.get("color") or "auto"), console.STDERR)
        console.say_error(f"{message} ({hint})", color=color)
    return exits.USAGE


def _explain(error: BaseException) -> int:
    from natsobj.cli.output import diagnostics

    if isinstance(error, (NatsobjError, OSError)) and exits.foreseen(error):
        diagnostics.report_error(error, color=console.colored("auto", console.STDERR))
        return exits.exit_code(error)
    console.say_block(diagnostics.traceback_of(error))
    return exits.FAILED


def end(status: int) -> NoReturn:
    """Leave with this exit code; threads that wait for a pipe or a name server are left behind."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = exits.BROKEN_PIPE
    except OSError as error:
        if not status:  # else it was said already, and this is what was left in the buffer
            from natsobj.cli.output import diagnostics

            diagnostics.report_error(error, color=console.colored("auto", console.STDERR))
        status = status or exits.FAILED
    os._exit(status)
