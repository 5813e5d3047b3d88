import json
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.load.curves import curves
from benchmarks.load.lasting import lasting_figures, recovery_seconds, slope_per_hour
from benchmarks.load.plots import Line, plot
from benchmarks.load.processes import Usage
from benchmarks.load.report import EngineFigures, Report
from benchmarks.load.stage import Sample

ROW = {
    **{"name": "steady", "language": "en-US", "calls": 40, "set_up": 40, "transcribed": 40, "failed": 0, "seconds": 9},
    **{
        "error_percent": 12.0,
        "unheard": 0,
        "said": 90,
        "gap_seconds": 0,
        "shed_interims": 3,
        "busy_percent": 91.0,
        "own_busy_percent": 90.0,
    },
    "final_ms": {"p50": 420.4, "p95": 910.6, "p99": 1200.0, "mean": 500.0},
    "interim_ms": {"p50": 100.0, "p95": 200.0, "p99": 300.0, "mean": 120.0},
    "queue_delay_ms": {"p50": 1.0, "p95": 2.0, "p99": 3.0, "mean": 1.0},
    "cpu_ms_per_call_second": {"app": 1.0, "recognition": 20.0, "asterisk": 7.0, "sipp": 3.0},
    **{"app_mb": 400, "asterisk_mb": 80, "is_held": True, "error_percent_alone": 11.5, "event_lag_p95_ms": 2.0},
    "packets": {"received": 4000, "lost": 2, "late": 0},
}


def sample(at: float, live: int = 0, delay: float = 0.0, level: float = 0.0, rss: int = 0) -> Sample:
    metrics = {"callscribe_recognition_delay_seconds": delay, "callscribe_recognition_level": level}
    return Sample(Usage(at=at, app=at / 10, app_rss=rss), live, metrics)


def filled() -> Report:
    moonshine = EngineFigures("moonshine", "en-US", 40, ROW, {"error_percent": 11.0}, [ROW])
    report = Report({"cores": 2}, {"moonshine": moonshine, "vosk": EngineFigures("vosk", "ko-KR")})
    report.naive = [{"language": "ko-KR", "two_sided_calls": 5, "cpu_ms_per_call_second": 380.0, "busy": 0.95}]
    report.setup = {"failed": 0, "seconds": 8.1, "ari_event_lag_p95_ms": 3.0}
    report.loads = [ROW]
    report.series = [{"name": "steady <&>", "curves": curves([sample(float(n), n) for n in range(9)])}]
    return report


def test_the_summary_is_the_issues_object() -> None:
    summary = filled().summary()
    assert list(summary) == ["engines", "naive_vosk_two_sided_calls", "setup_100", "machine"]
    assert summary["engines"]["moonshine"] == {
        "two_sided_calls": 40,
        "final_p50_ms": 420,
        "final_p95_ms": 911,
        "wer_percent": 12.0,
        "wer_alone_percent": 11.5,
        "cpu_ms_per_call_second": {"app": 1.0, "recognition": 20.0, "asterisk": 7.0},
    }
    assert summary["engines"]["vosk"]["two_sided_calls"] == 0
    assert summary["naive_vosk_two_sided_calls"] == 5


def test_report_and_page_are_written(tmp_path: Path) -> None:
    as_json, as_page = filled().write(tmp_path / "bench")
    assert json.loads(as_json.read_text())["ratios_to_naive"]["moonshine"] == {"ko-KR": 8.0}
    page = as_page.read_text()
    assert "steady &lt;&amp;&gt;" in page
    assert page.count("<svg") == page.count("</svg>") >= 4


def test_a_plot_is_good_xml_within_its_frame() -> None:
    text = plot("t <1>", "x", "y", [Line("a", [(0, 0), (10, 5)]), Line("b", [(0, 3)])], mark=8.0)
    root = ElementTree.fromstring(text)
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        assert all(0 <= x <= 720 and 0 <= y <= 220 for x, y in points)
    assert plot("nothing", "x", "y", []) == ""


def test_slopes() -> None:
    assert slope_per_hour([(0, 1.0), (1800, 2.0), (3600, 3.0)]) == 2.0
    assert slope_per_hour([(0, 1.0)]) == 0.0
    figures = lasting_figures([sample(60.0 * n, rss=2**20 * (100 if n else 10)) for n in range(61)])
    assert figures["app_mb"] == {"slope_per_hour": 0.0, "least": 100.0, "most": 100.0}


def test_recovery_counts_from_when_the_load_has_fallen() -> None:
    busy = [sample(0, 80, 2.0, 2), sample(10, 80, 2.0, 2), sample(20, 30, 1.0, 2)]
    assert recovery_seconds([*busy, sample(26, 10, 0.0, 1), sample(31, 0)], 40) == 11.0
    assert recovery_seconds(busy, 40) is None
    assert recovery_seconds([sample(0, 80), sample(10, 10)], 40) == 0.0
