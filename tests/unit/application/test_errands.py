"""Errands go on after their flow, are bounded, and end with the program."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.application.errands import Errands
from app.errors import Unavailable


async def test_they_are_bounded_and_fail_alone() -> None:
    errands, gate, done = Errands(at_once=2, waiting=3), asyncio.Event(), []

    async def errand(number: int) -> None:
        await gate.wait()
        done.append(number)
        if number == 0:
            raise Unavailable("no")
        if number == 1:
            raise ValueError("broken")

    for number in range(5):
        errands.start(errand(number), action_type="x")
    with pytest.raises(Unavailable):
        errands.start(errand(9), action_type="x")
    gate.set()
    while errands._tasks:
        await asyncio.sleep(0)
    assert done == [0, 1, 2, 3, 4]


async def test_at_the_end_what_is_under_way_is_finished_or_given_up() -> None:
    errands = Errands(end_seconds=0.1)
    ends: list[str] = []

    async def quick() -> None:
        await asyncio.sleep(0.01)
        ends.append("quick")

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("endless")

    running = asyncio.create_task(errands.run())
    errands.start(quick(), action_type="x")
    errands.start(endless(), action_type="x")
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ends == ["quick", "endless"]
    late: Any = quick()
    with pytest.raises(Unavailable):
        errands.start(late, action_type="x")
