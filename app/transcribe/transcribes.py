"""All transcribes that listen now: started by a flow or the API, stopped by either or by the end of what they hear."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.call.conference import LiveConference
from app.call.live_call import LiveCall
from app.domain.call import CallStatus
from app.domain.events import Event, EventType
from app.domain.timestamps import now
from app.domain.transcribe import ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import Transcript
from app.errors import NotFound, StateInvalid, TranscribeAlreadyProgressing, Unavailable
from app.logs import get_log
from app.owned_tasks import OwnedTasks
from app.speech.installed_model import InstalledModel
from app.store.store import Transaction
from app.transcribe.call_session import CallSession
from app.transcribe.conference_session import ConferenceSession
from app.transcribe.ports import OnDone
from app.transcribe.request import Reference, TranscribeRequest
from app.transcribe.session import Session
from app.transcribe.session_parts import SessionParts

log = get_log("transcribe")

PAIRS_PER_TAP = 1
DELETED_AT_ONCE = 500


class Transcribes:
    """The register of listening sessions; `run` owns their tasks."""

    def __init__(
        self,
        parts: SessionParts,
        *,
        default_end_of_silence_ms: int | None,
        reserve_ports: Callable[[str, int], bool],
        release_ports: Callable[[str], None],
        on_done: OnDone | None = None,
    ) -> None:
        self._parts = parts
        self._default_end_of_silence_ms = default_end_of_silence_ms
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._on_done = on_done
        self._sessions: dict[str, Session] = {}
        self._tasks = OwnedTasks("the program is ending: no new transcribe is started")

    async def run(self) -> None:
        """Own the sessions' tasks until cancelled; cancel only when no call lives."""
        await self._tasks.run()

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
        language, model = request.resolve(self._parts.models)
        if call.record.status is not CallStatus.PROGRESSING:
            raise StateInvalid(
                f"the call is {call.record.status}; only a call that is progressing can be transcribed",
                status=str(call.record.status),
            )
        self._tasks.require_open()
        reference = Reference(ReferenceType.CALL, call.record.id, call.record.customer_id)
        record = self._make(reference, request, language, model)
        # The call's own reservation covers its first transcribe; every further one asks for its own ports.
        if self._others(reference) and not self._reserve_ports(record.id, PAIRS_PER_TAP * len(record.direction.parts)):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: this call cannot be tapped once more")
        session = CallSession(record, call, self._parts, end_of_silence_ms=self._silence(request))
        # No await since the look for duplicates: two that come at once cannot both pass it.
        return await self._enter(session)

    async def start_conference(self, conference: LiveConference, request: TranscribeRequest) -> Transcribe:
        """Start to listen to every member of a conference; returns when those who are in it are heard.

        The transcripts are of direction `in` (each member's own voice), whatever direction was asked for. Raises as
        `start`; StateInvalid when the conference is not progressing.
        """
        language, model = request.resolve(self._parts.models)
        if not conference.is_open:
            status = str(conference.record.status)
            raise StateInvalid(
                f"the conference is {status}; only one that is progressing can be transcribed", status=status
            )
        self._tasks.require_open()
        reference = Reference(ReferenceType.CONFBRIDGE, conference.record.id, conference.record.customer_id)
        record = self._make(reference, request, language, model)
        session = ConferenceSession(
            record,
            conference,
            self._parts,
            end_of_silence_ms=self._silence(request),
            reserve_ports=lambda key: self._reserve_ports(key, PAIRS_PER_TAP),
            release_ports=self._release_ports,
        )
        return await self._enter(session)

    async def stop(self, transcribe_id: str) -> Transcribe | None:
        """Stop a transcribe after its last words; None when no such session listens (any more)."""
        session = self._sessions.get(transcribe_id)
        if session is None:
            return None
        await session.life.finish()
        return session.record

    async def stop_call(self, call_id: str) -> None:
        """Stop all transcribes of a call."""
        await asyncio.gather(
            *(
                session.life.finish()
                for session in tuple(self._sessions.values())
                if session.record.reference_id == call_id
            )
        )

    async def delete(self, transcribe_id: str) -> Transcribe:
        """Stop a transcribe where it listens, then delete its transcripts and it, with an event for each; NotFound.

        It is one transaction; beyond DELETED_AT_ONCE transcripts several, the transcribe itself in the last.
        """
        await self.stop(transcribe_id)
        deleted: list[Transcribe] = []
        waiting: list[Transcript] | None = None

        async def write(tx: Transaction) -> Sequence[Event]:
            nonlocal waiting
            record = await tx.transcribes.get_by_id(transcribe_id)
            if record is None or record.tm_delete is not None:
                raise NotFound("transcribe", transcribe_id)
            if waiting is None:
                waiting = list(await tx.transcripts.list_of(transcribe_id))
            moment = now()
            batch, waiting = waiting[:DELETED_AT_ONCE], waiting[DELETED_AT_ONCE:]
            events = []
            for each in batch:
                gone = replace(each, tm_delete=moment)
                await tx.transcripts.update(gone)
                events.append(Event(EventType.TRANSCRIPT_DELETED, gone, record.reference_id))
            if not waiting:
                deleted.append(replace(record, tm_delete=moment, tm_update=moment))
                await tx.transcribes.update(deleted[0])
                events.append(Event(EventType.TRANSCRIBE_DELETED, deleted[0]))
            return events

        while not deleted:
            await self._parts.journal.commit(write)
        return deleted[0]

    def _others(self, reference: Reference) -> list[Session]:
        """Return the sessions that listen to the same, for the same customer."""
        return [
            each
            for each in self._sessions.values()
            if (each.record.reference_id, each.record.customer_id) == (reference.id, reference.customer_id)
        ]

    def _make(
        self, reference: Reference, request: TranscribeRequest, language: str, model: InstalledModel
    ) -> Transcribe:
        """Return a new record, once it is sure that it would be the only one of this reference and language."""
        if any(other.record.language == language for other in self._others(reference)):
            word = "conference" if reference.type is ReferenceType.CONFBRIDGE else reference.type.value
            raise TranscribeAlreadyProgressing(
                f"the {word} {reference.id} is already transcribed in {language}; stop that transcribe first"
            )
        return request.make(reference, language, model)

    def _silence(self, request: TranscribeRequest) -> int | None:
        return request.end_of_silence_ms or self._default_end_of_silence_ms

    async def _enter(self, session: Session) -> Transcribe:
        self._sessions[session.record.id] = session
        self._tasks.start(self._run_session(session), name=f"transcribe {session.record.id}")
        return await session.life.wait_ready()

    async def _run_session(self, session: Session) -> None:
        try:
            await session.run()
        finally:
            del self._sessions[session.record.id]
            self._release_ports(session.record.id)
        done = session.record
        if self._on_done is not None and done.status is TranscribeStatus.DONE:
            await self._follow_up(self._on_done, done)

    async def _follow_up(self, on_done: OnDone, done: Transcribe) -> None:
        try:
            await on_done(done)
        except Exception:
            # The isolation boundary: what comes after one transcribe touches no other.
            log.exception("what follows a transcribe failed", transcribe_id=done.id)
