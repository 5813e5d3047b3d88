"""All that lives while calls live: the calls, and what listens to them, records them, joins them, speaks in them."""

from typing import Protocol

from app.application.flow_ports import FlowPrompts
from app.application.followups import Followups
from app.application.health import Health
from app.application.parts import Parts
from app.call.conferences import Conferences
from app.call.connect import Connector
from app.call.external_medias import ExternalMedias
from app.call.groupcalls import Groupcalls
from app.call.media_stream import MediaStreams
from app.call.outbound import Outbound
from app.call.speakings import Speakings
from app.domain.conference import Conferencecall
from app.domain.recording import Recording
from app.domain.transcribe import Transcribe
from app.recording.recordings import Recordings
from app.recording.sources import TapParts
from app.transcribe.answer_ear import AnswerEars
from app.transcribe.recording_job import RecordingTranscribes
from app.transcribe.session_parts import SessionParts
from app.transcribe.transcribes import Transcribes


class Runner(Protocol):
    """Something that runs as long as the application."""

    async def run(self) -> None:
        """Run until cancelled."""


class Talk:
    """All that lives while calls live: the calls themselves, and what listens to them, records and joins them."""

    def __init__(self, parts: Parts, is_ready: Health, prompts: FlowPrompts) -> None:
        settings, store, journal, ari = parts.settings, parts.store, parts.journal, parts.telephony.ari
        media_host, budget = settings.effective_media_host, parts.budget
        silence_ms = settings.end_of_silence_ms or None
        self.calls = is_ready.live_calls
        self.followups: Followups | None = None
        """Set once flows can run."""
        session_parts = SessionParts(
            ari=ari,
            receiver=parts.receiver,
            models=parts.models,
            pool=parts.pool,
            journal=journal,
            media_host=media_host,
        )
        self.answers = AnswerEars(
            session_parts,
            default_end_of_silence_ms=silence_ms,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
        )
        self.transcribes = Transcribes(
            session_parts,
            default_end_of_silence_ms=silence_ms,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
            on_done=self._after_transcribe,
        )
        self.recordings = Recordings(
            TapParts(ari, parts.receiver, media_host),
            journal,
            parts.home / "recordings",
            beep=prompts.beep,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
            on_end=self._after_recording,
        )
        self.recording_transcribes = RecordingTranscribes(
            journal=journal,
            transcribes=store.transcribes,
            models=parts.models,
            pool=parts.pool,
            file=self.recordings.sound,
            find_call=store.calls.get_by_id,
            default_end_of_silence_ms=silence_ms,
            on_done=self._after_transcribe,
        )
        self.conferences = Conferences(ari, journal, store, on_left=self._after_conference)
        self.speakings = Speakings(ari, self.calls, prompts.prepare)
        self.media_streams = MediaStreams(
            ari,
            parts.receiver,
            media_host=media_host,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
        )
        self.external_medias = ExternalMedias(
            ari, media_host=media_host, reserve_ports=budget.reserve, release_ports=budget.release
        )
        self.outbound = Outbound(
            ari,
            journal,
            self.calls,
            is_ready=lambda: is_ready.is_ready,
            max_call_seconds=settings.max_call_seconds,
            reserve_ports=budget.reserve,
            release_ports=budget.release,
        )
        self.groupcalls = Groupcalls(self.outbound, journal)
        self.connector = Connector(ari, self.outbound)

    @property
    def runners(self) -> tuple[Runner, ...]:
        """What has to run, in the order in which it is started."""
        return (
            self.transcribes,
            self.recordings,
            self.recording_transcribes,
            self.conferences,
            self.speakings,
            self.outbound,
            self.groupcalls,
            self.connector,
            self.external_medias,
        )

    def owns(self, asterisk_object_id: str) -> bool:
        """Whether an object of ours in Asterisk belongs to something that lives."""
        return (
            self.transcribes.owns(asterisk_object_id)
            or self.answers.owns(asterisk_object_id)
            or self.recordings.owns(asterisk_object_id)
            or self.conferences.owns(asterisk_object_id)
        )

    async def _after_transcribe(self, transcribe: Transcribe) -> None:
        if self.followups is not None:
            await self.followups.after_transcribe(transcribe)

    async def _after_conference(self, stay: Conferencecall) -> None:
        if self.followups is not None:
            await self.followups.after_conference(stay)

    async def _after_recording(self, recording: Recording) -> None:
        if self.followups is not None:
            await self.followups.after_recording(recording)
