import asyncio

import pytest

from app.call.session_life import SessionLife
from app.errors import LegGone, Unavailable
from app.logs import get_log


def new_life() -> SessionLife[str]:
    return SessionLife("session", get_log("call"))


async def test_it_is_ready_told_to_end_and_over() -> None:
    life = new_life()

    async def live() -> None:
        with life.live(too_late=""):
            life.be_ready("begun")
            await life.ending.wait()

    task = asyncio.create_task(live())
    assert await life.wait_ready() == "begun"
    over = asyncio.create_task(life.wait_over())
    assert not over.done()
    await life.finish()
    await over
    await task


@pytest.mark.parametrize("error", [LegGone("gone"), RuntimeError("broken")])
async def test_what_keeps_it_from_opening_is_for_who_asked(error: Exception) -> None:
    life = new_life()
    with life.live(too_late=""):
        raise error
    with pytest.raises(type(error)):
        await life.wait_ready()
    await life.wait_over()


async def test_an_opening_that_takes_too_long_is_told_so() -> None:
    life = new_life()
    with life.live(too_late="it took too long"):
        raise TimeoutError
    with pytest.raises(Unavailable, match="it took too long"):
        await life.wait_ready()


async def test_a_failure_after_the_begin_stays_its_own() -> None:
    life = new_life()
    with life.live(too_late=""):
        life.be_ready("begun")
        raise RuntimeError("broken")
    assert await life.wait_ready() == "begun"
    await life.wait_over()


async def test_who_waits_for_one_that_is_cancelled_waits_no_more() -> None:
    life = new_life()
    with pytest.raises(asyncio.CancelledError), life.live(too_late=""):
        raise asyncio.CancelledError
    with pytest.raises(asyncio.CancelledError):
        await life.wait_ready()
    await life.wait_over()
