"""What a flow needs from below: the call it steers, the transcribes of that call, prompts, and other calls.

The flow is written against these; `app.application` hands in what fulfils them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.call import Address, Call, PlayOutcome
from app.domain.flow import Action
from app.domain.ids import ZERO_ID
from app.domain.recording import Recording, RecordingRequest
from app.domain.transcribe import Direction, Transcribe


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
        self, call_id: str, source: Address | None, destinations: Sequence[Address], *, anonymous: str
    ) -> ConnectResult:
        """Ring all destinations, bridge the first that answers, return when it has left.

        `source` None = the caller's own. InvalidArgument for a destination that cannot be reached where none can be,
        LegGone when the caller hangs up.
        """


class RecordingControl(Protocol):
    """Starts and ends the recording of a call."""

    async def start(self, call_id: str, request: RecordingRequest) -> Recording:
        """Record a live call; returns when its media path is up, so that no word after it is lost.

        CallscribeError when it cannot start (the call is not answered, or is recorded already; no port, no disk).
        """

    async def stop(self, call_id: str) -> object:
        """End the call's recording; returns when its files are complete. A call that is not recorded is no error."""


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


@dataclass(frozen=True, slots=True)
class FlowPorts:
    """All that actions may use beside the call itself."""

    transcribes: TranscribeControl
    prompts: PromptSource
    calls: CallDirectory
    connects: ConnectControl | None = None
    recordings: RecordingControl | None = None
    conferences: ConferenceControl | None = None
