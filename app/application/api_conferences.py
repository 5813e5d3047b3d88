"""The conferences for the API, and for flows that join them."""

from __future__ import annotations

import asyncio

from app.api.ports import ConferenceOrder
from app.application.api_flows import ApiFlows
from app.call.conference import LiveConference
from app.call.conferences import ConferenceFields, Conferences
from app.call.live_calls import LiveCalls
from app.domain.conference import Conference, Conferencecall, ConferenceStatus
from app.domain.ids import ZERO_ID, is_id, new_direct_hash
from app.domain.recording import RecordingRequest
from app.domain.transcribe import Direction
from app.errors import LegGone, NotFound, RecordingNotActive, StateInvalid
from app.flow.ports import PreFlow
from app.logs import get_log
from app.recording.recordings import Recordings
from app.store.store import Store
from app.transcribe.request import TranscribeRequest
from app.transcribe.transcribes import Transcribes

log = get_log("conference")


class ApiConferences:
    """Conferences for the API (ConferencePort)."""

    def __init__(
        self, *, conferences: Conferences, recordings: Recordings, transcribes: Transcribes, store: Store
    ) -> None:
        self._conferences = conferences
        self._recordings = recordings
        self._transcribes = transcribes
        self._store = store

    async def create(self, customer_id: str, order: ConferenceOrder) -> Conference:
        """Make a conference; its room opens when it is first used. AlreadyExists when `order.id` does."""
        return await self._conferences.create(customer_id, _fields(order), conference_id=order.id)

    async def update(self, customer_id: str, conference_id: str, order: ConferenceOrder) -> Conference:
        """Change everything but type and id."""
        await self._require(customer_id, conference_id)
        return await self._conferences.update(conference_id, _fields(order))

    async def delete(self, customer_id: str, conference_id: str) -> Conference:
        """Send everybody out, close the room, delete it."""
        await self._require(customer_id, conference_id)
        return await self._conferences.delete(conference_id)

    async def regenerate_hash(self, customer_id: str, conference_id: str) -> Conference:
        """Give it a new direct_hash."""
        await self._require(customer_id, conference_id)
        return await self._conferences.change(conference_id, direct_hash=new_direct_hash())

    async def kick(self, customer_id: str, conferencecall_id: str) -> Conferencecall:
        """Send one member out; one that has left is returned as it is."""
        stored = await self._store.conferencecalls.get(customer_id, conferencecall_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("conferencecall", conferencecall_id)
        kicked = await self._conferences.kick(conferencecall_id)
        return kicked or await self._store.conferencecalls.get(customer_id, conferencecall_id) or stored

    async def start_recording(self, customer_id: str, conference_id: str, request: RecordingRequest) -> Conference:
        """Record the mix."""
        conference = await self._open(customer_id, conference_id)
        await self._recordings.start_conference(conference, request)
        return conference.record

    async def stop_recording(self, customer_id: str, conference_id: str) -> Conference:
        """End the recording; RecordingNotActive when there is none."""
        stored = await self._require(customer_id, conference_id)
        if stored.recording_id == ZERO_ID or await self._recordings.stop(stored.recording_id) is None:
            raise RecordingNotActive("the conference is not being recorded")
        return await self._require(customer_id, conference_id)

    async def start_transcribe(self, customer_id: str, conference_id: str, language: str) -> Conference:
        """Transcribe every member."""
        conference = await self._open(customer_id, conference_id)
        request = TranscribeRequest(language=language, direction=Direction.IN)
        await self._transcribes.start_conference(conference, request)
        return conference.record

    async def stop_transcribe(self, customer_id: str, conference_id: str) -> Conference:
        """End the transcribe that was started last; StateInvalid when there is none."""
        stored = await self._require(customer_id, conference_id)
        if stored.transcribe_id == ZERO_ID or await self._transcribes.stop(stored.transcribe_id) is None:
            raise StateInvalid("the conference is not being transcribed")
        return await self._require(customer_id, conference_id)

    async def _require(self, customer_id: str, conference_id: str) -> Conference:
        stored = await self._store.conferences.get(customer_id, conference_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("conference", conference_id)
        return stored

    async def _open(self, customer_id: str, conference_id: str) -> LiveConference:
        stored = await self._require(customer_id, conference_id)
        conference = await self._conferences.find(conference_id)
        if conference is None:
            raise StateInvalid("the conference has ended", status=str(stored.status))
        return conference


class FlowConferences:
    """Conferences for the actions conference_join and confbridge_join (ConferenceControl)."""

    def __init__(self, *, conferences: Conferences, live_calls: LiveCalls, flows: ApiFlows, store: Store) -> None:
        self._conferences = conferences
        self._live_calls = live_calls
        self._flows = flows
        self._store = store
        self._making = asyncio.Lock()

    async def find_pre_flow(self, customer_id: str, conference_id: str) -> PreFlow:
        """Return what a caller runs before it joins; a pre-flow that was deleted meanwhile is none."""
        stored = await self._find(customer_id, conference_id)
        if stored.status is not ConferenceStatus.PROGRESSING:
            raise StateInvalid(f"the conference is {stored.status}", status=str(stored.status))
        if stored.pre_flow_id == ZERO_ID:
            return PreFlow()
        flow = await self._flows.find(customer_id, stored.pre_flow_id)
        if flow is None:
            log.warning("the pre-flow of a conference is not there", conference_id=conference_id)
            return PreFlow()
        return PreFlow(flow.actions, flow.id)

    async def join(self, call_id: str, conference_id: str, *, activeflow_id: str) -> object:
        """Let a call in; returns when it is out again."""
        call = self._live_calls.find(call_id)
        if call is None:
            raise LegGone("the call has ended")
        conference = await self._find(call.record.customer_id, conference_id)
        return await self._conferences.join(call, conference.id, activeflow_id=activeflow_id)

    async def _find(self, customer_id: str, id_or_name: str) -> Conference:
        """Return a conference by its id, or by its name; a name that is not there yet becomes a conference."""
        if is_id(id_or_name):
            stored = await self._store.conferences.get(customer_id, id_or_name)
            if stored is None or stored.tm_delete is not None:
                raise NotFound("conference", id_or_name)
            return stored
        async with self._making:
            named = await self._store.conferences.find_open(customer_id, id_or_name)
            return named or await self._conferences.create(customer_id, ConferenceFields(name=id_or_name))


def _fields(order: ConferenceOrder) -> ConferenceFields:
    return ConferenceFields(
        name=order.name,
        detail=order.detail,
        type=order.type,
        timeout=order.timeout,
        data=order.data,
        pre_flow_id=order.pre_flow_id or ZERO_ID,
        post_flow_id=order.post_flow_id or ZERO_ID,
    )
