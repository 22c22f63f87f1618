"""What every command runs in: a session with its server, its results, its batches and its way out."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterator,
)
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

import typer

from natsobj.cli import exits
from natsobj.cli.arguments import target
from natsobj.cli.exits import UsageError
from natsobj.cli.output import console, diagnostics
from natsobj.cli.output.printer import Printer
from natsobj.cli.session.interrupts import interrupts
from natsobj.errors import (
    AuthorizationError,
    BucketNotFound,
    BucketReadOnly,
    BucketSealed,
    ChunksLost,
    InvalidArgument,
    InvalidKey,
    NatsobjError,
    ObjectChanged,
    ObjectNotFound,
    OutcomeUnknown,
    SourceChanged,
    TemporaryError,
    UnsuitableStream,
)

if TYPE_CHECKING:
    from datetime import timedelta
    from logging import LogRecord

    from natsobj.cli.output.progress import Mode, Progress
    from natsobj.settings import Settings
    from natsobj.store import Store

__all__ = ["Session", "bridge", "concerns_all", "end", "guard"]

P = ParamSpec("P")
T = TypeVar("T")


class Session(Printer):
    """One run of one command: its server, its results, what it says of failures and signals."""

    # The server

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """Connect; an error about what does not exist gets its did-you-mean while the connection is there."""
        from natsobj.store import Store

        quiet = self._quiet or self.json
        diagnostics.listen(verbose=self.verbose, debug=self._debug, quiet=quiet, keep=self._keep)
        settings = await self._settings()
        interrupts.limit = settings.timeout.total_seconds()
        with interrupts.until_done() as done:
            async with Store(settings) as store:
                if self.verbose:
                    console.say(f"natsobj: connected to {store.server()}, {settings.origin}")
                try:
                    yield store
                except (BucketNotFound, ObjectNotFound) as error:
                    from natsobj.cli.arguments.suggest import add_suggestion

                    await add_suggestion(store, error)
                    raise
                done()

    def _keep(self, record: LogRecord, text: str) -> bool:
        """Keep what the library remarks for the line that is said after a signal, and what it repeats."""
        import logging

        if record.levelno >= logging.WARNING and interrupts.remark(text):
            return True
        if self.verbose or self._debug:
            return False
        return not self._repeats.add_remark(f"{record.name} {record.lineno}", text)

    async def _settings(self) -> Settings:
        if not target.local_wanted(self.params, os.environ):
            return target.remote(self.params, os.environ)
        import asyncio

        from natsobj import local_server

        home = target.local_home(os.environ)
        server = await asyncio.to_thread(local_server.start, home, timeout=self.timeout)
        return local_server.settings(server, self.timeout)

    @property
    def timeout(self) -> timedelta:
        """The timeout where no other setting of the connection matters."""
        return target.timeout_of(self.params, os.environ)

    def progress(self, *, beside_content: bool = False) -> AbstractContextManager[Progress]:
        """Show how far a transfer is; not by itself where the content goes to the same terminal."""
        from natsobj.cli.output.progress import open_progress

        mode: Mode = self.params.get("progress") or "auto"
        if mode == "auto" and (self._quiet or (beside_content and self.stdout_is_terminal)):
            mode = "none"
        return open_progress(mode, sys.stderr, color=console.colored(self._color, console.STDERR))

    def account(self, account: Callable[[bool], str], *, bucket: str | None = None) -> None:
        """Have something to say after a signal, if the command has not come to its end then.

        Args:
            account: says what is so now; its argument is False where what was begun may still be done.
            bucket: may keep chunks where they could not be removed any more.
        """
        if not self.json:
            interrupts.account = account
            interrupts.trace = (
                f"chunks may be left over (natsobj gc {bucket} removes them)" if bucket else None
            )

    # Questions and failures

    async def ask(self, question: str) -> str:
        """Let somebody at the terminal type a line."""
        import asyncio

        console.say_raw(question)
        try:
            typed: bytes = await asyncio.to_thread(sys.stdin.buffer.readline)
        except asyncio.CancelledError:
            console.say("")
            raise
        return typed.decode(errors="replace").strip()

    def give_up(self, why: str) -> None:
        """Say that nothing was done, at somebody's wish."""
        self.status = exits.FAILED
        console.say(f"natsobj: {why}")

    async def batch(
        self, keys: Collection[str], act: Callable[[str], Awaitable[T]], done: Callable[[T], None]
    ) -> None:
        """Do the same for every key: one that fails is reported and does not stop the others.

        A single key fails with its own exit code, and so does the batch where all keys are concerned.
        """
        failed = 0
        for key in keys:
            try:
                done(await act(key))
            except NatsobjError as error:
                if len(keys) == 1 or concerns_all(error):
                    raise
                self.fail(error)
                failed += 1
        self.fold()
        if failed:
            self.report(f"{failed:,} of {len(keys):,} failed")

    @contextmanager
    def hinting(self, kind: type[NatsobjError], hint: str) -> Iterator[None]:
        """Name the next step of this command on an error that has a better one elsewhere, or none."""
        try:
            yield
        except kind as error:
            if not getattr(error, "__notes__", None):
                error.add_note(hint)
            raise

    def run(self, command: Callable[[], Coroutine[Any, Any, None] | None]) -> int:
        """Run the command and give its exit code; wrong usage is left to the caller."""
        try:
            work = command()
            if work is not None:
                _run_to_end(work)
        except (NatsobjError, OSError) as error:
            self.fold()
            if isinstance(error, BrokenPipeError) or not exits.foreseen(error):
                raise
            if not interrupts.status or isinstance(error, OutcomeUnknown):
                diagnostics.report_error(error, as_json=self.json, debug=self._debug)
            else:
                interrupts.say(tidied=True)
            return interrupts.status or exits.exit_code(error)
        except BaseException:
            self.fold()
            if interrupts.status:
                interrupts.say(tidied=True)
            raise
        self.fold()
        return self.status


def concerns_all(error: Exception) -> bool:
    """Say whether the others of a batch would meet the same error."""
    for_all = (
        AuthorizationError,
        BucketNotFound,
        BucketReadOnly,
        BucketSealed,
        InvalidArgument,
        TemporaryError,
        UnsuitableStream,
    )
    for_one = (ChunksLost, InvalidKey, ObjectChanged, SourceChanged)
    return isinstance(error, for_all) and not isinstance(error, for_one)


def _run_to_end(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a loop of its own.

    Unlike `asyncio.run` it does not wait for the executor's threads: a name lookup that hangs would keep
    the program from ending.
    """
    import asyncio

    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    with interrupts.cancelling(task):
        try:
            loop.run_until_complete(task)
        finally:
            loop.run_until_complete(_end_other_tasks())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


async def _end_other_tasks() -> None:
    import asyncio

    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


# The bridge and the way out


def bridge(
    command: Callable[Concatenate[Session, P], Coroutine[Any, Any, None] | None],
) -> Callable[..., None]:
    """Make a Typer command of a function, or coroutine function, whose first argument is a session."""
    signature = inspect.signature(command, eval_str=True)
    first = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)

    @functools.wraps(command)
    def call(ctx: typer.Context, *args: P.args, **kwargs: P.kwargs) -> None:
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
        console.say(f"natsobj: {message} ({hint})")
    return exits.USAGE


def _explain(error: BaseException) -> int:
    if isinstance(error, (NatsobjError, OSError)) and exits.foreseen(error):
        diagnostics.report_error(error, as_json=False, debug=False)
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
            diagnostics.report_error(error, as_json=False, debug=False)
        status = status or exits.FAILED
    os._exit(status)
