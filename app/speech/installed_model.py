"""A speech model that is there: what a recognizer is built from."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """`engine` is `vosk` or `moonshine`, `path` the model's folder, `language` the tag that the model was made for."""

    engine: str
    name: str
    path: Path
    language: str
