"""A bare leg in a conference: the far half of a channel of ours, through which a call's flow talks to the room."""

import asyncio

from app.ari.ari import Ari
from app.ari.channel import answer
from app.ari.events import ChannelDestroyed, StasisEnd
from app.ari.watch import Watch
from app.call.conferences import Conferences
from app.call.wait_any import wait_any
from app.errors import CallscribeError
from app.logs import get_log

log = get_log("conference")


async def join_bare(ari: Ari, conferences: Conferences, channel_id: str, conference_id: str) -> None:
    """Put a channel into a conference's room; returns when either is gone. Who it is, is the call's business.

    It is no member: nobody's conferencecall, not transcribed as a speaker, heard by all.
    """
    conference = await conferences.find(conference_id)
    if conference is None:
        log.warning("a leg into a conference that is not there was refused")
        return
    closing = asyncio.Event()

    async def close() -> None:
        closing.set()

    try:
        with conference.attach(close), ari.watch(channel_id) as watch:
            bridge = await conference.room.open()
            await answer(ari, channel_id)  # the near half is up then, and the call's flow begins
            await bridge.add(channel_id)
            await wait_any(closing.wait(), _wait_end(watch))
    except CallscribeError as error:
        log.warning("a leg into a conference was lost", reason=error.message)


async def _wait_end(watch: Watch) -> None:
    async for event in watch:
        if isinstance(event, ChannelDestroyed | StasisEnd):
            return
