"""The report: one JSON object with everything, its summary (the line that the benchmark ends with), and the page."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.load.curves import curves
from benchmarks.load.page import make_page
from benchmarks.load.step_result import StepResult


@dataclass(slots=True)
class EngineFigures:
    """What one engine carried: the steps of its search, the best of them, and its error rate without load."""

    name: str
    language: str
    calls: int = 0
    best: dict[str, Any] | None = None
    """The figures of the highest load that held."""
    alone: dict[str, Any] | None = None
    trials: list[dict[str, Any]] = field(default_factory=list)
    texts: list[Any] = field(default_factory=list)
    """What is heard without load: [script, direction, number, said, heard], of conversations of `texts_seconds`."""
    texts_seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """The engine's part of the last line."""
        row = self.best or {}
        cpu = row.get("cpu_ms_per_call_second", {})
        final = row.get("final_ms", {})
        return {
            "two_sided_calls": self.calls,
            "final_p50_ms": _round(final.get("p50")),
            "final_p95_ms": _round(final.get("p95")),
            "wer_percent": row.get("error_percent"),
            "wer_alone_percent": row.get("error_percent_alone", (self.alone or {}).get("error_percent")),
            "cpu_ms_per_call_second": {name: cpu.get(name) for name in ("app", "recognition", "asterisk")},
        }


@dataclass(slots=True)
class Report:
    """Everything that was measured, as it comes in."""

    machine: dict[str, Any]
    engines: dict[str, EngineFigures] = field(default_factory=dict)
    naive: list[dict[str, Any]] = field(default_factory=list)
    setup: dict[str, Any] | None = None
    loads: list[dict[str, Any]] = field(default_factory=list)
    lasting: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By kind and engine."""
    series: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: StepResult) -> dict[str, Any]:
        """Take over a load; its figures."""
        row = result.figures()
        self.loads.append(row)
        self.series.append(
            {
                "name": f"{row['name']}, {row['language']}, {row['calls']} calls",
                "kind": row["name"],
                "language": row["language"],
                "curves": curves(result.samples, result.hearing.finals_at),
            }
        )
        return row

    def add_lasting(self, kind: str, engine: str, figures: dict[str, Any]) -> None:
        """Take over what an hour, or twice the limit, showed."""
        self.lasting.setdefault(kind, {})[engine] = figures

    def naive_beside_calls(self) -> dict[str, int]:
        """What the naive peer would carry with each engine's calls beside it, by engine: computed, not measured."""
        if not self.naive:
            return {}
        costs = {name: (engine.best or {}).get("cpu_ms_per_call_second") for name, engine in self.engines.items()}
        cores = int(self.machine.get("cores") or 1)
        return {name: naive_with_calls(self.naive[0], cost, cores) for name, cost in costs.items() if cost}

    def summary(self) -> dict[str, Any]:
        """The last line of the benchmark (issue 6)."""
        naive = self.naive[0]["two_sided_calls"] if self.naive else None
        return {
            "engines": {name: engine.summary() for name, engine in self.engines.items()},
            "naive_vosk_two_sided_calls": naive,
            "setup_100": self.setup,
            "machine": self.machine,
        }

    def whole(self) -> dict[str, Any]:
        """The JSON file."""
        naive = {row["language"]: row["two_sided_calls"] for row in self.naive}
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "summary": self.summary(),
            "ratios_to_naive": {
                name: {language: round(engine.calls / calls, 2) for language, calls in naive.items() if calls}
                for name, engine in self.engines.items()
            },
            "naive": self.naive,
            "naive_beside_calls_computed": self.naive_beside_calls(),
            "engines": {
                name: {
                    "language": engine.language,
                    "calls": engine.calls,
                    "best": engine.best,
                    "alone": engine.alone,
                    "trials": engine.trials,
                }
                for name, engine in self.engines.items()
            },
            "lasting": self.lasting,
            "loads": self.loads,
            "series": self.series,
        }

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write `report.json` and `report.html`; their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        whole = self.whole()
        as_json, as_page = folder / "report.json", folder / "report.html"
        as_json.write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
        as_page.write_text(make_page(whole), encoding="utf-8")
        return as_json, as_page


def naive_with_calls(naive: dict[str, Any], cost: dict[str, float], cores: int) -> int:
    """How many calls the naive way would carry if each brought Asterisk's, SIPp's and our app's CPU as ours do.

    cores * utilisation / (its CPU + Asterisk's + SIPp's + our app's, per call-second); the processors are as busy as
    when it kept up alone. Computed: nobody has run it so.
    """
    beside = sum(cost.get(name, 0.0) for name in ("app", "asterisk", "sipp"))
    cost = naive["cpu_ms_per_call_second"] + beside
    return int(cores * 1000 * naive["busy"] / cost) if cost else 0


def setup_figures(result: StepResult) -> dict[str, Any]:
    """The summary's `setup_100`: from the first INVITE to the last answer."""
    calling, answered = result.caller.calling.values(), result.caller.answered.values()
    seconds = round(max(answered) - min(calling), 2) if calling and answered else None
    return {"failed": result.failed, "seconds": seconds, "ari_event_lag_p95_ms": result.event_lag_ms}


def _round(value: float | None) -> int | None:
    return None if value is None else round(value)
