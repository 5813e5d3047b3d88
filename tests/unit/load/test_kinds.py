from benchmarks.load.kinds import latency_by_live_calls, latency_by_quarter, prompt_figures
from benchmarks.load.plan import Flow, Kind, plan_kind
from benchmarks.load.processes import Usage
from benchmarks.load.stage import PROMPT_TEXTS, Sample
from benchmarks.load.watcher import Heard


def test_latency_by_live_calls() -> None:
    samples = [Sample(Usage(at=float(n)), n, {}) for n in range(13)]
    found = latency_by_live_calls([(1.0, 100.0), (2.2, 300.0), (11.9, 900.0)], samples, steps=6)
    assert [(each["calls_at_most"], each["finals"]) for each in found] == [(2, 2), (12, 1)]
    assert found[-1]["final_ms"]["p95"] == 900.0
    assert latency_by_live_calls([], samples) == []


def test_latency_by_quarter() -> None:
    found = latency_by_quarter([(0.0, 1.0), (99.0, 4.0), (101.0, 6.0), (60.0, 3.0)], (0.0, 100.0))
    assert [quarter["p50"] for quarter in found] == [1.0, None, 3.0, 4.0]


def heard(text: str, source: str, late: float) -> Heard:
    return Heard("out", text, 100.0, 103.0, 103.0 + late, False, source)


def test_prompts_are_known_or_recognised() -> None:
    prompt = PROMPT_TEXTS["en-US"]
    rows = [heard(prompt, "prompt", 0.01), heard("Thank you for calling", "prompt", 0.02)]
    rows += [heard("Thank you for falling", "prompt", 0.03), heard("thank", "speech", 0.5)]
    found = prompt_figures(rows, prompt)
    assert (found["known"], found["recognised"], found["exact"]) == (3, 1, 2)
    assert (found["known_ms"]["p50"], found["recognised_ms"]["p50"]) == (20.0, 500.0)


def test_prompts_have_the_language_of_the_engine() -> None:
    assert plan_kind(Kind.PROMPTS, 3, 20.0, "ko-KR").flow is Flow.PROMPTS_KOREAN
    assert plan_kind(Kind.PROMPTS, 3, 20.0, "en-US").flow is Flow.PROMPTS_ENGLISH
    assert all(len(text) <= 300 for text in PROMPT_TEXTS.values())
