"""The action `transcribe_start`."""

from pydantic import Field

from app.domain.ids import ZERO_ID
from app.domain.transcribe import Direction
from app.flow.action import ActionContext, ActionOptions, LegState, Next, Outcome, action
from app.flow.option_types import FlowReference, SpokenLanguage


class TranscribeStartOptions(ActionOptions):
    """What is transcribed, and how."""

    language: SpokenLanguage = Field("", description="Language that is spoken; empty = the flow's")
    direction: Direction = Field(
        Direction.BOTH, description='"in" = what the party says, "out" = what it hears, "both" = two transcripts'
    )
    provider: str = Field("", description="Accepted for VoIPBIN's flows and shown in the API; the engine is local")
    on_end_flow_id: FlowReference = Field(ZERO_ID, description="The flow (UUID or file name) that follows its end")
    end_of_silence_ms: int | None = Field(
        None, ge=100, le=5000, description="Silence that ends an utterance, in milliseconds; absent = the setting"
    )


@action(
    "transcribe_start",
    options=TranscribeStartOptions,
    needs=LegState.ANSWERED,
    example={"language": "en-US", "direction": "both"},
    fails="the language has no speech model, the call is transcribed in this language already, or no port is free",
)
async def transcribe_start(context: ActionContext, options: TranscribeStartOptions) -> Outcome:
    """Start transcribing the call; it lasts until transcribe_stop or the end of the call.

    The flow goes on when the media path is up, so no word of the next action is lost. Sets the variables
    `voipbin.transcribe.id`, `voipbin.transcribe.language` and `voipbin.transcribe.direction`.
    """
    transcribe = await context.ports.transcribes.start(
        context.call.record.id,
        language=context.language_or_default(options.language),
        direction=options.direction,
        provider=options.provider,
        on_end_flow_id=options.on_end_flow_id,
        activeflow_id=context.activeflow_id,
        end_of_silence_ms=options.end_of_silence_ms,
    )
    context.transcribe_ids.append(transcribe.id)
    context.variables.set_system(
        {
            "voipbin.transcribe.id": transcribe.id,
            "voipbin.transcribe.language": transcribe.language,
            "voipbin.transcribe.direction": transcribe.direction.value,
        }
    )
    return Next()
