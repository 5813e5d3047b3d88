"""Which graph a Vosk model is loaded with: the composed one where it is there, its own two for grammars."""

from pathlib import Path

import pytest
import vosk

from app.speech.recognizer import RecognitionFailed
from app.speech.vosk_graph import place_of_graph
from app.speech.vosk_recognizer import VoskEngine
from app.speech.vosk_tuning import VoskTuning


class StubModel:
    """Notes what it was loaded from, and knows every word."""

    loaded: list[dict[str, str]] = []  # noqa: RUF012 - of all, reset by the fixture

    def __init__(self, path: str) -> None:
        folder = Path(path)
        found = {str(each.relative_to(folder)): each.read_text() for each in folder.glob("*/*") if each.is_file()}
        if "broken" in found.values():
            raise OSError("scripted to fail")
        self.files = found
        StubModel.loaded.append(found)

    def vosk_model_find_word(self, word: str) -> int:
        return 1


class StubKaldi:
    made: list[tuple[StubModel, tuple[str, ...]]] = []  # noqa: RUF012 - of all, reset by the fixture

    def __init__(self, model: StubModel, rate: int, *grammar: str) -> None:
        StubKaldi.made.append((model, grammar))

    def SetWords(self, words: bool) -> None:  # noqa: N802 - Vosk's
        pass

    def AcceptWaveform(self, pcm: bytes) -> bool:  # noqa: N802 - Vosk's
        return False

    def FinalResult(self) -> str:  # noqa: N802 - Vosk's
        return '{"text": ""}'


@pytest.fixture(autouse=True)
def stubs(monkeypatch: pytest.MonkeyPatch) -> None:
    StubModel.loaded, StubKaldi.made = [], []
    monkeypatch.setattr(vosk, "Model", StubModel)
    monkeypatch.setattr(vosk, "KaldiRecognizer", StubKaldi)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name in ("graph/HCLr.fst", "graph/Gr.fst", "graph/disambig_tid.int", "am/final.mdl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "conf").mkdir()
    (folder / "conf" / "model.conf").write_text("--beam=10.0\n--max-active=3000\n")
    return folder


@pytest.fixture
def graphs(model: Path, tmp_path: Path) -> Path:
    place = place_of_graph(tmp_path / "graphs", model)
    place.mkdir(parents=True)
    (place / "HCLG.fst").write_text("composed")
    (place / "words.txt").write_text("words")
    return tmp_path / "graphs"


def test_the_composed_graph_is_decoded_with_and_the_search_is_the_models_own(model: Path, graphs: Path) -> None:
    engine = VoskEngine(model, graphs=graphs)
    engine.create_recognizer()
    assert len(StubModel.loaded) == 1
    files = StubModel.loaded[0]
    assert (files["graph/HCLG.fst"], files["graph/words.txt"], files["am/final.mdl"]) == (
        *("composed", "words", "am/final.mdl"),
    )
    assert "graph/HCLr.fst" not in files
    assert "graph/Gr.fst" not in files
    assert files["conf/model.conf"] == "--beam=10.0\n--max-active=3000\n"


def test_a_grammar_loads_the_two_once(model: Path, graphs: Path) -> None:
    engine = VoskEngine(model, graphs=graphs)
    for _ in range(2):
        engine.create_hinted_recognizer(["yes"])
    assert len(StubModel.loaded) == 2
    assert "graph/HCLG.fst" not in StubModel.loaded[1]
    assert {"graph/HCLr.fst", "graph/Gr.fst"} <= set(StubModel.loaded[1])
    assert [(made.files is StubModel.loaded[1], bool(grammar)) for made, grammar in StubKaldi.made] == [
        (True, True)
    ] * 2
    engine.close()


def test_without_a_composed_graph_less_is_searched(model: Path, tmp_path: Path) -> None:
    for graphs in (None, tmp_path / "nothing"):
        engine = VoskEngine(model, graphs=graphs)
        engine.create_hinted_recognizer(["yes"])
    VoskEngine(model, VoskTuning(0, 0))
    assert [files["conf/model.conf"] for files in StubModel.loaded] == [
        "--beam=9\n--max-active=2000\n",
        "--beam=9\n--max-active=2000\n",
        "--beam=10.0\n--max-active=3000\n",
    ]


def test_a_model_that_does_not_load_is_named(model: Path) -> None:
    (model / "am" / "final.mdl").write_text("broken")
    with pytest.raises(RecognitionFailed, match=r"could not load the model in .*model: scripted to fail"):
        VoskEngine(model)
