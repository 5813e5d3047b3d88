"""Is a file the one that the catalogue knows? By size and SHA-256, or MD5 where that is all that was published."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from app.speech.catalogue import CatalogueEntry
from app.speech.model_errors import ChecksumWrong

_CHUNK = 1 << 20


def require_checksum(entry: CatalogueEntry, path: Path, progress: Callable[[int, int], None]) -> None:
    """Raise ChecksumWrong, naming what was found and expected, unless `path` is the entry's zip."""
    advice = f"nothing was installed; fetch it again from {entry.url()}"
    size = path.stat().st_size
    if size != entry.size:
        raise ChecksumWrong(f"{path} is not {entry.name}.zip: it has {size} bytes, expected {entry.size}; {advice}")
    kind, expected = ("SHA-256", entry.sha256) if entry.sha256 else ("MD5", entry.md5)
    # MD5 guards against damage; against strangers it is only as good as the vendor's TLS.
    digest = hashlib.sha256() if entry.sha256 else hashlib.md5(usedforsecurity=False)
    done = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(done, size)
    if digest.hexdigest() != expected:
        raise ChecksumWrong(
            f"{path} is not {entry.name}.zip as the catalogue knows it: its {kind} is {digest.hexdigest()}, "
            f"expected {expected}; {advice}"
        )
