"""The callbacks that are told when the server denies a subject, or when the connection is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

from natsobj.errors import NatsobjError, PermissionDenied

__all__ = ["Fail", "Watch", "Watchers"]

Fail = Callable[[NatsobjError], None]

_VIOLATION = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


class Watch:
    """A context in which one is told."""

    __slots__ = ("_fail", "_subject", "_watchers")

    def __init__(self, watchers: Watchers, subject: str, fail: Fail) -> None:
        self._watchers = watchers
        self._subject = subject
        self._fail = fail

    def __enter__(self) -> None:
        self._watchers.add(self, self._subject, self._fail)

    def __exit__(self, *_: object) -> None:
        self._watchers.discard(self)


class Watchers:
    """The callbacks of one connection, each with its owner and the subject to which that publishes.

    Args:
        inbox: the private subject below which answers arrive.
    """

    def __init__(self, inbox: str) -> None:
        self._inbox = inbox
        self._watching: dict[object, tuple[str, Fail]] = {}
        self._deaf = False
        """The server denies our inbox: no answer will arrive."""
        self._lost: Callable[[], NatsobjError] | None = None

    def watch(self, subject: str, fail: Fail) -> Watch:
        """Call `fail` when publishing to `subject` is denied, or when the connection is lost."""
        return Watch(self, subject, fail)

    def add(self, owner: object, subject: str, fail: Fail) -> None:
        """Begin to tell one."""
        self._watching[owner] = subject, fail
        if self._lost is not None:
            fail(self._lost())
        elif self._deaf:
            fail(self._no_answers())

    def discard(self, owner: object) -> None:
        """Tell one no more."""
        del self._watching[owner]

    def lose(self, error: Callable[[], NatsobjError]) -> None:
        """Tell every watcher, present and future, that the connection is lost.

        Args:
            error: makes the error, a new one for each watcher: an exception that is raised twice is shared.
        """
        self._lost = error
        for _, fail in list(self._watching.values()):
            fail(error())

    def _no_answers(self) -> PermissionDenied:
        return PermissionDenied(f"{self._inbox}.*", subscribing=True)

    def deny(self, text: str) -> bool:
        """Tell the watchers of a denied subject; return False if the error is not about permissions."""
        violation = _VIOLATION.search(text)
        if violation is None:
            return False
        denied = violation[2].casefold()
        if violation[1].casefold() == "subscription" and denied.startswith(self._inbox.casefold()):
            self._deaf = True
        for subject, fail in list(self._watching.values()):
            if self._deaf or subject.casefold() == denied:
                fail(self._no_answers() if self._deaf else PermissionDenied(subject))
        return True
