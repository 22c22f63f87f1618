"""Our errors as Python's own: each one is both, so either `except` catches it."""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Iterator
from typing import Any

from natsobj import errors

__all__ = ["AppendRefused", "both", "pythons"]

_PYTHONS: dict[type[errors.NatsobjError], tuple[type[Exception], int]] = {
    errors.ObjectNotFound: (FileNotFoundError, errno.ENOENT),
    errors.BucketNotFound: (FileNotFoundError, errno.ENOENT),
    errors.LinkError: (FileNotFoundError, errno.ENOENT),
    errors.ObjectExists: (FileExistsError, errno.EEXIST),
    errors.BucketExists: (FileExistsError, errno.EEXIST),
    errors.FileExists: (FileExistsError, errno.EEXIST),
    errors.AuthorizationError: (PermissionError, errno.EACCES),
    errors.BucketSealed: (PermissionError, errno.EPERM),
    errors.BucketReadOnly: (PermissionError, errno.EPERM),
    errors.RequestTimeout: (TimeoutError, errno.ETIMEDOUT),
    errors.ServerUnavailable: (ConnectionError, errno.ECONNREFUSED),
    errors.ObjectChanged: (OSError, errno.ESTALE),
    errors.BucketFull: (OSError, errno.ENOSPC),
    errors.InvalidArgument: (ValueError, errno.EINVAL),
    errors.NatsobjError: (OSError, errno.EIO),
}
"""Python's class and number for each of our classes; the most specific one counts."""


_kinds: dict[type[errors.NatsobjError], type[errors.NatsobjError]] = {}


class _Both(Exception):
    """What errors of both kinds have of their own."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        ours = type(self).__mro__[2]
        return _rebuilt, (ours, self.args, dict(self.__dict__), getattr(self, "errno", None))


class AppendRefused(io.UnsupportedOperation, NotImplementedError):
    """An object is replaced whole, never appended to."""


@contextlib.contextmanager
def pythons() -> Iterator[None]:
    """Raise our errors as Python's own as well."""
    try:
        yield
    except errors.NatsobjError as e:
        raise both(e).with_traceback(e.__traceback__) from e.__cause__


def both(error: errors.NatsobjError) -> errors.NatsobjError:
    """Return the error as one that is also Python's own, with the same message and fields."""
    if isinstance(error, _Both):
        return error
    number = next(_PYTHONS[kind][1] for kind in type(error).__mro__ if kind in _PYTHONS)
    return _rebuilt(type(error), error.args, dict(error.__dict__), number)


def _rebuilt(
    ours: type[errors.NatsobjError], args: tuple[object, ...], fields: dict[str, object], number: int | None
) -> errors.NatsobjError:
    kind = _kind(ours)
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    if isinstance(error, OSError):
        error.errno = number
    return error


def _kind(ours: type[errors.NatsobjError]) -> type[errors.NatsobjError]:
    if ours not in _kinds:
        python = next(_PYTHONS[kind][0] for kind in ours.__mro__ if kind in _PYTHONS)
        fields = {"__module__": ours.__module__, "__doc__": ours.__doc__}
        _kinds[ours] = type(ours.__name__, (_Both, ours, python), fields)
    return _kinds[ours]
