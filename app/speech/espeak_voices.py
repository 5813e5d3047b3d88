"""Which espeak-ng voice speaks a language: BCP 47 tags against the list that `espeak-ng --voices` prints."""

from __future__ import annotations

from app.domain.language import Language

_ALIASES = {
    "zh": "cmn",
    "zh-hk": "yue",
    "zh-mo": "yue",
    "no": "nb",
    "nn": "nb",
    "sh": "hr",
    "en": "en-us",
    "en-ca": "en-us",
    "en-ph": "en-us",
    "fr": "fr-fr",
}
"""Where the tag people write is not the tag that espeak-ng uses, or a region has a nearer voice than the default."""

_BRITISH = frozenset({"gb", "au", "nz", "ie", "za", "in", "sg", "hk", "mt"})


def read_voice_list(output: str) -> frozenset[str]:
    """Return the language tags in the table that `espeak-ng --voices` prints (second column, lower case)."""
    rows = [line.split() for line in output.splitlines()[1:]]
    return frozenset(row[1].lower() for row in rows if len(row) >= 4)


def choose_espeak_voice(language: Language, voices: frozenset[str]) -> str | None:
    """Return the nearest of `voices` for `language`: its region's, else its language's; None when there is none."""
    primary, region = language.primary, language.region.lower()
    candidates = [f"{primary}-{region}"] if region else []
    candidates += [alias for tag in candidates if (alias := _ALIASES.get(tag))]
    if primary == "en" and region in _BRITISH:
        candidates.append("en-gb")
    if primary == "es" and region and region != "es":
        candidates.append("es-419")
    if alias := _ALIASES.get(primary):
        candidates.append(alias)
    candidates.append(primary)
    return next((tag for tag in candidates if tag in voices), None)
