"""Checks flow files without running anything: what `callscribe flows check` and a test of a flow folder use."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.flow.action_registry import ActionRegistry
from app.flow.checker import check_flow_file
from app.flow.finding import Finding, name_value
from app.flow.flow_folder import is_flow_file
from app.flow.speech_facts import SpeechFacts


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All findings in all files, and the files that are not refused."""

    findings: tuple[Finding, ...]
    good: tuple[Path, ...]

    @property
    def has_errors(self) -> bool:
        """Whether a file is refused."""
        return any(each.is_error for each in self.findings)


def check_files(paths: Iterable[Path], registry: ActionRegistry, *, speech: SpeechFacts | None = None) -> CheckReport:
    """Check flow files (a folder stands for those in it), also for numbers that two of them want."""
    findings: list[Finding] = []
    good: list[Path] = []
    owners: dict[str, Path] = {}
    for path in _list_files(paths):
        own = _check_file(path, registry, owners, speech)
        findings += own
        if not any(each.is_error for each in own):
            good.append(path)
    return CheckReport(tuple(findings), tuple(good))


def _list_files(paths: Iterable[Path]) -> list[Path]:
    listed: dict[Path, Path] = {}
    for path in paths:
        for each in sorted(filter(is_flow_file, path.iterdir())) if path.is_dir() else [path]:
            listed.setdefault(each.resolve(), each)
    return list(listed.values())


def _check_file(
    path: Path, registry: ActionRegistry, owners: dict[str, Path], speech: SpeechFacts | None
) -> list[Finding]:
    try:
        content = path.read_bytes()
    except OSError as error:
        return [Finding("$", f"no way to read it ({error.strerror})", "a readable file", str(path))]
    if path.suffix != ".json":
        return [Finding("$", f"the file name {path.name}", "a name that ends in .json", str(path))]
    checked = check_flow_file(content, file=str(path), name_key=path.stem, registry=registry, speech=speech)
    findings = list(checked.findings)
    for index, number in enumerate(checked.flow.numbers if checked.flow else ()):
        owner = owners.setdefault(number, path)
        if owner != path:
            expected = f"a number that no other flow has; this one is also in {owner}"
            findings.append(Finding(f"$.numbers[{index}]", name_value(number), expected, str(path)))
    return findings
