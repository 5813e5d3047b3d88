"""Moonshine on onnxruntime: 8 kHz sound in, tokens out, and tokens as text."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.domain.audio import SAMPLE_RATE
from app.speech.moonshine_graph import HEAD_WIDTH, HEADS, HEARD, PAST, PRESENT, make_decoder, make_encoder
from app.speech.moonshine_weights import MoonshineWeights
from app.speech.recognizer import RecognitionFailed

Samples = np.ndarray[Any, np.dtype[np.float32]]
Tokens = tuple[int, ...]

_BEGIN: Final = 1
_END: Final = 2
_TOKENS_PER_SECOND: Final = 6.5
"""More is no speech but a loop: an utterance ends there, as in Moonshine's own library."""
_SPACE: Final = "▁".encode()


@dataclass(frozen=True, slots=True)
class _State:
    """What the decoder knows of the tokens before: values of onnxruntime in the order of PAST."""

    values: tuple[Any, ...]
    length: int


class MoonshineModel:
    """The tiny English model of PyPI's moonshine-voice. One object serves any number of threads at a time."""

    def __init__(self, path: Path) -> None:
        """Load the model in the folder `path`; RecognitionFailed when it cannot be."""
        encoder = MoonshineWeights(path / "encoder_model.ort")
        decoder = MoonshineWeights(path / "decoder_model_merged.ort")
        self._texts = _read_tokenizer(path / "tokenizer.bin")
        self._encoder = _open_session(make_encoder(encoder, decoder))
        self._decoder = _open_session(make_decoder(decoder))
        self._nothing = _State((_value(np.zeros((1, HEADS, 0, HEAD_WIDTH), np.float32)),) * len(PAST), 0)

    def decode(self, samples: Samples, draft: Tokens = ()) -> Tokens:
        """Return the tokens of an utterance (8 kHz, -1 to 1).

        `draft`: what it most likely begins with, as an earlier decode of less of it gave: what of it is right is
        verified in one step, instead of found in one for each token. The outcome is the same with any draft.
        """
        heard = dict(zip(HEARD, self._hear(samples), strict=True))
        most = math.ceil(len(samples) / SAMPLE_RATE * _TOKENS_PER_SECOND)
        following, state = self._step((_BEGIN, *draft[: most - 1]), self._nothing, heard)
        count = next((at for at, token in enumerate(draft[: most - 1]) if following[at] != token), len(following) - 1)
        tokens = [int(token) for token in following[: count + 1]]
        if _END not in tokens and count + 1 < state.length:
            state = _State(tuple(_value(each.numpy()[:, :, : count + 1]) for each in state.values), count + 1)
        while _END not in tokens[-1:] and len(tokens) < most:
            following, state = self._step(tokens[-1:], state, heard)
            tokens.append(int(following[0]))
        return tuple(tokens[: tokens.index(_END)] if _END in tokens else tokens)

    def text_of(self, tokens: Tokens) -> str:
        """Return tokens as text, trimmed."""
        parts = (self._texts[token] for token in tokens if token < len(self._texts))
        spoken = b"".join(part for part in parts if not (len(part) > 2 and part[:1] == b"<" and part[-1:] == b">"))
        return spoken.replace(_SPACE, b" ").decode("utf-8", "replace").strip()

    def _hear(self, samples: Samples) -> Any:
        return self._run(self._encoder, HEARD, {"samples": _value(samples[None, None])})

    def _step(self, tokens: "Tokens | list[int]", state: _State, heard: dict[str, Any]) -> tuple[Any, _State]:
        given = heard | dict(zip(PAST, state.values, strict=True))
        given["tokens"] = _value(np.array([tokens], np.int64))
        given["first"] = _value(np.array([state.length], np.int64))
        following, *values = self._run(self._decoder, ("next", *PRESENT), given)
        return following.numpy()[0], _State(tuple(values), state.length + len(tokens))

    def _run(self, session: Any, outputs: tuple[str, ...], given: dict[str, Any]) -> Any:
        try:
            return session.run_with_ort_values(outputs, given)
        except Exception as error:
            raise RecognitionFailed(f"Moonshine failed: {error}") from error


def _open_session(graph: bytes) -> Any:
    """Open a graph so that it runs on the thread that asks, and on no other."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise RecognitionFailed(f"Moonshine's model does not load: {error}") from error


def _value(array: "np.ndarray[Any, np.dtype[Any]]") -> Any:
    import onnxruntime

    return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def _read_tokenizer(path: Path) -> list[bytes]:
    """Read the tokens' texts: each its length (from 128 on in two bytes, the low seven bits first), then its bytes."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecognitionFailed(f"Moonshine's {path} cannot be read: {error.strerror}") from error
    texts = []
    at = 0
    while at < len(content):
        length = content[at]
        at += 1
        if length >= 128:
            length += content[at] * 128 - 128
            at += 1
        texts.append(content[at : at + length])
        at += length
    return texts
