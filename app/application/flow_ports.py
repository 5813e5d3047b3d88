"""What flows ask for, fulfilled: the call, its transcribes, prompts that Asterisk fetches from us, other calls."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from app.application.dialling import Dialling
from app.call.connect import Connector
from app.call.digits import Digits
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.domain.answer import AnswerRequest
from app.domain.call import Address, Call, MuteDirection, PlayOutcome
from app.domain.transcribe import Direction, Transcribe
from app.flow.ports import ConnectResult
from app.logs import get_log
from app.speech.prompt_cache import Prompts
from app.store.store import Store
from app.transcribe.answer_ear import AnswerEar, AnswerEars
from app.transcribe.request import TranscribeRequest
from app.transcribe.transcribes import Transcribes

log = get_log("flow")


class CallFlow:
    """A live call as the actions of a flow see it."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call

    @property
    def record(self) -> Call:
        """The call as it is now."""
        return self._call.record

    @property
    def is_answered(self) -> bool:
        """Whether audio goes both ways."""
        return self._call.is_answered

    async def answer(self) -> None:
        """Answer the call."""
        await self._call.answer()

    async def play(self, media: Sequence[str], *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        """Play media to the party."""
        return await self._call.play(media, is_stopped_by_digit=is_stopped_by_digit)

    @property
    def digits(self) -> Digits:
        """What the party has pressed."""
        return self._call.digits

    async def send_digits(self, digits: str, *, duration_ms: int, interval_ms: int) -> None:
        """Begin to send digits to the party."""
        await self._call.send_digits(digits, duration_ms=duration_ms, interval_ms=interval_ms)

    async def mute(self, direction: MuteDirection, *, is_on: bool) -> None:
        """Mute a direction, or take that back."""
        await self._call.mute(direction, is_on=is_on)

    async def hang_up(self, reason: str) -> None:
        """End the call."""
        await self._call.hang_up(reason)


class FlowConnects:
    """Connects calls for flows."""

    def __init__(self, live_calls: LiveCalls, dialling: Dialling, connector: Connector) -> None:
        self._live_calls = live_calls
        self._dialling = dialling
        self._connector = connector

    async def connect(
        self,
        call_id: str,
        source: Address | None,
        destinations: Sequence[Address],
        *,
        anonymous: str,
        is_early_media: bool,
    ) -> ConnectResult:
        """Ring all destinations and bridge the first that answers; those that cannot be reached are left out."""
        call = self._live_calls.require(call_id)
        callees = await self._dialling.callees(
            call.record.customer_id,
            source or call.record.source,
            destinations,
            anonymous=anonymous,
            is_early_media=is_early_media,
        )
        outcome = await self._connector.connect(call, callees)
        return ConnectResult(outcome.is_answered, outcome.reason.value, outcome.call_id)


class FlowTranscribes:
    """Starts and stops transcribes for flows."""

    def __init__(self, transcribes: Transcribes, live_calls: LiveCalls) -> None:
        self._transcribes = transcribes
        self._live_calls = live_calls

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
        """Start to listen to a call; returns when every direction is heard."""
        call = self._live_calls.require(call_id)
        request = TranscribeRequest(
            language=language,
            direction=direction,
            provider=provider,
            on_end_flow_id=on_end_flow_id,
            activeflow_id=activeflow_id,
            end_of_silence_ms=end_of_silence_ms,
        )
        return await self._transcribes.start(call, request)

    async def stop(self, transcribe_id: str) -> object:
        """Stop after the last words; one that is done already is no error."""
        return await self._transcribes.stop(transcribe_id)


class FlowAnswers:
    """Hears answers for flows."""

    def __init__(self, ears: AnswerEars, live_calls: LiveCalls) -> None:
        self._ears = ears
        self._live_calls = live_calls

    def open(self, call_id: str, request: AnswerRequest) -> AbstractAsyncContextManager[AnswerEar]:
        """Hear what the party of a call says."""
        call = self._live_calls.require(call_id)
        return self._ears.open(call, request)


class FlowPrompts:
    """Prompts as media URIs: Asterisk fetches them from our HTTP server, no shared file system is assumed."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._base_url = ""
        self._beep_uri = ""

    def serve_from(self, base_url: str, beep_uri: str) -> None:
        """Say where Asterisk fetches prompts: known when the server is open."""
        self._base_url = base_url
        self._beep_uri = beep_uri

    async def prepare(self, text: str, language: str) -> str:
        """Return the media URI of the spoken text."""
        prompt = await self._prompts.prepare(text, language)
        return prompt_uri(self._base_url, prompt.key)

    def beep(self) -> str:
        """Return the media URI of the short tone."""
        return self._beep_uri


def prompt_uri(base_url: str, key: str) -> str:
    """The media URI of a prompt of ours (res_http_media_cache plays `sound:http://…`)."""
    return f"sound:{base_url}/prompts/{key}.wav"


class StoredCalls:
    """Looks up calls, live and ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find_call(self, customer_id: str, call_id: str) -> Call | None:
        """Return this customer's call, or None."""
        return await self._store.calls.get(customer_id, call_id)
