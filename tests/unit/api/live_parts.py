"""The live parts of the application as the API sees them, played by the test over the real store and journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from app.api.ports import ApiContext, CallOrder, ConferenceOrder, HealthReport, OfferedLanguage, PlacedCalls
from app.api.rate_limits import Rate, RateLimits
from app.domain.call import Address, AddressType, Call, CallDirection, CallStatus, MuteDirection
from app.domain.conference import Conference, Conferencecall, ConferencecallStatus, ConferenceStatus
from app.domain.customer import Identity, RingMethod
from app.domain.events import EventType
from app.domain.flow import Action, Activeflow, ActiveflowStatus, Flow, StoredFlow
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.ids import ZERO_ID, is_id, new_direct_hash, new_id
from app.domain.queue import Queuecall, QueuecallStatus
from app.domain.recording import Recording, RecordingRequest, RecordingStatus
from app.domain.speaking import Speaking, SpeakingStatus
from app.domain.timestamps import now
from app.domain.transcribe import ReferenceType, Transcribe, TranscribeStatus
from app.domain.transfer import TransferType
from app.errors import InvalidArgument, NotFound, RecordingAlreadyActive, RecordingNotActive, StateInvalid
from app.flow.api_actions import CheckedActions
from app.journal.journal import Journal
from app.store import Store

ACTION_TYPES = ("answer", "talk", "hangup", "play", "sleep", "transcribe_start", "connect", "branch")
LOADED_AT = datetime(2026, 1, 1, tzinfo=UTC)
T = TypeVar("T")


class InvalidActionType(InvalidArgument):
    """As the flow checker's."""

    code = "INVALID_ACTION_TYPE"


