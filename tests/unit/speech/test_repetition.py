"""What counts as a loop of the model, and what people do say twice."""

import numpy as np
import pytest

from app.domain.audio import SAMPLE_RATE
from app.speech import moonshine_recognizer
from app.speech.moonshine_recognizer import MoonshineEngine
from app.speech.repetition import has_loop


@pytest.mark.parametrize(
    "text",
    [
        "Massachusetts, Massachusetts,",
        "I think that I think that I think that",
        "You know, you know, you know, you know, you know, you know.",
        "So it was the thing of it. The thing of it.",
        "no no no no no no",
    ],
)
def test_loops(text: str) -> None:
    assert has_loop(text)


@pytest.mark.parametrize(
    "text",
    ["", "Five five five, one two three four.", "No, no, no!", "very, very good", "I said yes and I said no.", "..."],
)
def test_what_people_say(text: str) -> None:
    assert not has_loop(text)


class LoopingModel:
    """Loses the thread where the sound begins at once."""

    def __init__(self, most_loops: int) -> None:
        self.most_loops = most_loops
        self.lengths: list[int] = []

    def decode(self, samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]], draft: tuple[int, ...] = ()) -> object:
        self.lengths.append(len(samples))
        return (1, 1) if len(self.lengths) <= self.most_loops else (2,)

    def text_of(self, tokens: tuple[int, ...]) -> str:
        return " ".join({1: "Massachusetts", 2: "Message"}[token] for token in tokens)


@pytest.mark.parametrize(("loops", "text"), [(0, "Message"), (1, "Message"), (3, "Message"), (4, "Massachusetts " * 2)])
def test_a_loop_is_decoded_anew_with_silence_before_it(loops: int, text: str) -> None:
    engine = object.__new__(MoonshineEngine)
    model = LoopingModel(loops)
    engine.__dict__["_model"] = model
    said, _ = engine.decode(bytes(2 * SAMPLE_RATE))
    assert said == text.strip()
    added = [length - model.lengths[0] for length in model.lengths]
    assert added == [0, *moonshine_recognizer._OTHER_BEGINNINGS][: len(added)]
    assert len(added) == min(loops, 3) + 1
