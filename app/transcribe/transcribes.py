"""All transcribes that listen now: started by a flow or by the API, stopped by either or by the end of the call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from app.call.live_call import LiveCall
from app.domain.call import CallStatus
from app.domain.ids import ZERO_ID, new_id
from app.domain.language import parse_language
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import InvalidArgument, StateInvalid, TranscribeAlreadyProgressing, Unavailable
from app.transcribe.session import Session, SessionParts

PAIRS_PER_TAP = 1


@dataclass(frozen=True, slots=True)
class TranscribeRequest:
    """What a flow or a client asks for; `language` in any case, checked here."""

    language: str
    direction: Direction = Direction.BOTH
    provider: str = ""
    on_end_flow_id: str = ZERO_ID
    activeflow_id: str = ZERO_ID
    end_of_silence_ms: int | None = None


class Transcribes:
    """The register of listening sessions; `run` owns their tasks."""

    def __init__(
        self,
        parts: SessionParts,
        *,
        default_end_of_silence_ms: int | None,
        reserve_ports: Callable[[str, int], bool],
        release_ports: Callable[[str], None],
    ) -> None:
        self._parts = parts
        self._default_end_of_silence_ms = default_end_of_silence_ms
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._sessions: dict[str, Session] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Own the sessions' tasks until cancelled; cancel only when no call lives."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._tasks = None

    def __len__(self) -> int:
        return len(self._sessions)

    def owns(self, asterisk_object_id: str) -> bool:
        """Whether a channel or bridge of ours belongs to a session that lives."""
        return any(transcribe_id in asterisk_object_id for transcribe_id in self._sessions)

    def find(self, transcribe_id: str) -> Session | None:
        """Return the listening session of this transcribe, or None."""
        return self._sessions.get(transcribe_id)

    async def start(self, call: LiveCall, request: TranscribeRequest) -> Transcribe:
        """Start to listen to a call; returns when every direction is heard.

        Raises InvalidArgument (language), LanguageNotInstalled, StateInvalid (call not answered),
        TranscribeAlreadyProgressing, Unavailable (ports or recognizers used up), LegGone, AriError.
        """
        try:
            language = parse_language(request.language).tag
        except ValueError as error:
            raise InvalidArgument("language", str(error)) from None
        model = self._parts.models.resolve(language)
        if call.record.status is not CallStatus.PROGRESSING:
            raise StateInvalid(
                f"the call is {call.record.status}; only a call that is progressing can be transcribed",
                status=str(call.record.status),
            )
        others = [session for session in self._sessions.values() if session.call is call]
        if any(session.record.language == language for session in others):
            raise TranscribeAlreadyProgressing(
                f"the call {call.record.id} is already transcribed in {language}; stop that transcribe first"
            )
        if self._tasks is None:
            raise Unavailable("the program is ending: no new transcribe is started")
        moment = now()
        record = Transcribe(
            id=new_id(),
            customer_id=call.record.customer_id,
            reference_type=ReferenceType.CALL,
            reference_id=call.record.id,
            status=TranscribeStatus.PROGRESSING,
            language=language,
            direction=request.direction,
            engine=model.engine,
            model=model.name,
            tm_create=moment,
            tm_update=moment,
            activeflow_id=request.activeflow_id,
            on_end_flow_id=request.on_end_flow_id,
            provider=request.provider,
        )
        # The call's own reservation covers its first transcribe; every further one asks for its own ports.
        if others and not self._reserve_ports(record.id, PAIRS_PER_TAP * len(record.direction.parts)):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: this call cannot be tapped once more")
        end_of_silence_ms = request.end_of_silence_ms or self._default_end_of_silence_ms
        session = Session(record, call, self._parts, end_of_silence_ms=end_of_silence_ms)
        self._sessions[record.id] = session
        self._tasks.create_task(self._run_session(session), name=f"transcribe {record.id}")
        return await session.wait_ready()

    async def stop(self, transcribe_id: str) -> Transcribe | None:
        """Stop a transcribe after its last words; None when no such session listens (any more)."""
        session = self._sessions.get(transcribe_id)
        if session is None:
            return None
        await session.finish()
        return session.record

    async def stop_call(self, call_id: str) -> None:
        """Stop all transcribes of a call."""
        await asyncio.gather(
            *(session.finish() for session in tuple(self._sessions.values()) if session.call.record.id == call_id)
        )

    async def _run_session(self, session: Session) -> None:
        try:
            await session.run()
        finally:
            del self._sessions[session.record.id]
            self._release_ports(session.record.id)
