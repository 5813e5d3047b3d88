"""Vosk behind the Recognizer protocol: streaming, with word times and confidences (alphacephei.com/vosk, 0.3.45)."""

import ctypes
import json
import random
import threading
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import vosk

from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.speech.recognizer import Recognition, RecognitionFailed, RecognizedWord, Recognizer
from app.speech.vosk_grammar import UNKNOWN, VoskGrammar
from app.speech.vosk_graph import change_for_graph, find_graph, is_composable
from app.speech.vosk_overlay import open_overlay
from app.speech.vosk_tuning import VoskTuning

_WARM_UP_SECONDS: Final = 0.5
_loading = threading.Lock()
_libc = ctypes.CDLL(None)


class VoskEngine:
    """One Vosk model in memory. Many recognizers, each used by one thread at a time, may share it (vosk-api #877)."""

    is_streaming: bool = True
    pause_lead_ms: int | None = 80
    """`prepare` costs 30 to 100 ms and closes the decoder, so it comes when speech has hardly ever gone on."""

    def __init__(self, path: Path, tuning: VoskTuning | None = None, graphs: Path | None = None) -> None:
        """`graphs` is the folder of composed graphs; where this model's is there it is decoded with (ADR 0041)."""
        self._path = path
        self._tuning = tuning or VoskTuning()
        vosk.SetLogLevel(-1)
        graph = find_graph(graphs, path)
        self._model = self._load(graph)
        self._grammar = VoskGrammar(self._model)
        # A grammar is composed with HCLr, which a model with a composed graph has not in memory.
        self._grammar_model = None if graph else self._model
        self._loading_grammar_model = threading.Lock()

    def _load(self, graph: Path | None) -> Any:
        is_composed = graph is not None or not is_composable(self._path)
        changes: dict[str, str | Path | None] = dict(self._tuning.change(self._path, is_composed=is_composed))
        if graph is not None:
            changes |= change_for_graph(graph)
        with _loading, open_overlay(self._path, changes) as folder:
            # Always a path: by name or language Vosk would download, and end the program where it finds none.
            try:
                return vosk.Model(str(folder))
            except Exception as error:
                raise RecognitionFailed(f"Vosk could not load the model in {self._path}: {error}") from error

    def create_recognizer(self) -> Recognizer:
        """Return a recognizer that has decoded half a second of noise.

        The first decode of a fresh one costs half a second where the graph is composed meanwhile, else 12 ms.
        """
        return self._warm(VoskRecognizer(self._model))

    def create_hinted_recognizer(self, hints: Sequence[str]) -> Recognizer:
        """Return a warm recognizer with a grammar; without one where the model knows no word of the hints.

        It costs 20 to 80 ms, measured with the first decode: its graph is small. Models without look-ahead take no
        grammar and go without. With a composed graph the first one loads the model once more, which takes seconds.
        """
        phrases = self._grammar.make_phrases(hints)
        if not phrases:
            return self.create_recognizer()
        with self._loading_grammar_model:
            if self._grammar_model is None:
                self._grammar_model = self._load(None)
        return self._warm(VoskRecognizer(self._grammar_model, phrases))

    def find_unknown_words(self, phrases: Sequence[str]) -> tuple[str, ...]:
        """Return the words of `phrases` that the model does not have, each once."""
        return self._grammar.find_unknown(phrases)

    def _warm(self, recognizer: "VoskRecognizer") -> Recognizer:
        noise = random.Random(8000)  # noqa: S311 - any sound does
        samples = array("h", (noise.randint(-300, 300) for _ in range(round(SAMPLE_RATE * _WARM_UP_SECONDS))))
        recognizer.accept(samples.tobytes())
        recognizer.finish()
        return recognizer

    def close(self) -> None:
        """Let go of the model; Vosk frees it when the last recognizer is gone."""
        del self._model, self._grammar, self._grammar_model


class VoskRecognizer:
    """Decodes one lane.

    Word times of Vosk count over the recognizer's whole life and only what it was fed, across Result, FinalResult and
    Reset; the start of each utterance is taken off here. An utterance ends with FinalResult: Result leaves the last
    quarter of a second undecoded (character error 37 instead of 28 %, ADR 0005).
    """

    def __init__(self, model: Any, phrases: Sequence[str] = ()) -> None:
        """`phrases` are a grammar: words of the model; empty = everything can be said."""
        self.accepted_seconds = 0.0
        # Vosk does not read JSON's \u escapes, so the phrases stay as they are.
        grammar = (json.dumps(list(phrases), ensure_ascii=False),) if phrases else ()
        self._recognizer: Any = vosk.KaldiRecognizer(model, SAMPLE_RATE, *grammar)
        self._recognizer.SetWords(True)
        self._left_out = {UNKNOWN} if phrases else frozenset[str]()
        self._started_seconds = 0.0
        self._words: list[RecognizedWord] = []
        self._has_sound = False

    def accept(self, pcm: bytes) -> None:
        """Decode the next piece; where Vosk finds an end of its own the words so far are kept for `finish`."""
        self.accepted_seconds += pcm_seconds(pcm)
        self._has_sound = True
        try:
            is_endpoint = self._recognizer.AcceptWaveform(pcm)
        except Exception as error:
            raise RecognitionFailed(f"Vosk failed on {len(pcm)} bytes of sound: {error}") from error
        if is_endpoint:
            self._keep(self._recognizer.Result())

    def interim(self) -> str:
        """Return the partial result, behind the words that are sure already."""
        partial = str(json.loads(self._recognizer.PartialResult()).get("partial", ""))
        return " ".join([*(word.word for word in self._words), partial]).strip()

    def prepare(self) -> None:
        """Flush the decoder; if sound follows all the same, it is decoded afresh and the words are joined."""
        if self._has_sound:
            self._keep(self._recognizer.FinalResult())
            self._has_sound = False

    def finish(self) -> Recognition:
        """Flush the decoder and return all words since the last finish; confidence is the mean over the words."""
        self.prepare()
        words = tuple(self._words)
        self._begin()
        confidence = sum(word.confidence for word in words) / len(words) if words else None
        return Recognition(" ".join(word.word for word in words), words, confidence)

    def reset(self) -> None:
        """Drop the utterance; FinalResult, and not Reset, so that nothing of its sound or speaker stays behind."""
        self.prepare()
        self._begin()

    def close(self) -> None:
        """Free the decoder, some 50 to 120 MB; without the trim the C library keeps them."""
        self._recognizer = None
        _libc.malloc_trim(0)

    def _begin(self) -> None:
        self._words = []
        self._started_seconds = self.accepted_seconds

    def _keep(self, result: str) -> None:
        start = self._started_seconds
        self._words.extend(
            RecognizedWord(
                word["word"], max(0.0, word["start"] - start), max(0.0, word["end"] - start), min(1.0, word["conf"])
            )
            for word in json.loads(result).get("result", ())
            if word["word"] not in self._left_out
        )
