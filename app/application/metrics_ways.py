"""Metrics of the ways between the parts: Asterisk, the event loop, the journal, webhooks, WebSocket clients."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from app.application.loop_lag import LoopLag
from app.application.metric_forms import gauge, histogram, total, totals
from app.ari.ari import Ari
from app.delivery.webhook_sender import WebhookSender
from app.delivery.websocket_feed import WebsocketFeed
from app.event_bus import EventBus
from app.journal.journal import Journal

_OUTCOMES = ("delivered", "retried", "given_up")


def control_metrics(ari: Ari, lag: LoopLag) -> Iterable[Metric]:
    """How prompt the control of calls is."""
    yield gauge("callscribe_ari_connected", "Whether there is a connection to Asterisk: 0 or 1.", ari.is_connected)
    yield gauge("callscribe_ari_watches", "Queues of Asterisk's events that are read now.", ari.watches)
    yield histogram(
        "callscribe_ari_event_lag_seconds",
        "From the timestamp of Asterisk's event to its receipt; both clocks have to be one.",
        ari.event_lag,
    )
    yield histogram("callscribe_ari_request_seconds", "How long Asterisk took for requests.", ari.request_times)
    yield histogram("callscribe_event_loop_lag_seconds", "How late the event loop comes to what is due.", lag.histogram)


def delivery_metrics(journal: Journal, sender: WebhookSender, feed: WebsocketFeed, bus: EventBus) -> Iterable[Metric]:
    """How events get to the store and to clients."""
    yield total("callscribe_events", "Events stored since the database was made.", journal.seq)
    yield gauge("callscribe_journal_waiting", "Commits under way or waiting for their turn.", journal.waiting)
    yield histogram("callscribe_journal_commit_seconds", "How long commits took, their wait included.", journal.commits)
    yield totals(
        "callscribe_webhook_deliveries",
        "Attempts to deliver webhooks, by outcome.",
        "outcome",
        {outcome: getattr(sender.counts, outcome) for outcome in _OUTCOMES},
    )
    yield gauge("callscribe_webhook_in_flight", "Webhook deliveries on their way now.", sender.in_flight)
    yield gauge("callscribe_webhook_waiting", "Webhook deliveries that are due and wait for a slot.", sender.waiting)
    yield gauge("callscribe_websocket_clients", "WebSocket clients connected now.", feed.open_connections)
    yield total(
        "callscribe_websocket_too_slow", "WebSocket clients sent away because they did not keep up.", feed.too_slow
    )
    yield gauge("callscribe_event_bus_most_unread", "Events that the slowest reader has not read yet.", bus.most_unread)
    yield total("callscribe_event_bus_overruns", "Readers closed because of too many unread events.", bus.overruns)
