"""Moonshine's networks as we build them, on human speech."""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from app.speech.moonshine_model import MoonshineModel, Samples
from app.speech.moonshine_recognizer import MoonshineEngine
from app.speech.recognizer import RecognitionFailed
from benchmarks.scores import word_error_rate
from tests.speech_files import librivox_files, read_samples


def model_folder() -> Path:
    spec = find_spec("moonshine_voice")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "assets" / "tiny-en"


@pytest.fixture(scope="module")
def model() -> MoonshineModel:
    return MoonshineModel(model_folder())


def sound_of(path: Path) -> Samples:
    samples = np.frombuffer(read_samples(path), np.int16).astype(np.float32) / 32768
    return np.concatenate([samples, np.zeros(1600, np.float32)])


def test_human_speech_is_understood(model: MoonshineModel) -> None:
    files = librivox_files()
    heard = [model.text_of(model.decode(sound_of(path))) for path, _ in files]
    assert word_error_rate([text for _, text in files], heard) < 0.12
    assert all(text[0].isupper() for text in heard)


def test_a_draft_changes_nothing(model: MoonshineModel) -> None:
    sound = sound_of(librivox_files()[0][0])
    tokens = model.decode(sound)
    assert len(tokens) > 8
    for draft in (tokens, tokens[:-2], tokens[:3], (*tokens[:4], 77, 78, 79), (*tokens, 77), (77,) * 200):
        assert model.decode(sound, draft) == tokens


def test_a_draft_of_less_sound_is_a_help_at_its_beginning(model: MoonshineModel) -> None:
    sound = sound_of(librivox_files()[0][0])
    draft = model.decode(sound[: len(sound) // 2])
    assert model.decode(sound, draft) == model.decode(sound)


def test_threads_share_one_model(model: MoonshineModel) -> None:
    sounds = [sound_of(path) for path, _ in librivox_files()]
    alone = [model.decode(sound) for sound in sounds]
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(model.decode, sounds * 3)) == alone * 3


def test_silence_and_the_shortest_sound_end(model: MoonshineModel) -> None:
    assert len(model.decode(np.zeros(8000, np.float32))) <= 7
    assert len(model.decode(np.zeros(1700, np.float32))) <= 2


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecognitionFailed, match="cannot be read"):
        MoonshineModel(tmp_path)


def test_a_broken_model_is_told(tmp_path: Path) -> None:
    for each in model_folder().iterdir():
        (tmp_path / each.name).write_bytes(bytes(2000))
    with pytest.raises(RecognitionFailed):
        MoonshineModel(tmp_path)


def test_a_recognizer_decodes_an_utterance_once_and_forgets_it() -> None:
    engine = MoonshineEngine(model_folder())
    recognizer = engine.create_recognizer()
    path, text = librivox_files()[0]
    pcm = read_samples(path)
    recognizer.accept(pcm[: len(pcm) // 2 & ~1])
    assert recognizer.interim()
    recognizer.accept(pcm[len(pcm) // 2 & ~1 :])
    recognizer.prepare()
    assert word_error_rate([text], [recognizer.finish().text]) < 0.2
    assert recognizer.interim() == ""
    recognizer.accept(bytes(3200))
    assert recognizer.finish().text == ""
    engine.close()
