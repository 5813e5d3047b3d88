"""Fields that bodies about live sound share: what is spoken, and how it is recorded (contract 3.2, 4.1)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from app.api.request_body import OptionalBodyId, RequestBody
from app.api.texts import Name
from app.domain.ids import ZERO_ID
from app.domain.language import parse_language
from app.domain.recording import RECORDING_FORMATS
from app.domain.texts import check_lines

DEFAULT_LANGUAGE = "en-US"
MOST_SECONDS = 86_400
_MAX_TEXT = 5000
_MAX_LANGUAGE = 35  # RFC 5646, 4.4.1
_END_KEY = re.compile(r"none|any|[0-9*#]")


def _check_spoken(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; expected words, or SSML in <speak>...</speak>")
    return check_lines(text)


def _check_language(text: str) -> str:
    if not text:
        return DEFAULT_LANGUAGE
    if len(text) > _MAX_LANGUAGE:
        raise ValueError("expected a BCP 47 language code such as en-US or ko-KR")
    return parse_language(text).tag


def _check_format(text: str) -> str:
    if text not in ("", *RECORDING_FORMATS):
        raise ValueError(f"expected one of {', '.join(RECORDING_FORMATS)}")
    return text or "wav"


def _check_end_key(text: str) -> str:
    if text and not _END_KEY.fullmatch(text):
        raise ValueError("expected none, any, or one of 0-9 * #")
    return text or "none"


def _capped(seconds: int) -> int:
    return min(seconds, MOST_SECONDS)


SpokenText = Annotated[
    str,
    Field(min_length=1, max_length=_MAX_TEXT, description="Words, or SSML in a <speak> element"),
    AfterValidator(_check_spoken),
]
"""A text to say."""

SpokenLanguage = Annotated[
    str, AfterValidator(_check_language), Field(description=f"BCP 47; absent or empty = {DEFAULT_LANGUAGE}")
]
"""The language of a text to say, canonical."""

RecordingFormat = Annotated[
    str,
    AfterValidator(_check_format),
    Field(
        description="Of the whole file; the sides of a call are WAV",
        json_schema_extra={"enum": [*RECORDING_FORMATS, ""]},
    ),
]
Seconds = Annotated[int, Field(ge=0, le=2**31 - 1), AfterValidator(_capped)]
"""A length in seconds, 0 = none; more than a day counts as a day."""


class Talk(RequestBody):
    """The body of POST /v1.0/calls/{id}/talk. `provider` and `voice_id` are taken and mean nothing."""

    text: SpokenText
    language: SpokenLanguage = DEFAULT_LANGUAGE
    provider: Name = ""
    voice_id: Name = ""


class CallRecordingStart(RequestBody):
    """The body of POST /v1.0/calls/{id}/recording_start. Whichever end comes first ends it."""

    format: RecordingFormat = "wav"
    end_of_silence: Seconds = Field(0, description="Ends after so many seconds without speech; 0 = does not")
    end_of_key: Annotated[str, AfterValidator(_check_end_key)] = Field(
        "none",
        description="Ends when this key is pressed",
        json_schema_extra={"enum": ["none", "any", *"0123456789*#", ""]},
    )
    duration: Seconds = Field(0, description="Ends after so many seconds; 0 = does not")
    on_end_flow_id: OptionalBodyId = ZERO_ID


class ConferenceRecordingStart(RequestBody):
    """The body of POST /v1.0/conferences/{id}/recording_start."""

    format: RecordingFormat = "wav"
    duration: Seconds = Field(0, description="Ends after so many seconds; 0 = does not")
    on_end_flow_id: OptionalBodyId = ZERO_ID


class ConferenceTranscribeStart(RequestBody):
    """The body of POST /v1.0/conferences/{id}/transcribe_start."""

    language: Annotated[str, Field(min_length=1), AfterValidator(_check_language)] = Field(
        description="BCP 47, such as en-US"
    )


def _both_when_empty(value: object) -> object:
    return "both" if value == "" else value


BothWhenEmpty = BeforeValidator(_both_when_empty)
