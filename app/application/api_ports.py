"""What the API asks for, fulfilled by the live calls, groupcalls, flows and transcribes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.api.ports import CallOrder, OfferedLanguage, PlacedCalls
from app.application.api_flows import ApiFlows
from app.application.call_orders import CallOrders
from app.application.flow_runner import Execution, FlowRunner
from app.call.conferences import Conferences
from app.call.groupcalls import Groupcalls
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.speakings import Speakings
from app.domain.call import Call, MuteDirection
from app.domain.customer import RingMethod
from app.domain.events import EventType
from app.domain.flow import Action, Activeflow
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.ids import ZERO_ID
from app.domain.recording import RecordingRequest
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe
from app.errors import (
    AlreadyExists,
    CallAlreadyHangup,
    InvalidArgument,
    NotFound,
    RecordingNotActive,
    StateInvalid,
)
from app.journal.journal import Journal
from app.recording.recordings import Recordings
from app.speech.model_library import ModelLibrary
from app.store.store import Store
from app.transcribe.recording_job import RecordingTranscribes
from app.transcribe.transcribes import TranscribeRequest, Transcribes

DELETE_SECONDS = 10.0


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
        await (await self._live(customer_id, call_id)).hold(is_on=is_on)

    async def music(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Play music on hold to the party, or end it."""
        await (await self._live(customer_id, call_id)).music(is_on=is_on)

    async def silence(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Send silence to the party, or end it."""
        await (await self._live(customer_id, call_id)).silence(is_on=is_on)

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


class ApiGroupcalls:
    """Groupcalls for the API."""

    def __init__(self, groupcalls: Groupcalls, orders: CallOrders, store: Store, journal: Journal) -> None:
        self._groupcalls = groupcalls
        self._orders = orders
        self._store = store
        self._journal = journal

    async def place(self, order: CallOrder, ring_method: RingMethod) -> Groupcall:
        """Begin to dial."""
        return await self._orders.place_group(order, ring_method)

    async def hang_up(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up all its legs; one that has ended is returned as it is."""
        stored = await self._stored(customer_id, groupcall_id)
        live = self._groupcalls.find(groupcall_id)
        if live is None:
            return stored
        await self._groupcalls.hang_up(live)
        return live.record

    async def delete(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up where it lives, and delete it."""
        stored = await self._stored(customer_id, groupcall_id)
        live = self._groupcalls.find(groupcall_id)
        if live is not None:
            await self._groupcalls.hang_up(live)
            await live.ended.wait()
            stored = live.record
        moment = now()
        deleted = replace(stored, status=GroupcallStatus.HANGUP, tm_delete=moment, tm_update=moment)
        await self._journal.change(deleted, EventType.GROUPCALL_DELETED)
        return deleted

    async def _stored(self, customer_id: str, groupcall_id: str) -> Groupcall:
        stored = await self._store.groupcalls.get(customer_id, groupcall_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("groupcall", groupcall_id)
        return stored


class ApiTranscribes:
    """Transcribes for the API."""

    def __init__(
        self,
        *,
        transcribes: Transcribes,
        recording_transcribes: RecordingTranscribes,
        live_calls: LiveCalls,
        conferences: Conferences,
        store: Store,
    ) -> None:
        self._transcribes = transcribes
        self._recording_transcribes = recording_transcribes
        self._live_calls = live_calls
        self._conferences = conferences
        self._store = store

    async def start(
        self,
        *,
        customer_id: str,
        reference_type: ReferenceType,
        reference_id: str,
        language: str,
        direction: Direction,
        on_end_flow_id: str,
        provider: str,
        end_of_silence_ms: int | None,
    ) -> Transcribe:
        """Start to transcribe a live call, a conference or an ended recording of this customer."""
        request = TranscribeRequest(
            language=language,
            direction=direction,
            provider=provider,
            on_end_flow_id=on_end_flow_id or ZERO_ID,
            end_of_silence_ms=end_of_silence_ms,
        )
        if reference_type is ReferenceType.RECORDING:
            return await self._start_recording(customer_id, reference_id, request)
        if reference_type is ReferenceType.CONFBRIDGE:
            return await self._start_conference(customer_id, reference_id, request)
        call = self._live_calls.find(reference_id)
        if call is None or call.record.customer_id != customer_id:
            stored = await self._store.calls.get(customer_id, reference_id)
            if stored is None:
                raise NotFound("call", reference_id)
            raise StateInvalid(
                f"the call is {stored.status}; only a call that is progressing can be transcribed",
                status=str(stored.status),
            )
        return await self._transcribes.start(call, request)

    async def stop(self, transcribe_id: str) -> Transcribe:
        """End a transcribe after its last words; the record as it is stored then."""
        stopped = await self._transcribes.stop(transcribe_id) or await self._recording_transcribes.stop(transcribe_id)
        if stopped is not None:
            return stopped
        stored = await self._store.transcribes.get_by_id(transcribe_id)
        if stored is None:
            raise NotFound("transcribe", transcribe_id)
        return stored

    async def delete(self, transcribe_id: str) -> Transcribe:
        """Stop it where it listens, then delete it and its transcripts."""
        await self._recording_transcribes.stop(transcribe_id)
        return await self._transcribes.delete(transcribe_id)

    async def _start_recording(self, customer_id: str, recording_id: str, request: TranscribeRequest) -> Transcribe:
        recording = await self._store.recordings.get(customer_id, recording_id)
        if recording is None or recording.tm_delete is not None:
            raise NotFound("recording", recording_id)
        return await self._recording_transcribes.start(recording, request)

    async def _start_conference(self, customer_id: str, conference_id: str, request: TranscribeRequest) -> Transcribe:
        stored = await self._store.conferences.get(customer_id, conference_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("conference", conference_id)
        conference = await self._conferences.find(conference_id)
        if conference is None:
            raise StateInvalid(f"the conference is {stored.status}", status=str(stored.status))
        return await self._transcribes.start_conference(conference, request)


class ApiActiveflows:
    """Executions for the API."""

    def __init__(self, runner: FlowRunner, flows: ApiFlows, store: Store) -> None:
        self._runner = runner
        self._flows = flows
        self._store = store

    async def start(
        self,
        customer_id: str,
        *,
        flow_id: str,
        actions: tuple[Action, ...],
        variables: Mapping[str, str],
        webhook_uri: str,
        webhook_method: str,
        activeflow_id: str,
    ) -> Activeflow:
        """Run a flow without a call."""
        if activeflow_id and await self._store.activeflows.get_by_id(activeflow_id) is not None:
            raise AlreadyExists("there is an activeflow with this id already")
        if flow_id == ZERO_ID:
            flow = await self._flows.store_temporary(customer_id, actions)
        else:
            found = await self._flows.find(customer_id, flow_id)
            if found is None:
                raise InvalidArgument("flow_id", "there is no flow with this id")
            flow = found
        execution = Execution(
            customer_id,
            "api",
            ZERO_ID,
            supplied=variables,
            webhook_uri=webhook_uri,
            webhook_method=webhook_method,
            activeflow_id=activeflow_id,
        )
        return await self._runner.start(flow, execution)

    async def stop(self, customer_id: str, activeflow_id: str) -> Activeflow:
        """End an execution, which hangs its call up; idempotent."""
        stored = await self._store.activeflows.get(customer_id, activeflow_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("activeflow", activeflow_id)
        if await self._runner.stop(activeflow_id):
            return await self._store.activeflows.get(customer_id, activeflow_id) or stored
        return stored


def offer_languages(library: ModelLibrary) -> Sequence[OfferedLanguage]:
    """The rows of `GET /v1.0/languages`."""
    return [
        OfferedLanguage(row.code, row.engine, row.model, is_installed=row.is_installed) for row in library.languages()
    ]
