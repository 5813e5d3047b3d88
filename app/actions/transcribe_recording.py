"""The action `transcribe_recording`."""

from pydantic import Field

from app.domain.ids import ZERO_ID
from app.domain.transcribe import Direction
from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, Outcome, action
from app.flow.option_types import FlowReference, SpokenLanguage
from app.flow.ports import TranscribedRecording

RECORDING = "voipbin.recording.id"


class TranscribeRecordingOptions(ActionOptions):
    """What is transcribed, and how."""

    language: SpokenLanguage = Field("", description="Language that is spoken; empty = the flow's")
    direction: Direction = Field(
        Direction.BOTH, description='"in" = what the party says, "out" = what it hears, "both" = two transcripts'
    )
    provider: str = Field("", description="Accepted for VoIPBIN's flows and shown in the API; the engine is local")
    on_end_flow_id: FlowReference = Field(ZERO_ID, description="The flow (UUID or file name) that follows each one")


@action(
    "transcribe_recording",
    options=TranscribeRecordingOptions,
    needs=None,
    is_blocking=True,
    example={"language": "en-US", "direction": "in"},
    fails="there is no recording that has ended, the language has no speech model, or it takes more than four hours",
)
async def transcribe_recording(context: ActionContext, options: TranscribeRecordingOptions) -> Outcome:
    """Transcribe the recordings of the call, one after the other; the flow goes on when the last is done.

    In a flow without a call, such as the one that follows a recording (`on_end_flow_id`), it is the recording that
    `voipbin.recording.id` names. A recording that goes on is left out: put recording_stop before this. Sets
    `voipbin.transcribe.id`, `.language` and `.direction` of the last one, and `voipbin.transcribe.text`: what was said
    in all of them, a line for each utterance. Fails, which the flow survives, where there is no recording to transcribe
    or none within four hours.
    """
    port = context.ports.recording_transcribes
    if port is None:
        raise ActionFailed("this flow runs where no recording can be transcribed")
    language = context.language_or_default(options.language)
    done: list[TranscribedRecording] = []
    for recording_id in _recordings(context):
        done.append(
            await port.transcribe(
                context.customer_id,
                recording_id,
                language=language,
                direction=options.direction,
                provider=options.provider,
                on_end_flow_id=options.on_end_flow_id,
                activeflow_id=context.activeflow_id,
            )
        )
    last = done[-1].transcribe
    context.variables.set_system(
        {
            "voipbin.transcribe.id": last.id,
            "voipbin.transcribe.language": last.language,
            "voipbin.transcribe.direction": last.direction.value,
            "voipbin.transcribe.text": "\n".join(each.text for each in done if each.text),
        }
    )
    return Next()


def _recordings(context: ActionContext) -> tuple[str, ...]:
    if context.live_call is not None:
        record = context.live_call.record
        found = tuple(each for each in record.recording_ids if each != record.recording_id)
    else:
        named = context.variables.get(RECORDING) or ""
        found = (named,) if named else ()
    if not found:
        raise ActionFailed("there is no recording that has ended; put recording_start and recording_stop before this")
    return found
