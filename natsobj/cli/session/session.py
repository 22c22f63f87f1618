"""One run of one command: its server, its results, its batches and its exit code."""

from __future__ import annotations

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
from typing import TYPE_CHECKING, Any, TypeVar

from natsobj.cli import exits
from natsobj.cli.arguments import target
from natsobj.cli.output import console, diagnostics
from natsobj.cli.output.printer import Printer
from natsobj.cli.session.interrupts import interrupts
from natsobj.cli.session.loop import run_to_end
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

__all__ = ["Session", "concerns_all"]

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
                f"chunks may be left (remove them with: natsobj gc {bucket})" if bucket else None
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

    def give_up(self, why: str) -> int:
        """Say that nothing was done, at somebody's wish, and give the exit code."""
        console.say(f"natsobj: {why}")
        return exits.FAILED

    async def batch(
        self,
        keys: Collection[str],
        act: Callable[[str], Awaitable[T]],
        done: Callable[[T], None],
        *,
        forgive: tuple[type[NatsobjError], ...] = (),
    ) -> int:
        """Do the same for every key, and give the exit code; one that fails does not stop the others.

        A single key fails with its own exit code, and so does the batch where all keys are concerned.

        Args:
            forgive: errors that do not count as failures, though nothing was done.
        """
        failed = 0
        for key in keys:
            try:
                done(await act(key))
            except forgive:
                continue
            except NatsobjError as error:
                if len(keys) == 1 or concerns_all(error):
                    raise
                self.fail(error)
                failed += 1
        self.fold()
        if failed:
            self.report(f"{failed:,} of {len(keys):,} failed")
        return self.status

    @contextmanager
    def hinting(self, kind: type[NatsobjError | OSError], hint: str | None) -> Iterator[None]:
        """Name the next step of this command on an error that has a better one elsewhere, or none."""
        try:
            yield
        except kind as error:
            if hint is not None and not getattr(error, "__notes__", None):
                error.add_note(hint)
            raise

    def run(self, command: Callable[[], Coroutine[Any, Any, int] | int]) -> int:
        """Run the command and give its exit code; wrong usage is left to the caller."""
        try:
            work = command()
            status = work if isinstance(work, int) else run_to_end(work)
        except (NatsobjError, OSError) as error:
            self.fold()
            if isinstance(error, BrokenPipeError) or not exits.foreseen(error):
                raise
            if not interrupts.status or isinstance(error, OutcomeUnknown):
                self.explain(error)
            else:
                interrupts.say(tidied=True)
            return interrupts.status or exits.exit_code(error)
        except BaseException:
            self.fold()
            if interrupts.status:
                interrupts.say(tidied=True)
            raise
        self.fold()
        return status


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
