"""What every session of a transcribe stands on."""

from collections.abc import Callable
from dataclasses import dataclass

from app.ari.ari import Ari
from app.domain.transcribe import Transcribe
from app.media.rtp_receiver import RtpReceiver
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool
from app.transcribe.known_prompts import KnownPrompts
from app.transcribe.ports import Telling


@dataclass(frozen=True, slots=True)
class SessionParts:
    """The long-lived things that every session uses."""

    ari: Ari
    receiver: RtpReceiver
    models: ModelLibrary
    pool: RecognitionPool
    journal: Telling
    media_host: str
    audience_of: Callable[[Transcribe], Callable[[], bool]] = lambda _transcribe: lambda: True
    """Gives what tells, on any thread, whether the interims of a transcribe have anybody to go to."""
    prompts: KnownPrompts | None = None
    """The prompts whose text is known, and so is not recognised; None = everything is."""
