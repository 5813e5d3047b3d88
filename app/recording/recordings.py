"""All recordings that go on now: started by a flow or by the API, ended by either, by themselves or with the call."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from app.call.live_call import LiveCall
from app.domain.call import CallStatus
from app.domain.conference import ConferenceStatus
from app.domain.events import EventType
from app.domain.ids import new_id
from app.domain.recording import RECORDING_FORMATS, Recording, RecordingRequest, RecordingStatus
from app.domain.timestamps import now
from app.domain.transcribe import ReferenceType
from app.errors import CallscribeError, InvalidArgument, RecordingAlreadyActive, StateInvalid, Unavailable
from app.journal.journal import Journal
from app.logs import get_log
from app.owned_tasks import OwnedTasks
from app.recording.recording_files import file_names, find_file, find_served, list_left, remove_files, repair
from app.recording.recording_session import ANY_KEY, NO_KEY, RecordingParts, RecordingSession
from app.recording.sources import CallSource, ConferenceSource, Room, Source, TapParts

log = get_log("recording")

MOST_SECONDS = 86_400
"""The longest duration and silence that can be asked for (contract 4.1)."""
FINISH_SECONDS = 8.0
_WRITING_THREADS = 2
_KEY = re.compile(r"[0-9*#]")

OnEnd = Callable[[Recording], Awaitable[None]]


async def _end_quietly(_recording: Recording) -> None:
    """Nobody wants to know."""


class Recordings:
    """The register of live recordings; `run` owns their tasks.

    `on_end` is told of every recording that has ended, and must not wait for what follows.
    """

    def __init__(
        self,
        taps: TapParts,
        journal: Journal,
        folder: Path,
        *,
        beep: Callable[[], str],
        reserve_ports: Callable[[str, int], bool],
        release_ports: Callable[[str], None],
        on_end: OnEnd = _end_quietly,
    ) -> None:
        self.folder = folder
        self.on_end = on_end
        self._taps = taps
        self._journal = journal
        self._disk = ThreadPoolExecutor(_WRITING_THREADS, "recording-disk")
        self._parts = RecordingParts(journal, folder, self._disk, beep)
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._sessions: dict[str, RecordingSession] = {}
        self._by_reference: dict[str, RecordingSession] = {}
        self._tasks = OwnedTasks("the program is ending: no new recording is started")

    async def run(self) -> None:
        """Own the recordings' tasks until cancelled; those that still go on are ended and completed then."""
        try:
            left = await asyncio.to_thread(list_left, self.folder)
            async with self._tasks.open(self._finish_all):
                self._tasks.start(asyncio.to_thread(repair, left), name="repair of recordings")
                await asyncio.get_running_loop().create_future()
        finally:
            self._disk.shutdown(wait=False)

    def __len__(self) -> int:
        return len(self._sessions)

    def owns(self, asterisk_object_id: str) -> bool:
        """Whether a channel or bridge of ours belongs to a recording that goes on."""
        return any(recording_id in asterisk_object_id for recording_id in self._sessions)

    def find_of(self, reference_id: str) -> Recording | None:
        """Return the recording of this call or conference that goes on now, or None."""
        session = self._by_reference.get(reference_id)
        return session.record if session is not None else None

    def find(self, recording_id: str) -> Recording | None:
        """Return the recording as it is now, None when it does not go on."""
        session = self._sessions.get(recording_id)
        return session.record if session is not None else None

    def file(self, recording: Recording, part: str) -> Path | None:
        """Return the file of `part` for clients ("" = everything, "in", "out"); None when there is none (yet)."""
        return find_served(self.folder, recording, part)

    def sound(self, recording: Recording, part: str) -> Path | None:
        """Return the WAV file of `part`, whatever the recording's format; None when there is none (yet)."""
        return find_file(self.folder, recording, part)

    async def start_call(self, call: LiveCall, request: RecordingRequest) -> Recording:
        """Record a call; returns when both directions are heard, so that no word after it is lost.

        Raises InvalidArgument (format, end_of_key, end_of_silence, duration), StateInvalid (call not progressing),
        RecordingAlreadyActive, Unavailable (ports, disk), LegGone, AriError.
        """
        checked = _checked(request)
        if call.record.status is not CallStatus.PROGRESSING:
            raise StateInvalid(
                f"the call is {call.record.status}; only a call that is progressing can be recorded",
                status=str(call.record.status),
            )
        return await self._start(CallSource(call, self._taps), checked)

    async def start_conference(self, conference: Room, request: RecordingRequest) -> Recording:
        """Record the mix of a conference; ends of silence and keys and the tone do not apply to it (contract 4.1).

        Raises as start_call; StateInvalid for a conference that is closing.
        """
        checked = replace(_checked(request), end_of_silence=0, end_of_key=NO_KEY, beep_start=False)
        if conference.record.status is not ConferenceStatus.PROGRESSING:
            raise StateInvalid(
                f"the conference is {conference.record.status}; only one that is progressing can be recorded",
                status=str(conference.record.status),
            )
        return await self._start(ConferenceSource(conference, self._taps), checked)

    async def stop(self, recording_id: str) -> Recording | None:
        """End a recording, its files complete; None when it does not go on (any more)."""
        session = self._sessions.get(recording_id)
        if session is None:
            return None
        await session.life.finish()
        return session.record

    async def wait_end(self, recording_id: str) -> None:
        """Return when a recording does not go on (any more)."""
        session = self._sessions.get(recording_id)
        if session is not None:
            await session.life.wait_over()

    async def delete(self, recording: Recording) -> Recording:
        """Delete an ended recording, its row and its files; StateInvalid while it goes on."""
        live = self.find(recording.id)
        if live is not None and live.status is not RecordingStatus.ENDED:
            raise StateInvalid(
                f"the recording is {live.status}; only one that has ended can be deleted", status=str(live.status)
            )
        moment = now()
        deleted = replace(recording, tm_update=moment, tm_delete=moment)
        # The row first: a file without a row is litter, a row without its file would be a lie.
        await self._journal.change(deleted, EventType.RECORDING_DELETED)
        try:
            await asyncio.to_thread(remove_files, self.folder, recording)
        except OSError as error:
            log.error("files of a deleted recording are left", recording_id=recording.id, reason=str(error))
        return deleted

    async def _start(self, source: Source, request: RecordingRequest) -> Recording:
        if source.reference_id in self._by_reference:
            word = "conference" if source.reference_type is ReferenceType.CONFBRIDGE else source.reference_type.value
            raise RecordingAlreadyActive(f"the {word} {source.reference_id} is being recorded already; stop that first")
        self._tasks.require_open()
        moment = now()
        recording_id = new_id()
        record = Recording(
            id=recording_id,
            customer_id=source.customer_id,
            reference_type=source.reference_type,
            reference_id=source.reference_id,
            status=RecordingStatus.INITIATING,
            tm_create=moment,
            tm_update=moment,
            format=request.format,
            activeflow_id=request.activeflow_id,
            on_end_flow_id=request.on_end_flow_id,
            filenames=file_names(recording_id, source.reference_type, request.format),
        )
        if not self._reserve_ports(record.id, len(source.parts)):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: this cannot be recorded now")
        session = RecordingSession(
            record, source, request, self._parts, on_free=lambda: self._free(source.reference_id, recording_id)
        )
        self._sessions[record.id] = self._by_reference[source.reference_id] = session
        self._tasks.start(self._run_session(session), name=f"recording {record.id}")
        return await session.life.wait_ready()

    def _free(self, reference_id: str, recording_id: str) -> None:
        session = self._by_reference.get(reference_id)
        if session is not None and session.record.id == recording_id:
            del self._by_reference[reference_id]

    async def _run_session(self, session: RecordingSession) -> None:
        try:
            await session.run()
        finally:
            self._free(session.source.reference_id, session.record.id)
            del self._sessions[session.record.id]
            self._release_ports(session.record.id)
        if session.has_begun:
            await self._tell_end(session.record)

    async def _tell_end(self, recording: Recording) -> None:
        try:
            await self.on_end(recording)
        except CallscribeError as error:
            log.error("what follows a recording failed", recording_id=recording.id, reason=error.message)
        except Exception:
            # The isolation boundary of what follows: other recordings go on.
            log.exception("what follows a recording broke", recording_id=recording.id)

    async def _finish_all(self) -> None:
        """At the program's end: complete what still goes on, within a time-out."""
        endings = [asyncio.ensure_future(session.life.finish()) for session in self._sessions.values()]
        if not endings:
            return
        _, late = await asyncio.wait(endings, timeout=FINISH_SECONDS)
        if late:
            log.error("recordings did not end in time; the next start repairs their files", late=len(late))
        for ending in late:
            ending.cancel()


def _checked(request: RecordingRequest) -> RecordingRequest:
    """Return the request with its defaults in place; InvalidArgument names what is wrong."""
    kind = request.format or "wav"
    if kind not in RECORDING_FORMATS:
        raise InvalidArgument("format", f"{kind!r} cannot be recorded; expected one of {', '.join(RECORDING_FORMATS)}")
    key = request.end_of_key or NO_KEY
    if key not in {NO_KEY, ANY_KEY} and not _KEY.fullmatch(key):
        raise InvalidArgument("end_of_key", f"{key!r} is no key; expected none, any, or one of 0-9 * #")
    for field in ("end_of_silence", "duration"):
        seconds = getattr(request, field)
        if not 0 <= seconds <= MOST_SECONDS:
            raise InvalidArgument(field, f"{seconds} is out of range; expected 0 (none) to {MOST_SECONDS} seconds")
    return replace(request, format=kind, end_of_key=key)
