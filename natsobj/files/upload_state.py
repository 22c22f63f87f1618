"""What is known of an upload that is under way, in a private file: whoever comes next goes on with it.

One file an upload, written anew each time so that it is the old one or the new one, and beside it one that
is locked as long as a process is at work.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NamedTuple

from natsobj.errors import TransferUnderWay
from natsobj.files.folder import Folder, identity
from natsobj.files.keeping import lock

__all__ = ["Mark", "StateFile", "UploadState", "open_state"]

log = logging.getLogger(__name__)

_VERSION = 1
_MOST = 64 * 1024
"""Bytes of such a file, by far."""
_PRIVATE_FOLDER = 0o700
_PRIVATE = 0o600
_OTHERS = 0o077
_FORGOTTEN = 90 * 86400
"""Seconds after which nobody will come back for an upload; its chunks are gc's."""
_NUID = re.compile(r"[A-Za-z0-9]{22}")


class Mark(NamedTuple):
    """A beginning that was acknowledged."""

    chunks: int
    """How many."""
    sequence: int
    """The last one's place in the stream."""
    sha256: str
    """Of all their bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadState:
    """How far an upload is, and of what it is one."""

    nuid: str
    chunk_size: int
    ttl: int
    """Seconds that each chunk lasts; 0 is for ever."""
    size: int
    """Of the file, as its times are."""
    mtime: int
    """In nanoseconds, as the other one."""
    ctime: int
    chunks: int = 0
    """How many were acknowledged."""
    sequence: int = 0
    """The last one's place in the stream."""
    sha256: str = hashlib.sha256().hexdigest()
    """Of the bytes of all that were acknowledged."""
    inbox: str = ""
    """The private subject of the connection over which something may still be under way."""
    marks: tuple[Mark, ...] = ()
    """Earlier ones, the newest last: a server that loses its power may lose what it has acknowledged."""
    committing: int = -1
    """The sequence of what the record was to replace, once it is about to be published; 0 is nothing."""

    @property
    def beginning(self) -> UploadState:
        """What it was before anything was stored."""
        same = ("nuid", "chunk_size", "ttl", "size", "mtime", "ctime")
        return UploadState(**{name: getattr(self, name) for name in same})

    @property
    def mark(self) -> Mark:
        """What was acknowledged, in all."""
        return Mark(self.chunks, self.sequence, self.sha256)

    @property
    def acknowledged(self) -> int:
        """Bytes that were acknowledged."""
        return min(self.size, self.chunks * self.chunk_size)


class StateFile:
    """The file of one upload, whose lock we have."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self.state = self._read()
        """What is written there; None when there is nothing, or nothing that makes sense."""

    def write(self, state: UploadState) -> None:
        """Write another state, so that a crash leaves the one or the other.

        Raises:
            OSError: it cannot be written, and the old one stands.
        """
        fresh = f"{self._name}.new"
        self._folder.remove(fresh)
        descriptor = self._folder.create(fresh, _PRIVATE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps({"version": _VERSION, **asdict(state)}).encode())
                file.flush()
                os.fsync(descriptor)
            self._folder.replace(fresh, self._name)
        except BaseException:
            self._folder.remove(fresh)
            raise
        self.state = state

    def forget(self) -> None:
        """Remove it: the upload is done, or nothing is left of it."""
        self._folder.remove(self._name)
        self.state = None

    def _read(self) -> UploadState | None:
        try:
            with os.fdopen(self._folder.open_file(self._name), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                    return None
                text = file.read(_MOST)
        except OSError:
            return None
        try:
            return _decode(json.loads(text))
        except (ValueError, TypeError, RecursionError) as e:
            log.debug("the state of an upload makes no sense: %s", e)
            return None


@contextlib.contextmanager
def open_state(folder: Path, upload: Sequence[str], what: str) -> Iterator[StateFile]:
    """Open the state of an upload that nobody else is at, and make the folder.

    Args:
        upload: all that tells it from others.
        what: names it in messages.

    Raises:
        TransferUnderWay: another process is at it.
        OSError: it cannot be written there.
    """
    folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    if folder.stat().st_mode & _OTHERS:
        folder.chmod(_PRIVATE_FOLDER)
    name = hashlib.sha256(json.dumps(list(upload)).encode()).hexdigest()
    with Folder.open(str(folder)) as opened, _locked(opened, f"{name}.lock", what):
        _forget_old(opened)
        yield StateFile(opened, f"{name}.json")


def _forget_old(folder: Folder) -> None:
    """Remove what nobody has gone on with for long: the bucket, the file or the wish is gone."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder.path):
            status = folder.status(name)
            if name.endswith(".json") and status is not None and time.time() - status.st_mtime > _FORGOTTEN:
                folder.remove(name)


@contextlib.contextmanager
def _locked(folder: Folder, name: str, what: str) -> Iterator[None]:
    """Have a file that is there only as long as somebody has it."""
    while True:
        with contextlib.suppress(FileExistsError):
            os.close(folder.create(name, _PRIVATE))
        try:
            descriptor = folder.open_file(name, write=True)
        except FileNotFoundError:  # whoever had it is done
            continue
        try:
            if not lock(descriptor):
                raise TransferUnderWay(what)
            there = folder.status(name)
            if there is None or identity(there) != identity(os.fstat(descriptor)):
                continue
            try:
                yield
            finally:
                folder.remove(name)
            return
        finally:
            os.close(descriptor)


def _decode(found: object) -> UploadState:
    """Check what was read; it is our own, and of whatever version.

    Raises:
        ValueError: it is nothing that we have written.
    """
    if not isinstance(found, dict) or found.pop("version", None) != _VERSION:
        raise ValueError("another version")
    marks = tuple(Mark(*mark) for mark in found.pop("marks", ()))
    state = UploadState(**found, marks=marks)
    kinds = {"str": str, "int": int, "tuple[Mark, ...]": tuple}
    for field in fields(UploadState):
        if type(getattr(state, field.name)) is not kinds[str(field.type)]:
            raise ValueError(field.name)
    for chunks, sequence, digest in (state.mark, *marks):
        if not (type(chunks) is type(sequence) is int and type(digest) is str):
            raise ValueError("marks")
        if min(chunks, sequence) < 0 or (chunks and not sequence):
            raise ValueError("chunks that are nowhere")
    if (
        min(state.ttl, state.size, state.committing + 1) < 0
        or state.chunk_size < 1
        or not _NUID.fullmatch(state.nuid)
    ):
        raise ValueError("out of range")
    return state
