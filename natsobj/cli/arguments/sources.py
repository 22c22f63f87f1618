"""What `put` stores: files that are named, and a standard input that may be nobody's.

A FILE that was forgotten is the commonest slip of the hand: what is not there must not replace an object.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from natsobj.cli.exits import UsageError

if TYPE_CHECKING:
    from natsobj.files import Source
    from natsobj.folders.outcomes import Failed
    from natsobj.folders.scan import LocalFile

__all__ = [
    "FOLDERS",
    "STDIN",
    "Input",
    "Watched",
    "check_names",
    "inside",
    "is_file",
    "name_note",
    "named_files",
    "open_file",
    "open_input",
]

STDIN = "-"
FOLDERS = "-r is for folders"
"""The next step where a FILE is a folder."""

_DESCRIPTOR = 0
_SHOWN = 3
"""Files that a suggested command line has at most."""


# Standard input


class Input:
    """Standard input, or another input that can be read only once: a FIFO, a device, an open descriptor.

    Args:
        must_come: whether it must give at least one byte: nobody has asked for an empty object.
        terminal: whether it is a terminal, which can be closed.
    """

    def __init__(self, source: Source, *, must_come: UsageError | None, terminal: bool = False) -> None:
        self._source = source
        self._must_come = must_come
        self._terminal = terminal
        self._first = b""

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def size(self) -> int | None:
        return self._source.size

    async def wait(self) -> None:
        """Wait for the first byte.

        Raises:
            UsageError: not one came, and one must.
        """
        self._first = await self.read(1)

    async def read(self, size: int, /) -> bytes:
        data = self._first + await self._source.read(size - len(self._first))
        self._first = b""
        if not data and self._must_come is not None:
            raise self._must_come
        self._must_come = None
        return data

    def restart(self) -> None:
        self._source.restart()
        self._first = b""

    def check(self) -> None:
        """A terminal that is closed ends as if all had been typed."""
        if self._terminal and not _is_terminal():
            raise OSError(errno.EIO, "the terminal was closed", self.name)
        self._source.check()


class Watched:
    """A source that knows how far it is: it is checked at the very end, before the object is committed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._checked = False

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def size(self) -> int | None:
        return self._source.size

    async def read(self, size: int, /) -> bytes:
        return await self._source.read(size)

    def restart(self) -> None:
        self._source.restart()

    def check(self) -> None:
        self._source.check()
        self._checked = True

    def account(self, bucket: str, key: str) -> str:
        """Say what is so when it was not stored to the end."""
        if self._checked:
            return f"{bucket}/{key} may be changed or not: natsobj info {bucket} {key} tells"
        return f"{bucket}/{key} is as it was"


@contextmanager
def open_input(bucket: str, key: str, *, named: bool) -> Iterator[Input]:
    """Open standard input.

    Args:
        bucket: where it is to be stored, and under which key; for the message that tells what else to do.
        named: by `-`; else what it is must look as if somebody had meant it.

    Raises:
        UsageError: nobody has named it, and it is a terminal or another device, or closed.
    """
    from natsobj.files.sources import open_source

    if not named:
        _check_stdin(bucket, key)
    nothing = "nothing came from standard input, nothing was stored: name a FILE, or - to store no bytes"
    with open_source(STDIN) as source:
        must_come = None if named else _forgotten(nothing, bucket, key)
        yield Input(source, must_come=must_come, terminal=_is_terminal())


def _check_stdin(bucket: str, key: str) -> None:
    if _is_terminal():
        what = "standard input is a terminal: name a FILE, or - to store what you type"
    elif stat.S_ISCHR(os.fstat(_DESCRIPTOR).st_mode):  # a closed one has become /dev/null
        what = "standard input is closed or a device: name a FILE, or - to store what the device gives"
    else:
        return
    raise _forgotten(what, bucket, key)


def _is_terminal() -> bool:
    return os.isatty(_DESCRIPTOR)


def _forgotten(what: str, bucket: str, key: str) -> UsageError:
    error = UsageError(what)
    if os.path.lexists(key):
        recursive = ["-r"] if os.path.isdir(key) else []  # noqa: PTH112  # never raises
        error.add_note(f"{key} is a local file: did you mean {_line(bucket, key, key, options=recursive)}?")
    return error


