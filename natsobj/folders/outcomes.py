"""The outcome for each file or object of a folder: one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from natsobj.errors import NatsobjError
from natsobj.models import ObjectInfo

__all__ = ["Done", "Failed", "Outcome", "Skipped", "attempt"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done:
    """The file and the object are the same now."""

    name: str
    """The local file (up) or the key (down)."""
    info: ObjectInfo
    change: Literal["stored", "fetched", "moved", "copied", "deleted", "unchanged", "kept"]
    """What was done; `kept` is an existing file that was not to be replaced."""
    saved: int = 0
    """Bytes that did not need to be transferred."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A file or object that could not be transferred, or an unreadable folder."""

    name: str
    error: NatsobjError | OSError
    size: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something below a folder that has no content of its own: a FIFO, a device, a link in a circle."""

    name: str
    reason: str
    size: int = 0


Outcome = Done | Failed | Skipped


async def attempt(
    item: T | Failed | Skipped,
    act: Callable[[T], Awaitable[Done]],
    name: Callable[[T], str],
    told: Callable[[Done], None],
) -> Outcome:
    """Act on an item and return the outcome; an item that is an outcome already is returned unchanged."""
    if isinstance(item, (Failed, Skipped)):
        return item
    try:
        done = await act(item)
    except (NatsobjError, OSError) as e:
        if isinstance(e, OSError) and e.errno is None:  # not the system's: a bug
            raise
        return Failed(name(item), e)
    told(done)
    return done
