"""Installing a Vosk model: fetch or take a zip, check it, unpack it beside, self-check it, and only then show it."""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.language import Language, parse_language
from app.errors import InvalidArgument, InvalidSetting
from app.logs import get_log
from app.speech.catalogue import CATALOGUE, VENDOR_URL, CatalogueEntry, Engine, Source, rank
from app.speech.checksum import require_checksum
from app.speech.disk import make_folder, remove_tree, require_room
from app.speech.installed_model import InstalledModel
from app.speech.model_archive import ModelArchive, read_archive, unpack
from app.speech.model_download import Download, DownloadLimits
from app.speech.model_errors import ChecksumWrong, DiskFull, ModelBroken, ModelInstallFailed, cannot_write
from app.speech.model_library import ModelLibrary, ModelPlaces
from app.speech.self_check import check_model, fingerprint_model, write_receipt
from app.speech.vosk_folder import allow_8_khz, write_label

log = get_log("model_installer")

URL_VARIABLE = "CALLSCRIBE_VOSK_MODEL_URL"
# What the small models unpack to, at most, for each byte of the zip; known exactly only once the zip is there.
_UNPACKED_PER_BYTE = 3

Progress = Callable[[str, int, int], None]
"""Gets the step (`waiting`, `downloading`, `checking`, `unpacking`, `testing`), the bytes done, and those in all."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What came of it: the model, and whether it had been there already."""

    model: InstalledModel
    was_there: bool


