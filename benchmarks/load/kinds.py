"""What a kind of load shows beside the figures that every load has."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from benchmarks.load.plan import Kind
from benchmarks.load.stage import PROMPT_TEXTS, Sample
from benchmarks.load.step_result import StepResult, spread
from benchmarks.load.watcher import Heard

RAMP_STEPS: Final = 6


def kind_figures(kind: Kind, result: StepResult) -> dict[str, Any]:
    """More figures of a load of that kind; none for a steady one."""
    match kind:
        case Kind.RAMP:
            return {"by_live_calls": latency_by_live_calls(result.hearing.finals_at, result.samples)}
        case Kind.BURST:
            return burst_figures(result)
        case Kind.HANGUPS:
            leavers = {"callers_left": len(result.caller.leaving), "callees_left": len(result.callee.leaving)}
            return leavers | {"is_all_gone": not result.residue}
        case Kind.LONG:
            return {"by_quarter": latency_by_quarter(result.hearing.finals_at, result.window)}
        case Kind.PROMPTS:
            heard = [row for call in result.calls.values() for row in call.heard]
            return {"prompts": prompt_figures(heard, PROMPT_TEXTS[result.plan.language])}
        case _:
            return {}


def latency_by_live_calls(
    finals_at: Sequence[tuple[float, float]], samples: Sequence[Sample], steps: int = RAMP_STEPS
) -> list[dict[str, Any]]:
    """Final latency by how many calls were live when it came: as the load grows."""
    if not samples or not finals_at:
        return []
    most = max(1, *(sample.live for sample in samples))
    groups: dict[int, list[float]] = {}
    for at, latency in finals_at:
        live = min(samples, key=lambda sample: abs(sample.usage.at - at)).live
        groups.setdefault(min(steps - 1, live * steps // (most + 1)), []).append(latency)
    return [
        {"calls_at_most": round(most * (number + 1) / steps), "finals": len(values), "final_ms": spread(values)}
        for number, values in sorted(groups.items())
    ]


def latency_by_quarter(
    finals_at: Iterable[tuple[float, float]], window: tuple[float, float]
) -> list[dict[str, float | None]]:
    """Final latency in the four quarters of a load: what grows as calls grow old would show."""
    quarters: list[list[float]] = [[], [], [], []]
    span = max(1e-9, window[1] - window[0])
    for at, latency in finals_at:
        quarters[min(3, max(0, int(4 * (at - window[0]) / span)))].append(latency)
    return [spread(values) for values in quarters]


def burst_figures(result: StepResult) -> dict[str, Any]:
    """How soon all calls of a burst are answered and transcribed, from the first INVITE on."""
    calling, answered = result.caller.calling.values(), result.caller.answered.values()
    began = [call.transcribe_began for call in result.calls.values() if call.transcribe_began is not None]
    if not calling or not answered:
        return {}
    first = min(calling)
    return {
        "offered_within_seconds": round(max(calling) - first, 2),
        "answered_within_seconds": round(max(answered) - first, 2),
        "transcribed_within_seconds": round(max(began) - first, 2) if began else None,
    }


def prompt_figures(heard: Sequence[Heard], prompt: str) -> dict[str, Any]:
    """What became of our own prompts: by which way their text came, whether it is theirs, and how late it was told.

    The latency of these counts from the end of the speech as the transcript gives it.
    """
    known = [row for row in heard if row.source == "prompt"]
    decoded = [row for row in heard if row.source != "prompt"]
    wanted = _plain(prompt)
    return {
        "known": len(known),
        "recognised": len(decoded),
        "exact": sum(_plain(row.text) in wanted for row in known),
        "known_ms": spread([1000 * (row.arrival - row.end) for row in known]),
        "recognised_ms": spread([1000 * (row.arrival - row.end) for row in decoded]),
    }


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
