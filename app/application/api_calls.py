"""Calls for the API."""

from __future__ import annotations

from dataclasses import replace

from app.api.ports import CallOrder, PlacedCalls
from app.application.call_orders import CallOrders
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.speakings import Speakings
from app.domain.call import Call, MuteDirection
from app.domain.events import EventType
from app.domain.recording import RecordingRequest
from app.domain.timestamps import now
from app.errors import (
    CallAlreadyHangup,
    NotFound,
    RecordingNotActive,
    StateInvalid,
)
from app.journal.journal import Journal
from app.recording.recordings import Recordings
from app.store.store import Store


class ApiCalls:
    """Calls for the API."""

    def __init__(
        self,
        *,
        live_calls: LiveCalls,
        store: Store,
        journal: Journal,
        orders: CallOrders,
        recordings: Recordings,
        speakings: Speakings,
    ) -> None:
        self._live_calls = live_calls
        self._store = store
        self._journal = journal
        self._orders = orders
        self._recordings = recordings
        self._speakings = speakings

    async def place(self, order: CallOrder) -> PlacedCalls:
        """Begin to dial every destination."""
        return await self._orders.place(order)

    async def hang_up(self, customer_id: str, call_id: str) -> Call:
        """Begin to end a call; one that is ending or ended is returned as it is."""
        call = self._live_calls.find(call_id)
        if call is not None and call.record.customer_id == customer_id:
            await call.hang_up()
            return call.record
        return await self._stored(customer_id, call_id)

    async def delete(self, customer_id: str, call_id: str) -> Call:
        """Hang up where it lives, wait for its end, and delete it."""
        call = self._live_calls.find(call_id)
        if call is not None and call.record.customer_id == customer_id:
            await call.hang_up()
            await call.wait_ended()
        stored = await self._stored(customer_id, call_id)
        if stored.tm_delete is not None:
            raise StateInvalid("this call was deleted")
        moment = now()
        deleted = replace(stored, tm_delete=moment, tm_update=moment)
        await self._journal.change(deleted, EventType.CALL_DELETED)
        return deleted

    async def hold(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Put the party on hold, or back."""
        await (await self._live(customer_id, call_id)).sound.hold(is_on=is_on)

    async def music(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Play music on hold to the party, or end it."""
        await (await self._live(customer_id, call_id)).sound.music(is_on=is_on)

    async def silence(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Send silence to the party, or end it."""
        await (await self._live(customer_id, call_id)).sound.silence(is_on=is_on)

    async def mute(self, customer_id: str, call_id: str, direction: MuteDirection, *, is_on: bool) -> None:
        """Mute a direction, or no more."""
        await (await self._live(customer_id, call_id)).mute(direction, is_on=is_on)

    async def talk(self, customer_id: str, call_id: str, text: str, language: str) -> None:
        """Speak to the party over whatever runs; returns when the speech has begun."""
        await self._speakings.talk(await self._live(customer_id, call_id), text, language)

    async def start_recording(self, customer_id: str, call_id: str, request: RecordingRequest) -> Call:
        """Record the call."""
        call = await self._live(customer_id, call_id)
        await self._recordings.start_call(call, request)
        return call.record

    async def stop_recording(self, customer_id: str, call_id: str) -> Call:
        """End the call's recording."""
        call = await self._live(customer_id, call_id)
        recording = self._recordings.find_of(call_id)
        if recording is None:
            raise RecordingNotActive("the call is not being recorded")
        await self._recordings.stop(recording.id)
        return call.record

    async def _live(self, customer_id: str, call_id: str) -> LiveCall:
        call = self._live_calls.find(call_id)
        if call is None or call.record.customer_id != customer_id:
            stored = await self._stored(customer_id, call_id)
            raise CallAlreadyHangup(f"the call is {stored.status}: this needs a live one", status=str(stored.status))
        return call

    async def _stored(self, customer_id: str, call_id: str) -> Call:
        stored = await self._store.calls.get(customer_id, call_id)
        if stored is None:
            raise NotFound("call", call_id)
        return stored
