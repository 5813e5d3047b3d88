"""What can be recorded: a call, its two directions apart, and a conference, its mix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from app.ari.ari import Ari
from app.call.bridge_tap import open_bridge_tap
from app.call.live_call import LiveCall
from app.call.ports import Closer
from app.call.tap import Tap, open_tap
from app.domain.conference import Conference
from app.domain.transcribe import Direction, ReferenceType
from app.errors import Unavailable
from app.media.recorder import RecorderSide
from app.media.rtp_receiver import RtpReceiver
from app.recording.recording_files import BOTH, IN, OUT


@dataclass(frozen=True, slots=True)
class TapParts:
    """What taps are made with."""

    ari: Ari
    receiver: RtpReceiver
    media_host: str


class Room(Protocol):
    """A live conference, as far as a recording needs it."""

    @property
    def record(self) -> Conference:
        """The conference as it is now."""

    @property
    def bridge_id(self) -> str:
        """Asterisk's bridge of the room."""

    def attach(self, closer: Closer) -> AbstractContextManager[None]:
        """Within this context `closer` is awaited when the conference ends."""

    async def wait_room_ended(self) -> None:
        """Return when the bridge that is there now is gone."""

    async def note_recording(self, recording_id: str) -> None:
        """Store which recording goes on, ZERO_ID for none any more."""


class Source(Protocol):
    """What a recording is of. All methods may raise LegGone when it has ended."""

    @property
    def reference_type(self) -> ReferenceType:
        """What it is."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The sides, each a file and a tap."""

    @property
    def reference_id(self) -> str:
        """Whose recording it is: the call's or the conference's id."""

    @property
    def customer_id(self) -> str:
        """Whose the recording is."""

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing more to hear."""

    def attach(self, closer: Closer) -> AbstractContextManager[None]:
        """Within this context `closer` is awaited when the source ends."""

    async def wait_lost(self) -> None:
        """Return when the taps hear nothing any more though the source goes on."""

    async def note_recording(self, recording_id: str) -> None:
        """Store which recording goes on, ZERO_ID for none any more."""

    async def beep(self, media: str) -> None:
        """Let the party hear that it is recorded."""

    def watch_digits(self) -> AbstractContextManager[AsyncIterator[str]]:
        """Hear the digits that the party presses from now on."""

    async def open_taps(self, stack: AsyncExitStack, owner_id: str, sides: Mapping[str, RecorderSide]) -> list[Tap]:
        """Open a tap for each side; the stack closes them."""


class CallSource:
    """A live call: `in` = what its party says, `out` = what it hears."""

    reference_type = ReferenceType.CALL
    parts = (IN, OUT)

    def __init__(self, call: LiveCall, taps: TapParts) -> None:
        self.call = call
        self._taps = taps

    @property
    def reference_id(self) -> str:
        """The call's id."""
        return self.call.record.id

    @property
    def customer_id(self) -> str:
        """Whose call it is."""
        return self.call.record.customer_id

    @property
    def is_gone(self) -> bool:
        """Whether the party has hung up."""
        return self.call.is_gone

    def attach(self, closer: Closer) -> AbstractContextManager[None]:
        """Within this context `closer` is awaited when the call ends."""
        return self.call.attach(closer)

    async def wait_lost(self) -> None:
        """Never: what ends a call's taps ends the call, and `attach` tells that."""
        await asyncio.Event().wait()

    async def note_recording(self, recording_id: str) -> None:
        """Show the active recording in the call."""
        await self.call.ledger.note_recording(recording_id)

    async def beep(self, media: str) -> None:
        """Play the tone to the party."""
        await self.call.play([media])

    @contextmanager
    def watch_digits(self) -> Iterator[AsyncIterator[str]]:
        """Hear the party's digits."""
        with self.call.watch_digits() as digits:
            yield aiter(digits)

    async def open_taps(self, stack: AsyncExitStack, owner_id: str, sides: Mapping[str, RecorderSide]) -> list[Tap]:
        """Tap both directions side by side; each is heard when this returns."""
        parts = self._taps
        outcomes = await asyncio.gather(
            *(
                stack.enter_async_context(
                    open_tap(
                        parts.ari,
                        parts.receiver,
                        media_host=parts.media_host,
                        channel_id=self.call.channel_id,
                        owner_id=owner_id,
                        direction=Direction(part),
                        sink=sides[part].push,
                    )
                )
                for part in self.parts
            ),
            # All have come to an end before one failure is raised, so the stack holds whatever was opened.
            return_exceptions=True,
        )
        return _all_or_raise(outcomes)


class ConferenceSource:
    """A live conference: what everybody in it hears together."""

    reference_type = ReferenceType.CONFBRIDGE
    parts = (BOTH,)
    is_gone = False

    def __init__(self, room: Room, taps: TapParts) -> None:
        self.room = room
        self._taps = taps

    @property
    def reference_id(self) -> str:
        """The conference's id."""
        return self.room.record.id

    @property
    def customer_id(self) -> str:
        """Whose conference it is."""
        return self.room.record.customer_id

    def attach(self, closer: Closer) -> AbstractContextManager[None]:
        """Within this context `closer` is awaited when the conference ends."""
        return self.room.attach(closer)

    async def wait_lost(self) -> None:
        """Return when the bridge is gone (Asterisk was restarted): the conference goes on in another one."""
        await self.room.wait_room_ended()

    async def note_recording(self, recording_id: str) -> None:
        """Show the active recording in the conference."""
        await self.room.note_recording(recording_id)

    async def beep(self, media: str) -> None:
        """A conference hears no tone (contract 4.1 has none)."""

    def watch_digits(self) -> AbstractContextManager[AsyncIterator[str]]:
        """Nobody's keys end a conference's recording (contract 4.1)."""
        raise Unavailable("a recording of a conference has no end_of_key")

    async def open_taps(self, stack: AsyncExitStack, owner_id: str, sides: Mapping[str, RecorderSide]) -> list[Tap]:
        """Tap the mix."""
        parts = self._taps
        tap = await stack.enter_async_context(
            open_bridge_tap(
                parts.ari,
                parts.receiver,
                media_host=parts.media_host,
                bridge_id=self.room.bridge_id,
                owner_id=owner_id,
                sink=sides[BOTH].push,
            )
        )
        return [tap]


def _all_or_raise(outcomes: Sequence[Tap | BaseException]) -> list[Tap]:
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
