"""Tables of a report as Markdown, and the same as HTML: what is not there says so."""

import html
from typing import Any, Final

NOT_MEASURED: Final = "not measured"
TITLES: Final = {"moonshine": "Moonshine (English, words)", "vosk": "Vosk (Korean, characters)"}
Table = list[list[str]]
"""The first row is the head."""


def engines_table(report: dict[str, Any]) -> Table:
    """The limit of each engine, and the figures there."""
    rows = [
        [
            *("Engine", "Two-sided calls", "Final p50", "p95", "p99", "Error rate", "The same sound alone"),
            *("CPU: app", "recognition", "Asterisk", "SIPp"),
        ]
    ]
    for name, title in TITLES.items():
        found = report.get("engines", {}).get(name) or {}
        best = found.get("best")
        if not best:
            rows.append([title, NOT_MEASURED, *["–"] * 9])
            continue
        failed = min((t["calls"] for t in found["trials"] if not t["is_held"]), default=None)
        calls = f"{found['calls']}" + (f" ({failed} do not hold)" if failed else "")
        final, cpu = best["final_ms"], best["cpu_ms_per_call_second"]
        alone = best.get("error_percent_alone", (found.get("alone") or {}).get("error_percent"))
        row = [title, calls, *(show(final[point], "ms", 0) for point in ("p50", "p95", "p99"))]
        row += [show(best["error_percent"], "%"), show(alone, "%")]
        rows.append(row + [show(cpu.get(part)) for part in ("app", "recognition", "asterisk", "sipp")])
    return rows


def naive_table(report: dict[str, Any]) -> Table:
    """Ours beside the naive way."""
    naive = report.get("naive") or []
    rows = [["", "Two-sided calls", "Ours, Moonshine", "Ours, Vosk"]]
    ours: dict[str, int] = {name: (report.get("engines", {}).get(name) or {}).get("calls") or 0 for name in TITLES}

    def ratios(calls: dict[str, float]) -> list[str]:
        return [
            f"{ours[name] / calls[name]:.1f} times" if ours[name] and calls.get(name) else NOT_MEASURED
            for name in TITLES
        ]

    for row in naive:
        calls = dict.fromkeys(TITLES, row["two_sided_calls"])
        title = f"naive Vosk, measured alone, fed {row['language']}"
        rows.append([title, str(row["two_sided_calls"]), *ratios(calls)])
    computed = report.get("naive_beside_calls_computed") or {}
    if computed:
        shown = " / ".join(str(calls) for calls in computed.values())
        rows.append(["naive Vosk with Asterisk, SIPp and app beside it, **computed**", shown, *ratios(computed)])
    return rows if len(rows) > 1 else [*rows, ["naive Vosk", *[NOT_MEASURED] * 3]]


def setup_table(report: dict[str, Any]) -> Table:
    """100 calls within 10 s."""
    setup = (report.get("summary") or {}).get("setup_100")
    rows = [["100 calls without transcription", "Failed", "First call to last answer", "ARI event lag p95"]]
    if not setup:
        return [*rows, ["offered within 8 s", NOT_MEASURED, "–", "–"]]
    lag = show(setup["ari_event_lag_p95_ms"], "ms")
    return [*rows, ["offered within 8 s", str(setup["failed"]), show(setup["seconds"], "s"), lag]]


def kinds_table(report: dict[str, Any]) -> Table:
    """Every load that is not a step of the search."""
    rows = [
        [
            *("Load", "Language", "Calls at once", "Set up", "Failed", "Final p50 / p95 / p99 ms", "Interim p95 ms"),
            *("Gaps s", "Lost packets", "ARI lag p95 ms", "What it shows"),
        ]
    ]
    for load in report.get("loads", []):
        if load["name"] in ("steady", "setup_100"):
            continue
        final = " / ".join(show(load["final_ms"][point], "", 0) for point in ("p50", "p95", "p99"))
        row = [load["name"], load["language"], str(load["calls"]), str(load["set_up"]), str(load["failed"]), final]
        row += [show(load["interim_ms"]["p95"], "", 0), str(load["gap_seconds"])]
        row += [str(load.get("packets", {}).get("lost", "–")), show(load.get("event_lag_p95_ms"))]
        rows.append([*row, more_words(load.get("more") or {})])
    return rows if len(rows) > 1 else [*rows, [NOT_MEASURED, *["–"] * 10]]


def more_words(more: dict[str, Any]) -> str:
    """What a kind shows beside the figures of all."""
    if "by_live_calls" in more:
        steps = [f"{g['calls_at_most']}: {show(g['final_ms']['p95'], '', 0)}" for g in more["by_live_calls"]]
        return "p95 by live calls: " + ", ".join(steps)
    if "answered_within_seconds" in more:
        return (
            f"offered within {more['offered_within_seconds']} s, answered within {more['answered_within_seconds']} s, "
            f"transcribed within {show(more['transcribed_within_seconds'])} s"
        )
    if "callers_left" in more:
        rest = "nothing left" if more["is_all_gone"] else "something left"
        return f"{more['callers_left']} callers and {more['callees_left']} callees hung up; {rest}"
    if "by_quarter" in more:
        return "p95 by quarters: " + ", ".join(show(quarter["p95"], "", 0) for quarter in more["by_quarter"])
    if "prompts" in more:
        found = more["prompts"]
        return (
            f"{found['known']} known by their samples ({found['exact']} exact, p95 {show(found['known_ms']['p95'])} "
            f"ms), {found['recognised']} recognised (cut off)"
        )
    return "–"


def show(value: float | None, unit: str = "", digits: int | None = None) -> str:
    if value is None:
        return "–"
    shown = f"{value:.{digits}f}" if digits is not None else f"{value:g}"
    return f"{shown} {unit}".strip()


def as_markdown(table: Table) -> str:
    """Return it as GitHub's Markdown."""
    head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in table]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def as_html(table: Table) -> str:
    """Return it as HTML; the stars of Markdown are left out."""
    head, *rows = table
    lines = ["<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(c.replace('**', ''))}</td>" for c in row) + "</tr>" for row in rows]
    return '<div class="wide"><table>' + "\n".join(lines) + "</table></div>"
