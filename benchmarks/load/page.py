"""The report as one HTML page with plots: SVG made here, no other file, no script."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_WIDTH: Final = 720
_HEIGHT: Final = 220
_LEFT: Final = 60
_COLOURS: Final = ("#1769aa", "#c4501b", "#2e7d32", "#7b1fa2", "#616161")
_STYLE: Final = (
    "body{font:15px system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;padding:.25em .6em;text-align:right}"
    "td:first-child,th:first-child{text-align:left}svg{background:#fafafa;border:1px solid #ddd}"
    "pre{background:#f4f4f4;padding:1em;overflow:auto}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: its name and points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(title: str, x_name: str, y_name: str, lines: Sequence[Line], *, mark: float | None = None) -> str:
    """Return an SVG of the lines, zero at the bottom; `mark` is a horizontal dashed line at that y."""
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    top = max([y for _, y in points] + ([mark] if mark is not None else [])) or 1.0
    width, height = _WIDTH - _LEFT - 20, _HEIGHT - 70

    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + (x - low) / ((high - low) or 1.0) * width, 30 + height - y / top * height

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" role="img" font-size="12">',
        f'<text x="{_LEFT}" y="18" font-size="14">{html.escape(title)}</text>',
        f'<line x1="{_LEFT}" y1="{30 + height}" x2="{_LEFT + width}" y2="{30 + height}" stroke="#888"/>',
        f'<line x1="{_LEFT}" y1="30" x2="{_LEFT}" y2="{30 + height}" stroke="#888"/>',
        f'<text x="{_LEFT - 6}" y="36" text-anchor="end">{_short(top)}</text>',
        f'<text x="{_LEFT - 6}" y="{34 + height}" text-anchor="end">0</text>',
        f'<text x="{_LEFT}" y="{46 + height}">{_short(low)}</text>',
        f'<text x="{_LEFT + width}" y="{46 + height}" text-anchor="end">{_short(high)}</text>',
        f'<text x="{_LEFT + width / 2}" y="{46 + height}" text-anchor="middle">{html.escape(x_name)}</text>',
        f'<text x="{_LEFT + width}" y="18" text-anchor="end">{html.escape(y_name)}</text>',
    ]
    if mark is not None:
        _, y = place(low, mark)
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + width}" y2="{y:.1f}" stroke="#c00" stroke-dasharray="4"/>'
        )
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line.points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        if len(line.points) <= 30:
            dots = (place(*point) for point in line.points)
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in dots]
        x = _LEFT + number * 140
        parts.append(f'<text x="{x}" y="{62 + height}" fill="{colour}">{html.escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"])


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"


def _table(rows: Sequence[dict[str, Any]]) -> str:
    """The loads as a table."""
    columns = ("name", "language", "calls", "set_up", "transcribed", "failed", "seconds", "error_percent", "unheard")
    head = [
        *columns,
        "final p50/p95/p99 ms",
        "interim p95",
        "gaps s",
        "shed",
        "delay p95",
        "busy %",
        "app",
        "recognition",
    ]
    head += ["asterisk", "app MB"]
    lines = ["<tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in head) + "</tr>"]
    for row in rows:
        final, cpu = row["final_ms"], row["cpu_ms_per_call_second"]
        cells = [row[name] for name in columns]
        cells += [" / ".join(str(final[name]) for name in ("p50", "p95", "p99")), row["interim_ms"]["p95"]]
        cells += [row["gap_seconds"], row["shed_interims"], row["queue_delay_ms"]["p95"], row["busy_percent"]]
        cells += [cpu.get("app"), cpu.get("recognition"), cpu.get("asterisk"), row["app_mb"]]
        lines.append("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>")
    return "<table>" + "\n".join(lines) + "</table>"


def make_page(report: dict[str, Any]) -> str:
    """Return the page of a report as `report.py` makes it."""
    parts = ["<h1>Callscribe under load</h1>", f"<p>{html.escape(report['at'])}</p>"]
    parts += ["<h2>Summary</h2>", f"<pre>{html.escape(json.dumps(report['summary'], indent=2))}</pre>"]
    parts += ["<h2>Loads</h2>", "<p>CPU in milliseconds per second of call, over the time in which all calls talk.</p>"]
    parts.append(_table(report["loads"]))
    for engine, found in report["engines"].items():
        trials = sorted(found["trials"], key=lambda trial: float(trial["calls"]))
        for title, names in (("final latency", ("p50", "p95", "p99")),):
            lines = [
                Line(name, [(t["calls"], t["final_ms"][name]) for t in trials if t["final_ms"][name] is not None])
                for name in names
            ]
            parts.append(plot(f"{engine}: {title} by calls", "two-sided calls", "ms", lines, mark=1000.0))
    for row in report["series"]:
        parts.append(f"<h3>{html.escape(row['name'])}</h3>")
        for curve in row["curves"]:
            lines = [Line(name, points) for name, points in curve["lines"].items()]
            parts.append(plot(curve["title"], "seconds", curve["unit"], lines))
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Callscribe under load</title>'
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )
