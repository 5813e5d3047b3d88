"""The party of a call on the scripted Asterisk: what a SIP phone does, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.scenarios.scripted_objects import ScriptedChannel, frames_of

if TYPE_CHECKING:
    from tests.scenarios.scripted_asterisk import ScriptedAsterisk

PATIENCE_SECONDS = 10.0


class ScriptedLeg:
    """A party on the phone. Its waits raise TimeoutError after PATIENCE_SECONDS."""

    def __init__(self, asterisk: ScriptedAsterisk, channel: ScriptedChannel) -> None:
        self.channel = channel
        self.played: list[str] = []
        """The media that was played to it, in order, whole ones and stopped ones."""
        self.cause: int | None = None
        """The Q.850 cause with which it ended."""
        self.is_ringing = False
        self._asterisk = asterisk

    @property
    def id(self) -> str:
        """The channel's id in Asterisk."""
        return self.channel.id

    @property
    def is_answered(self) -> bool:
        """Whether the call is up."""
        return self.channel.state == "Up"

    @property
    def is_ended(self) -> bool:
        """Whether the channel is gone."""
        return self.cause is not None

    @property
    def taps(self) -> set[str]:
        """The directions that somebody hears now: `in`, `out`."""
        return {spy for spy, _ in self._asterisk.streams_of(self.id)}

    async def answered(self) -> None:
        """Wait until the app answers."""
        await self._asterisk.until(lambda: self.is_answered or self.is_ended, "the call is answered")
        assert self.is_answered, f"ended with cause {self.cause} before it was answered"

    async def ended(self) -> int:
        """Wait until the call is over; return its cause."""
        await self._asterisk.until(lambda: self.is_ended, "the call is over")
        assert self.cause is not None
        return self.cause

    async def tapped(self, *directions: str) -> None:
        """Wait until RTP of these directions (`in`, `out`) flows to the app."""
        await self._asterisk.until(lambda: self.taps >= set(directions), f"the directions {directions} are tapped")

    def say(self, pcm: bytes) -> None:
        """Speak (8 kHz 16-bit little-endian mono): heard by `in` snoops, 20 ms by 20 ms, after what is being said."""
        self.channel.saying.extend(frames_of(pcm))

    def hear(self, pcm: bytes) -> None:
        """Let the party hear this when nothing is played: heard by `out` snoops."""
        self.channel.hearing.extend(frames_of(pcm))

    async def said(self) -> None:
        """Wait until everything of `say` and `hear` has been sent."""
        done = lambda: self.is_ended or not (self.channel.saying or self.channel.hearing)  # noqa: E731
        await self._asterisk.until(done, "everything is said")

    async def heard(self, media: str) -> None:
        """Wait until this media URI begins to be played to the party."""
        await self._asterisk.until(lambda: media in self.played, f"{media} is played")

    def press(self, digits: str) -> None:
        """Press keys, one ChannelDtmfReceived each."""
        for digit in digits:
            self._asterisk.emit("ChannelDtmfReceived", digit=digit, duration_ms=100, channel=self.channel.json())

    def hold(self) -> None:
        """Put the call on hold."""
        self._asterisk.emit("ChannelHold", channel=self.channel.json())

    def unhold(self) -> None:
        """Take it back."""
        self._asterisk.emit("ChannelUnhold", channel=self.channel.json())

    def hang_up(self, cause: int = 16) -> None:
        """Hang up as the party."""
        if not self.is_ended:
            self._asterisk.end_channel(self.channel, cause)
