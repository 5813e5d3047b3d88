"""Prometheus metrics: gauges and counters that are read off the live objects when somebody scrapes."""

import asyncio
import threading
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.application.parts import Parts
from app.application.talk import Talk
from app.delivery.webhook_sender import WebhookSender


class AppCollector(Collector):
    """Reads everything at once, so that no hot path pays for metrics that nobody looks at."""

    def __init__(self, parts: Parts, talk: Talk, sender: WebhookSender, loop: asyncio.AbstractEventLoop) -> None:
        self._talk = talk
        self._sender = sender
        self._receiver = parts.receiver
        self._pool = parts.pool
        self._ports = parts.budget
        self._journal = parts.journal
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        """All metrics as they are now."""
        talk = self._talk
        yield GaugeMetricFamily("callscribe_live_calls", "Calls that live now.", len(talk.calls))
        yield GaugeMetricFamily("callscribe_live_transcribes", "Transcribes that listen now.", len(talk.transcribes))
        yield GaugeMetricFamily("callscribe_live_recordings", "Recordings that go on now.", len(talk.recordings))
        yield GaugeMetricFamily("callscribe_open_conferences", "Conferences in use now.", len(talk.conferences))
        yield GaugeMetricFamily(
            "callscribe_recording_transcribes",
            "Transcribes of recordings that are being decoded or wait for it.",
            len(talk.recording_transcribes),
        )
        yield CounterMetricFamily("callscribe_events", "Events stored since the database was made.", self._journal.seq)
        deliveries = CounterMetricFamily(
            "callscribe_webhook_deliveries", "Attempts to deliver webhooks, by outcome.", labels=["outcome"]
        )
        for outcome in ("delivered", "retried", "given_up"):
            deliveries.add_metric([outcome], getattr(self._sender.counts, outcome))
        yield deliveries
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
