"""What the recognition pool counts: plain numbers for metrics and for the operator."""

from dataclasses import dataclass


@dataclass(slots=True)
class RecognitionCounts:
    """Totals since the pool was opened, and two values of this moment.

    `queue_delay_seconds` is how long the turn that began last had waited for a thread; `busy_seconds` is the time that
    threads spent decoding `decoded_seconds` of sound. `lost_events` are interims and the like that the event loop did
    not take in time.
    """

    open_feeds: int = 0
    queue_delay_seconds: float = 0.0
    longest_queue_delay_seconds: float = 0.0
    decoded_seconds: float = 0.0
    busy_seconds: float = 0.0
    finals: int = 0
    interims: int = 0
    shed_interims: int = 0
    gaps: int = 0
    gap_seconds: float = 0.0
    failed_feeds: int = 0
    lost_events: int = 0
    recycled_recognizers: int = 0
