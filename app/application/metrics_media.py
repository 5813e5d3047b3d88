"""Metrics of sound on its way in: datagrams, packets of streams, what was lost."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from app.application.metric_forms import gauge, total, totals
from app.media.rtp_ports import PortBudget
from app.media.rtp_receiver import RtpReceiver

_KINDS = ("received", "lost", "late", "duplicate", "reordered", "malformed", "unsupported")


def media_metrics(receiver: RtpReceiver, ports: PortBudget) -> Iterable[Metric]:
    """The receiver, and all its streams together."""
    counts, streams = receiver.counts, receiver.stream_counts
    yield gauge("callscribe_free_rtp_pairs", "Pairs of RTP ports that calls can still reserve.", ports.free_pairs)
    yield gauge("callscribe_rtp_streams", "RTP streams that are listened to now.", receiver.open_streams)
    yield gauge(
        "callscribe_rtp_held_packets",
        "Packets in jitter rings, waiting for one that is missing.",
        receiver.held_packets,
    )
    yield total("callscribe_rtp_datagrams", "Datagrams received on the RTP socket.", counts.datagrams)
    yield total("callscribe_rtp_strangers", "Datagrams from sources that nobody listens to.", counts.strangers)
    yield total("callscribe_rtp_socket_errors", "Faults of the RTP socket.", counts.socket_errors)
    yield totals(
        "callscribe_rtp_packets",
        "Packets of streams, by kind; lost = never came in time, late = came after that (it is in lost too).",
        "kind",
        {kind: getattr(streams, kind) for kind in _KINDS},
    )
    yield total("callscribe_rtp_resyncs", "Points where a stream's time line was taken up anew.", streams.resyncs)
