"""Where a command's results, reports and failures go: standard output, and standard error for people."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from natsobj.cli import exits
from natsobj.cli.output import console
from natsobj.cli.output.diagnostics import Repeats, report_error

if TYPE_CHECKING:
    from natsobj.cli.output.rendering import ListRendering, Rendering
    from natsobj.models import AccountInfo, BucketInfo, ObjectInfo

__all__ = ["Printer"]

T = TypeVar("T")


class Printer:
    """What was asked for of all that is said and shown, and the saying and showing."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params
        self.json = bool(params.get("json"))
        self._failed = False
        self._quiet = bool(params.get("quiet"))
        self._debug = bool(params.get("debug"))
        self._color = str(params.get("color") or "auto")
        self._start = time.monotonic()
        self._repeats = Repeats()

    @property
    def status(self) -> int:
        """The exit code as far as failures decide it: of several things at least one failed, or none."""
        return exits.FAILED if self._failed else exits.DONE

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._start

    @property
    def stdin_is_terminal(self) -> bool:
        """Somebody can be asked."""
        return console.is_terminal(console.STDIN)

    @property
    def stdout_is_terminal(self) -> bool:
        """Results are read by somebody."""
        return console.is_terminal(console.STDOUT)

    @property
    def draws_tables(self) -> bool:
        """Lists are for people, unless another form is asked for."""
        return self.stdout_is_terminal and not self.json

    @property
    def quiet(self) -> bool:
        """Nobody wants to know of what is as it should be."""
        return self._quiet

    @property
    def verbose(self) -> bool:
        """Somebody wants to know more."""
        return bool(self.params.get("verbose"))

    @property
    def outputs(self) -> set[tuple[int, int]]:
        """Device and inode of the files that standard output and standard error are."""
        return set(console.files_behind((console.STDOUT, console.STDERR)))

    @property
    def _colored(self) -> bool:
        return console.colored(self._color, console.STDOUT)

    # Results

    def show(self, model: ObjectInfo | BucketInfo | AccountInfo) -> None:
        """Give the one thing that was asked for."""
        rendering = _rendering_of(model)
        self.show_fields(rendering.fields(model), lambda: rendering.detail(model))

    def show_fields(self, fields: Mapping[str, object], detail: Callable[[], Any]) -> None:
        """Give fields: as JSON, as `detail` draws them for people, or line by line for programs."""
        from natsobj.cli.output.formats import field_lines, json_line

        if self.json:
            console.write(json_line(fields) + "\n")
        elif self.stdout_is_terminal:
            from natsobj.cli.output import drawing

            drawing.draw(detail(), color=self._colored)
        else:
            console.write(field_lines(fields) + "\n")

    async def show_all(
        self,
        models: AsyncGenerator[Any, None],
        rendering: ListRendering,
        *,
        names: bool = False,
        null: bool = False,
        long: bool = False,
        promptly: bool = False,
        by_name: bool = False,
    ) -> None:
        """Give a list as it comes: names, JSON lines, a table for people or rows for programs.

        Args:
            promptly: send each one off at once, for they are slow to come.
            by_name: sort a table.
        """
        from natsobj.cli.output.formats import escape_tsv, json_line, printable

        escape = printable if self.stdout_is_terminal else escape_tsv
        async with aclosing(models) as items:
            if null:
                whole = printable if self.stdout_is_terminal else str
                await console.write_lines(items, lambda model: whole(rendering.name(model)), end="\0")
            elif names:
                await console.write_lines(items, lambda model: escape(rendering.name(model)))
            elif self.json:
                as_json = rendering.json_line or (lambda model: json_line(rendering.fields(model)))
                await console.write_lines(items, as_json, promptly=promptly)
            elif self.stdout_is_terminal:
                from natsobj.cli.output import drawing, sorting

                make = functools.partial(rendering.table, long=True) if long else rendering.table
                shown = await drawing.draw_table(
                    sorting.by_name(items, rendering.name, rendering.lean) if by_name else items,
                    make,
                    color=self._colored,
                    first=rendering.first,
                    total=rendering.total(),
                )
                if not shown:
                    self.report(f"no {rendering.plural}")
            else:
                await console.write_lines(items, rendering.row, promptly=promptly)
        self.fold()

    async def show_lines(self, models: AsyncGenerator[T, None], line: Callable[[T], str | None]) -> int:
        """Give a line of another form for each; returns how many have none and were left out."""
        from natsobj.cli.output.formats import printable

        left_out = 0

        async def lines() -> AsyncIterator[str]:
            nonlocal left_out
            async for model in items:
                text = line(model)
                if text is None:
                    left_out += 1
                else:
                    yield text

        async with aclosing(models) as items:
            await console.write_lines(lines(), printable if self.stdout_is_terminal else str)
        self.fold()
        return left_out

    def done(self, model: ObjectInfo | BucketInfo, line: str) -> None:
        """Tell of a change: one line to people, or the thing itself with `--json`."""
        self.tell(_rendering_of(model).fields(model), line)

    def tell(self, fields: Mapping[str, object], line: str) -> None:
        """Tell of something that was done: one line to people, or fields with `--json`."""
        from natsobj.cli.output.formats import json_line

        if self.json:
            console.write(json_line(fields) + "\n")
        else:
            self.report(line)

    def report(self, line: str) -> None:
        """Tell people something that `-q` and `--json` drop."""
        if not self._quiet and not self.json:
            console.say(line)

    # Failures

    def fail(self, error: Exception, *, one_of: str | None = None) -> None:
        """Report one failure of several, of this one, and go on."""
        self._failed = True
        whole = self.json or self.verbose or self._debug
        if whole or self._repeats.add(error):
            hinted = whole or self._repeats.is_first(error)
            self.explain(error, one_of=one_of, hinted=hinted)

    def explain(self, error: Exception, *, one_of: str | None = None, hinted: bool = True) -> None:
        """Say what went wrong, as `report_error` has it."""
        color = console.colored(self._color, console.STDERR)
        report_error(error, as_json=self.json, debug=self._debug, color=color, one_of=one_of, hinted=hinted)

    def fold(self) -> None:
        """Say how many failures were not reported one by one."""
        for line in self._repeats.rest():
            console.say(f"natsobj: {line}")


def _rendering_of(model: ObjectInfo | BucketInfo | AccountInfo) -> Rendering:
    """Find how a thing is shown, without importing how others are."""
    from natsobj import models

    if isinstance(model, models.ObjectInfo):
        from natsobj.cli.output.objects import OBJECT

        return OBJECT
    if isinstance(model, models.BucketInfo):
        from natsobj.cli.output.buckets import BUCKET

        return BUCKET
    from natsobj.cli.output.account import ACCOUNT

    return ACCOUNT
