"""`python -m benchmarks.load.docs REPORT.json...`: figures of the documents, out of reports, never by hand.

Writes docs/plots/*.svg and, between its markers, the tables of docs/benchmarks.md and of the README. Several reports
are merged: later ones fill what the former lack.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any, Final

from benchmarks.load.choice import CHECKOUT
from benchmarks.load.gallery import make_plots
from benchmarks.load.lasting_tables import overload_table, soak_table
from benchmarks.load.merged import merge_reports
from benchmarks.load.tables import (
    NOT_MEASURED,
    Table,
    as_markdown,
    engines_table,
    kinds_table,
    naive_table,
    setup_table,
    show,
)

MOST_BYTES: Final = 40_000
SHOWN: Final[tuple[str, ...]] = (
    *("naive", "finals-moonshine", "finals-vosk", "interims-moonshine", "cpu-moonshine", "cpu-vosk"),
    *("errors-moonshine", "errors-vosk", "delays-moonshine", "delays-vosk", "lag-moonshine", "packets-moonshine"),
    *("ramp-en-US", "overload-en-US-calls", "overload-en-US-memory", "overload-en-US-delays", "overload-en-US-lag"),
    *("overload-probe-moonshine", "overload-ko-KR-delays", "overload-ko-KR-memory", "overload-probe-vosk"),
    *("soak-en-US-memory", "soak-en-US-delays", "soak-en-US-lag", "soak-slopes"),
)
"""Plots that the documents show, in this order, where the report has them."""


def machine_words(report: dict[str, Any]) -> str:
    """On what, and when."""
    machine = report["summary"]["machine"]
    return (
        f"Measured {report['at'][:10]} on {machine.get('cores')} cores ({machine.get('processor')}), "
        f"{machine.get('memory_gb')} GB, Python {machine.get('python')}, {machine.get('sipp')}"
    )


def benchmark_text(report: dict[str, Any], plots: list[str]) -> str:
    """The generated part of docs/benchmarks.md."""
    tables: list[tuple[str, Table]] = [
        ("The limit (CPU in ms per call-second)", engines_table(report)),
        ("Beside the naive way", naive_table(report)),
        ("Set-up", setup_table(report)),
        ("Other loads, at 0.6 of the limit (overload: at twice the limit)", kinds_table(report)),
        ("Past the limit", overload_table(report)),
        ("Steady calls", soak_table(report)),
    ]
    parts = [machine_words(report)]
    for title, table in tables:
        parts += [f"### {title}", as_markdown(table)]
    if plots:
        parts += ["### Plots", "\n".join(f"![{name}](plots/{name}.svg)" for name in plots)]
    return "\n\n".join(parts)


def readme_table(report: dict[str, Any]) -> Table:
    """The README's capacity table."""
    titles = {"moonshine": "Moonshine (English)", "vosk": "Vosk (Korean)"}
    rows = [["Engine", "Two-sided calls at once, transcribed", "Final p50 / p95"]]
    for name, title in titles.items():
        found = report["engines"].get(name) or {}
        final = (found.get("best") or {}).get("final_ms")
        calls = str(found["calls"]) if final else NOT_MEASURED
        shown = f"{show(final['p50'], '', 0)} / {show(final['p95'], 'ms', 0)}" if final else "–"
        rows.append([title, calls, shown])
    return rows


def replace_marked(text: str, name: str, content: str) -> str:
    """Return `text` with what is between `<!-- NAME -->` and `<!-- /NAME -->` replaced; ValueError without both."""
    marked = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if len(marked.findall(text)) != 1:
        raise ValueError(f"expected <!-- {name} --> and <!-- /{name} --> once each")
    return marked.sub(lambda found: found[1] + "\n" + content.strip() + "\n\n" + found[2], text)


def write_documents(report: dict[str, Any], checkout: Path) -> list[Path]:
    """Write plots and tables below `checkout`; the files. ValueError where a plot is too big or a marker missing."""
    folder = checkout / "docs" / "plots"
    folder.mkdir(parents=True, exist_ok=True)
    plots = {name: svg for name, svg in make_plots(report).items() if name in SHOWN}
    big = [name for name, svg in plots.items() if len(svg.encode()) > MOST_BYTES]
    if big:
        raise ValueError(f"plots beyond {MOST_BYTES} bytes: {', '.join(big)}")
    names = [name for name in SHOWN if name in plots]
    benchmarks, readme = checkout / "docs" / "benchmarks.md", checkout / "README.md"
    new = {
        benchmarks: replace_marked(benchmarks.read_text(), "load figures", benchmark_text(report, names)),
        readme: replace_marked(readme.read_text(), "load figures", as_markdown(readme_table(report))),
    }
    for path in folder.glob("*.svg"):
        path.unlink()
    new |= {folder / f"{name}.svg": plots[name] + "\n" for name in names}
    for path, text in new.items():
        path.write_text(text, encoding="utf-8")
    return list(new)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json")
    parser.add_argument("--checkout", type=Path, default=CHECKOUT, help="whose documents are written")
    options = parser.parse_args()
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in options.reports]
    for path in write_documents(merge_reports(reports), options.checkout):
        print(path)


if __name__ == "__main__":
    main()
