"""What flows ask for, fulfilled: the call, its transcribes, prompts that Asterisk fetches from us, other calls."""

from collections.abc import Sequence

from app.application.dialling import Dialling
from app.call.connect import Connector
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.outbound import OutgoingCall
from app.domain.call import Address, Call, PlayOutcome
from app.domain.transcribe import Direction, Transcribe
from app.errors import CallscribeError, InvalidArgument, NotFound
from app.flow.ports import ConnectResult
from app.logs import get_log
from app.speech.prompt_cache import Prompts
from app.store.store import Store
from app.transcribe.transcribes import TranscribeRequest, Transcribes

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
        self, call_id: str, source: Address | None, destinations: Sequence[Address], *, anonymous: str
    ) -> ConnectResult:
        """Ring all destinations and bridge the first that answers; those that cannot be reached are left out."""
        call = self._live_calls.find(call_id)
        if call is None:
            raise NotFound("call", call_id)
        shown = source or call.record.source
        callees: list[OutgoingCall] = []
        failure: CallscribeError | None = None
        for index, destination in enumerate(destinations):
            try:
                reach = await self._dialling.reach(
                    call.record.customer_id, shown, destination, place=f"destinations.{index}", anonymous=anonymous
                )
            except InvalidArgument as error:
                log.warning("a destination of a connect cannot be reached", reason=error.message)
                failure = failure or error
                continue
            callees += [
                OutgoingCall(
                    call.record.customer_id, shown, target.destination, target.dial, _talk_on, type=target.type
                )
                for target in reach.targets
            ]
        if failure is not None and not callees:
            raise failure
        outcome = await self._connector.connect(call, callees)
        return ConnectResult(outcome.is_answered, outcome.reason.value, outcome.call_id)


async def _talk_on(_call: LiveCall) -> None:
    """Stands in for what the connector puts in its place."""


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
        call = self._live_calls.find(call_id)
        if call is None:
            raise NotFound("call", call_id)
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
