"""Decoding whole files with an engine, past all that Callscribe does: what a call is measured against."""

from pathlib import Path

from app.speech.engines import load_engine
from app.speech.installed_model import InstalledModel
from tests.speech_files import read_samples


def decode_directly(model: InstalledModel, paths: list[Path]) -> dict[Path, str]:
    """Return the text of each file, decoded as one utterance. Blocking."""
    engine = load_engine(model, 1)
    try:
        texts = {}
        for path in dict.fromkeys(paths):
            recognizer = engine.create_recognizer()
            recognizer.accept(read_samples(path) + bytes(4800))
            texts[path] = recognizer.finish().text
            recognizer.close()
        return texts
    finally:
        engine.close()
