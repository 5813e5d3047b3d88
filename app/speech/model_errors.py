"""What can be wrong with a speech model: broken where it stands, or not installable."""

import errno
from pathlib import Path

from app.errors import CallscribeError, LanguageNotInstalled

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ModelBroken(CallscribeError):
    """An installed model does not load, or does not decode 8 kHz audio; the message says why and what to do."""

    code = "MODEL_BROKEN"

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"the speech model {name} is not usable: {fault}", model=name)
        self.name = name
        self.fault = fault


class EngineLacksLanguage(LanguageNotInstalled):
    """The engine that CALLSCRIBE_RECOGNIZER chooses has no model for the language and never will."""

    def __init__(self, language: str, engine: str) -> None:
        super().__init__(language)
        self.message = (
            f"no {engine} model for {language} exists, and CALLSCRIBE_RECOGNIZER chooses {engine}; "
            f"expected CALLSCRIBE_RECOGNIZER=auto or {language}=vosk, and: callscribe models install {language}"
        )
        self.args = (self.message,)


class ModelInstallFailed(CallscribeError):
    """A model was not installed; nothing of it is left where a recognizer would look."""

    code = "MODEL_INSTALL_FAILED"


class DownloadFailed(ModelInstallFailed):
    """The server did not give the file; the message names the URL, what was expected and the way without it."""

    retryable = True

    def __init__(self, url: str, fault: str) -> None:
        super().__init__(
            f"could not download {url}: {fault}. Try again later, or fetch that file on another machine and install it "
            f"with --from MODEL.zip, or name a mirror in CALLSCRIBE_VOSK_MODEL_URL",
            url=url,
        )


class ChecksumWrong(ModelInstallFailed):
    """The file is not the one that the catalogue knows; it was not unpacked."""


class ArchiveRefused(ModelInstallFailed):
    """The zip is damaged, dangerous or not a Vosk model; it was not unpacked."""


class DiskFull(ModelInstallFailed):
    """The disk is, or would be, full."""

    def __init__(self, path: Path, needed: int | None = None, free: int | None = None) -> None:
        amount = (
            f"{needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free" if needed and free is not None else ""
        )
        super().__init__(
            f"not enough room on the disk of {path}{': ' + amount if amount else ''}; "
            "make room, or put CALLSCRIBE_INSTALL_DIR on another disk",
            path=str(path),
        )


def cannot_write(path: Path, error: OSError) -> ModelInstallFailed:
    """Turn a failed write into the error to raise: DiskFull for a full disk, quota or file size limit."""
    if error.errno in _FULL:
        return DiskFull(path)
    return ModelInstallFailed(
        f"cannot write {path}: {error.strerror}; expected a folder that this user may write to "
        "(CALLSCRIBE_INSTALL_DIR)",
        path=str(path),
    )