@dataclass
class LiveParts:
    """All of them. `asked` is what they were asked, `did` by which name; they raise `error` while it is set."""

    store: Store
    journal: Journal
    prompts: Path
    error: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    health_report: HealthReport = field(default_factory=HealthReport)
    is_feed_closed: bool = False
    synced: int = 0
    woken: int = 0
    file_flows: tuple[Flow, ...] = ()

    def __post_init__(self) -> None:
        self.calls = FakeCalls(self)
        self.groupcalls = FakeGroupcalls(self)
        self.transfers = FakeTransfers(self)
        self.queues = FakeQueues(self)
        self.conferences = FakeConferences(self)
        self.recordings = FakeRecordings(self)
        self.speakings = FakeSpeakings(self)
        self.media_streams = FakeMediaStreams(self)
        self.transcribes = FakeTranscribes(self)
        self.flows = FakeFlows(self)
        self.activeflows = FakeActiveflows(self)

    def note(self, name: str, /, **asked: Any) -> None:
        """Note what was asked, or raise what the test wants raised."""
        if self.error is not None:
            raise self.error
        self.did.append(name)
        self.asked.append(asked)

    async def sync(self) -> None:
        """As PhonePort."""
        self.synced += 1

    def wake(self) -> None:
        """As WebhookPort."""
        self.woken += 1

    async def serve(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """As LiveFeed."""
        self.note("feed.serve", identity=identity)
        return web.json_response({"customer": identity.customer_id})

    async def close(self) -> None:
        """As LiveFeed."""
        self.is_feed_closed = True

    def recheck(self) -> None:
        """As LiveFeed."""
        self.note("feed.recheck")

    def languages(self) -> Sequence[OfferedLanguage]:
        return [OfferedLanguage("en-US", "moonshine", "tiny-en", True), OfferedLanguage("de-DE", "vosk", "de", False)]

    async def health(self) -> HealthReport:
        return self.health_report

    def metrics(self) -> bytes:
        return b"calls_live 0\n"

    def prompt_path(self, key: str) -> Path | None:
        return self.prompts / f"{key}.wav"


def _found(word: str, item: T | None, item_id: str) -> T:
    if item is None:
        raise NotFound(word, item_id)
    return item


@dataclass
class FakeCalls:
    """As CallPort."""

    live: LiveParts

    async def _call(self, customer_id: str, call_id: str) -> Call:
        return _found("call", await self.live.store.calls.get(customer_id, call_id), call_id)

    async def _change(self, call: Call, *types: EventType, **changes: Any) -> Call:
        changed = replace(call, **changes, tm_update=now())
        await self.live.journal.change(changed, *types)
        return changed

    async def place(self, order: CallOrder) -> PlacedCalls:
        self.live.note("calls.place", order=order)
        calls, groupcalls = [], []
        for destination in order.destinations:
            if destination.type in (AddressType.AGENT, AddressType.EXTENSION):
                one = replace(order, destinations=(destination,))
                groupcalls.append(await self.live.groupcalls.make(one, RingMethod.RING_ALL))
                continue
            moment = now()
            call = Call(
                id=new_id(),
                customer_id=order.customer_id,
                direction=CallDirection.OUTGOING,
                status=CallStatus.DIALING,
                source=order.source,
                destination=destination,
                tm_create=moment,
                tm_update=moment,
                flow_id=order.flow_id,
            )
            calls.append(await self.live.journal.create(call, EventType.CALL_CREATED))
        return PlacedCalls(tuple(calls), tuple(groupcalls))

    async def hang_up(self, customer_id: str, call_id: str) -> Call:
        self.live.note("calls.hang_up", customer_id=customer_id, call_id=call_id)
        call = await self._call(customer_id, call_id)
        return await self._change(call, EventType.CALL_TERMINATING, status=CallStatus.TERMINATING)

    async def delete(self, customer_id: str, call_id: str) -> Call:
        self.live.note("calls.delete", customer_id=customer_id, call_id=call_id)
        return await self._change(await self._call(customer_id, call_id), EventType.CALL_DELETED, tm_delete=now())

    async def hold(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        self.live.note("calls.hold", customer_id=customer_id, call_id=call_id, is_on=is_on)

    async def music(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        self.live.note("calls.music", customer_id=customer_id, call_id=call_id, is_on=is_on)

    async def silence(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        self.live.note("calls.silence", customer_id=customer_id, call_id=call_id, is_on=is_on)

    async def mute(self, customer_id: str, call_id: str, direction: MuteDirection, *, is_on: bool) -> None:
        self.live.note("calls.mute", customer_id=customer_id, call_id=call_id, direction=direction, is_on=is_on)

    async def talk(self, customer_id: str, call_id: str, text: str, language: str) -> None:
        self.live.note("calls.talk", customer_id=customer_id, call_id=call_id, text=text, language=language)

    async def start_recording(self, customer_id: str, call_id: str, request: RecordingRequest) -> Call:
        self.live.note("calls.start_recording", customer_id=customer_id, call_id=call_id, request=request)
        call = await self._call(customer_id, call_id)
        if call.status is not CallStatus.PROGRESSING:
            raise StateInvalid("the call is not progressing")
        if call.recording_id != ZERO_ID:
            raise RecordingAlreadyActive("the call is recorded already")
        recording_id = new_id()
        ids = (*call.recording_ids, recording_id)
        return await self._change(call, EventType.CALL_UPDATED, recording_id=recording_id, recording_ids=ids)

    async def stop_recording(self, customer_id: str, call_id: str) -> Call:
        self.live.note("calls.stop_recording", customer_id=customer_id, call_id=call_id)
        call = await self._call(customer_id, call_id)
        if call.recording_id == ZERO_ID:
            raise RecordingNotActive("the call is not recorded")
        return await self._change(call, EventType.CALL_UPDATED, recording_id=ZERO_ID)


class FakeTransfers:
    """Transfers, as TransferPort."""

    def __init__(self, live: LiveParts) -> None:
        self.live = live
        self.first_call_id = new_id()

    async def start(self, transferer: Call, kind: TransferType, destinations: Sequence[Address]) -> str:
        self.live.note("transfer", call_id=transferer.id, kind=kind, destinations=tuple(destinations))
        return self.first_call_id


class FakeQueues:
    """Calls in queues, as QueuePort."""

    def __init__(self, live: LiveParts) -> None:
        self.live = live

    async def kick(self, stay: Queuecall) -> Queuecall:
        self.live.note("kick", queuecall_id=stay.id)
        return replace(stay, status=QueuecallStatus.KICKING)

    async def delete(self, stay: Queuecall) -> Queuecall:
        self.live.note("delete_queuecall", queuecall_id=stay.id)
        deleted = replace(stay, status=QueuecallStatus.ABANDONED, tm_delete=now())
        await self.live.journal.change(deleted, EventType.QUEUECALL_DELETED)
        return deleted


@dataclass
class FakeGroupcalls:
    """As GroupcallPort."""

    live: LiveParts

    async def make(self, order: CallOrder, ring_method: RingMethod) -> Groupcall:
        moment = now()
        groupcall = Groupcall(
            id=new_id(),
            customer_id=order.customer_id,
            status=GroupcallStatus.PROGRESSING,
            source=order.source,
            destinations=order.destinations,
            ring_method=ring_method,
            tm_create=moment,
            tm_update=moment,
            flow_id=order.flow_id,
        )
        return await self.live.journal.create(groupcall, EventType.GROUPCALL_CREATED)

    async def place(self, order: CallOrder, ring_method: RingMethod) -> Groupcall:
        self.live.note("groupcalls.place", order=order, ring_method=ring_method)
        return await self.make(order, ring_method)

    async def hang_up(self, customer_id: str, groupcall_id: str) -> Groupcall:
        self.live.note("groupcalls.hang_up", customer_id=customer_id, groupcall_id=groupcall_id)
        return await self._change(customer_id, groupcall_id, status=GroupcallStatus.HANGUP)

    async def delete(self, customer_id: str, groupcall_id: str) -> Groupcall:
        self.live.note("groupcalls.delete", customer_id=customer_id, groupcall_id=groupcall_id)
        return await self._change(customer_id, groupcall_id, tm_delete=now())

    async def _change(self, customer_id: str, groupcall_id: str, **changes: Any) -> Groupcall:
        found = _found("groupcall", await self.live.store.groupcalls.get(customer_id, groupcall_id), groupcall_id)
        changed = replace(found, **changes, tm_update=now())
        await self.live.journal.change(changed, EventType.GROUPCALL_HANGUP)
        return changed


@dataclass
class FakeConferences:
    """As ConferencePort."""

    live: LiveParts

    async def create(self, customer_id: str, order: ConferenceOrder) -> Conference:
        self.live.note("conferences.create", customer_id=customer_id, order=order)
        if order.id and await self.live.store.conferences.get_by_id(order.id) is not None:
            raise StateInvalid("this id exists")
        moment = now()
        conference = Conference(
            id=order.id or new_id(),
            customer_id=customer_id,
            type=order.type,
            status=ConferenceStatus.PROGRESSING,
            name=order.name,
            tm_create=moment,
            tm_update=moment,
            detail=order.detail,
            data=order.data,
            timeout=order.timeout,
            pre_flow_id=order.pre_flow_id or ZERO_ID,
            post_flow_id=order.post_flow_id or ZERO_ID,
        )
        return await self.live.journal.create(conference, EventType.CONFERENCE_CREATED)

    async def update(self, customer_id: str, conference_id: str, order: ConferenceOrder) -> Conference:
        self.live.note("conferences.update", customer_id=customer_id, conference_id=conference_id, order=order)
        changes = {"name": order.name, "detail": order.detail, "timeout": order.timeout, "data": order.data}
        return await self._change(customer_id, conference_id, **changes)

    async def delete(self, customer_id: str, conference_id: str) -> Conference:
        self.live.note("conferences.delete", customer_id=customer_id, conference_id=conference_id)
        return await self._change(
            customer_id, conference_id, status=ConferenceStatus.TERMINATED, tm_end=now(), tm_delete=now()
        )

    async def regenerate_hash(self, customer_id: str, conference_id: str) -> Conference:
        self.live.note("conferences.regenerate_hash", conference_id=conference_id)
        return await self._change(customer_id, conference_id, direct_hash=new_direct_hash())

    async def kick(self, customer_id: str, conferencecall_id: str) -> Conferencecall:
        self.live.note("conferences.kick", customer_id=customer_id, conferencecall_id=conferencecall_id)
        found = await self.live.store.conferencecalls.get(customer_id, conferencecall_id)
        member = _found("conferencecall", found, conferencecall_id)
        changed = replace(member, status=ConferencecallStatus.LEAVING, tm_update=now())
        await self.live.journal.change(changed, EventType.CONFERENCECALL_LEAVING)
        return changed

    async def start_recording(self, customer_id: str, conference_id: str, request: RecordingRequest) -> Conference:
        self.live.note("conferences.start_recording", conference_id=conference_id, request=request)
        return await self._change(customer_id, conference_id, recording_id=new_id())

    async def stop_recording(self, customer_id: str, conference_id: str) -> Conference:
        self.live.note("conferences.stop_recording", conference_id=conference_id)
        return await self._change(customer_id, conference_id, recording_id=ZERO_ID)

    async def start_transcribe(self, customer_id: str, conference_id: str, language: str) -> Conference:
        self.live.note("conferences.start_transcribe", conference_id=conference_id, language=language)
        return await self._change(customer_id, conference_id, transcribe_id=new_id())

    async def stop_transcribe(self, customer_id: str, conference_id: str) -> Conference:
        self.live.note("conferences.stop_transcribe", conference_id=conference_id)
        return await self._change(customer_id, conference_id, transcribe_id=ZERO_ID)

    async def _change(self, customer_id: str, conference_id: str, **changes: Any) -> Conference:
        found = await self.live.store.conferences.get(customer_id, conference_id)
        changed = replace(_found("conference", found, conference_id), **changes, tm_update=now())
        await self.live.journal.change(changed, EventType.CONFERENCE_UPDATED)
        return changed


@dataclass
class FakeRecordings:
    """As RecordingPort; files lie where the prompts do."""

    live: LiveParts

    async def delete(self, customer_id: str, recording_id: str) -> Recording:
        self.live.note("recordings.delete", customer_id=customer_id, recording_id=recording_id)
        found = _found("recording", await self.live.store.recordings.get(customer_id, recording_id), recording_id)
        if found.status is not RecordingStatus.ENDED:
            raise StateInvalid("the recording goes on")
        changed = replace(found, tm_delete=now(), tm_update=now())
        await self.live.journal.change(changed, EventType.RECORDING_DELETED)
        return changed

    def file(self, recording: Recording, part: str) -> Path | None:
        path = self.live.prompts / f"{recording.id}{'_' if part else ''}{part}.wav"
        return path if path.is_file() else None


@dataclass
class FakeSpeakings:
    """As SpeakingPort."""

    live: LiveParts
    voices: dict[str, Speaking] = field(default_factory=dict)

    async def start(self, customer_id: str, order: Speaking) -> Speaking:
        self.live.note("speakings.start", customer_id=customer_id, order=order)
        call = _found("call", await self.live.store.calls.get(customer_id, order.reference_id), order.reference_id)
        if call.status is not CallStatus.PROGRESSING:
            raise StateInvalid("the call is not progressing")
        self.voices[order.id] = order
        return order

    async def find(self, customer_id: str, speaking_id: str) -> Speaking:
        voice = self.voices.get(speaking_id)
        if voice is None or voice.customer_id != customer_id:
            raise NotFound("speaking", speaking_id)
        return voice

    async def list(self, customer_id: str) -> Sequence[Speaking]:
        return [voice for voice in reversed(self.voices.values()) if voice.customer_id == customer_id]

    async def say(self, customer_id: str, speaking_id: str, text: str) -> Speaking:
        self.live.note("speakings.say", customer_id=customer_id, speaking_id=speaking_id, text=text)
        return await self.find(customer_id, speaking_id)

    async def flush(self, customer_id: str, speaking_id: str) -> Speaking:
        self.live.note("speakings.flush", customer_id=customer_id, speaking_id=speaking_id)
        return await self.find(customer_id, speaking_id)

    async def stop(self, customer_id: str, speaking_id: str) -> Speaking:
        self.live.note("speakings.stop", customer_id=customer_id, speaking_id=speaking_id)
        voice = replace(await self.find(customer_id, speaking_id), status=SpeakingStatus.STOPPED)
        self.voices[speaking_id] = voice
        return voice

    async def delete(self, customer_id: str, speaking_id: str) -> Speaking:
        self.live.note("speakings.delete", customer_id=customer_id, speaking_id=speaking_id)
        await self.find(customer_id, speaking_id)
        return replace(self.voices.pop(speaking_id), status=SpeakingStatus.STOPPED, tm_delete=now())


@dataclass
class FakeMediaStreams:
    """As MediaStreamPort, without a WebSocket."""

    live: LiveParts

    async def serve(self, request: web.Request, reference_type: ReferenceType, reference_id: str) -> web.StreamResponse:
        self.live.note("media_streams.serve", reference_type=reference_type, reference_id=reference_id)
        if request.query.get("encapsulation") not in ("rtp", "sln", "audiosocket"):
            raise InvalidArgument("encapsulation", "expected rtp, sln or audiosocket")
        return web.json_response({"reference_id": reference_id})

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class FakeTranscribes:
    """As TranscribePort."""

    live: LiveParts

    async def start(self, **asked: Any) -> Transcribe:
        self.live.note("transcribes.start", **asked)
        known = {name: value for name, value in asked.items() if name != "end_of_silence_ms"}
        moment = now()
        transcribe = Transcribe(
            id=new_id(),
            status=TranscribeStatus.PROGRESSING,
            engine="moonshine",
            model="tiny-en",
            tm_create=moment,
            tm_update=moment,
            **known,
        )
        return await self.live.journal.create(transcribe, EventType.TRANSCRIBE_CREATED)

    async def stop(self, transcribe_id: str) -> Transcribe:
        self.live.note("transcribes.stop", transcribe_id=transcribe_id)
        return await self._change(transcribe_id, EventType.TRANSCRIBE_DONE, status=TranscribeStatus.DONE)

    async def delete(self, transcribe_id: str) -> Transcribe:
        self.live.note("transcribes.delete", transcribe_id=transcribe_id)
        return await self._change(
            transcribe_id, EventType.TRANSCRIBE_DELETED, status=TranscribeStatus.DONE, tm_delete=now()
        )

    async def _change(self, transcribe_id: str, event: EventType, **changes: Any) -> Transcribe:
        found = _found("transcribe", await self.live.store.transcribes.get_by_id(transcribe_id), transcribe_id)
        changed = replace(found, **changes, tm_update=now())
        await self.live.journal.change(changed, event)
        return changed


@dataclass
class FakeFlows:
    """As FlowPort: actions of a few types, unchecked options."""

    live: LiveParts

    def check(self, actions: object, place: str) -> tuple[Action, ...]:
        if not isinstance(actions, list):
            raise InvalidArgument(place, "expected a list of actions")
        checked = []
        for number, action in enumerate(actions):
            where = f"{place}.{number}"
            if not isinstance(action, dict):
                raise InvalidArgument(where, "expected an action")
            action_type, option, given_id = action.get("type"), action.get("option") or {}, action.get("id") or new_id()
            if action_type not in ACTION_TYPES:
                raise InvalidActionType(f"{where}.type", f"expected one of {', '.join(ACTION_TYPES)}")
            if not isinstance(option, dict):
                raise InvalidArgument(f"{where}.option", "expected an object")
            if not isinstance(given_id, str) or not is_id(given_id):
                raise InvalidArgument(f"{where}.id", "expected a UUID")
            json.dumps(option, allow_nan=False)
            checked.append(Action(given_id, action_type, option))
        return tuple(checked)

    def inspect(self, actions: object, place: str) -> CheckedActions:
        return CheckedActions(self.check(actions, place), ())

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        for flow in self.live.file_flows:
            if flow.id == flow_id:
                return flow
        stored = await self.live.store.flows.get(customer_id, flow_id)
        return None if stored is None or stored.tm_delete is not None else stored.flow

    def files(self, customer_id: str) -> Sequence[StoredFlow]:
        return [
            StoredFlow(flow.id, customer_id, flow.name, flow.actions, LOADED_AT, LOADED_AT)
            for flow in self.live.file_flows
        ]

    def name_of_file(self, flow_id: str) -> str | None:
        return next((f"{flow.name_key}.json" for flow in self.live.file_flows if flow.id == flow_id), None)

    def find_number(self, number: str) -> Flow | None:
        return next((flow for flow in self.live.file_flows if number in flow.numbers), None)


@dataclass
class FakeActiveflows:
    """As ActiveflowPort."""

    live: LiveParts

    async def start(self, customer_id: str, **asked: Any) -> Activeflow:
        self.live.note("activeflows.start", customer_id=customer_id, **asked)
        wanted_id = asked["activeflow_id"]
        if wanted_id and await self.live.store.activeflows.get_by_id(wanted_id) is not None:
            raise StateInvalid("this id exists")
        moment = now()
        activeflow = Activeflow(
            id=wanted_id or new_id(),
            customer_id=customer_id,
            flow_id=asked["flow_id"],
            status=ActiveflowStatus.RUNNING,
            reference_type="api",
            reference_id=ZERO_ID,
            tm_create=moment,
            tm_update=moment,
            webhook_uri=asked["webhook_uri"],
            webhook_method=asked["webhook_method"],
        )
        return await self.live.journal.create(activeflow, EventType.ACTIVEFLOW_CREATED)

    async def stop(self, customer_id: str, activeflow_id: str) -> Activeflow:
        self.live.note("activeflows.stop", customer_id=customer_id, activeflow_id=activeflow_id)
        found = await self.live.store.activeflows.get(customer_id, activeflow_id)
        changed = replace(_found("activeflow", found, activeflow_id), status=ActiveflowStatus.ENDED, tm_update=now())
        await self.live.journal.change(changed, EventType.ACTIVEFLOW_UPDATED)
        return changed


UNLIMITED = RateLimits(Rate(0, 0), Rate(0, 0), Rate(0, 0))


def context_of(store: Store, journal: Journal, live: LiveParts) -> ApiContext:
    """Return what the API reaches, without rate limits."""
    return ApiContext(
        store=store,
        journal=journal,
        calls=live.calls,
        groupcalls=live.groupcalls,
        transfers=live.transfers,
        queues=live.queues,
        conferences=live.conferences,
        recordings=live.recordings,
        speakings=live.speakings,
        media_streams=live.media_streams,
        transcribes=live.transcribes,
        flows=live.flows,
        activeflows=live.activeflows,
        phones=live,
        webhooks=live,
        live_feed=live,
        languages=live.languages,
        health=live.health,
        metrics=live.metrics,
        prompt_path=live.prompt_path,
        token_secret=b"s" * 32,
        rate_limits=UNLIMITED,
    )
