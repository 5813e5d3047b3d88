"""What every session of a transcribe stands on."""

from dataclasses import dataclass

from app.ari.ari import Ari
from app.media.rtp_receiver import RtpReceiver
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool
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
