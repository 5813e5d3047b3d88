"""From an installed model to a loaded engine."""

from pathlib import Path

from app.speech.installed_model import InstalledModel
from app.speech.moonshine_recognizer import MoonshineEngine
from app.speech.recognizer import RecognitionFailed, SpeechEngine
from app.speech.vosk_recognizer import VoskEngine
from app.speech.vosk_tuning import VoskTuning


def load_engine(
    model: InstalledModel, threads: int, vosk_tuning: VoskTuning | None = None, vosk_graphs: Path | None = None
) -> SpeechEngine:
    """Load `model` for use by `threads` threads; blocks for seconds. RecognitionFailed when it cannot be loaded.

    `vosk_graphs` is the folder of graphs that were composed ahead.
    """
    match str(model.engine):
        case "vosk":
            return VoskEngine(model.path, vosk_tuning, vosk_graphs)
        case "moonshine":
            return MoonshineEngine(model.path)
        case other:
            raise RecognitionFailed(
                f"there is no engine {other!r} for the model {model.name}; expected vosk or moonshine"
            )
