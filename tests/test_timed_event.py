"""The event with a limit: it happens or not, several wait for it, and a cancelled wait leaves."""

from __future__ import annotations

import asyncio

import pytest

from natsobj.connection import TimedEvent


async def test_what_has_happened_is_not_waited_for() -> None:
    """Set before: no wait; cleared: one again."""
    event = TimedEvent()
    event.set()
    assert await event.wait(0)
    event.clear()
    assert not await event.wait(0.001)


async def test_all_who_wait_are_woken() -> None:
    """Also when it is cleared before they had a chance to look."""
    event = TimedEvent()
    waits = [asyncio.create_task(event.wait(60)) for _ in range(3)]
    await asyncio.sleep(0)
    event.set()
    event.clear()
    assert await asyncio.gather(*waits) == [True] * 3


async def test_each_wait_ends_in_its_own_time() -> None:
    """A short one ends without the event, a long one still gets it."""
    event = TimedEvent()
    long = asyncio.create_task(event.wait(60))
    assert not await event.wait(0.001)
    event.set()
    assert await long


async def test_a_cancelled_wait_is_a_cancellation() -> None:
    """And the event can be set and waited for as before."""
    event = TimedEvent()
    wait = asyncio.create_task(event.wait(60))
    await asyncio.sleep(0)
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    event.set()
    assert await event.wait(0)
