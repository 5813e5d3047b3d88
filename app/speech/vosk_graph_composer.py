"""Composes the graph of a Vosk model ahead, with Debian's libfst-tools: once per model, some minutes and gigabytes.

`python -m app.speech.vosk_graph_composer MODEL GRAPHS` does it; `callscribe models compose LANG` for the operator.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app.errors import CallscribeError
from app.logs import get_log
from app.speech.fst_files import take_words_out, write_const
from app.speech.installed_model import InstalledModel
from app.speech.self_check import check_model
from app.speech.vosk_graph import (
    COMPOSED,
    HELPERS,
    LANGUAGE,
    SOUNDS,
    WORDS,
    GraphNotComposed,
    change_for_graph,
    find_graph,
    is_composable,
    place_of_graph,
)
from app.speech.vosk_overlay import open_overlay

_log = get_log("speech")

TOOL: Final = "fstcompose"
PACKAGE: Final = "libfst-tools"
TIMEOUT_SECONDS: Final = 3600.0
"""The Korean model takes 2.5 minutes of a processor, of which calls may leave little."""
_NICENESS: Final = 10
_LIBRARIES: Final = ("libfstngram.so.*", "libfstlookahead.so.*")
"""They know the forms of Gr and HCLr; the tool asks for them by other names than Debian's, so they are loaded first."""
_LIBRARY_FOLDERS: Final = ("usr/lib/*-linux-gnu", "usr/lib64", "usr/lib", "usr/local/lib")


def has_tool() -> bool:
    """Tell whether graphs can be composed here."""
    return shutil.which(TOOL) is not None


def compose_graph(model: Path, graphs: Path) -> Path:
    """Return the folder in `graphs` with the composed graph of `model`, made and tried now where it is not there.

    Blocks for minutes, at low priority, and takes up to 20 times the size of Gr in memory and on disk.
    GraphNotComposed says why there is none; nothing is left behind then.
    """
    if (found := find_graph(graphs, model)) is not None:
        return found
    if not is_composable(model):
        raise GraphNotComposed(f"{model} has no graph to be composed: expected {SOUNDS}, {LANGUAGE} and {HELPERS}")
    tool = shutil.which(TOOL)
    if tool is None:
        raise GraphNotComposed(f"{TOOL} is not installed; it is in Debian's package {PACKAGE}")
    place = place_of_graph(graphs, model)
    graphs.mkdir(parents=True, exist_ok=True)
    try:
        # Beside its place, so that what has a name there is whole.
        with TemporaryDirectory(prefix=".unfinished-", dir=graphs) as name:
            made = Path(name) / "graph"
            made.mkdir(mode=0o755)
            _compose(tool, model, made)
            _try(model, made)
            _move(made, place)
    except (OSError, CallscribeError) as error:
        reason = error.message if isinstance(error, CallscribeError) else f"{type(error).__name__}: {error}"
        raise GraphNotComposed(f"the graph of {model} could not be composed: {reason}") from error
    _log.info("graph of a speech model composed", model=model.name, path=str(place))
    return place


def _compose(tool: str, model: Path, made: Path) -> None:
    plain, whole = made / "Gr.fst", made / "whole.fst"
    words = take_words_out(model / LANGUAGE, plain)
    _run([tool, str(model / SOUNDS), str(plain), str(whole)])
    plain.unlink()
    helpers = [int(label) for label in (model / HELPERS).read_text(encoding="utf-8").split()]
    write_const(whole, made / Path(COMPOSED).name, without=helpers)
    whole.unlink()
    lines = "".join(f"{word} {label}\n" for word, label in words.items())
    (made / Path(WORDS).name).write_text(lines, encoding="utf-8")


def _run(command: list[str]) -> None:
    preloaded = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), *_find_libraries(Path("/"))]))
    environment = {**os.environ, "LD_PRELOAD": preloaded} if preloaded else dict(os.environ)
    child = subprocess.Popen(  # noqa: S603 - the tool by its whole path, paths of ours
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    os.setpriority(os.PRIO_PROCESS, child.pid, _NICENESS)
    try:
        _, said = child.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise GraphNotComposed(f"{command[0]} was not done after {TIMEOUT_SECONDS:g} s") from None
    except BaseException:
        child.kill()
        child.communicate()
        raise
    if child.returncode != 0:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise GraphNotComposed(f"{command[0]} ended with {child.returncode}: {last[0]}")


def _find_libraries(root: Path) -> list[str]:
    found: list[str] = []
    for name in _LIBRARIES:
        paths = sorted(path for folder in _LIBRARY_FOLDERS for path in root.glob(f"{folder}/{name}"))
        found += [str(path) for path in paths[:1]]
    return found


def _try(model: Path, made: Path) -> None:
    """Load it and decode a little, in a process of its own; ModelBroken."""
    with open_overlay(model, change_for_graph(made)) as folder:
        check_model(InstalledModel("vosk", model.name, folder, "und"))


def _move(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():  # somebody else has made it meanwhile
            raise


def main(arguments: list[str]) -> int:
    """Compose the graph of MODEL into GRAPHS; the exit status says whether it is there."""
    model, graphs = map(Path, arguments)
    try:
        place = compose_graph(model, graphs)
    except GraphNotComposed as error:
        print(error.message, file=sys.stderr)
        return 1
    print(place)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
