"""All plots of a report by name: the page shows them, and docs/benchmarks.md as files."""

from collections.abc import Sequence
from typing import Any, Final

from benchmarks.load.plots import Bar, Line, plot, plot_bars

PARTS: Final = ("app", "recognition", "asterisk", "sipp")
MOST_P95_MS: Final = 1000.0
PERCENTILES: Final = ("p50", "p95", "p99")
_SECONDS: Final = "seconds"


def make_plots(report: dict[str, Any]) -> dict[str, str]:
    """Name -> SVG; only of what the report has."""
    plots: dict[str, str] = {}
    for engine, found in report.get("engines", {}).items():
        trials = sorted(found.get("trials") or [], key=lambda trial: int(trial["calls"]))
        if trials:
            plots |= _engine_plots(engine, trials)
    plots["naive"] = _naive_plot(report)
    for row in report.get("series", []):
        if row.get("kind") in ("soak", "overload"):
            plots |= _lasting_plots(row["kind"], row["language"], row["curves"])
    for engine, found in report.get("lasting", {}).get("overload", {}).items():
        plots[f"overload-probe-{engine}"] = _probe_plot(engine, found)
    plots["soak-slopes"] = _slopes_plot(report)
    plots |= _ramp_plots(report)
    return {name: svg for name, svg in plots.items() if svg}


def _engine_plots(engine: str, trials: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What one engine's search saw, by calls."""
    bars = [
        Bar(_label(trial), [(part, trial["cpu_ms_per_call_second"].get(part, 0.0)) for part in PARTS])
        for trial in trials
        if trial["cpu_ms_per_call_second"]
    ]
    wrong = [
        Bar(_label(trial), [("under load", trial["error_percent"]), ("alone", trial["error_percent_alone"])])
        for trial in trials
        if trial.get("error_percent") is not None and trial.get("error_percent_alone") is not None
    ]
    lag = [(trial["calls"], value) for trial in trials if (value := trial.get("event_lag_p95_ms")) is not None]
    lost = [Bar(_label(trial), _lost(trial)) for trial in trials if trial.get("packets", {}).get("received")]
    calls = "two-sided calls at once"
    return {
        f"finals-{engine}": plot(
            f"{engine}: end of speech to final", calls, "ms", _spreads(trials, "final_ms"), mark=MOST_P95_MS
        ),
        f"interims-{engine}": plot(
            f"{engine}: age of the newest sound in an interim", calls, "ms", _spreads(trials, "interim_ms")
        ),
        f"cpu-{engine}": plot_bars(f"{engine}: CPU by process", "ms per call-second", bars, is_stacked=True),
        f"errors-{engine}": plot_bars(f"{engine}: errors under load and alone", "%", wrong),
        f"delays-{engine}": plot(
            f"{engine}: recognition's queue delay", calls, "ms", _spreads(trials, "queue_delay_ms")
        ),
        f"lag-{engine}": plot(f"{engine}: lag of ARI events", calls, "ms", [Line("p95", lag)]),
        f"packets-{engine}": plot_bars(f"{engine}: packets lost and late", "per million", lost),
    }


def _label(trial: dict[str, Any]) -> str:
    return f"{trial['calls']} calls" + ("" if trial.get("is_held", True) else "\ndoes not hold")


def _lost(trial: dict[str, Any]) -> list[tuple[str, float]]:
    packets = trial["packets"]
    return [(name, 1e6 * packets[name] / packets["received"]) for name in ("lost", "late")]


def _of(trials: Sequence[dict[str, Any]], name: str, point: str) -> list[tuple[float, float]]:
    return [(trial["calls"], trial[name][point]) for trial in trials if trial[name].get(point) is not None]


def _spreads(trials: Sequence[dict[str, Any]], name: str) -> list[Line]:
    return [Line(point, _of(trials, name, point)) for point in PERCENTILES]


def _naive_plot(report: dict[str, Any]) -> str:
    """Ours beside the naive way, as it was measured alone and as it is computed with calls beside it."""
    if not report.get("naive"):
        return ""
    computed = report.get("naive_beside_calls_computed", {})
    measured = float(report["naive"][0]["two_sided_calls"])
    bars = []
    for engine, found in report["engines"].items():
        if found.get("calls"):
            parts = [("Callscribe", float(found["calls"])), ("naive Vosk alone, measured", measured)]
            if engine in computed:
                parts.append(("naive Vosk with Asterisk, SIPp, app, computed", float(computed[engine])))
            bars.append(Bar(engine, parts))
    return plot_bars("Two-sided calls at once that are transcribed in time", "calls", bars)


def _lasting_plots(kind: str, language: str, curves: Sequence[dict[str, Any]]) -> dict[str, str]:
    """A soak, or an overload, over time."""
    found = {curve["title"]: curve["lines"] for curve in curves}

    def draw(title: str, unit: str, lines: dict[str, Any]) -> str:
        return plot(
            f"{kind}, {language}: {title}", _SECONDS, unit, [Line(name, points) for name, points in lines.items()]
        )

    name = f"{kind}-{language}"
    return {
        f"{name}-calls": draw("live calls", "calls", found.get("live calls", {})),
        f"{name}-memory": draw("memory", "MB", found.get("memory", {})),
        f"{name}-processors": draw("processors", "% of one", found.get("processors", {})),
        f"{name}-delays": draw("recognition delay", "ms", found.get("recognition delay", {})),
        f"{name}-lag": draw("lag of ARI events, p95", "ms", found.get("lag of ARI events, p95", {})),
        f"{name}-finals": draw("final latency", "ms", found.get("final latency", {})),
        f"{name}-packets": draw("packets lost", "since the beginning", found.get("packets lost", {})),
    }


def _probe_plot(engine: str, found: dict[str, Any]) -> str:
    """What a caller waits for beside twice the limit, and without."""
    probe = found.get("probe")
    if not probe:
        return ""
    bars = []
    for title, name in (("answered", "answered_ms"), ("digit to prompt", "digit_to_prompt_ms")):
        parts = [
            (f"{words}, {point}", value)
            for words, when in (("without load", "without_load"), ("past the limit", "under_load"))
            for point in ("p50", "p95")
            if (value := probe[when][name].get(point)) is not None
        ]
        bars.append(Bar(title, parts))
    return plot_bars(f"{engine}: a caller beside {found['calls']} calls (limit {found['limit']})", "ms", bars)


def _slopes_plot(report: dict[str, Any]) -> str:
    """Growth in an hour, as a part of what there was: all of it should be nothing."""
    bars = []
    for engine, found in report.get("lasting", {}).get("soak", {}).items():
        parts = {
            name: 100 * abs(found[name]["slope_per_hour"]) / found[name]["most"]
            for name in ("app_mb", "asterisk_mb", "files", "threads", "channels", "tasks")
            if found.get(name, {}).get("most")
        }
        bars += [Bar(name, [(engine, value)]) for name, value in parts.items()]
    return plot_bars("soak: slope per hour, as a part of the most there was (either way)", "%", bars)


def _ramp_plots(report: dict[str, Any]) -> dict[str, str]:
    plots = {}
    for row in report.get("loads", []):
        groups = row.get("more", {}).get("by_live_calls")
        if groups:
            lines = [
                Line(point, [(group["calls_at_most"], group["final_ms"][point]) for group in groups])
                for point in PERCENTILES
            ]
            title = f"ramp, {row['language']}: end of speech to final as calls come"
            plots[f"ramp-{row['language']}"] = plot(title, "live calls", "ms", lines, mark=MOST_P95_MS)
    return plots
