"""What happens after something has ended: the flows that follow a transcribe, a recording, a stay in a room."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from app.application.flow_runner import Execution, FlowRunner
from app.domain.conference import Conferencecall
from app.domain.events import Event, EventType
from app.domain.ids import ZERO_ID
from app.domain.recording import Recording
from app.domain.transcribe import Transcribe
from app.flow.recording_variables import recording_variables
from app.logs import get_log
from app.store.store import Store

log = get_log("flow")


class Followups:
    """Starts the flows that follow. To be told of an end takes no time: what follows has tasks of its own.

    `left` are the events of what an earlier run left open: what follows those ends follows now.
    """

    def __init__(self, runner: FlowRunner, store: Store, left: Sequence[Event] = ()) -> None:
        self._runner = runner
        self._store = store
        self._left = left
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Follow what was left open; then own what follows until cancelled."""
        for event in self._left:
            if event.type is EventType.TRANSCRIBE_DONE and isinstance(event.data, Transcribe):
                await self.after_transcribe(event.data)
            elif event.type is EventType.RECORDING_FINISHED and isinstance(event.data, Recording):
                await self.after_recording(event.data)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settle(self, seconds: float) -> None:
        """At the end of the program: let what follows go on for so long, the flows that it started too."""
        try:
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(set(self._tasks))
                await self._runner.wait_idle()
        except TimeoutError:
            log.warning("flows that follow were cut off by the end of the program")

    async def after_transcribe(self, transcribe: Transcribe) -> None:
        """Run the transcribe's on_end flow: with its parent's variables, its own, and the whole text."""
        if transcribe.on_end_flow_id != ZERO_ID:
            self._begin(self._follow_transcribe(transcribe), f"after transcribe {transcribe.id}")

    async def after_recording(self, recording: Recording) -> None:
        """Run the recording's on_end flow: with its parent's variables and its own."""
        execution = Execution(
            recording.customer_id,
            "recording",
            recording.id,
            system=recording_variables(recording),
            parent_id=recording.activeflow_id,
        )
        if recording.on_end_flow_id != ZERO_ID:
            self._begin(self._runner.follow(recording.on_end_flow_id, execution), f"after recording {recording.id}")

    async def after_conference(self, stay: Conferencecall) -> None:
        """Run the conference's post-flow for a member that has left."""
        self._begin(self._follow_stay(stay), f"after conferencecall {stay.id}")

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(_isolated(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow_transcribe(self, transcribe: Transcribe) -> None:
        transcripts = await self._store.transcripts.list_of(transcribe.id)
        system = {
            "voipbin.transcribe.id": transcribe.id,
            "voipbin.transcribe.language": transcribe.language,
            "voipbin.transcribe.direction": transcribe.direction.value,
            "voipbin.transcribe.text": "\n".join(transcript.message for transcript in transcripts),
        }
        execution = Execution(
            transcribe.customer_id, "transcribe", transcribe.id, system=system, parent_id=transcribe.activeflow_id
        )
        await self._runner.follow(transcribe.on_end_flow_id, execution)

    async def _follow_stay(self, stay: Conferencecall) -> None:
        conference = await self._store.conferences.get(stay.customer_id, stay.conference_id)
        if conference is not None:
            execution = Execution(stay.customer_id, "conference", conference.id, parent_id=stay.activeflow_id)
            await self._runner.follow(conference.post_flow_id, execution)


async def _isolated(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        # The isolation boundary of what follows: everything else goes on.
        log.exception("what follows an end failed")
