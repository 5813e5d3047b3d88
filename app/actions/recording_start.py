"""The action `recording_start`."""

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from app.domain.ids import ZERO_ID
from app.domain.recording import RECORDING_FORMATS, RecordingRequest
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, action
from app.flow.option_types import FlowReference
from app.flow.recording_variables import recording_variables

MOST_SECONDS = 86_400
_FORMATS = ("", *RECORDING_FORMATS)
_KEYS = ("", "none", "any", *"0123456789*#")


def _known_format(text: str) -> str:
    if text not in _FORMATS:
        raise ValueError("wav, mp3 or ogg")
    return text


def _known_key(text: str) -> str:
    if text not in _KEYS:
        raise ValueError("none, any, or one of 0-9 * #")
    return text


RecordingFormat = Annotated[
    str, AfterValidator(_known_format), WithJsonSchema({"type": "string", "enum": list(_FORMATS)})
]
EndKey = Annotated[str, AfterValidator(_known_key), WithJsonSchema({"type": "string", "enum": list(_KEYS)})]


class RecordingStartOptions(ActionOptions):
    """What is recorded, and what ends it beside recording_stop and the end of the call."""

    format: RecordingFormat = Field(
        "wav", description="The format of the whole: wav (8 kHz, 16 bit), mp3 or ogg; its sides are WAV"
    )
    end_of_silence: int = Field(
        0, ge=0, le=MOST_SECONDS, description="Seconds in which the party says nothing that end it; 0 = none"
    )
    end_of_key: EndKey = Field("none", description='The key that ends it: 0-9, *, #, "any" or "none"')
    duration: int = Field(0, ge=0, le=MOST_SECONDS, description="Its greatest length in seconds; 0 = none")
    beep_start: bool = Field(False, description="Whether the party hears a short tone first")
    wait: bool = Field(False, description="Whether the flow waits for its end (ours), as for a message on a voicemail")
    on_end_flow_id: FlowReference = Field(ZERO_ID, description="The flow (UUID or file name) that follows its end")


@action(
    "recording_start",
    options=RecordingStartOptions,
    needs=LegState.ANSWERED,
    example={"format": "wav", "end_of_silence": 5, "end_of_key": "#", "duration": 120, "beep_start": True},
    fails="the call is recorded already, no port is free, or the disk is full",
)
async def recording_start(context: ActionContext, options: RecordingStartOptions) -> Outcome:
    """Start recording the call, both directions apart; the flow goes on at once, with `wait` when it has ended.

    Without `wait` it goes on when the media path is up, so no word of the next action is lost. With `wait` something
    must end it: end_of_silence, end_of_key, duration or the API. A call has one recording at a time. Sets the variables
    `voipbin.recording.id`, `.reference_type`, `.reference_id`, `.format`, `.recording_name` and `.filenames`.
    """
    if context.ports.recordings is None:
        raise ActionFailed("this flow runs where nothing can be recorded")
    recording = await context.ports.recordings.start(
        context.call.record.id,
        RecordingRequest(
            format=options.format or "wav",
            end_of_silence=options.end_of_silence,
            end_of_key=options.end_of_key or "none",
            duration=options.duration,
            beep_start=options.beep_start,
            on_end_flow_id=options.on_end_flow_id,
            activeflow_id=context.activeflow_id,
        ),
    )
    context.variables.set_system(recording_variables(recording))
    if options.wait:
        await context.ports.recordings.wait_end(recording.id)
        context.call.digits.drop_all()
    return Next()
