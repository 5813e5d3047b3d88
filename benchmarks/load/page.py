"""The report as one HTML page: tables, and plots as SVG within it; no other file, no script."""

import html
import json
from typing import Any, Final

from benchmarks.load.gallery import make_plots
from benchmarks.load.lasting_tables import overload_table, soak_table
from benchmarks.load.plots import Line, plot
from benchmarks.load.tables import Table, as_html, engines_table, kinds_table, naive_table, setup_table

_STYLE: Final = (
    "body{font:15px system-ui,sans-serif;max-width:1500px;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0;font-size:13px}"
    "td,th{border:1px solid #ccc;padding:.25em .6em;text-align:right;vertical-align:top}"
    "th{background:#f4f4f4}td:first-child,th:first-child{text-align:left}"
    ".wide{overflow-x:auto}.plots{display:flex;flex-wrap:wrap;gap:12px}"
    "svg{border:1px solid #ddd;max-width:100%;height:auto}pre{background:#f4f4f4;padding:1em;overflow:auto}"
    "summary{cursor:pointer;margin:.6em 0}"
)


def make_page(report: dict[str, Any]) -> str:
    """Return the page of a report as `report.py` makes it."""
    machine = report["summary"]["machine"]
    parts = ["<h1>Callscribe under load</h1>", f"<p>{html.escape(_about(report['at'], machine))}</p>"]
    parts += [f"<li>{html.escape(note)}</li>" for note in machine.get("notes", [])]
    for title, table in _tables(report):
        parts += [f"<h2>{title}</h2>", as_html(table)]
    parts += ["<h2>Plots</h2>", '<div class="plots">', *make_plots(report).values(), "</div>"]
    parts += ["<h2>Every load</h2>", "<p>CPU in milliseconds per second of call, while all calls talk.</p>"]
    parts.append(as_html(loads_table(report)))
    for row in report["series"]:
        parts += [f"<details><summary>{html.escape(row['name'])} over time</summary>", '<div class="plots">']
        for curve in row["curves"]:
            lines = [Line(name, points) for name, points in curve["lines"].items()]
            parts.append(plot(curve["title"], "seconds", curve["unit"], lines))
        parts.append("</div></details>")
    parts += ["<h2>Summary</h2>", f"<pre>{html.escape(json.dumps(report['summary'], indent=2))}</pre>"]
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Callscribe under load</title>'
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def _about(at: str, machine: dict[str, Any]) -> str:
    names = ("processor", "memory_gb", "system", "python", "sipp")
    facts = [f"{name} {machine[name]}" for name in names if machine.get(name)]
    return f"{at}; {machine.get('cores')} processors; " + "; ".join(facts)


def _tables(report: dict[str, Any]) -> list[tuple[str, Table]]:
    return [
        ("How many calls", engines_table(report)),
        ("Beside the naive way", naive_table(report)),
        ("Set-up", setup_table(report)),
        ("Other loads", kinds_table(report)),
        ("Past the limit", overload_table(report)),
        ("An hour of calls", soak_table(report)),
    ]


def loads_table(report: dict[str, Any]) -> Table:
    """Every load, steps of the search too."""
    columns = ["name", "language", "calls", "set_up", "transcribed", "failed", "seconds", "error_percent"]
    columns += ["error_percent_alone", "unheard"]
    head = [*columns, "final p50/p95/p99 ms", "interim p95", "gaps s", "shed", "delay p95", "ARI lag p95"]
    rows = [[*head, "lost packets", "busy %", "app", "recognition", "asterisk", "sipp", "app MB"]]
    for row in report["loads"]:
        final, cpu = row["final_ms"], row["cpu_ms_per_call_second"]
        cells = [row.get(name) for name in columns]
        cells += [" / ".join(str(final[name]) for name in ("p50", "p95", "p99")), row["interim_ms"]["p95"]]
        cells += [row["gap_seconds"], row["shed_interims"], row["queue_delay_ms"]["p95"]]
        cells += [row.get("event_lag_p95_ms"), row.get("packets", {}).get("lost"), row["busy_percent"]]
        cells += [cpu.get(part) for part in ("app", "recognition", "asterisk", "sipp")]
        rows.append(["–" if cell is None else str(cell) for cell in [*cells, row["app_mb"]]])
    return rows
