"""Graphs of Vosk models that were composed ahead: where they lie, which model each belongs to (ADR 0041).

A small model comes as two graphs, HCLr (sounds to words) and Gr (words to sentences), which Vosk composes while it
decodes, in every recognizer anew: three quarters of its time. The composed one, HCLG, is ten times as big as Gr; all
recognizers share it. `vosk_graph_composer` makes it. Grammars need the two.
"""

import hashlib
from pathlib import Path
from typing import Final

from app.errors import CallscribeError

SOUNDS: Final = "graph/HCLr.fst"
LANGUAGE: Final = "graph/Gr.fst"
HELPERS: Final = "graph/disambig_tid.int"
"""Labels that only composing needs."""
COMPOSED: Final = "graph/HCLG.fst"
WORDS: Final = "graph/words.txt"
_FORM: Final = b"1"
"""Changes with what the composer makes of the same model."""


class GraphNotComposed(CallscribeError):
    """The graph of a model could not be composed ahead; it goes on being composed while decoding."""

    code = "GRAPH_NOT_COMPOSED"


def graphs_in(install_dir: Path) -> Path:
    """The folder of composed graphs of an installation."""
    return install_dir / "models" / "graphs"


def is_composable(model: Path) -> bool:
    """Tell whether this model's graph is composed while decoding."""
    return all((model / name).is_file() for name in (SOUNDS, LANGUAGE, HELPERS)) and not (model / COMPOSED).exists()


def place_of_graph(graphs: Path, model: Path) -> Path:
    """The folder in `graphs` for what is composed of this model: named by what is in its two (0.3 s for 230 MB)."""
    digest = hashlib.sha256(_FORM)
    for name in (SOUNDS, LANGUAGE, HELPERS):
        with (model / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return graphs / digest.hexdigest()[:16]


def find_graph(graphs: Path | None, model: Path) -> Path | None:
    """Return the folder with this model's composed graph; None where there is none."""
    if graphs is None or not graphs.is_dir() or not is_composable(model):
        return None
    place = place_of_graph(graphs, model)
    return place if place.is_dir() else None


def change_for_graph(place: Path) -> dict[str, Path | None]:
    """What is other in a model that is loaded with the composed graph in `place` (`open_overlay`)."""
    return {
        COMPOSED: place / Path(COMPOSED).name,
        WORDS: place / Path(WORDS).name,
        SOUNDS: None,
        LANGUAGE: None,
    }
