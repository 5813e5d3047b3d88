"""What came of one load: counts, latencies, CPU, memory, and whether it held."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Final

from benchmarks.load.hearing import Hearing, mean, percentile
from benchmarks.load.histograms import quantile
from benchmarks.load.plan import Plan
from benchmarks.load.processes import Usage
from benchmarks.load.sipp import Moments, SippStatistics
from benchmarks.load.stage import Sample
from benchmarks.load.watcher import WatchedCall

GAPS: Final = "callscribe_recognition_gap_seconds_total"
SHED: Final = "callscribe_recognition_shed_interims_total"
DELAY: Final = "callscribe_recognition_delay_seconds"
EVENT_LAG: Final = "callscribe_ari_event_lag_seconds"
PACKETS: Final = "callscribe_rtp_packets_total"
PACKET_KINDS: Final = ("received", "lost", "late")


@dataclass(slots=True)
class StepResult:
    """What came of one load. Times are wall time; `window` is when all calls talked."""

    plan: Plan
    statistics: SippStatistics
    caller: Moments
    callee: Moments
    window: tuple[float, float]
    hearing: Hearing
    samples: list[Sample]
    before: dict[str, float]
    after: dict[str, float]
    residue: dict[str, Any]
    complaints: list[str] = field(default_factory=list)
    calls: dict[str, WatchedCall] = field(default_factory=dict)
    """As the API told of them, by the caller's name."""

    @property
    def transcribed(self) -> int:
        """Calls that had a transcribe."""
        return sum(call.transcribe_began is not None for call in self.calls.values())

    @property
    def transcripts(self) -> int:
        """All finals that came, of the prompts too."""
        return sum(len(call.heard) for call in self.calls.values())

    @property
    def in_window(self) -> list[Sample]:
        """The samples of the window."""
        return [sample for sample in self.samples if self.window[0] <= sample.usage.at <= self.window[1]]

    @property
    def cpu_ms_per_call_second(self) -> dict[str, float]:
        """Milliseconds of CPU for each second of each call, by part, over the window."""
        samples = self.in_window
        if len(samples) < 2:
            return {}
        pairs = list(pairwise(samples))
        seconds = sum((b.usage.at - a.usage.at) * (a.live + b.live) / 2 for a, b in pairs)
        used = samples[-1].usage.cpu_since(samples[0].usage)
        return {name: round(1000 * value / max(seconds, 1e-9), 2) for name, value in used.items()}

    @property
    def busy(self) -> float:
        """The part of all processors that was busy over the window, with whatever else ran, 0 to 1."""
        return self._share(lambda later, earlier: later.machine - earlier.machine)

    @property
    def own_busy(self) -> float:
        """The part of all processors that the load itself kept busy: app, Asterisk, SIPp, and this program."""
        return self._share(lambda later, earlier: sum(later.cpu_since(earlier).values()))

    def _share(self, used: Callable[[Usage, Usage], float]) -> float:
        samples = self.in_window
        if len(samples) < 2:
            return 0.0
        last, first = samples[-1].usage, samples[0].usage
        return used(last, first) / (last.at - first.at) / (os.cpu_count() or 1)

    def grown(self, metric: str) -> float:
        """How much a counter grew."""
        return self.after.get(metric, 0.0) - self.before.get(metric, 0.0)

    @property
    def counted(self) -> dict[str, float]:
        """All counters of `/metrics` that grew, packets lost on their way among them."""
        counters = (name for name in self.after if name.partition("{")[0].endswith("_total"))
        return {name: round(self.grown(name), 2) for name in counters if self.grown(name)}

    @property
    def packets(self) -> dict[str, int]:
        """Packets of Asterisk's sound that came, did not, or came too late."""
        return {kind: round(self.grown(f'{PACKETS}{{kind="{kind}"}}')) for kind in PACKET_KINDS}

    @property
    def event_lag_ms(self) -> float | None:
        """p95 of how long Asterisk's events took to us, in ms."""
        seconds = quantile(EVENT_LAG, self.before, self.after, 0.95)
        return None if seconds is None else round(1000 * seconds, 1)

    @property
    def bridged_ms(self) -> list[float]:
        """From the answer to a caller to its callee's first sound: a new call out, answered, and bridged."""
        answered = self.caller.answered
        return [1000 * (at - answered[name]) for name, at in self.callee.playing.items() if name in answered]

    @property
    def failed(self) -> int:
        """Calls that failed at SIP, or that were never begun."""
        return self.statistics.failed + max(0, self.plan.calls * self.plan.rounds - self.statistics.created)

    def is_held(self, most_p95_ms: float = 1000.0) -> bool:
        """Nothing lost, and finals in time."""
        p95 = percentile(self.hearing.final_ms, 95)
        wanted = 0 if not self.plan.scripts else self.plan.calls * self.plan.rounds
        return (
            not self.failed
            and not self.grown(GAPS)
            and self.transcribed >= wanted
            and (not wanted or (p95 is not None and p95 <= most_p95_ms))
        )

    def figures(self) -> dict[str, Any]:
        """The report's row of this load."""
        heard = self.hearing
        set_up = [1000 * (at - self.caller.calling[name]) for name, at in self.caller.answered.items()]
        delays = [sample.metrics.get(DELAY, 0.0) * 1000 for sample in self.in_window]
        last = self.in_window[-1] if self.in_window else None
        return {
            "name": self.plan.name,
            "language": self.plan.language,
            "calls": self.plan.calls,
            "set_up": len(self.caller.answered),
            "transcribed": self.transcribed,
            "failed": self.failed,
            "seconds": round(self.window[1] - self.window[0], 1),
            "set_up_ms": spread(set_up),
            "bridged_ms": spread(self.bridged_ms),
            "final_ms": spread(heard.final_ms),
            "interim_ms": spread(heard.interim_ms),
            "transcripts": self.transcripts,
            "finals": len(heard.final_ms),
            "interims": len(heard.interim_ms),
            "error_percent": heard.error_percent(self.plan.language),
            "said": heard.said,
            "unheard": heard.unheard,
            "with_lost_packets": heard.degraded,
            "gap_seconds": round(self.grown(GAPS), 2),
            "shed_interims": round(self.grown(SHED)),
            "queue_delay_ms": spread(delays),
            "event_lag_p95_ms": self.event_lag_ms,
            "packets": self.packets,
            "cpu_ms_per_call_second": self.cpu_ms_per_call_second,
            "busy_percent": round(100 * self.busy, 1),
            "own_busy_percent": round(100 * self.own_busy, 1),
            "app_mb": round(last.usage.app_rss / 2**20) if last else None,
            "asterisk_mb": round(last.usage.asterisk_rss / 2**20) if last else None,
            "counted": self.counted,
            "sip": asdict(self.statistics),
            "residue": self.residue,
            "slowest": heard.slowest,
            "complaints": self.complaints[:3],
        }


def spread(values: list[float]) -> dict[str, float | None]:
    """p50, p95, p99 and the mean, rounded."""
    points = {f"p{percent}": percentile(values, percent) for percent in (50, 95, 99)} | {"mean": mean(values)}
    return {name: None if value is None else round(value, 1) for name, value in points.items()}
