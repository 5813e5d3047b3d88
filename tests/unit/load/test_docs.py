from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.load.docs import replace_marked, write_documents
from benchmarks.load.gallery import make_plots
from benchmarks.load.merged import merge_reports
from benchmarks.load.plots import Bar, plot_bars, ticks_to
from benchmarks.load.tables import NOT_MEASURED

MARKED = "before\n<!-- load figures -->\nold\n<!-- /load figures -->\nafter\n"
SPREAD = {"p50": 400.0, "p95": 700.0, "p99": 900.0, "mean": 450.0}
ROW: dict[str, Any] = {
    **{"name": "steady", "language": "en-US", "calls": 40, "set_up": 40, "transcribed": 40, "failed": 0, "seconds": 9},
    **{"error_percent": 12.0, "error_percent_alone": 11.0, "event_lag_p95_ms": 2.0, "is_held": True, "gap_seconds": 0},
    **{"final_ms": SPREAD, "interim_ms": SPREAD, "queue_delay_ms": SPREAD, "bridged_ms": SPREAD},
    "cpu_ms_per_call_second": {"app": 1.0, "recognition": 20.0, "asterisk": 7.0, "sipp": 3.0},
    "packets": {"received": 4000, "lost": 2, "late": 0},
}
SLOPE = {"slope_per_hour": 1.5, "least": 90.0, "most": 100.0}
CURVES = [{"title": "memory", "unit": "MB", "lines": {"app": [[0, 90], [60, 91], [120, 90]]}}]


def report(**more: Any) -> dict[str, Any]:
    machine = {"cores": 2, "processor": "P", "memory_gb": 8.0, "python": "3.11", "sipp": "SIPp v3"}
    empty = {"at": "2026-01-02T03:04:05+00:00", "summary": {"machine": machine, "setup_100": None}, "naive": []}
    return empty | {"engines": {}, "lasting": {}, "loads": [], "series": []} | more


def searched() -> dict[str, Any]:
    engine = {"language": "en-US", "calls": 40, "best": ROW, "alone": None, "trials": [ROW]}
    naive = [{"two_sided_calls": 5, "language": "ko-KR"}]
    return report(engines={"moonshine": engine}, naive=naive, loads=[ROW], naive_beside_calls_computed={"moonshine": 4})


def soaked() -> dict[str, Any]:
    figures = {"calls": 10, "minutes": 60.0, "set_up": 600, "failed": 0, "app_mb": SLOPE, "residue": {}}
    series = [{"name": "soak", "kind": "soak", "language": "en-US", "curves": CURVES}]
    loads = [ROW | {"name": "soak"}, ROW | {"calls": 1}]
    unsearched = {"moonshine": {"language": "en-US", "calls": 0, "best": None, "trials": []}}
    return report(lasting={"soak": {"moonshine": figures}}, loads=loads, series=series, engines=unsearched)


def test_later_reports_fill_what_the_former_lack() -> None:
    for order in ([searched(), soaked()], [soaked(), searched()]):
        merged = merge_reports(order)
        assert merged["engines"]["moonshine"]["calls"] == 40
        assert merged["lasting"]["soak"]["moonshine"]["minutes"] == 60.0
        assert merged["naive_beside_calls_computed"] == {"moonshine": 4}
        assert len(merged["series"]) == 1
    assert [load["calls"] for load in merge_reports([searched(), soaked()])["loads"]] == [40, 40]
    with pytest.raises(ValueError, match="one at least"):
        merge_reports([])


def test_documents_are_written_between_their_markers(tmp_path: Path) -> None:
    (tmp_path / "docs" / "plots").mkdir(parents=True)
    (tmp_path / "docs" / "plots" / "gone.svg").write_text("old")
    for path in (tmp_path / "README.md", tmp_path / "docs" / "benchmarks.md"):
        path.write_text(MARKED)
    written = write_documents(merge_reports([searched(), soaked()]), tmp_path)
    readme, text = (tmp_path / "README.md").read_text(), (tmp_path / "docs" / "benchmarks.md").read_text()
    assert readme.startswith("before\n<!-- load figures -->")
    assert readme.endswith("<!-- /load figures -->\nafter\n")
    assert "| Moonshine (English) | 40 | 400 / 700 ms |" in readme
    assert f"| Vosk (Korean) | {NOT_MEASURED} | – |" in readme
    assert "old" not in text
    assert "8.0 times" in text
    assert "10.0 times" in text
    assert "+1.5" in text
    plots = sorted(path.stem for path in (tmp_path / "docs" / "plots").iterdir())
    assert {path.stem for path in written if path.suffix == ".svg"} == set(plots)
    assert all(f"(plots/{name}.svg)" in text for name in plots)
    assert {"naive", "finals-moonshine", "soak-en-US-memory", "soak-slopes"} <= set(plots)
    again = write_documents(merge_reports([searched(), soaked()]), tmp_path)
    assert again == written
    assert (tmp_path / "README.md").read_text() == readme


def test_nothing_measured_is_said(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for path in (tmp_path / "README.md", tmp_path / "docs" / "benchmarks.md"):
        path.write_text(MARKED)
    assert len(write_documents(merge_reports([report()]), tmp_path)) == 2
    assert (tmp_path / "docs" / "benchmarks.md").read_text().count(NOT_MEASURED) >= 5


def test_a_marker_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="once each"):
        replace_marked("nothing", "load figures", "x")


def test_all_plots_are_good_xml() -> None:
    plots = make_plots(merge_reports([searched(), soaked()]))
    for svg in plots.values():
        ElementTree.fromstring(svg)


def test_bars_stand_within_their_frame() -> None:
    bars = [Bar("a <1>", [("x", 3.0), ("y", 5.0)]), Bar("b", [("x", 0.0), ("y", 40.0)])]
    for is_stacked in (True, False):
        root = ElementTree.fromstring(plot_bars("t", "ms", bars, is_stacked=is_stacked))
        for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
            assert float(rect.get("y", 0)) >= 0
            assert float(rect.get("height", 0)) >= 0
    assert plot_bars("t", "ms", []) == ""


@pytest.mark.parametrize("top", [0.0, 0.003, 0.99, 1.0, 7.3, 10.0, 999.0, 123456.0])
def test_ticks_reach_the_top(top: float) -> None:
    ticks = ticks_to(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top
    assert 3 <= len(ticks) <= 9
