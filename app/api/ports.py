"""What the API needs from the rest of the application, which it does not know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from app.api.rate_limits import RateLimits
from app.domain.call import Address, Call, MuteDirection
from app.domain.conference import Conference, Conferencecall, ConferenceType
from app.domain.customer import Identity, RingMethod
from app.domain.flow import Action, Activeflow, Flow, StoredFlow
from app.domain.groupcall import Groupcall
from app.domain.ids import ZERO_ID
from app.domain.queue import Queuecall
from app.domain.recording import Recording, RecordingRequest
from app.domain.speaking import Speaking
from app.domain.transcribe import Direction, ReferenceType, Transcribe
from app.domain.transfer import TransferType
from app.journal.journal import Journal
from app.store import Store


@dataclass(frozen=True, slots=True)
class CallOrder:
    """Calls to be made. `actions` are checked, with ids; they count only where `flow_id` is ZERO_ID.

    `owner_id` is the agent that asks, ZERO_ID for an access key.
    """

    customer_id: str
    source: Address
    destinations: tuple[Address, ...]
    flow_id: str
    actions: tuple[Action, ...]
    anonymous: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    owner_id: str = ""
    is_early: bool = False
    master_call_id: str = ZERO_ID
    """The call of the flow that orders, where the new calls end with it."""


@dataclass(frozen=True, slots=True)
class PlacedCalls:
    """What an order became: a call for each sip or tel destination, a groupcall for each agent or extension."""

    calls: tuple[Call, ...]
    groupcalls: tuple[Groupcall, ...]


class CallPort(Protocol):
    """The calls. Every method but `place` takes a call of this customer; NotFound when there is none.

    Those that need a live call raise StateInvalid (CallAlreadyHangup) for an ended one, LegGone when it just ends.
    """

    async def place(self, order: CallOrder) -> PlacedCalls:
        """Begin to dial. InvalidArgument (source, destinations.N), PermissionDenied, NotFound (flow), Unavailable."""
        ...

    async def hang_up(self, customer_id: str, call_id: str) -> Call:
        """Begin to end a live call and return it as it is then (terminating, canceling or hangup)."""
        ...

    async def delete(self, customer_id: str, call_id: str) -> Call:
        """Hang up where it lives, wait for its end, and delete it."""
        ...

    async def hold(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Put the party on hold, or back."""
        ...

    async def music(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Play music on hold to the party, or end it."""
        ...

    async def silence(self, customer_id: str, call_id: str, *, is_on: bool) -> None:
        """Send silence to the party, or end it."""
        ...

    async def mute(self, customer_id: str, call_id: str, direction: MuteDirection, *, is_on: bool) -> None:
        """Mute a direction, or no more."""
        ...

    async def talk(self, customer_id: str, call_id: str, text: str, language: str) -> None:
        """Speak to the party over whatever runs; answers a ringing incoming call. Returns when the speech has begun."""
        ...

    async def start_recording(self, customer_id: str, call_id: str, request: RecordingRequest) -> Call:
        """Record the call; StateInvalid when it is not progressing or is recorded already."""
        ...

    async def stop_recording(self, customer_id: str, call_id: str) -> Call:
        """End the call's recording; StateInvalid when there is none."""
        ...


class TransferPort(Protocol):
    """Transfers of connected calls."""

    async def start(self, transferer: Call, kind: TransferType, destinations: Sequence[Address]) -> str:
        """Begin a transfer; the first call that it makes. StateInvalid, CallAlreadyHangup, InvalidArgument."""
        ...


class GroupcallPort(Protocol):
    """Calls to several destinations of which one is to answer."""

    async def place(self, order: CallOrder, ring_method: RingMethod) -> Groupcall:
        """Begin to dial; the errors of CallPort.place."""
        ...

    async def hang_up(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up all its legs; one that has ended is returned as it is."""
        ...

    async def delete(self, customer_id: str, groupcall_id: str) -> Groupcall:
        """Hang up where it lives, and delete it."""
        ...


@dataclass(frozen=True, slots=True)
class ConferenceOrder:
    """A conference to be made or changed; `id` "" = a new one. `type` cannot be changed."""

    name: str = ""
    detail: str = ""
    type: ConferenceType = ConferenceType.CONFERENCE
    timeout: int = 0
    data: Mapping[str, object] = field(default_factory=dict)
    pre_flow_id: str = ""
    post_flow_id: str = ""
    id: str = ""


class ConferencePort(Protocol):
    """The conferences. Each method takes one of this customer; NotFound when there is none."""

    async def create(self, customer_id: str, order: ConferenceOrder) -> Conference:
        """Open a room; StateInvalid when `order.id` exists."""
        ...

    async def update(self, customer_id: str, conference_id: str, order: ConferenceOrder) -> Conference:
        """Change everything but type and id."""
        ...

    async def delete(self, customer_id: str, conference_id: str) -> Conference:
        """Send everybody out and close the room; the conference, terminating or terminated."""
        ...

    async def kick(self, customer_id: str, conferencecall_id: str) -> Conferencecall:
        """Send one member out; one that has left is returned as it is."""
        ...

    async def regenerate_hash(self, customer_id: str, conference_id: str) -> Conference:
        """Give it a new direct_hash."""
        ...

    async def start_recording(self, customer_id: str, conference_id: str, request: RecordingRequest) -> Conference:
        """Record the mix; StateInvalid when it is recorded already."""
        ...

    async def stop_recording(self, customer_id: str, conference_id: str) -> Conference:
        """End the recording; StateInvalid when there is none."""
        ...

    async def start_transcribe(self, customer_id: str, conference_id: str, language: str) -> Conference:
        """Transcribe every member; as POST /transcribes."""
        ...

    async def stop_transcribe(self, customer_id: str, conference_id: str) -> Conference:
        """End the transcribe; StateInvalid when there is none."""
        ...


class QueuePort(Protocol):
    """Calls that wait in queues."""

    async def kick(self, stay: Queuecall) -> Queuecall:
        """Send a caller out of its queue, or end its talk with the agent; one that is over is returned as it is."""
        ...

    async def delete(self, stay: Queuecall) -> Queuecall:
        """End a stay where it lives, and delete it."""
        ...


class RecordingPort(Protocol):
    """Finished recordings."""

    async def delete(self, customer_id: str, recording_id: str) -> Recording:
        """Delete a recording and its files; StateInvalid while it goes on."""
        ...

    def file(self, recording: Recording, part: str) -> Path | None:
        """Return the file of `part` ("" = both sides, "in", "out"); None when there is none."""
        ...


class SpeakingPort(Protocol):
    """Voices in live calls (contract 5, /speakings). NotFound for one that is not there or another customer's."""

    async def start(self, customer_id: str, order: Speaking) -> Speaking:
        """Give a live call a voice; NotFound, StateInvalid (not progressing, or it has one)."""
        ...

    async def find(self, customer_id: str, speaking_id: str) -> Speaking:
        """Return a voice, stopped ones of live calls too."""
        ...

    async def list(self, customer_id: str) -> Sequence[Speaking]:
        """Return the voices of live calls, newest first."""
        ...

    async def say(self, customer_id: str, speaking_id: str, text: str) -> Speaking:
        """Queue a text; returns when it is queued. StateInvalid when the voice was stopped."""
        ...

    async def flush(self, customer_id: str, speaking_id: str) -> Speaking:
        """Stop what is being said and forget what waits."""
        ...

    async def stop(self, customer_id: str, speaking_id: str) -> Speaking:
        """End the voice; idempotent."""
        ...

    async def delete(self, customer_id: str, speaking_id: str) -> Speaking:
        """End the voice and forget it."""
        ...


class MediaStreamPort(Protocol):
    """The sound of a call or a conference over a WebSocket, both ways."""

    async def serve(self, request: web.Request, reference_type: ReferenceType, reference_id: str) -> web.StreamResponse:
        """Serve until either side ends. `?encapsulation=` rtp, sln or audiosocket; InvalidArgument, StateInvalid."""
        ...

    async def close(self) -> None:
        """End all streams; called when the server begins to close."""
        ...


class TranscribePort(Protocol):
    """The live transcribes."""

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
        """Start to transcribe a live call, a conference or an ended recording of this customer.

        `language` is a canonical tag. Raises NotFound, StateInvalid, TranscribeAlreadyProgressing,
        LanguageNotInstalled, InvalidArgument or Unavailable. A recording that has a transcribe in this language: that.
        """
        ...

    async def stop(self, transcribe_id: str) -> Transcribe:
        """End a progressing transcribe, its last words flushed, and return it as stored; idempotent."""
        ...

    async def delete(self, transcribe_id: str) -> Transcribe:
        """Stop it where it listens, then delete it and its transcripts, with an event for each."""
        ...


class FlowPort(Protocol):
    """Flows: those of the flow folder, which the API only shows, and stored ones."""

    def check(self, actions: object, place: str) -> tuple[Action, ...]:
        """Return `actions` (a JSON array as a client sent it) as checked actions with ids.

        InvalidArgument names the first fault by its path from `place` (`actions`), InvalidActionType a type that is
        unknown (contract 8: INVALID_ACTION_TYPE).
        """
        ...

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        """Return a flow of this customer that can be run: a file's, a stored or a temporary one."""
        ...

    def files(self, customer_id: str) -> Sequence[StoredFlow]:
        """Return the flows of the folder where they are this customer's (the first one's), else nothing.

        Their tm_create is when they were loaded, each at its own moment; `name_of_file` tells which file it is.
        """
        ...

    def name_of_file(self, flow_id: str) -> str | None:
        """Return the name of the file that a flow comes from (`demo.json`); None for a stored one."""
        ...

    def find_number(self, number: str) -> Flow | None:
        """Return the folder's flow that answers this very number, whosever it is."""
        ...


class ActiveflowPort(Protocol):
    """Executions of flows."""

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
        """Run a flow without a call (reference_type api); StateInvalid when `activeflow_id` ("" = new) exists."""
        ...

    async def stop(self, customer_id: str, activeflow_id: str) -> Activeflow:
        """End an execution, which hangs its call up; idempotent. NotFound."""
        ...


class PhonePort(Protocol):
    """Asterisk's knowledge of phones and trunks; nothing of it outlives a restart of Asterisk, the store does."""

    async def sync(self) -> None:
        """Make Asterisk's endpoints those of the store's extensions and trunks. Asterisk being away is no error:
        it is done again when it is back.
        """
        ...


class WebhookPort(Protocol):
    """The sender of webhooks."""

    def wake(self) -> None:
        """There are deliveries to send."""
        ...


class LiveFeed(Protocol):
    """The WebSocket behind `/v1.0/ws`."""

    async def serve(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ...

    def recheck(self) -> None:
        """Look now whether those who are connected may still be: a key or an agent was deleted or changed."""
        ...

    async def close(self) -> None:
        """Close all connections with 1001; called when the server begins to close."""
        ...


@dataclass(frozen=True, slots=True)
class OfferedLanguage:
    """A language that can be transcribed, or could be after an installation."""

    code: str
    engine: str
    model: str
    is_installed: bool


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Whether a call would be answered and transcribed now; `missing`: part -> what is wrong, empty when healthy.

    `parts` are further facts to show (part -> value), e.g. {"asterisk": "22.10.1"}.
    """

    missing: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Everything that the API reaches. `token_secret` signs the log-in tokens (32 bytes or more)."""

    store: Store
    journal: Journal
    calls: CallPort
    groupcalls: GroupcallPort
    transfers: TransferPort
    conferences: ConferencePort
    queues: QueuePort
    recordings: RecordingPort
    speakings: SpeakingPort
    media_streams: MediaStreamPort
    transcribes: TranscribePort
    flows: FlowPort
    activeflows: ActiveflowPort
    phones: PhonePort
    webhooks: WebhookPort
    live_feed: LiveFeed
    languages: Callable[[], Sequence[OfferedLanguage]]
    health: Callable[[], Awaitable[HealthReport]]
    metrics: Callable[[], bytes]
    prompt_path: Callable[[str], Path | None]
    token_secret: bytes
    sip_domain: str = "127.0.0.1"
    """Where phones register: shown in extensions, `<customer id>.registrar.<sip_domain>` (contract 5)."""
    rate_limits: RateLimits = field(default_factory=RateLimits)
