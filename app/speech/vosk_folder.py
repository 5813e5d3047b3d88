"""The folder of a Vosk model: what must be in it, the line that lets it take 8 kHz, and who it was installed for."""

import json
from pathlib import Path

from app.domain.language import parse_language

# The two layouts that Vosk loads (vosk-api, src/model.cc: ConfigureV2 and ConfigureV1); one of each group is enough.
_GRAPHS_IN_FOLDER = ("graph/HCLr.fst", "graph/HCLG.fst")
_GRAPHS_FLAT = ("HCLr.fst", "HCLG.fst")
_LAYOUTS = (
    (("am/final.mdl",), ("conf/mfcc.conf", "conf/fbank.conf"), _GRAPHS_IN_FOLDER),
    (("final.mdl",), ("mfcc.conf",), _GRAPHS_FLAT),
)
_FEATURE_FILES = ("conf/mfcc.conf", "conf/fbank.conf", "mfcc.conf")
_ALLOW_UPSAMPLE = "--allow-upsample="
_LABEL = "callscribe.json"


def find_missing(names: set[str]) -> str:
    """Say what a set of relative file names lacks to be a Vosk model; empty when nothing is missing."""
    faults: list[list[str]] = []
    for layout in _LAYOUTS:
        missing: list[str] = [" or ".join(group) for group in layout if not names.intersection(group)]
        if not missing:
            return ""
        faults.append(missing)
    fewest: list[str] = min(faults, key=len)
    return ", ".join(fewest)


def find_missing_in(folder: Path) -> str:
    """Say what a folder on disk lacks to be a Vosk model; empty when nothing is missing."""
    wanted = {name for layout in _LAYOUTS for group in layout for name in group}
    return find_missing({name for name in wanted if (folder / name).is_file()})


def allow_8_khz(folder: Path) -> bool:
    """Let a 16 kHz model take 8 kHz telephone audio; return whether its configuration had to be changed.

    Kaldi refuses audio below the model's rate ("Sampling frequency mismatch") unless the features' configuration
    has `--allow-upsample=true`; the small models for other languages than Korean lack that line.
    """
    is_changed = False
    for name in _FEATURE_FILES:
        path = folder / name
        if not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.strip().startswith(_ALLOW_UPSAMPLE)]
        line = _ALLOW_UPSAMPLE + "true"
        if line in {written.strip() for written in lines} and len(kept) == len(lines) - 1:
            continue
        path.write_text("\n".join([*kept, line]) + "\n", encoding="utf-8")
        is_changed = True
    return is_changed


def write_label(folder: Path, language: str) -> None:
    """Note in the folder which language an operator's model was installed for (`language`: a canonical tag)."""
    (folder / _LABEL).write_text(json.dumps({"language": language}) + "\n", encoding="utf-8")


def read_label(folder: Path) -> str | None:
    """The language tag that a model was installed for; None where the folder has no readable label."""
    try:
        label = json.loads((folder / _LABEL).read_text(encoding="utf-8"))
        return parse_language(label["language"]).tag
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
