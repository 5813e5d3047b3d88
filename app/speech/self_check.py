"""The self-check: does a model load and decode 8 kHz audio? Tried in a child process, remembered by a receipt."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from app.logs import get_log
from app.speech.catalogue import Engine
from app.speech.installed_model import InstalledModel
from app.speech.model_errors import ModelBroken
from app.speech.vosk_folder import find_missing_in

log = get_log("self_check")

# The small models load in 3 s; the largest of the vendor's read several GB, perhaps from a slow disk.
TIMEOUT_SECONDS = 300.0
_CHECKOUT = Path(__file__).resolve().parents[2]
_PACKAGES = {Engine.VOSK: "vosk", Engine.MOONSHINE: "moonshine-voice"}
_MISMATCH = "Sampling frequency mismatch"


def check_model(
    model: InstalledModel, *, receipts: Path | None = None, timeout_seconds: float = TIMEOUT_SECONDS
) -> None:
    """Make sure that a model loads and decodes half a second of 8 kHz audio; ModelBroken says why it does not.

    Blocking (about 3 s for a small model): from async code, in a thread. The model is loaded in a child process, so
    a native crash, an abort or a hang is a ModelBroken and no more. With `receipts`, a folder, a model that passed
    is not loaded again until one of its files or the engine's version changes; then the check costs a millisecond.
    """
    _check_files(model)
    fingerprint = fingerprint_model(model)
    receipt = receipts / f"{model.name}.json" if receipts else None
    if receipt and _read_receipt(receipt) == fingerprint:
        return
    _decode_in_child(model, timeout_seconds)
    log.info("speech model checked at 8 kHz", engine=str(model.engine), model=model.name)
    if receipt:
        write_receipt(receipt, fingerprint)


def fingerprint_model(model: InstalledModel) -> str:
    """A hash of the names, sizes and times of a model's files and the version of its engine; not of its place."""
    digest = hashlib.sha256(version(_PACKAGES[Engine(model.engine)]).encode())
    for path in sorted(model.path.rglob("*")):
        if path.is_file():
            stat = path.stat()
            digest.update(f"{path.relative_to(model.path)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def write_receipt(receipt: Path, fingerprint: str) -> None:
    """Remember that a model passed; a folder that cannot be written to only means checking again next time."""
    beside = receipt.with_name(f".{receipt.name}.{os.getpid()}")
    try:
        receipt.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"passed": fingerprint}) + "\n", encoding="utf-8")
        beside.replace(receipt)
    except OSError as error:
        log.warning("receipt of a model check not written", path=str(receipt), reason=error.strerror)


def _read_receipt(receipt: Path) -> str | None:
    try:
        written = json.loads(receipt.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return written.get("passed") if isinstance(written, dict) else None


def _check_files(model: InstalledModel) -> None:
    if not model.path.is_dir():
        raise ModelBroken(model.name, f"there is no folder {model.path}; expected an unpacked {model.engine} model")
    missing = find_missing_in(model.path) if model.engine == Engine.VOSK else ""
    if missing:
        raise ModelBroken(
            model.name, f"{model.path} lacks {missing}; install it again: callscribe models install {model.language}"
        )


def _decode_in_child(model: InstalledModel, timeout_seconds: float) -> None:
    # -P: the folder that the child happens to run in must not be able to replace a module.
    command = [sys.executable, "-P", "-m", "app.speech.self_check_child", str(model.engine), str(model.path)]
    search_path = os.pathsep.join(filter(None, [str(_CHECKOUT), os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(  # noqa: S603 - our own module; engine and path are arguments, no shell reads them
            command,
            env={**os.environ, "PYTHONPATH": search_path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelBroken(
            model.name, f"it did not load and decode half a second of audio within {timeout_seconds:g} s"
        ) from None
    if done.returncode == 0:
        return
    said = done.stderr.decode("utf-8", "replace").strip()
    if _MISMATCH in said:
        raise ModelBroken(
            model.name,
            f"it refuses 8 kHz audio ({_MISMATCH}); add the line --allow-upsample=true to the mfcc.conf in "
            f"{model.path}, or let Callscribe do it: callscribe models install {model.language} --from MODEL.zip",
        )
    raise ModelBroken(model.name, f"{_name_end(done.returncode)}: {_find_reason(said)} (folder {model.path})")


def _name_end(status: int) -> str:
    if status < 0:
        return f"the engine crashed with {signal.Signals(-status).name}"
    return "the engine could not load it or decode half a second of 8 kHz audio"


def _find_reason(said: str) -> str:
    # Kaldi's own ERROR line says more than the exception that Python makes of it.
    lines = said.splitlines()
    errors = [line for line in lines if line.startswith(("ERROR", "ASSERTION_FAILED"))]
    return (errors or lines or ["it said nothing"])[-1]
