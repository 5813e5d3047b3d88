"""The action `external_media_start`."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from app.domain.ids import is_id
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, action
from app.flow.ports import ExternalMediaOrder

MOST_TEXT = 255
_NO_WEBSOCKET = "rtp or audiosocket; GET /v1.0/calls/{id}/media_stream is the WebSocket"
_TRANSPORT_OF = {"rtp": "udp", "audiosocket": "tcp"}

Side = Literal["", "in", "out", "both"]


class ExternalMediaStartOptions(ActionOptions):
    """Where the sound goes, and in which form."""

    external_host: str = Field(
        min_length=1, max_length=MOST_TEXT, description="HOST:PORT, within CALLSCRIBE_MEDIA_DESTINATIONS"
    )
    encapsulation: Literal["rtp", "audiosocket", "none"] = Field(
        "rtp", description="rtp (over udp) or audiosocket (over tcp); none is refused: it needs websocket"
    )
    transport: Literal["", "udp", "tcp", "websocket"] = Field(
        "",
        description="Empty = the encapsulation's own; websocket is refused: GET /v1.0/calls/{id}/media_stream is that",
    )
    transport_data: str = Field("", max_length=MOST_TEXT, description="Accepted for VoIPBIN's flows; it means nothing")
    connection_type: Literal["", "client"] = Field("client", description="client: we connect to the program")
    format: Literal["ulaw", "alaw", "slin", "slin16", "g722"] = Field("ulaw", description="The sound's format")
    direction_listen: Side = Field(
        "both", description='What the program hears: "in" = the party, "out" = what it hears'
    )
    direction_speak: Side = Field(
        "", validate_default=True, description='Who hears the program: "out" = the party, "in" = its peers'
    )
    data: str = Field(
        "",
        max_length=MOST_TEXT,
        description="audiosocket: the UUID that the program knows the call by; empty = one that is made up",
    )

    @field_validator("encapsulation")
    @classmethod
    def _is_served(cls, text: str) -> str:
        if text == "none":
            raise ValueError(_NO_WEBSOCKET)
        return text

    @field_validator("transport")
    @classmethod
    def _fits_encapsulation(cls, text: str, given: ValidationInfo) -> str:
        if text == "websocket":
            raise ValueError(_NO_WEBSOCKET)
        wanted = _TRANSPORT_OF.get(given.data.get("encapsulation", ""), text)
        if text not in {"", wanted}:
            raise ValueError(f"{wanted} for {given.data['encapsulation']}")
        return text

    @field_validator("direction_speak")
    @classmethod
    def _has_direction(cls, text: str, given: ValidationInfo) -> str:
        if not text and given.data.get("direction_listen") == "":
            raise ValueError("in, out or both here or in direction_listen")
        return text

    @field_validator("data")
    @classmethod
    def _is_uuid(cls, text: str, given: ValidationInfo) -> str:
        if text and given.data.get("encapsulation") == "audiosocket" and not is_id(text):
            raise ValueError("a UUID, or nothing for one that is made up")
        return text


@action(
    "external_media_start",
    options=ExternalMediaStartOptions,
    needs=LegState.ANSWERED,
    example={"external_host": "127.0.0.1:5004", "format": "ulaw", "direction_listen": "in"},
    fails="the program's address is not within CALLSCRIBE_MEDIA_DESTINATIONS, the program takes no connection "
    "(audiosocket), the call has five already, or no port is free",
)
async def external_media_start(context: ActionContext, options: ExternalMediaStartOptions) -> Outcome:
    """Send the sound of the call to a program elsewhere, and let it speak; the flow goes on at once.

    RTP goes from Asterisk to `external_host`, and what comes back to where it was sent from is heard as
    `direction_speak` says. It lasts until external_media_stop or the end of the call; a call has at most five. The
    program must be in CALLSCRIBE_MEDIA_DESTINATIONS, which is this machine only by default.
    """
    port = context.ports.external_media
    if port is None:
        raise ActionFailed("this flow runs where no sound can be sent elsewhere")
    await port.start(
        context.call.record.id,
        ExternalMediaOrder(
            external_host=options.external_host,
            encapsulation=options.encapsulation,
            transport=_TRANSPORT_OF[options.encapsulation],
            format=options.format,
            listen=options.direction_listen,
            speak=options.direction_speak,
            data=options.data.lower() if options.encapsulation == "audiosocket" else "",
        ),
    )
    return Next()
