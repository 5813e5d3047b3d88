"""What the API asks for, fulfilled by the live calls and transcribes."""

from collections.abc import Sequence

from app.api.ports import OfferedLanguage
from app.call.live_calls import LiveCalls
from app.domain.call import Call
from app.domain.ids import ZERO_ID
from app.domain.transcribe import Direction, ReferenceType, Transcribe
from app.errors import NotFound, StateInvalid
from app.speech.model_library import ModelLibrary
from app.store.store import Store
from app.transcribe.transcribes import TranscribeRequest, Transcribes

_RESOURCE = {ReferenceType.CONFBRIDGE: "conference", ReferenceType.RECORDING: "recording"}


class ApiCalls:
    """Live calls for the API."""

    def __init__(self, live_calls: LiveCalls, store: Store) -> None:
        self._live_calls = live_calls
        self._store = store

    async def hang_up(self, customer_id: str, call_id: str) -> Call:
        """Begin to end a call; one that is ending or ended is returned as it is."""
        call = self._live_calls.find(call_id)
        if call is not None and call.record.customer_id == customer_id:
            await call.hang_up()
            return call.record
        stored = await self._store.calls.get(customer_id, call_id)
        if stored is None:
            raise NotFound("call", call_id)
        return stored


class ApiTranscribes:
    """Transcribes for the API."""

    def __init__(self, transcribes: Transcribes, live_calls: LiveCalls, store: Store) -> None:
        self._transcribes = transcribes
        self._live_calls = live_calls
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
        """Start to transcribe a live call of this customer."""
        if reference_type is not ReferenceType.CALL:
            raise NotFound(_RESOURCE[reference_type], reference_id)
        call = self._live_calls.find(reference_id)
        if call is None or call.record.customer_id != customer_id:
            stored = await self._store.calls.get(customer_id, reference_id)
            if stored is None:
                raise NotFound("call", reference_id)
            raise StateInvalid(
                f"the call is {stored.status}; only a call that is progressing can be transcribed",
                status=str(stored.status),
            )
        request = TranscribeRequest(
            language=language,
            direction=direction,
            provider=provider,
            on_end_flow_id=on_end_flow_id or ZERO_ID,
            end_of_silence_ms=end_of_silence_ms,
        )
        return await self._transcribes.start(call, request)

    async def stop(self, transcribe_id: str) -> Transcribe:
        """End a transcribe after its last words; the record as it is stored then."""
        stopped = await self._transcribes.stop(transcribe_id)
        if stopped is not None:
            return stopped
        stored = await self._store.transcribes.get_by_id(transcribe_id)
        if stored is None:
            raise NotFound("transcribe", transcribe_id)
        return stored


def offer_languages(library: ModelLibrary) -> Sequence[OfferedLanguage]:
    """The rows of `GET /v1.0/languages`."""
    return [
        OfferedLanguage(row.code, row.engine, row.model, is_installed=row.is_installed) for row in library.languages()
    ]
