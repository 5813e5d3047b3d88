import asyncio

import pytest

from app.errors import Unavailable
from app.owned_tasks import OwnedTasks


async def rest() -> None:
    await asyncio.get_running_loop().create_future()


async def running(tasks: OwnedTasks, owner: "asyncio.Task[None]") -> None:
    while not tasks.is_open and not owner.done():
        await asyncio.sleep(0)


async def end(owner: "asyncio.Task[None]") -> None:
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


async def test_before_and_after_its_run_nothing_is_started() -> None:
    tasks = OwnedTasks("nothing more is done")
    with pytest.raises(Unavailable, match="nothing more is done"):
        tasks.start(rest(), "too early")

    owner = asyncio.create_task(tasks.run())
    await running(tasks, owner)
    tasks.require_open()
    await end(owner)

    assert not tasks.is_open
    with pytest.raises(Unavailable, match="nothing more is done"):
        tasks.require_open()
    with pytest.raises(Unavailable):
        tasks.start(rest(), "too late")


async def test_its_tasks_end_with_it() -> None:
    tasks = OwnedTasks("")
    owner = asyncio.create_task(tasks.run())
    await running(tasks, owner)
    task = tasks.start(rest(), "one")
    assert task.get_name() == "one"

    await end(owner)
    assert task.cancelled()


async def test_at_the_end_its_tasks_can_be_concluded_and_none_is_started_meanwhile() -> None:
    tasks = OwnedTasks("")
    told = asyncio.Event()
    seen: list[str] = []

    async def wait_told() -> None:
        await told.wait()
        seen.append("told")

    async def conclude() -> None:
        assert not tasks.is_open
        told.set()
        await asyncio.wait({task})
        seen.append("concluded")

    owner = asyncio.create_task(tasks.run(conclude))
    await running(tasks, owner)
    task = tasks.start(wait_told(), "one")
    await end(owner)
    assert seen == ["told", "concluded"]


async def test_what_its_owner_does_itself_goes_on_within_it() -> None:
    tasks = OwnedTasks("")
    async with tasks.open():
        task = tasks.start(asyncio.sleep(0, "done"), "one")
        assert await task == "done"
    assert not tasks.is_open
