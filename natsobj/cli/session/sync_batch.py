"""What is told of a sync: each action as it is done, and all of it in one line at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

from natsobj.cli.output.actions import Action
from natsobj.cli.output.formats import count, format_duration, format_size
from natsobj.cli.output.objects import changed_line
from natsobj.cli.session.batch import Batch
from natsobj.folders.outcomes import Done

if TYPE_CHECKING:
    from natsobj.cli.output.meters import Whole
    from natsobj.cli.session.session import Session
    from natsobj.folders.outcomes import Outcome

__all__ = ["SyncBatch"]

_ACTIONS: dict[str, Literal["put", "get", "delete", "skip"]] = {
    "stored": "put",
    "fetched": "get",
    "deleted": "delete",
    "unchanged": "skip",
}


class SyncBatch(Batch):
    """Many that are transferred one way, and some that are deleted.

    Args:
        way: both sides, as they are told of.
        up: into the bucket.
        dry_run: nothing is done, only told.
    """

    def __init__(
        self, session: Session, whole: Whole, way: str, *, up: bool, delete: bool, dry_run: bool
    ) -> None:
        super().__init__(session, whole, "stored" if up else "fetched")
        self._way = way
        self._up = up
        self._delete = delete
        self._dry_run = dry_run
        self._complete = False
        """All transfers have ended, and none of them failed."""

    async def actions(self, outcomes: AsyncGenerator[Outcome, None]) -> AsyncGenerator[Action, None]:
        """Give what was done, and tell of what failed; an error that concerns all ends it."""
        async with aclosing(outcomes) as each:
            async for outcome in each:
                action = self._action(outcome)
                if action is not None:
                    yield action

    def account(self, settled: bool) -> str:
        said = super().account(settled)
        return f"{said}, {self._tally['deleted']:,} deleted" if self._delete else said

    def _action(self, outcome: Outcome) -> Action | None:
        if not isinstance(outcome, Done):
            self._tell(outcome)
            self._tally[type(outcome).__name__.lower()] += 1
            return None
        if self._dry_run:
            self.count(outcome)
        if outcome.change == "kept":
            self._session.report(f"kept {outcome.name}: another writer was there")
            return None
        if outcome.change != "deleted":
            self._whole.settle(saved=outcome.saved)
        if self._session.verbose and self._session.draws_tables and not self._dry_run:
            self._session.report(changed_line(outcome.change, outcome.info))
        is_file = self._up or outcome.change == "deleted"  # a link is fetched by its own name
        name = outcome.info.name if is_file else outcome.name
        return Action(_ACTIONS[outcome.change], name, outcome.info.size)

    def _sum_up(self) -> None:
        tally, session = self._tally, self._session
        session.fold()
        facts = [f"{count(tally[self._done], 'object')} {self._done}"]
        facts += [f"{tally['deleted']:,} deleted"] if self._delete else []
        facts += [f"{tally[kind]:,} {kind}" for kind in ("unchanged", "kept", "skipped") if tally[kind]]
        facts += [format_size(self._size), format_duration(session.elapsed)]
        session.report("  ".join((f"{'would sync' if self._dry_run else 'synced'} {self._way}", *facts)))
        if tally["failed"]:
            failed = f"{tally['failed']:,} of {tally.total() - tally['skipped']:,} failed"
            nothing = ", so nothing was deleted" if self._delete and not tally["deleted"] else ""
            session.report(failed + nothing)
