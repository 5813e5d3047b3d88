"""What happens after something has ended: the flows that follow a transcribe, a recording, a stay in a room."""

from app.application.flow_runner import Execution, FlowRunner
from app.domain.conference import Conferencecall
from app.domain.recording import Recording
from app.domain.transcribe import Transcribe
from app.flow.recording_variables import recording_variables
from app.store.store import Store


class Followups:
    """Starts the flows that follow."""

    def __init__(self, runner: FlowRunner, store: Store) -> None:
        self._runner = runner
        self._store = store

    async def after_transcribe(self, transcribe: Transcribe) -> None:
        """Run the transcribe's on_end flow: with its parent's variables, its own, and the whole text."""
        transcripts = await self._store.transcripts.list_of(transcribe.id)
        system = {
            "voipbin.transcribe.id": transcribe.id,
            "voipbin.transcribe.language": transcribe.language,
            "voipbin.transcribe.direction": transcribe.direction.value,
            "voipbin.transcribe.text": "\n".join(transcript.message for transcript in transcripts),
        }
        await self._runner.follow(
            transcribe.on_end_flow_id,
            Execution(
                transcribe.customer_id,
                "transcribe",
                transcribe.id,
                system=system,
                parent_id=transcribe.activeflow_id,
            ),
        )

    async def after_recording(self, recording: Recording) -> None:
        """Run the recording's on_end flow: with its parent's variables and its own."""
        await self._runner.follow(
            recording.on_end_flow_id,
            Execution(
                recording.customer_id,
                "recording",
                recording.id,
                system=recording_variables(recording),
                parent_id=recording.activeflow_id,
            ),
        )

    async def after_conference(self, stay: Conferencecall) -> None:
        """Run the conference's post-flow for a member that has left."""
        conference = await self._store.conferences.get(stay.customer_id, stay.conference_id)
        if conference is not None:
            await self._runner.follow(
                conference.post_flow_id,
                Execution(stay.customer_id, "conference", conference.id, parent_id=stay.activeflow_id),
            )
