"""Findings about flows on the terminal: a table, one line for each."""

from collections.abc import Sequence

import typer

from app.flow.finding import Finding


def print_findings(findings: Sequence[Finding]) -> None:
    """Print findings as a table: severity, file, JSON path, what is wrong; nothing without findings."""
    if not findings:
        return
    rows = [("SEVERITY", "FILE", "PATH", "WHAT")]
    rows += [(each.severity.value, each.file, each.path, each.text) for each in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        typer.echo("  ".join([*cells, row[3]]), err=True)


def count_findings(findings: Sequence[Finding]) -> str:
    """Return how many findings there are, by severity: `2 errors, 1 warning`."""
    errors = sum(each.is_error for each in findings)
    warnings = len(findings) - errors
    parts = [_count(errors, "error"), _count(warnings, "warning")]
    return ", ".join(part for part in parts if part)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number > 1 else ''}" if number else ""
