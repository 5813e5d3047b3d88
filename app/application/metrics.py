"""Prometheus metrics: gauges and counters that are read off the live objects when somebody scrapes."""

import asyncio
import threading
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from app.application.loop_lag import LoopLag
from app.application.metric_forms import gauge
from app.application.metrics_calls import call_metrics
from app.application.metrics_media import media_metrics
from app.application.metrics_recognition import recognition_metrics
from app.application.metrics_ways import control_metrics, delivery_metrics
from app.application.parts import Parts
from app.application.talk import Talk
from app.delivery.webhook_sender import WebhookSender
from app.delivery.websocket_feed import WebsocketFeed


class AppCollector(Collector):
    """Reads everything at once, so that no hot path pays for metrics that nobody looks at."""

    def __init__(
        self,
        parts: Parts,
        talk: Talk,
        sender: WebhookSender,
        live_feed: WebsocketFeed,
        lag: LoopLag,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._parts = parts
        self._talk = talk
        self._sender = sender
        self._live_feed = live_feed
        self._lag = lag
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        """All metrics as they are now."""
        parts = self._parts
        yield from call_metrics(self._talk, parts.bus)
        yield from recognition_metrics(parts.pool)
        yield from media_metrics(parts.receiver, parts.budget)
        yield from control_metrics(parts.telephony.ari, self._lag)
        yield from delivery_metrics(parts.journal, self._sender, self._live_feed, parts.bus)
        yield gauge("callscribe_tasks", "Tasks on the event loop.", len(asyncio.all_tasks(self._loop)))
        yield gauge("callscribe_threads", "Threads of the app.", threading.active_count())


def open_metrics(collector: Collector) -> CollectorRegistry:
    """A registry of this application's own: two applications in one process do not meet.

    Beside our own it has the process's memory, processor time and open files (`process_...`), and Python's (`python_`).
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def render_metrics(registry: CollectorRegistry) -> bytes:
    """The text form that Prometheus scrapes."""
    return generate_latest(registry)
