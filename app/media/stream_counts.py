"""What happened on one stream and on the receiver, in numbers: instead of a log line per packet."""

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(slots=True)
class StreamCounts:
    """Counts of one stream, in packets where nothing else is said.

    The media thread alone writes them; `RtpStream.counts` hands out copies.
    `lost` never came in time; `late` came after its place was given away (so it is in `lost` too); `duplicate` came
    twice; `reordered` came after a later one, but in time. `resyncs` are the points where the time line was taken up
    anew from the arrival time: a new SSRC, a jump of sequence numbers or of timestamps.
    """

    received: int = 0
    malformed: int = 0
    unsupported: int = 0
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    reordered: int = 0
    ssrc_changes: int = 0
    resyncs: int = 0
    frames: int = 0
    concealed_samples: int = 0
    last_packet_at: float | None = None
    """`time.monotonic()` of the last packet; None before the first."""


@dataclass(slots=True)
class ReceiverCounts:
    """Counts of the socket; `strangers` are datagrams from a source that nobody listens to."""

    datagrams: int = 0
    strangers: int = 0
    drains: int = 0
    socket_errors: int = 0


_ADDED = tuple(field.name for field in fields(StreamCounts) if field.name != "last_packet_at")


def sum_counts(parts: Iterable[StreamCounts]) -> StreamCounts:
    """Return the counts of several streams together, without the time of the last packet."""
    total = StreamCounts()
    for part in parts:
        for name in _ADDED:
            setattr(total, name, getattr(total, name) + getattr(part, name))
    return total
