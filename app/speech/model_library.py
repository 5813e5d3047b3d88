"""The library: which installed model decodes a language, and which languages there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.language import Language, parse_language
from app.errors import InvalidArgument, InvalidSetting, LanguageNotInstalled
from app.speech.catalogue import CATALOGUE, CatalogueEntry, Engine, Source, rank
from app.speech.installed_model import InstalledModel
from app.speech.model_errors import EngineLacksLanguage, ModelBroken
from app.speech.recognizer_choice import VOSK_MODELS_VARIABLE, RecognizerChoice
from app.speech.self_check import check_model
from app.speech.vosk_folder import find_missing_in, read_label

_AUTO = RecognizerChoice()


@dataclass(frozen=True, slots=True)
class LanguageSupport:
    """One row of GET /v1.0/languages: `engine` and `model` are what decodes, or would decode, `code`."""

    code: str
    engine: str
    model: str
    is_installed: bool


@dataclass(frozen=True, slots=True)
class ModelPlaces:
    """Where models live under the installation folder."""

    install_dir: Path

    @property
    def vosk(self) -> Path:
        """One folder per finished Vosk model, named like the model."""
        return self.install_dir / "models" / "vosk"

    @property
    def receipts(self) -> Path:
        """Which models passed the self-check."""
        return self.install_dir / "models" / "checked"

    @property
    def unfinished(self) -> Path:
        """Downloads, unpacking and locks: on the same disk as `vosk`, so that a rename finishes an installation."""
        return self.install_dir / "models" / ".unfinished"


class ModelLibrary:
    """The models of one installation folder. Nothing is kept: what is installed while it runs is found at once."""

    def __init__(
        self,
        install_dir: Path,
        choice: RecognizerChoice = _AUTO,
        *,
        vosk_models: Sequence[tuple[str, str]] = (),
        catalogue: Sequence[CatalogueEntry] = CATALOGUE,
    ) -> None:
        """`vosk_models`: pairs of language tag and folder name or path (`parse_vosk_models`), which come first."""
        self.places = ModelPlaces(install_dir)
        self._choice = choice
        self._vosk_models = tuple(vosk_models)
        self._catalogue = tuple(catalogue)

    def resolve(self, tag: str) -> InstalledModel:
        """The model for a language in any spelling of its BCP 47 tag.

        The engines are tried in the order of the choice; of one engine's models the first of these that there is:
        the one set for the very tag, the one set for the bare language (`en=`), an installed one of the very tag,
        one of the same language and script elsewhere (en-AU -> en-US; see `is_served_by`). Never another language.
        InvalidArgument("language") for what is not a tag; LanguageNotInstalled where there is no model.
        """
        language = _parse(tag)
        engines = self._choice.engines_for(language)
        for engine in engines:
            model = self._find(engine, language)
            if model is not None:
                return model
        if engines == (Engine.MOONSHINE,):
            raise EngineLacksLanguage(language.tag, str(Engine.MOONSHINE))
        raise LanguageNotInstalled(language.tag)

    def languages(self) -> list[LanguageSupport]:
        """All languages of the catalogue and of the operator's own models: what decodes each, or would if installed."""
        rows = []
        own = (*(model.language for _, model in self.installed()), *(tag for tag, _ in self._vosk_models))
        for code in dict.fromkeys([*(entry.language for entry in self._catalogue), *sorted(own)]):
            try:
                model = self.resolve(code)
                rows.append(LanguageSupport(code, str(model.engine), model.name, is_installed=True))
            except LanguageNotInstalled:
                entry = next((entry for entry in self._catalogue if entry.language == code), None)
                if entry is not None:
                    rows.append(LanguageSupport(code, str(entry.engine), entry.name, is_installed=False))
        return rows

    def installed(self) -> Iterator[tuple[Source, InstalledModel]]:
        """Every model that is there: the catalogue's in its order, then the operator's own by name."""
        for entry in self._catalogue:
            path = self.places.vosk / entry.name if entry.source is Source.VENDOR else entry.packaged_path()
            if path is not None and (entry.source is Source.PACKAGE or not find_missing_in(path)):
                yield entry.source, InstalledModel(str(entry.engine), entry.name, path, entry.language)
        known = {entry.name for entry in self._catalogue}
        folders = sorted(self.places.vosk.iterdir()) if self.places.vosk.is_dir() else []
        for folder in folders:
            label = read_label(folder) if folder.name not in known else None
            if label is not None and not find_missing_in(folder):
                yield Source.OPERATOR, InstalledModel(str(Engine.VOSK), folder.name, folder, label)

    def check(self) -> list[ModelBroken]:
        """Self-check every installed model at 8 kHz and return what is broken; InvalidSetting for a wrong path.

        Blocking: 3 s for each small model the first time, about a millisecond once it has passed (`check_model`).
        """
        models = [model for _, model in self.installed()]
        models += [self._find_set_model(tag, value) for tag, value in self._vosk_models]
        faults = []
        for model in {model.path: model for model in models}.values():
            try:
                check_model(model, receipts=self.places.receipts)
            except ModelBroken as error:
                faults.append(error)
        return faults

    def _find(self, engine: Engine, language: Language) -> InstalledModel | None:
        candidates: list[tuple[int, InstalledModel]] = []
        if engine is Engine.VOSK:
            for tag, value in self._vosk_models:
                fit = rank(language, tag)
                if fit is not None:
                    is_bare = tag == language.primary
                    score = 0 if fit == 0 else 1 if is_bare else 3
                    candidates.append((score, self._find_set_model(tag, value)))
        for _, model in self.installed():
            fit = rank(language, model.language) if model.engine == engine else None
            if fit is not None:
                candidates.append((2 if fit == 0 else 4, model))
        # min() takes the first of equals: the order of the catalogue decides.
        return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None

    def _find_set_model(self, tag: str, value: str) -> InstalledModel:
        """The model that CALLSCRIBE_VOSK_MODELS names; InvalidSetting when there is no such model."""
        engine = str(Engine.VOSK)
        for entry in self._catalogue:
            path = entry.packaged_path() if entry.name == value and entry.engine is Engine.VOSK else None
            if path is not None:
                return InstalledModel(engine, entry.name, path, entry.language)
        path = Path(value).expanduser().absolute() if "/" in value else self.places.vosk / value
        missing = find_missing_in(path)
        if missing:
            raise InvalidSetting(
                VOSK_MODELS_VARIABLE,
                f"{tag}={value} is wrong: {path} lacks {missing}; expected the path of an unpacked Vosk model, "
                f"or the name of a folder in {self.places.vosk}",
            )
        return InstalledModel(engine, path.name, path, read_label(path) or tag)


def _parse(tag: str) -> Language:
    try:
        return parse_language(tag)
    except ValueError as error:
        raise InvalidArgument("language", str(error)) from None
