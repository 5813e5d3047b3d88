"""What a flow needs from below: the call it steers, the transcribes of that call, prompts, and other calls.

The flow is written against these; `app.application` hands in what fulfils them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.domain.answer import AnswerRequest, HeardAnswer
from app.domain.call import Address, AnsweredBy, Call, MuteDirection, PlayOutcome
from app.domain.flow import Action
from app.domain.ids import ZERO_ID
from app.domain.queue import Queue
from app.domain.recording import Recording, RecordingRequest
from app.domain.timestamps import now
from app.domain.transcribe import Direction, Transcribe
from app.flow.reach import Reach


class CallDigits(Protocol):
    """The digits that the party has pressed since the call began and that nothing has taken yet, in their order."""

    async def take(self) -> str:
        """Take the oldest digit; waits for one where there is none."""

    def show_last(self) -> str:
        """Return the last digit pressed since this was asked or `mark_taken` called, "" without one."""

    def mark_taken(self) -> None:
        """Who took digits is done: what was pressed until now is not told by `show_last` any more."""

    def drop_shown(self) -> None:
        """Forget the digits that wait and that `show_last` has told of: the flow has read them."""

    def drop_all(self) -> None:
        """Forget all digits that wait: they were for others, e.g. for a conference."""


class CallControl(Protocol):
    """One live call as the actions see it. Every method raises LegGone when the party is gone."""

    @property
    def record(self) -> Call:
        """The call as it is now."""

    @property
    def is_answered(self) -> bool:
        """Whether the call is progressing: audio goes both ways."""

    async def answer(self) -> None:
        """Answer the call; returns when Asterisk has it up."""

    async def play(self, media: Sequence[str], *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        """Play Asterisk media URIs (`sound:http://...`) in order; returns when the last ended or a digit stopped it."""

    @property
    def digits(self) -> CallDigits:
        """What the party has pressed."""

    async def send_digits(self, digits: str, *, duration_ms: int, interval_ms: int) -> None:
        """Begin to send digits (0-9, A-D, *, #) to the party; returns at once."""

    async def mute(self, direction: MuteDirection, *, is_on: bool) -> None:
        """Mute what the party says (`in`), hears (`out`) or `both`, or take that back."""

    async def hang_up(self, reason: str) -> None:
        """End the call; `reason` is a HangupReason."""


class TranscribeControl(Protocol):
    """Starts and stops transcribes of a call."""

    async def start(
        self,
        call_id: str,
        *,
        language: str,
        direction: Direction,
        provider: str,
        on_end_flow_id: str,
        activeflow_id: str,
        end_of_silence_ms: int | None,
    ) -> Transcribe:
        """Start a transcribe; returns when its media path is up, so that no word after it is lost.

        `language` is a canonical BCP 47 tag, `on_end_flow_id` is ZERO_ID for none, `end_of_silence_ms` None for the
        setting's value. CallscribeError when it cannot start (no model, no port, the call is not answered).
        """

    async def stop(self, transcribe_id: str) -> object:
        """End a transcribe; returns when its last transcript is stored. One that is done already is no error."""


class PromptSource(Protocol):
    """Spoken texts and tones as media that Asterisk can fetch."""

    async def prepare(self, text: str, language: str) -> str:
        """Return the media URI (`sound:http://...`) of `text` (plain or SSML) spoken in `language`.

        CallscribeError when it cannot be spoken.
        """

    def beep(self) -> str:
        """Return the media URI of a short tone."""


class CallDirectory(Protocol):
    """Looks up calls, live and ended."""

    async def find_call(self, customer_id: str, call_id: str) -> Call | None:
        """Return this customer's call, None when there is none."""


@dataclass(frozen=True, slots=True)
class ConnectResult:
    """How a connect ended; `reason` is a HangupReason: why nobody answered, or why the other party's call ended."""

    is_answered: bool
    reason: str
    call_id: str


class ConnectControl(Protocol):
    """Connects a call with other parties."""

    async def connect(
        self,
        call_id: str,
        source: Address | None,
        destinations: Sequence[Address],
        *,
        anonymous: str,
        is_early_media: bool,
    ) -> ConnectResult:
        """Ring all destinations, bridge the first that answers, return when it has left.

        `is_early_media`: what a destination lets be heard before its answer is heard. `source` None = the caller's own.
        InvalidArgument for a destination that cannot be reached where none can be, LegGone when the caller hangs up.
        """


class RecordingControl(Protocol):
    """Starts and ends the recording of a call."""

    async def start(self, call_id: str, request: RecordingRequest) -> Recording:
        """Record a live call; returns when its media path is up, so that no word after it is lost.

        CallscribeError when it cannot start (the call is not answered, or is recorded already; no port, no disk).
        """

    async def wait_end(self, recording_id: str) -> None:
        """Return when a recording has ended, whatever ended it, its files complete."""

    async def stop(self, call_id: str) -> object:
        """End the call's recording; returns when its files are complete. A call that is not recorded is no error."""


@dataclass(frozen=True, slots=True)
class TranscribedRecording:
    """A transcribe of a recording that is done; `text` has a line for each utterance, in the order of speech."""

    transcribe: Transcribe
    text: str


class RecordingTranscribeControl(Protocol):
    """Transcribes recordings."""

    async def transcribe(
        self,
        customer_id: str,
        recording_id: str,
        *,
        language: str,
        direction: Direction,
        provider: str,
        on_end_flow_id: str,
        activeflow_id: str,
    ) -> TranscribedRecording:
        """Transcribe an ended recording of this customer; returns when that is done. A cancel lets it go on.

        NotFound, StateInvalid (it goes on), InvalidArgument, LanguageNotInstalled, Unavailable (it takes too long).
        """


@dataclass(frozen=True, slots=True)
class ExternalMediaOrder:
    """The sound of a call for a program elsewhere. `listen` and `speak` are directions or "": in, out, both.

    `data` is what AudioSocket calls the call by, a UUID.
    """

    external_host: str
    encapsulation: str
    transport: str
    format: str
    listen: str
    speak: str
    data: str = ""


class ExternalMediaControl(Protocol):
    """Connects the sound of calls with programs elsewhere."""

    async def start(self, call_id: str, order: ExternalMediaOrder) -> str:
        """Begin; its id, when sound can flow. InvalidArgument (host not allowed ...), StateInvalid (too many)."""

    async def stop(self, call_id: str) -> None:
        """End all of a call; none is no error."""


@dataclass(frozen=True, slots=True)
class PreFlow:
    """What a caller runs before it comes into a conference; no actions = nothing. `flow_id` is whose names they use."""

    actions: tuple[Action, ...] = ()
    flow_id: str = ZERO_ID


class ConferenceControl(Protocol):
    """Lets calls into conferences."""

    async def find_pre_flow(self, customer_id: str, conference_id: str) -> PreFlow:
        """Return the pre-flow of a customer's open conference; NotFound, StateInvalid when it has ended."""

    async def join(self, call_id: str, conference_id: str, *, activeflow_id: str) -> object:
        """Let a call in; returns when it is out again. NotFound, StateInvalid, LegGone when the party hung up."""


class SoundControl(Protocol):
    """What is done with the sound of a call by listening to it ourselves. CallscribeError when it cannot be had."""

    async def echo(self, call_id: str, *, seconds: float) -> None:
        """Let the party hear itself; returns when the time is up."""

    async def detect_answer(self, call_id: str) -> AnsweredBy:
        """Listen to how the party answers; returns within some seconds."""


@dataclass(frozen=True, slots=True)
class FlowCallOrder:
    """Calls that a flow asks for. `actions` (JSON) count where `flow_id` is ZERO_ID; `language` is theirs by default.

    `call_id` is the call of the flow, ZERO_ID without one; `is_chained` = the new calls end with it. `source` None =
    the source of that call.
    """

    customer_id: str
    call_id: str
    source: Address | None
    destinations: tuple[Address, ...]
    flow_id: str
    actions: Sequence[Mapping[str, object]]
    language: str
    anonymous: str
    is_early: bool
    is_chained: bool


class CallPlacing(Protocol):
    """Makes calls that run flows of their own."""

    async def place(self, order: FlowCallOrder) -> Sequence[str]:
        """Begin to dial all destinations; the ids of the calls. CallscribeError when not a single call can be made."""


class AnswerEar(Protocol):
    """Hears what the party says, for one question."""

    @property
    def answer(self) -> HeardAnswer | None:
        """The first utterance with words in it; None so far."""

    @property
    def speaking_since(self) -> float | None:
        """When the party began to speak, by the event loop's clock; None when it does not speak now."""

    @property
    def has_spoken(self) -> bool:
        """Whether there was any speech, understood or not."""

    def ignore_so_far(self) -> None:
        """Forget what was said until now; an utterance that still goes on counts."""

    async def wait_change(self) -> None:
        """Return after the next change of what the properties tell; CallscribeError when nothing more is heard."""

    async def finish(self) -> HeardAnswer | None:
        """Hear no more, and return the answer, with what was being said until now."""


class AnswerControl(Protocol):
    """Hears answers of parties."""

    def open(self, call_id: str, request: AnswerRequest) -> AbstractAsyncContextManager[AnswerEar]:
        """Hear what the party says; yields when its sound comes in, so that no word is lost.

        CallscribeError when that cannot be (no model, no port), LegGone when the party hangs up.
        """


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A call that has just come into a queue; no `wait_actions` = it hears music. `wait_flow_id` is whose names."""

    queue: Queue
    queuecall_id: str
    wait_actions: tuple[Action, ...] = ()
    wait_flow_id: str = ZERO_ID


@dataclass(frozen=True, slots=True)
class QueueResult:
    """How a stay in a queue ended: `status` done or abandoned, `reason` "" after a service, timeout, kicked."""

    status: str
    reason: str
    agent_id: str


class QueueControl(Protocol):
    """Lets calls wait for agents."""

    async def enter(self, call_id: str, queue_id: str, *, activeflow_id: str) -> QueueEntry:
        """Put a call at the end of a queue; then `wait` must be awaited. NotFound where there is no such queue."""

    async def wait(self, queuecall_id: str, play: Callable[[], Awaitable[None]] | None) -> QueueResult:
        """Wait for an agent, talk with it; returns when that is over, or waiting is. LegGone when the caller goes.

        `play` is what the caller hears meanwhile, cancelled when an agent answers; None = music on hold.
        """


@dataclass(frozen=True, slots=True)
class FlowPorts:
    """All that actions may use beside the call itself."""

    transcribes: TranscribeControl
    prompts: PromptSource
    calls: CallDirectory
    connects: ConnectControl | None = None
    recordings: RecordingControl | None = None
    conferences: ConferenceControl | None = None
    queues: QueueControl | None = None
    recording_transcribes: RecordingTranscribeControl | None = None
    external_media: ExternalMediaControl | None = None
    sounds: SoundControl | None = None
    placing: CallPlacing | None = None
    answers: AnswerControl | None = None
    reach: Reach = field(default_factory=Reach)
    now: Callable[[], datetime] = now
    """The clock, in UTC."""
