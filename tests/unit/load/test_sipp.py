from xml.etree import ElementTree

import pytest

from benchmarks.load.scenarios import callee_scenario, caller_scenario
from benchmarks.load.sipp import Moments, SippStatistics, read_moments, read_statistics

LOG = """calling s0xabc 2026-11-23\t21:42:16.747957\t1795470136.747957
answered s0xabc 2026-11-23\t21:42:16.751883\t1795470136.751883
playing s0xabc 2026-11-23\t21:42:16.756405\t1795470136.756405
something else
leaving s0xabc 2026-11-23\t21:42:19.760997\t1795470139.760997
"""


def test_moments_are_wall_time() -> None:
    moments = read_moments(LOG)
    assert moments.calling == {"s0xabc": 1795470136.747957}
    assert moments.playing["s0xabc"] - moments.answered["s0xabc"] == pytest.approx(0.004522, abs=1e-5)
    assert moments.leaving["s0xabc"] == 1795470139.760997
    both = Moments()
    both.merge(moments)
    both.merge(read_moments(LOG.replace("abc", "def")))
    assert set(both.playing) == {"s0xabc", "s0xdef"}


def test_statistics_are_those_of_the_last_line() -> None:
    header = (
        "StartTime;TotalCallCreated;SuccessfulCall(P);SuccessfulCall(C);FailedCall(P);FailedCall(C);Retransmissions(C);"
    )
    text = f"{header}\nx;1;1;1;0;0;0;\nx;4;1;2;1;1;7;\n"
    assert read_statistics(text) == SippStatistics(4, 2, 1, 7)
    assert read_statistics("") == SippStatistics()
    assert read_statistics(text) + SippStatistics(1, 1, 1, 1) == SippStatistics(5, 3, 2, 8)


@pytest.mark.parametrize(
    "text",
    [
        caller_scenario(0),
        caller_scenario(3),
        caller_scenario(3, is_left=True),
        callee_scenario(3),
        callee_scenario(3, shortest_ms=300, longest_ms=9000),
    ],
)
def test_scenarios_jump_only_to_labels_that_are_there(text: str) -> None:
    root = ElementTree.fromstring(text)
    labels = {label.attrib["id"] for label in root.iter("label")}
    jumps = {part.attrib[name] for part in root.iter() for name in ("next", "ontimeout") if name in part.attrib}
    assert jumps <= labels
    variables = set(root.findall("Reference")[0].attrib["variables"].split(","))
    assigned = {part.attrib["assign_to"] for part in root.iter() if "assign_to" in part.attrib}
    assert assigned == variables


def test_each_script_is_played_by_its_own_calls() -> None:
    text = caller_scenario(2)
    assert [f'play_pcap_audio="caller{n}.pcap"' in text for n in range(3)] == [True, True, False]
