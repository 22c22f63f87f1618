"""What is told of a whole folder: each failure as it comes, and all of it in one line at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Literal

from natsobj.cli.output.formats import count, format_duration, format_size
from natsobj.cli.output.objects import changed_line
from natsobj.cli.session.session import concerns_all
from natsobj.folders.outcomes import Done, Failed, Skipped
from natsobj.folders.scan import with_slash

if TYPE_CHECKING:
    from natsobj.cli.output.meters import Whole
    from natsobj.cli.session.session import Session
    from natsobj.folders.outcomes import Outcome

__all__ = ["Batch", "label"]


def label(bucket: str, prefix: str) -> str:
    """Name all objects below a prefix."""
    return f"{bucket}/{with_slash(prefix)}"


class Batch:
    """Many that are stored or fetched: one line for all, and each one with `--json` or `-v`."""

    def __init__(
        self, session: Session, whole: Whole, done: Literal["stored", "fetched", "moved", "copied", "deleted"]
    ) -> None:
        self._session = session
        self._whole = whole
        self._done = done
        self._tally: Counter[str] = Counter()
        self._size = 0

    def count(self, done: Done) -> None:
        """Count what is done, as soon as it is."""
        self._tally[done.change] += 1
        self._size += done.info.size if done.change == self._done else 0

    async def collect(self, outcomes: AsyncGenerator[Outcome, None]) -> int:
        """Tell what became of all of them, and give the exit code; an error that concerns all ends it."""
        with self.summing_up():
            async with aclosing(outcomes) as each:
                async for outcome in each:
                    self._whole.settle(saved=self._tell(outcome))
                    if not isinstance(outcome, Done):
                        self._tally[type(outcome).__name__.lower()] += 1
        return self._session.status

    def account(self, settled: bool) -> str:
        """Say how many were done before it was ended: `fetched 168 of 350 objects`."""
        number, found = self._tally[self._done], self._whole.found
        objects = count(number, "object") if found is None else f"{number:,} of {count(found, 'object')}"
        others = [f"{self._tally[kind]:,} {kind}" for kind in ("unchanged", "kept") if self._tally[kind]]
        return ", ".join((f"{self._done} {objects}" + ("" if settled else " at least"), *others))

    @contextmanager
    def summing_up(self) -> Iterator[None]:
        """Tell all of it in one line at the end, behind what was shown."""
        try:
            yield
        except Exception:  # the server is gone: what was done is done
            if self._tally:
                self._sum_up()
            raise
        self._sum_up()

    def _sum_up(self) -> None:
        tally = self._tally
        self._session.fold()
        others = [f"{tally[kind]:,} {kind}" for kind in ("unchanged", "kept", "skipped") if tally[kind]]
        facts = (format_size(self._size), format_duration(self._session.elapsed))
        first = f"{self._done} {self._whole.label}"
        self._session.report("  ".join((first, count(tally[self._done], "object"), *others, *facts)))
        if tally["failed"]:
            self._session.report(f"{tally['failed']:,} of {tally.total() - tally['skipped']:,} failed")

    def _tell(self, outcome: Outcome) -> int:
        """Tell what became of one, and give the bytes that needed no transfer."""
        session = self._session
        if isinstance(outcome, Failed):
            if concerns_all(outcome.error):
                raise outcome.error
            session.fail(outcome.error, one_of=outcome.name)
        elif isinstance(outcome, Skipped):
            session.report(f"skipped {outcome.name}: {outcome.reason}")
        else:
            if session.json and outcome.change != "kept":
                session.done(outcome.info, changed_line(outcome.change, outcome.info))
            elif session.verbose:
                session.report(changed_line(outcome.change, outcome.info))
            return outcome.saved
        return 0
