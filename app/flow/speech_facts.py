"""What the check of a flow asks about speech models, and what it finds: languages without one, unknown words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.flow.action import ActionSpec
from app.flow.finding import Finding, name_value, warn
from app.flow.option_types import HintsMark, RecognitionMark, canonical_language, list_marked
from app.flow.variables import has_placeholder

PlacedOption = tuple[str, ActionSpec, Mapping[str, object]]
"""The path of an action's option, the type of the action, and the option as it was written."""


class SpeechFacts(Protocol):
    """Knows the installed speech models; its methods do not block for long and may be called from any thread."""

    def explain_missing(self, language: str) -> str:
        """Return why no speech in `language` (a canonical tag) can be recognised, and what to do; empty = it can."""

    def find_unknown_words(self, language: str, phrases: Sequence[str]) -> Sequence[str]:
        """Return the words of `phrases` that the language's model can never hear; empty where nobody knows."""


def check_speech(options: Iterable[PlacedOption], flow_language: str, facts: SpeechFacts | None) -> list[Finding]:
    """Return warnings about the languages and the hints of a flow's actions; nothing without facts."""
    return [] if facts is None else _SpeechCheck(facts, flow_language).find(options)


@dataclass(slots=True)
class _SpeechCheck:
    """One check of one flow: every language is looked up once."""

    facts: SpeechFacts
    flow_language: str
    _missing: dict[str, str] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def find(self, options: Iterable[PlacedOption]) -> list[Finding]:
        """Return what the models say about the options of a flow's actions."""
        return [finding for path, spec, option in options for finding in self._check(path, spec, option)]

    def _check(self, path: str, spec: ActionSpec, option: Mapping[str, object]) -> list[Finding]:
        findings: list[Finding] = []
        for key in list_marked(spec.options, RecognitionMark):
            written = option.get(key) or ""
            language = self._read_language(written or self.flow_language)
            if not language:
                continue
            findings += self._check_language(language, f"{path}.{key}" if written else "$.language")
            for hints_key in list_marked(spec.options, HintsMark):
                findings += self._check_hints(language, f"{path}.{hints_key}", option.get(hints_key))
        return findings

    def _check_language(self, language: str, place: str) -> list[Finding]:
        why = self._missing.get(language)
        if why is None:
            why = self._missing[language] = self.facts.explain_missing(language)
        if not why or place in self._told:
            return []
        self._told.add(place)
        return [warn(place, name_value(language), f"a language that can be recognised here; {why}")]

    def _check_hints(self, language: str, path: str, hints: object) -> list[Finding]:
        if not isinstance(hints, list) or self._missing[language]:
            return []
        findings = []
        for index, hint in enumerate(hints):
            if not isinstance(hint, str) or has_placeholder(hint):
                continue
            unknown = self.facts.find_unknown_words(language, [hint])
            if unknown:
                words = ", ".join(name_value(word) for word in unknown)
                expected = f"words that the model for {language} knows; it can never hear these"
                findings.append(warn(f"{path}[{index}]", f"{words} in a hint", expected))
        return findings

    @staticmethod
    def _read_language(text: object) -> str:
        if not isinstance(text, str) or has_placeholder(text):
            return ""
        try:
            return canonical_language(text)
        except ValueError:
            return ""
