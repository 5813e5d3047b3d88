"""Composed graphs: made once, found by what they were made of, and nothing half-made is ever found."""

import os
from pathlib import Path

import pytest

from app.speech import vosk_graph_composer
from app.speech.model_errors import ModelBroken
from app.speech.vosk_graph import COMPOSED, GraphNotComposed, change_for_graph, find_graph, graphs_in, is_composable
from app.speech.vosk_graph_composer import compose_graph
from tests.unit.speech.test_fst_files import STATES, write_vector

TOOL = """#!/bin/sh
printf 'composing\\n' >> "{log}"
[ "{fault}" = "" ] || {{ echo "first"; echo "{fault}" >&2; exit 1; }}
cp "{whole}" "$3"
"""


class Tool:
    """Stands in for fstcompose: gives out a graph that was made before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        write_vector(folder / "whole.fst", STATES)
        self.write()

    def write(self, fault: str = "") -> None:
        path = self.folder / "fstcompose"
        path.write_text(TOOL.format(log=self.folder / "log", whole=self.folder / "whole.fst", fault=fault))
        path.chmod(0o755)

    @property
    def runs(self) -> int:
        log = self.folder / "log"
        return log.read_text().count("\n") if log.exists() else 0


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    made = Tool(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(vosk_graph_composer, "check_model", lambda model: None)
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "graph").mkdir(parents=True)
    (folder / "graph" / "HCLr.fst").write_bytes(b"sounds")
    (folder / "graph" / "disambig_tid.int").write_text("8\n9\n")
    write_vector(folder / "graph" / "Gr.fst", STATES, words={"<eps>": 0, "왜": 7})
    return folder


def test_a_graph_is_made_once_and_found(model: Path, tool: Tool, tmp_path: Path) -> None:
    graphs = graphs_in(tmp_path)
    assert find_graph(graphs, model) is None
    place = compose_graph(model, graphs)
    assert compose_graph(model, graphs) == place == find_graph(graphs, model)
    assert tool.runs == 1
    assert (place / "words.txt").read_text() == "<eps> 0\n왜 7\n"
    assert sorted(path.name for path in place.iterdir()) == ["HCLG.fst", "words.txt"]
    assert [path for path in graphs.iterdir() if path != place] == []
    changes = change_for_graph(place)
    assert changes[COMPOSED] == place / "HCLG.fst"
    assert changes["graph/HCLr.fst"] is changes["graph/Gr.fst"] is None


def test_a_model_that_has_changed_has_no_graph(model: Path, tool: Tool, tmp_path: Path) -> None:
    compose_graph(model, tmp_path / "graphs")
    (model / "graph" / "HCLr.fst").write_bytes(b"others")
    assert find_graph(tmp_path / "graphs", model) is None
    assert find_graph(None, model) is None


def test_a_model_with_a_whole_graph_needs_none(model: Path, tool: Tool, tmp_path: Path) -> None:
    (model / COMPOSED).write_bytes(b"whole")
    assert not is_composable(model)
    with pytest.raises(GraphNotComposed, match="no graph to be composed"):
        compose_graph(model, tmp_path / "graphs")


def test_what_goes_wrong_is_said_and_leaves_nothing(
    model: Path, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = tmp_path / "graphs"
    tool.write("out of memory")
    with pytest.raises(GraphNotComposed, match="fstcompose ended with 1: out of memory"):
        compose_graph(model, graphs)
    tool.write()
    (tool.folder / "whole.fst").write_bytes(b"half")
    with pytest.raises(GraphNotComposed, match="no graph of OpenFst"):
        compose_graph(model, graphs)
    write_vector(tool.folder / "whole.fst", STATES)

    def refuse(_: object) -> None:
        raise ModelBroken("model", "the engine crashed")

    monkeypatch.setattr(vosk_graph_composer, "check_model", refuse)
    with pytest.raises(GraphNotComposed, match="the engine crashed"):
        compose_graph(model, graphs)
    assert list(graphs.iterdir()) == []
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GraphNotComposed, match="libfst-tools"):
        compose_graph(model, graphs)


def test_libraries_are_found_where_distributions_have_them(tmp_path: Path) -> None:
    folder = tmp_path / "usr" / "lib" / "x86_64-linux-gnu"
    folder.mkdir(parents=True)
    for name in ("libfstngram.so.22", "libfstngram.so.22.0.0", "libfstlookahead.so.22", "libfst.so.22"):
        (folder / name).touch()
    found = vosk_graph_composer._find_libraries(tmp_path)
    assert found == [str(folder / "libfstngram.so.22"), str(folder / "libfstlookahead.so.22")]
