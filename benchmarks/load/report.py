"""The report: one JSON object with everything, its summary (the line that the benchmark ends with), and the page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.load.histograms import quantile
from benchmarks.load.page import make_page
from benchmarks.load.stage import Sample
from benchmarks.load.step_result import DELAY, StepResult

EVENT_LAG = "callscribe_ari_event_lag_seconds"


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
    lasting: dict[str, Any] = field(default_factory=dict)
    series: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: StepResult) -> dict[str, Any]:
        """Take over a load; its figures."""
        row = result.figures() | {"event_lag_p95_ms": event_lag_ms(result)}
        self.loads.append(row)
        self.series.append(
            {
                "name": f"{row['name']}, {row['language']}, {row['calls']} calls",
                "curves": curves(result.samples, result.hearing.finals_at),
            }
        )
        return row

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
            "engines": {
                name: {"language": engine.language, "alone": engine.alone, "trials": engine.trials}
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


def event_lag_ms(result: StepResult) -> float | None:
    """p95 of how long Asterisk's events took to us during a load, in ms."""
    seconds = quantile(EVENT_LAG, result.before, result.after, 0.95)
    return None if seconds is None else round(1000 * seconds, 1)


def setup_figures(result: StepResult) -> dict[str, Any]:
    """The summary's `setup_100`: from the first INVITE to the last answer."""
    calling, answered = result.caller.calling.values(), result.caller.answered.values()
    seconds = round(max(answered) - min(calling), 2) if calling and answered else None
    return {"failed": result.failed, "seconds": seconds, "ari_event_lag_p95_ms": event_lag_ms(result)}


def curves(
    samples: Sequence[Sample], finals_at: Sequence[tuple[float, float]] = (), most_points: int = 240
) -> list[dict[str, Any]]:
    """What the plots show over time: calls, CPU, delay, finals, memory; thinned out."""
    if len(samples) < 3:
        return []
    begun = samples[0].usage.at
    some = list(samples)[:: max(1, len(samples) // most_points)]
    cpu: dict[str, list[tuple[float, float]]] = {name: [] for name in ("app", "recognition", "asterisk", "sipp")}
    for earlier, later in pairwise(some):
        span = max(0.01, later.usage.at - earlier.usage.at)
        for name, seconds in later.usage.cpu_since(earlier.usage).items():
            if name in cpu:
                cpu[name].append((round(later.usage.at - begun, 1), round(max(0.0, 100 * seconds / span), 1)))
    at = [round(sample.usage.at - begun, 1) for sample in some]
    live = list(zip(at, (sample.live for sample in some), strict=True))
    delay = list(zip(at, (round(1000 * s.metrics.get(DELAY, 0.0), 1) for s in some), strict=True))
    app = list(zip(at, (round(sample.usage.app_rss / 2**20, 1) for sample in some), strict=True))
    asterisk = list(zip(at, (round(sample.usage.asterisk_rss / 2**20, 1) for sample in some), strict=True))
    finals = [(round(at - begun, 1), round(ms)) for at, ms in sorted(finals_at)]
    return [
        {"title": "live calls", "unit": "calls", "lines": {"calls": live}},
        {"title": "processors", "unit": "% of one", "lines": cpu},
        {"title": "recognition delay", "unit": "ms", "lines": {"delay": delay}},
        {"title": "final latency", "unit": "ms", "lines": {"finals": finals[:: max(1, len(finals) // most_points)]}},
        {"title": "memory", "unit": "MB", "lines": {"app": app, "asterisk": asterisk}},
    ]


def _round(value: float | None) -> int | None:
    return None if value is None else round(value)