def _line(bucket: str, *names: str, options: Sequence[str] = ()) -> str:
    """Write a command line to be typed."""
    dashes = ["--"] if any(name.startswith("-") and name != STDIN for name in names) else []
    more = ["..."] if len(names) > _SHOWN + 1 else []
    words = ["natsobj", "put", *options, *dashes, bucket, *names[: _SHOWN + 1]]
    return " ".join([*map(shlex.quote, words), *more])


# Files


def inside(folder: str, file: str) -> str:
    """Give the key of a file in a folder.

    Raises:
        InvalidKey: the name of the file cannot be a part of it.
    """
    from natsobj.adr20.names import check_key
    from natsobj.errors import InvalidKey

    try:
        return check_key(folder + os.fsencode(_last_part(file)).decode())
    except UnicodeDecodeError:
        raise InvalidKey(file, "it is not UTF-8") from None


def _last_part(file: str) -> str:
    return os.path.basename(file.rstrip("/"))  # noqa: PTH119  # a name, not a path


def check_names(bucket: str, key: str, files: Sequence[str]) -> None:
    """Refuse several files under one name, and what has no name in a folder.

    Raises:
        UsageError: KEY is a folder and FILE is standard input, KEY is not a folder but there are several
            files, or two files have the same name.
    """
    from natsobj.files.descriptors import named_descriptor

    if not key.endswith("/"):
        if len(files) > 1:
            more = [key] if os.path.isfile(key) else []  # noqa: PTH113  # never raises
            folder = "FOLDER/" if more else f"{key}/"
            error = UsageError("several FILEs need a folder: a KEY that ends in /")
            error.add_note(f"did you mean {_line(bucket, folder, *more, *files)}?")
            raise error
        return
    nameless = [file for file in files or [STDIN] if file == STDIN or named_descriptor(file) is not None]
    if nameless:
        what = "standard input" if nameless[0] == STDIN else nameless[0]
        error = UsageError(f"{what} has no file name to store in the folder {key}: name a FILE")
        error.add_note(f"{_line(bucket, f'{key}NAME', nameless[0])} stores it")
        raise error
    seen: dict[str, str] = {}
    for file in files:
        other = seen.setdefault(_last_part(file), file)
        if other is not file:
            raise UsageError(f"two FILEs have the same name in the folder {key}: {other} and {file}")


def named_files(folder: str, files: Sequence[str]) -> Iterator[LocalFile | Failed]:
    """Give files by the names that they get in a folder; what has none there is a failure."""
    from natsobj.errors import InvalidKey
    from natsobj.folders.outcomes import Failed
    from natsobj.folders.scan import LocalFile

    for file in files:
        try:
            status = os.stat(file)  # noqa: PTH116  # a name as it was given
            if stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), file)
            yield LocalFile(file, inside(folder, file), status.st_size)
        except (InvalidKey, OSError) as error:
            if isinstance(error, IsADirectoryError):
                error.add_note(FOLDERS)
            yield Failed(file, error)


def is_file(file: str) -> bool:
    """Say whether a name is one of a file, which can be read twice, unless there is nothing at all."""
    from natsobj.files.descriptors import is_stream, named_descriptor

    return file != STDIN and named_descriptor(file) is None and not is_stream(Path(file))


@contextmanager
def open_file(file: str) -> Iterator[Source]:
    """Open a file that is named: whatever can be read, a FIFO as well.

    Only an empty regular file is stored as nothing: nothing from a FIFO, a device or a descriptor is what a
    producer leaves that has died (`put b k <(false)`).
    """
    from natsobj.files.descriptors import named_descriptor
    from natsobj.files.sources import open_source

    if file.endswith("/"):
        os.stat(file)  # noqa: PTH116  # only a folder may be called so
    with open_source(file) as source:
        if source.size is not None and os.path.isfile(file) and named_descriptor(file) is None:  # noqa: PTH113
            yield source
        else:
            nothing = f"nothing came from {file}, nothing was stored: - stores the no bytes of standard input"
            yield Input(source, must_come=UsageError(nothing))


def name_note(bucket: str, key: str, file: str) -> str | None:
    """Say that one file was stored, where KEY looks like the name of another one."""
    try:
        if not os.path.isfile(key) or os.path.samefile(key, file):  # noqa: PTH113, PTH121
            return None
    except OSError:
        return None
    return (
        f"one file was stored: {file}, under the name {key}, which is another local file "
        f"({_line(bucket, 'FOLDER/', key, file)} stores both)"
    )
