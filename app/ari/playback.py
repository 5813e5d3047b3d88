"""A playback: sounds played to the party of one channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum

from app.ari import operation
from app.ari.ari import Ari
from app.ari.channel import gone_means_hung_up
from app.ari.errors import AriRefused
from app.ari.events import (
    ChannelDestroyed,
    ChannelHangupRequest,
    PlaybackFinished,
    PlaybackStarted,
    Reconnected,
    StasisEnd,
)
from app.ari.release import finish, owned, release
from app.ari.watch import Watch
from app.errors import InvalidArgument, LegGone

MEDIA_SCHEMES = ("sound", "recording", "number", "digits", "characters", "tone")
"""What Asterisk can play. A scheme that it does not know starts and never ends (22.10.1), so we refuse it first."""

URL_CHARACTERS = 240
"""So long at least must a URL be: Asterisk 22.10.1 cuts the path of the file that it has fetched to about the length of
the URL, and then finds no file. The longest path there is has 224 bytes (asterisk/config.py); the database of Asterisk
that remembers what was fetched takes URLs of up to 243."""


class PlaybackResult(StrEnum):
    """How a playback ended."""

    DONE = "done"
    """Played to the end, or stopped."""
    FAILED = "failed"
    """Asterisk could not play it: no such sound."""
    LOST = "lost"
    """It ended while there was no connection to Asterisk: nobody knows how."""


class Playback:
    """A playback under way."""

    def __init__(self, ari: Ari, channel_id: str, playback_id: str, watch: Watch) -> None:
        self.id = playback_id
        self._ari = ari
        self._channel_id = channel_id
        self._watch = watch
        self.started_at: float | None = None
        """When it began to be heard, on the event loop's clock; known while `finished` is awaited."""
        self._is_hanging_up = False
        self._result: PlaybackResult | None = None

    @property
    def is_finished(self) -> bool:
        """Whether `finished` has returned."""
        return self._result is not None

    async def finished(self) -> PlaybackResult:
        """Wait for the end of the last sound; LegGone when the party hung up before. For one reader."""
        while self._result is None:
            event = await self._watch.next()
            match event:
                case PlaybackStarted():
                    self.started_at = asyncio.get_running_loop().time()
                case PlaybackFinished():
                    if event.playback.state == "failed" and self._is_hanging_up:
                        raise self._leg_gone()
                    self._result = PlaybackResult.DONE if event.playback.state == "done" else PlaybackResult.FAILED
                case ChannelHangupRequest():
                    self._is_hanging_up = True
                case StasisEnd() | ChannelDestroyed():
                    raise self._leg_gone()
                case Reconnected():
                    await self._ask()
                case _:
                    pass
        return self._result

    async def stop(self) -> None:
        """Stop playing; `finished` then returns `done`. One that has ended already is fine."""
        await finish(release(self._ari, operation.STOP_PLAYBACK, {"playbackId": self.id}))

    async def _ask(self) -> None:
        try:
            await operation.GET_PLAYBACK.send(self._ari, {"playbackId": self.id})
        except AriRefused as error:
            if error.status != 404:
                raise
            self._result = PlaybackResult.LOST

    def _leg_gone(self) -> LegGone:
        return LegGone(f"the party of {self._channel_id} hung up during a playback", channel=self._channel_id)


@asynccontextmanager
async def open_playback(
    ari: Ari, channel_id: str, playback_id: str, media: Sequence[str], *, language: str = "", offset_ms: int = 0
) -> AsyncIterator[Playback]:
    """Play `media` one after the other (`sound:NAME`, an absolute path without its extension, `digits:12`, ...).

    `offset_ms` leaves out the beginning of the first.

    Raises LegGone when the party hung up, InvalidArgument for media that Asterisk has no player for. What still
    plays at the end is stopped.
    """
    for uri in media:
        if uri.partition(":")[0] not in MEDIA_SCHEMES:
            raise InvalidArgument(
                "media", f"{uri!r} is not playable; expected one of {', '.join(MEDIA_SCHEMES)} and a colon"
            )
    with ari.watch(playback_id, channel_id) as watch:
        playback = Playback(ari, channel_id, playback_id, watch)
        making = _make(ari, channel_id, playback_id, media, language, offset_ms)
        async with owned(
            ari,
            playback_id,
            making,
            operation.STOP_PLAYBACK,
            {"playbackId": playback_id},
            unless=lambda: playback.is_finished,
        ):
            yield playback


async def _make(
    ari: Ari, channel_id: str, playback_id: str, media: Sequence[str], language: str, offset_ms: int
) -> object:
    query = {"media": ",".join(lengthened(uri) for uri in media)} | ({"lang": language} if language else {})
    query |= {"offsetms": str(offset_ms)} if offset_ms else {}
    with gone_means_hung_up(channel_id):
        return await operation.PLAY.send(ari, {"channelId": channel_id, "playbackId": playback_id}, query)


def lengthened(uri: str) -> str:
    """Return a media URI with a fragment (which is never sent) behind a URL that is too short for Asterisk."""
    url = uri.removeprefix("sound:")
    missing = URL_CHARACTERS - len(url)
    if missing <= 0 or not url.startswith(("http://", "https://")):
        return uri
    return uri + ("" if "#" in url else "#") + "-" * missing
