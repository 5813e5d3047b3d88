"""Prometheus metrics: gauges and counters that are read off the live objects when somebody scrapes."""

import asyncio
import threading
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.call.live_calls import LiveCalls
from app.media.rtp_ports import PortBudget
from app.media.rtp_receiver import RtpReceiver
from app.speech.recognition_pool import RecognitionPool
from app.transcribe.transcribes import Transcribes


class AppCollector(Collector):
    """Reads everything at once, so that no hot path pays for metrics that nobody looks at."""

    def __init__(
        self,
        live_calls: LiveCalls,
        transcribes: Transcribes,
        receiver: RtpReceiver,
        pool: RecognitionPool,
        ports: PortBudget,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._live_calls = live_calls
        self._transcribes = transcribes
        self._receiver = receiver
        self._pool = pool
        self._ports = ports
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        """All metrics as they are now."""
        yield GaugeMetricFamily("callscribe_live_calls", "Calls that live now.", len(self._live_calls))
        yield GaugeMetricFamily("callscribe_live_transcribes", "Transcribes that listen now.", len(self._transcribes))
        yield GaugeMetricFamily("callscribe_tasks", "Tasks on the event loop.", len(asyncio.all_tasks(self._loop)))
        yield GaugeMetricFamily("callscribe_threads", "Threads of the app.", threading.active_count())
        yield GaugeMetricFamily(
            "callscribe_free_rtp_pairs", "Pairs of RTP ports that calls can still reserve.", self._ports.free_pairs
        )
        counts = self._receiver.counts
        yield CounterMetricFamily("callscribe_rtp_datagrams", "Datagrams received on the RTP socket.", counts.datagrams)
        yield CounterMetricFamily(
            "callscribe_rtp_strangers", "Datagrams from sources that nobody listens to.", counts.strangers
        )
        statistics = self._pool.counts
        yield GaugeMetricFamily(
            "callscribe_recognition_delay_seconds",
            "How long the oldest piece of sound waits for a recognition thread.",
            statistics.queue_delay_seconds,
        )
        yield CounterMetricFamily(
            "callscribe_recognition_decoded_seconds", "Sound that was decoded.", statistics.decoded_seconds
        )
        yield CounterMetricFamily(
            "callscribe_recognition_shed_interims", "Interims left out under load.", statistics.shed_interims
        )
        yield CounterMetricFamily(
            "callscribe_recognition_gap_seconds", "Sound that was not decoded under load.", statistics.gap_seconds
        )


def open_metrics(collector: AppCollector) -> CollectorRegistry:
    """A registry of this application's own: two applications in one process do not meet."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry


def render_metrics(registry: CollectorRegistry) -> bytes:
    """The text form that Prometheus scrapes."""
    return generate_latest(registry)
