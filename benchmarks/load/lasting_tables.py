"""Tables of what lasts: twice the limit, and the hour."""

from collections.abc import Callable
from typing import Any, Final

from benchmarks.load.tables import NOT_MEASURED, TITLES, Table, show

SLOPES: Final = {
    "app_mb": "Memory of the app, MB",
    "asterisk_mb": "Memory of Asterisk, MB",
    "files": "Open files of the app",
    "threads": "Threads of the app",
    "channels": "Channels of Asterisk",
    "tasks": "Tasks of the event loop",
    "live_calls": "Live calls",
}
_Cell = Callable[[dict[str, Any]], str]


def _memory(found: dict[str, Any], name: str) -> str:
    slope = found.get(name)
    return NOT_MEASURED if not slope else f"{slope['least']} to {slope['most']}"


def _probe(found: dict[str, Any], name: str) -> str:
    probe = found.get("probe")
    if not probe:
        return NOT_MEASURED
    words = [
        f"{show(probe[when][name]['p50'], '', 0)} / {show(probe[when][name]['p95'], '', 0)}"
        for when in ("without_load", "under_load")
    ]
    return " → ".join(words)


def _bridged(found: dict[str, Any]) -> str:
    spread = found.get("bridged_ms")
    return NOT_MEASURED if not spread else f"{show(spread['p50'], '', 0)} / {show(spread['p95'], '', 0)}"


def _unheard(found: dict[str, Any]) -> str:
    probe = (found.get("probe") or {}).get("under_load")
    return NOT_MEASURED if not probe else f"{probe['unanswered']} / {probe['silent']} of {probe['calls']}"


_OVERLOAD: Final[dict[str, _Cell]] = {
    "Calls at once (limit)": lambda found: f"{found['calls']} ({found['limit']})",
    "Calls set up": lambda found: str(found["set_up"]),
    "Calls lost": lambda found: str(found["failed"]),
    "Crashes": lambda found: str(found["crashes"]),
    "Transcribes refused": lambda found: str(found["refused_transcribes"]),
    "Sound left out, s": lambda found: str(found["gap_seconds"]),
    "Interims shed": lambda found: str(found["shed_interims"]),
    "Memory of the app, MB": lambda found: _memory(found, "app_mb"),
    "Memory of Asterisk, MB": lambda found: _memory(found, "asterisk_mb"),
    "Slope of the app's memory, MB per hour": lambda found: show((found.get("app_mb") or {}).get("slope_per_hour")),
    "Back to normal after": lambda found: show(found["recovery_seconds"], "s"),
    "Left behind": lambda found: "nothing" if not found["residue"] else ", ".join(found["residue"]),
    "A new caller is answered, p50 / p95 ms: without → with the load": lambda found: _probe(found, "answered_ms"),
    "Its digit to the next prompt's sound, p50 / p95 ms": lambda found: _probe(found, "digit_to_prompt_ms"),
    "Such callers not answered / without a prompt": _unheard,
    "Answer to the connected party's sound, p50 / p95 ms": _bridged,
}


def overload_table(report: dict[str, Any]) -> Table:
    """Twice the limit, by engine."""
    lasting = report.get("lasting", {}).get("overload", {})
    rows = [["Twice the limit", *TITLES.values()]]
    for title, cell in _OVERLOAD.items():
        rows.append([title, *(cell(lasting[name]) if name in lasting else NOT_MEASURED for name in TITLES)])
    return rows


def soak_table(report: dict[str, Any]) -> Table:
    """Slopes and bounds of a soak, for the first engine that had one."""
    lasting = report.get("lasting", {}).get("soak", {})
    for engine, found in lasting.items():
        head = f"{found['calls']} calls at once, {found['minutes']} minutes, {engine}"
        rows = [[head, "Slope per hour", "Least", "Most"]]
        for name, title in SLOPES.items():
            slope = found.get(name)
            if slope:
                rows.append([title, f"{slope['slope_per_hour']:+g}", str(slope["least"]), str(slope["most"])])
        rows.append(["Calls set up / failed", f"{found['set_up']} / {found['failed']}", "–", "–"])
        return rows
    return [["Steady calls", "Slope per hour", "Least", "Most"], [NOT_MEASURED, "–", "–", "–"]]
