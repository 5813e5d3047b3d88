"""The recognizer with a grammar of one feed: made for it, used for all its utterances, closed after it."""

from collections.abc import Sequence

from app.speech.recognizer import GrammarEngine, Recognizer


class HintedSource:
    """A `RecognizerSource` of one lane; an answer is never so long that a recognizer's memory matters."""

    def __init__(self, engine: GrammarEngine, hints: Sequence[str]) -> None:
        self._engine = engine
        self._hints = tuple(hints)
        self._recognizer: Recognizer | None = None

    def open_lane(self) -> None:
        """Make the recognizer; RecognitionFailed."""
        self._recognizer = self._engine.create_hinted_recognizer(self._hints)

    def borrow(self) -> Recognizer:
        """Return it."""
        if self._recognizer is None:
            self._recognizer = self._engine.create_hinted_recognizer(self._hints)
        return self._recognizer

    def give_back(self, recognizer: Recognizer) -> None:
        """Keep it for the next utterance."""
        recognizer.reset()

    def discard(self, recognizer: Recognizer) -> None:
        """Close it, which has failed."""
        self._recognizer = None
        recognizer.close()

    def close_lane(self) -> None:
        """Close it."""
        if self._recognizer is not None:
            self._recognizer.close()
            self._recognizer = None
