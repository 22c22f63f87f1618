"""The event loop that a command runs in."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from natsobj.cli.session.interrupts import interrupts

__all__ = ["run_to_end"]

T = TypeVar("T")


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own, and give what it returns.

    Unlike `asyncio.run` it does not wait for the executor's threads: a name lookup that hangs would keep
    the program from ending.
    """
    import asyncio

    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    with interrupts.cancelling(task):
        try:
            return loop.run_until_complete(task)
        finally:
            loop.run_until_complete(_end_other_tasks())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


async def _end_other_tasks() -> None:
    import asyncio

    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
