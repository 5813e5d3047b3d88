"""OpenFst's files: words out, and from one form to the other."""

import struct
from pathlib import Path

import pytest

from app.speech.fst_files import FstHeader, FstUnreadable, read_header, take_words_out, write_const

Arc = tuple[int, int, float, int]


def write_vector(path: Path, states: list[tuple[float, list[Arc]]], *, words: dict[str, int] | None = None) -> None:
    with path.open("wb") as file:
        FstHeader("vector", "standard", 2, 2 if words else 0, 3, 0, len(states), 0).write(file)
        if words:
            file.write(struct.pack("<i", 2125658996) + struct.pack("<i", 5) + b"words")
            file.write(struct.pack("<qq", len(words), len(words)))
            for word, label in words.items():
                text = word.encode()
                file.write(struct.pack("<i", len(text)) + text + struct.pack("<q", label))
        for final, arcs in states:
            file.write(struct.pack("<fq", final, len(arcs)))
            for arc in arcs:
                file.write(struct.pack("<iifi", *arc))


STATES: list[tuple[float, list[Arc]]] = [
    (float("inf"), [(5, 7, 0.5, 1), (9, 0, 0.25, 2), (0, 3, 0.125, 2)]),
    (float("inf"), []),
    (1.5, [(8, 0, 2.0, 0)]),
]


def test_a_graph_goes_from_vector_to_const_and_its_helpers_go(tmp_path: Path) -> None:
    write_vector(tmp_path / "whole", STATES)
    write_const(tmp_path / "whole", tmp_path / "const", without=[9, 8])
    with (tmp_path / "const").open("rb") as file:
        header = read_header(file)
        assert (header.kind, header.version, header.flags) == ("const", 2, 0)
        assert (header.start, header.states, header.arcs) == (0, 3, 4)
        states = [struct.unpack("<fIIII", file.read(20)) for _ in range(3)]
        assert states == [(float("inf"), 0, 3, 2, 1), (float("inf"), 3, 0, 0, 0), (1.5, 3, 1, 1, 1)]
        arcs = [struct.unpack("<iifi", file.read(16)) for _ in range(4)]
        assert arcs == [(5, 7, 0.5, 1), (0, 0, 0.25, 2), (0, 3, 0.125, 2), (0, 0, 2.0, 0)]
        assert file.read() == b""


def test_words_are_taken_out(tmp_path: Path) -> None:
    words = {"<eps>": 0, "왜": 7, "#0": 9}
    write_vector(tmp_path / "with", STATES, words=words)
    write_vector(tmp_path / "without", STATES)
    assert take_words_out(tmp_path / "with", tmp_path / "out") == words
    assert (tmp_path / "out").read_bytes() == (tmp_path / "without").read_bytes()


def test_what_is_no_such_graph_is_refused(tmp_path: Path) -> None:
    whole, broken, to = tmp_path / "whole", tmp_path / "broken", tmp_path / "to"
    write_vector(whole, STATES, words={"a": 1})
    with pytest.raises(FstUnreadable, match="expected a plain vector"):
        write_const(whole, to, without=[])
    write_vector(whole, STATES)
    with pytest.raises(FstUnreadable, match="expected words"):
        take_words_out(whole, to)
    for size in (0, 3, 10, 30):
        broken.write_bytes(whole.read_bytes()[:size])
        with pytest.raises(FstUnreadable, match="broken"):
            write_const(broken, to, without=[])
    for size in (-16, -12, -4):
        broken.write_bytes(whole.read_bytes()[:size])
        with pytest.raises(FstUnreadable, match="cut or broken"):
            write_const(broken, to, without=[])
    broken.write_bytes(b"#!/bin/sh, and more of it")
    with pytest.raises(FstUnreadable, match="no graph of OpenFst"):
        write_const(broken, to, without=[])
