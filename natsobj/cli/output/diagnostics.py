"""What is said of errors, and of what the library logs, on standard error.

The same error many times in a batch is said five times and then counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from natsobj.cli import exits
from natsobj.cli.output.console import say, say_block, say_error

if TYPE_CHECKING:
    from logging import LogRecord

__all__ = ["Repeats", "error_line", "listen", "report_error", "traceback_of"]


def report_error(
    error: Exception,
    *,
    as_json: bool = False,
    debug: bool = False,
    color: bool = False,
    one_of: str | None = None,
    hinted: bool = True,
) -> None:
    """Say what went wrong, where and what to do, on one line; wrong usage is always text.

    Args:
        one_of: the item of a batch that it is about; then it does not count as wrong usage.
        hinted: show the hint; False if it was just shown. A note on the error itself is always shown.
    """
    if debug:
        say_block(traceback_of(error))
    message = exits.message(error)
    hint = exits.hint(error) if hinted or getattr(error, "__notes__", None) else None
    if one_of is not None and not exits.names(error, one_of):
        message = f"{one_of}: {message}"
    if as_json and (one_of is not None or exits.exit_code(error) != exits.USAGE):
        say(error_line(error, message, hint))
    else:
        say_error(message + (f" ({hint})" if hint else ""), color=color)


def error_line(error: Exception, message: str, hint: str | None) -> str:
    """Write an error as JSON."""
    from natsobj.cli.output.formats import json_line

    return json_line({"error": {"code": exits.error_code(error), "message": message, "hint": hint}})


def traceback_of(error: BaseException) -> str:
    """Give the traceback of an error, without credentials."""
    import traceback

    return exits.without_credentials("".join(traceback.format_exception(error)))


def listen(*, verbose: bool, debug: bool, quiet: bool, keep: Callable[[LogRecord, str], bool]) -> None:
    """Show what the library logs: its warnings, and more when asked to.

    Args:
        keep: takes a record that is not to be said now, or does not.
    """
    import logging

    class ToPeople(logging.Handler):
        last = ""

        def emit(self, record: LogRecord) -> None:
            text = exits.without_credentials(record.getMessage())
            repeated, self.last = text == self.last and not debug, text
            if not repeated and not keep(record, text):
                say(f"natsobj: {text}")
            if record.exc_info and record.exc_info[1] is not None:
                say_block(traceback_of(record.exc_info[1]))

    logger = logging.getLogger("natsobj")
    usual = logging.CRITICAL if quiet else logging.WARNING
    logger.setLevel(logging.DEBUG if debug else logging.INFO if verbose else usual)
    if not quiet and not verbose and not debug:
        logging.getLogger("natsobj.resuming").setLevel(logging.INFO)
    logger.addHandler(ToPeople())
    logger.propagate = False
    others = logging.getLogger()
    others.setLevel(logging.WARNING if debug else logging.CRITICAL)
    others.addHandler(ToPeople())


# Of many


_SAME = 5
"""Lines that say the same of different things."""

_ALIKE = 20
"""Lines of one kind of error, whatever they say."""


class Repeats:
    """What was said of failures. Little is kept, for there may be as many as there are records."""

    def __init__(self) -> None:
        self._said: Counter[str] = Counter()
        self._same: Counter[tuple[str, str]] = Counter()
        self._silent: Counter[str] = Counter()

    def add(self, error: Exception) -> bool:
        """Count one, and tell whether it is to be said."""
        kind, text = exits.kind(error), _without_names(error)
        if self._said[kind] >= _ALIKE or self._same[kind, text] >= _SAME:
            self._silent[kind] += 1
            return False
        self._said[kind] += 1
        self._same[kind, text] += 1
        return True

    def is_first(self, error: Exception) -> bool:
        """Tell whether the last one was the first of its kind: the hint is the same for all."""
        return self._said[exits.kind(error)] == 1

    def add_remark(self, place: str, text: str) -> bool:
        """The same for a remark, which is alike when it comes from the same place of the program."""
        self._said[place] += 1
        if self._said[place] > _SAME:
            self._silent[text.partition(":")[0]] += 1
        return self._said[place] <= _SAME

    def rest(self) -> list[str]:
        """Say how many were not said, a line for each kind."""
        lines = [f"and {number:,} more: {kind} (-v names them)" for kind, number in self._silent.items()]
        self._silent.clear()
        return lines


def _without_names(error: Exception) -> str:
    """Give what the message says of any thing."""
    if isinstance(error, OSError):
        return exits.kind(error)
    text = exits.message(error)
    for name in (getattr(error, field, None) for field in ("key", "path", "where")):
        if name:
            text = text.replace(f"/{name}", "/").replace(f": {name}", ": ")
    return text
