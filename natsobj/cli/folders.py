"""What is told of a whole folder: each failure as it comes, and all of it in one line at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

from natsobj.cli.formats import count, format_duration, format_size
from natsobj.cli.render import changed_line
from natsobj.cli.runtime import concerns_all
from natsobj.folders.tree import Done, Failed, Skipped, with_slash

if TYPE_CHECKING:
    from natsobj.cli.meters import Whole
    from natsobj.cli.runtime import Session
    from natsobj.folders.tree import Outcome

__all__ = ["collect", "label"]


def label(bucket: str, prefix: str) -> str:
    """Name all objects below a prefix."""
    return f"{bucket}/{with_slash(prefix)}"


async def collect(
    session: Session,
    outcomes: AsyncGenerator[Outcome, None],
    whole: Whole,
    done: Literal["stored", "fetched"],
) -> None:
    """Tell what became of many: one line for all, and each one with `--json` or `-v`.

    An error that concerns all of them ends it.
    """
    tally: Counter[str] = Counter()
    size = 0
    try:
        async with aclosing(outcomes) as each:
            async for outcome in each:
                whole.settle(saved=_tell(session, outcome))
                if isinstance(outcome, Done):
                    tally[outcome.change] += 1
                    size += outcome.info.size if outcome.change == done else 0
                else:
                    tally[type(outcome).__name__.lower()] += 1
    except BaseException:  # the server is gone, or somebody has had enough: what was done is done
        if tally:
            _sum_up(session, tally, size, whole, done)
        raise
    _sum_up(session, tally, size, whole, done)


def _sum_up(session: Session, tally: Counter[str], size: int, whole: Whole, done: str) -> None:
    others = [f"{tally[kind]:,} {kind}" for kind in ("unchanged", "kept", "skipped") if tally[kind]]
    facts = (count(tally[done], "object"), *others, format_size(size), format_duration(session.elapsed))
    session.report("  ".join((f"{done} {whole.label}", *facts)))
    if tally["failed"]:
        session.report(f"{tally['failed']:,} of {tally.total() - tally['skipped']:,} failed")


def _tell(session: Session, outcome: Outcome) -> int:
    """Tell what became of one, and give the bytes that needed no transfer."""
    if isinstance(outcome, Failed):
        if concerns_all(outcome.error):
            raise outcome.error
        session.fail(outcome.error, one_of=outcome.name)
    elif isinstance(outcome, Skipped):
        session.report(f"skipped {outcome.name}: {outcome.reason}")
    else:
        line = changed_line(outcome.change, outcome.info)
        if session.json and outcome.change != "kept":
            session.done(outcome.info, line)
        elif session.verbose:
            session.report(line)
        return outcome.saved
    return 0
