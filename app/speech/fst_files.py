"""OpenFst's files, as far as a graph of Vosk needs them: header and words, and a graph from `vector` to `const` form.

A file is a header, symbol tables where the header's flags say so, and the body (OpenFst 1.7, fst.cc, symbol-table.cc,
vector-fst.h, const-fst.h; all little-endian). `vector` is what OpenFst's tools write: state by state its final weight,
how many arcs it has, and those. `const` is what is decoded with: all states, then all arcs, in two blocks.
"""

import shutil
import struct
from array import array
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from app.errors import CallscribeError

_MAGIC: Final = 2125659606
_SYMBOLS_MAGIC: Final = 2125658996
_INPUT_SYMBOLS, _OUTPUT_SYMBOLS, _ALIGNED = 1, 2, 4
_CONST_VERSION: Final = 2
_EXPANDED: Final = 1
_EPSILON: Final = 0
_STATE: Final = np.dtype(
    [("final", "<f4"), ("first", "<u4"), ("arcs", "<u4"), ("input_epsilons", "<u4"), ("output_epsilons", "<u4")]
)
_HEAD_WORDS: Final = 3
"""Of a state in `vector` form: final weight (4 bytes), number of arcs (8)."""
_ARC_WORDS: Final = 4
"""Input label, output label, weight, next state; 4 bytes each."""


class FstUnreadable(CallscribeError):
    """A file is not the graph that was expected; the message names the file and what is wrong with it."""

    code = "FST_UNREADABLE"


@dataclass(frozen=True, slots=True)
class FstHeader:
    """What stands at the beginning of every file."""

    kind: str
    arcs_kind: str
    version: int
    flags: int
    properties: int
    start: int
    states: int
    arcs: int

    def write(self, file: BinaryIO) -> None:
        """Write it as OpenFst does."""
        file.write(struct.pack("<i", _MAGIC))
        for text in (self.kind, self.arcs_kind):
            file.write(struct.pack("<i", len(text)) + text.encode())
        file.write(
            struct.pack("<iiQqqq", self.version, self.flags, self.properties, self.start, self.states, self.arcs)
        )


def read_header(file: BinaryIO) -> FstHeader:
    """Read the header; `file` stands behind it then. FstUnreadable."""
    magic = _read(file, "<i")
    if magic != _MAGIC:
        raise FstUnreadable(f"{_name(file)} is no graph of OpenFst: it begins with {magic:#x}, not {_MAGIC:#x}")
    kind, arcs_kind = _read_text(file), _read_text(file)
    version, flags, properties, start, states, arcs = struct.unpack("<iiQqqq", _take(file, 40))
    return FstHeader(kind, arcs_kind, version, flags, properties, start, states, arcs)


def take_words_out(source: Path, to: Path) -> dict[str, int]:
    """Write `source` to `to` without its symbols, and return its words (output symbols) with their labels.

    fstcompose 1.7.9 writes a table with a hole in it so that nobody can read it again. FstUnreadable where `source` has
    no words, or is aligned, so that its body cannot be moved.
    """
    words: dict[str, int] = {}
    with source.open("rb") as file:
        header = read_header(file)
        if header.flags & _ALIGNED or not header.flags & _OUTPUT_SYMBOLS:
            raise FstUnreadable(f"{source} has the flags {header.flags}; expected words, and no alignment")
        for flag in (_INPUT_SYMBOLS, _OUTPUT_SYMBOLS):
            if header.flags & flag:
                words = _read_symbols(file)
        with to.open("wb") as other:
            replace(header, flags=0).write(other)
            shutil.copyfileobj(file, other, 1 << 24)
    return words


def write_const(source: Path, to: Path, without: Collection[int]) -> None:
    """Write the graph `source`, in `vector` form without symbols, to `to` in `const` form; FstUnreadable.

    Input labels that are among `without` become epsilon. Takes three times the file's size in memory.
    """
    with source.open("rb") as file:
        header = read_header(file)
        if (header.kind, header.arcs_kind, header.flags) != ("vector", "standard", 0):
            raise FstUnreadable(f"{source} is a {header.kind} graph with flags {header.flags}; expected a plain vector")
        words = np.fromfile(file, "<i4")
    heads = _find_states(words, header.states, source)
    counts = words[heads + 1]
    arcs_from = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=arcs_from[1:])
    states = np.zeros(len(heads), _STATE)
    states["final"] = words[heads].view("<f4")
    states["first"], states["arcs"] = arcs_from[:-1], counts
    is_arc = np.ones(len(words), bool)
    for offset in range(_HEAD_WORDS):
        is_arc[heads + offset] = False
    arcs = words[is_arc].reshape(-1, _ARC_WORDS)
    del words, is_arc, heads
    arcs[np.isin(arcs[:, 0], list(without)), 0] = _EPSILON
    for name, column in (("input_epsilons", 0), ("output_epsilons", 1)):
        states[name] = _count_epsilons(arcs[:, column], arcs_from)
    with to.open("wb") as file:
        replace(
            header, kind="const", version=_CONST_VERSION, properties=_EXPANDED, states=len(states), arcs=len(arcs)
        ).write(file)
        states.tofile(file)
        arcs.tofile(file)


def _find_states(words: "np.ndarray[Any, Any]", expected: int, source: Path) -> "np.ndarray[Any, Any]":
    """Return at which words the states begin: one after the other tells where the next one is."""
    heads = array("q")
    view, at, end = words.data, 0, len(words)
    while at + _HEAD_WORDS <= end:
        heads.append(at)
        at += _HEAD_WORDS + _ARC_WORDS * view[at + 1]
    if at != end or len(heads) != expected:
        raise FstUnreadable(
            f"{source} has {len(heads)} states in {end} words, and says {expected}: it is cut or broken"
        )
    return np.frombuffer(heads, np.int64)


def _count_epsilons(labels: "np.ndarray[Any, Any]", arcs_from: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    before: np.ndarray[Any, Any] = np.zeros(len(labels) + 1, np.uint32)
    np.cumsum(labels == _EPSILON, out=before[1:], dtype=np.uint32)
    counts: np.ndarray[Any, Any] = before[arcs_from[1:]] - before[arcs_from[:-1]]
    return counts


def _read_symbols(file: BinaryIO) -> dict[str, int]:
    if _read(file, "<i") != _SYMBOLS_MAGIC:
        raise FstUnreadable(f"{_name(file)} has no symbols where its header says so")
    _read_text(file)
    _, size = struct.unpack("<qq", _take(file, 16))
    return {_read_text(file): _read(file, "<q") for _ in range(size)}


def _read_text(file: BinaryIO) -> str:
    try:
        return _take(file, _read(file, "<i")).decode()
    except UnicodeDecodeError:
        raise FstUnreadable(f"{_name(file)} is broken before byte {file.tell()}: there is no text") from None


def _read(file: BinaryIO, form: str) -> int:
    return int(struct.unpack(form, _take(file, struct.calcsize(form)))[0])


def _take(file: BinaryIO, size: int) -> bytes:
    taken = file.read(size) if size >= 0 else b""
    if len(taken) != size:
        raise FstUnreadable(f"{_name(file)} ends at byte {file.tell()}, or is broken before that")
    return taken


def _name(file: BinaryIO) -> str:
    return str(getattr(file, "name", "the file"))