class ModelInstaller:
    """Installs into one installation folder. All methods block: from async code, in a thread."""

    def __init__(
        self,
        install_dir: Path,
        *,
        base_url: str = VENDOR_URL,
        progress: Progress = lambda _step, _done, _total: None,
        catalogue: Sequence[CatalogueEntry] = CATALOGUE,
        limits: DownloadLimits | None = None,
    ) -> None:
        """`base_url`: the folder of the zips; InvalidSetting unless it is http or https."""
        if not base_url.startswith(("http://", "https://")):
            raise InvalidSetting(URL_VARIABLE, f"{base_url!r} is wrong; expected a URL such as {VENDOR_URL}")
        self._places = ModelPlaces(install_dir)
        self._base_url = base_url
        self._progress = progress
        self._catalogue = catalogue
        self._limits = limits or DownloadLimits()

    def install(self, tag: str) -> Installation:
        """Download and install the catalogue's Vosk model for a language; at once when it is there already.

        A tag that is not in the catalogue gets the model that would serve it (en-AU: en-US's; zh-TW: none).
        InvalidArgument("language") when the catalogue has none; DownloadFailed, ChecksumWrong, ArchiveRefused,
        DiskFull, ModelInstallFailed (it does not work): then nothing of the model is left but, after a cut transfer,
        the part to go on from.
        """
        entry, packaged = self._choose(_parse(tag))
        if packaged is not None:
            return Installation(packaged, was_there=True)
        with self._open_lock(entry.name):
            present = self._find_present(entry.name)
            if present is not None:
                return Installation(present, was_there=True)
            url = entry.url(self._base_url)
            part = self._places.unfinished / f"{entry.name}.zip.part"
            require_room(part.parent, entry.size * (1 + _UNPACKED_PER_BYTE))
            log.info("model download started", model=entry.name, url=url, size=entry.size)
            self._fetch(entry, url, part)
            try:
                archive = read_archive(part, title=f"{entry.name}.zip")
                model = self._install_archive(archive, entry.language, name=entry.name)
            finally:
                part.unlink(missing_ok=True)
        return Installation(model, was_there=False)

    def install_file(self, tag: str, path: Path) -> Installation:
        """Install a model's zip for a language. Blocking.

        A model that the catalogue knows by name must be its very file (ChecksumWrong) and of that language
        (InvalidArgument); any other one is taken as the operator's own model for the language, if it is a Vosk model.
        """
        language = _parse(tag)
        if not path.is_file():
            raise InvalidArgument("from", f"there is no file {path}; expected the zip of a Vosk model")
        entry = self._find_entry(path.stem) or self._find_entry(read_archive(path).name)
        if entry is not None and rank(language, entry.language) is None:
            raise InvalidArgument(
                "language", f"{entry.name} is a model for {entry.language}, expected one for {language.tag}"
            )
        name, model_language = (entry.name, entry.language) if entry else (read_archive(path).name, language.tag)
        with self._open_lock(name):
            present = self._find_present(name)
            if present is not None and present.language == model_language:
                return Installation(present, was_there=True)
            if entry is not None:
                require_checksum(entry, path, self._show("checking"))
            model = self._install_archive(read_archive(path), model_language, name=name)
        return Installation(model, was_there=False)

    def _choose(self, language: Language) -> tuple[CatalogueEntry, InstalledModel | None]:
        ranked = [
            (fit, entry)
            for entry in self._catalogue
            if entry.engine is Engine.VOSK and (fit := rank(language, entry.language)) is not None
        ]
        if not ranked:
            raise InvalidArgument(
                "language",
                f"the catalogue has no Vosk model for {language.tag}; expected one of {self._list_tags()}, or a model "
                f"of your own: fetch a zip from {VENDOR_URL} and run: callscribe models install {language.tag} "
                "--from MODEL.zip",
            )
        best = min(fit for fit, _ in ranked)
        entries = [entry for fit, entry in ranked if fit == best]
        # Where a Python package brought the model of this language along, there is nothing to download.
        for entry in entries:
            path = entry.packaged_path()
            if path is not None:
                return entry, InstalledModel(str(entry.engine), entry.name, path, entry.language)
        vendor = [entry for entry in entries if entry.source is Source.VENDOR]
        if not vendor:
            raise ModelInstallFailed(
                f"{entries[0].name} comes in the Python package {entries[0].package}, which is not installed; "
                "expected the packages of the project's lock file"
            )
        return vendor[0], None

    def _find_entry(self, name: str) -> CatalogueEntry | None:
        return next((entry for entry in self._catalogue if entry.name == name), None)

    def _find_present(self, name: str) -> InstalledModel | None:
        """The model when it is installed and works (a receipt makes this quick); None when it has to be installed."""
        library = ModelLibrary(self._places.install_dir, catalogue=self._catalogue)
        folder = self._places.vosk / name
        model = next((model for _, model in library.installed() if model.path == folder), None)
        if model is None:
            return None
        try:
            check_model(model, receipts=self._places.receipts)
        except ModelBroken as error:
            log.warning("installed model is broken, installing it again", model=name, reason=error.fault)
            return None
        return model

    def _fetch(self, entry: CatalogueEntry, url: str, part: Path) -> None:
        """Get the catalogue's very file into `part`, or leave only what a later download can go on from."""
        download = Download(url, part, entry.size, self._show("downloading"), self._limits)
        try:
            is_resumed = download.fetch()
            try:
                require_checksum(entry, part, self._show("checking"))
            except ChecksumWrong:
                part.unlink()
                if not is_resumed:
                    raise
                log.warning("resumed download has a wrong checksum, fetching it anew", model=entry.name)
                download.fetch()
                require_checksum(entry, part, self._show("checking"))
        except (ChecksumWrong, DiskFull):
            # Half a download is worth keeping, but not a wrong one, and not on a full disk.
            part.unlink(missing_ok=True)
            raise

    def _show(self, step: str) -> Callable[[int, int], None]:
        return lambda done, total: self._progress(step, done, total)

    def _install_archive(self, archive: ModelArchive, language: str, *, name: str) -> InstalledModel:
        """Unpack beside, allow 8 kHz, self-check, and rename: only a model that works ever has its final name."""
        staging = self._places.unfinished / name
        target = self._places.vosk / name
        remove_tree(staging)  # what a killed installer left; the lock is ours now
        require_room(staging.parent, archive.unpacked_size)
        try:
            unpack(archive, staging, self._show("unpacking"))
            try:
                if allow_8_khz(staging):
                    log.info("model was made for 16 kHz, allowed to take 8 kHz", model=name)
                write_label(staging, language)
            except OSError as error:
                raise cannot_write(staging, error) from None
            self._progress("testing", 0, 1)
            try:
                check_model(InstalledModel(str(Engine.VOSK), name, staging, language))
            except ModelBroken as error:
                raise ModelInstallFailed(f"{name} was not installed, it does not work: {error.fault}") from None
            make_folder(target.parent)
            remove_tree(target)  # there only when it is broken or was for another language
            staging.rename(target)
        finally:
            remove_tree(staging)
        model = InstalledModel(str(Engine.VOSK), name, target, language)
        write_receipt(self._places.receipts / f"{name}.json", fingerprint_model(model))
        self._progress("testing", 1, 1)
        log.info("model installed", model=name, language=language, size=archive.unpacked_size)
        return model

    @contextmanager
    def _open_lock(self, name: str) -> Iterator[None]:
        """Hold the lock of a model's name among all processes of the machine; waits for who has it."""
        path = self._places.unfinished / f"{name}.lock"
        make_folder(path.parent)
        try:
            stream = path.open("ab")
        except OSError as error:
            raise cannot_write(path, error) from None
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._progress("waiting", 0, 1)
                fcntl.flock(stream, fcntl.LOCK_EX)
            # Closing the file, also by the end of the process, lets go of the lock.
            yield

    def _list_tags(self) -> str:
        return ", ".join(dict.fromkeys(entry.language for entry in self._catalogue if entry.engine is Engine.VOSK))


def _parse(tag: str) -> Language:
    try:
        return parse_language(tag)
    except ValueError as error:
        raise InvalidArgument("language", str(error)) from None
