"""A conference's media stream ends with its conference, and with its room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, cast

import pytest

from app.call.attachments import Attachments
from app.call.conference import LiveConference
from app.call.ports import Closer
from app.delivery.media_stream import MediaStreamServer
from app.domain.transcribe import ReferenceType


class Conference(LiveConference):
    """A conference whose room ends when the test says so."""

    def __init__(self) -> None:
        self.room_ended = asyncio.Event()
        self.attachments = Attachments()

    def attach(self, closer: Closer) -> AbstractContextManager[None]:
        return self.attachments.attach(closer)

    async def wait_room_ended(self) -> None:
        await self.room_ended.wait()


class Streams:
    """Media streams of which only the opening counts."""

    @asynccontextmanager
    async def open_conference(self, _conference: Conference, _sink: Any) -> AsyncIterator[None]:
        yield None


@pytest.mark.parametrize("why", ["the room is lost", "the conference ends"])
async def test_a_stream_of_a_conference_ends(why: str) -> None:
    conference, ended = Conference(), asyncio.Event()

    async def find(_conference_id: str) -> LiveConference:
        return conference

    server = MediaStreamServer(cast(Any, Streams()), cast(Any, None), find)
    async with server._open(ReferenceType.CONFBRIDGE, "id", lambda _frames: None, ended):
        assert not ended.is_set()
        if why == "the room is lost":
            conference.room_ended.set()
        else:
            closing = asyncio.create_task(conference.attachments.close(5))
        await asyncio.wait_for(ended.wait(), 5)
    if why == "the conference ends":
        await closing
    assert len(conference.attachments) == 0
