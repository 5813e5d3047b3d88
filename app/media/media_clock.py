"""When a sample was heard, on `time.monotonic()`: pure, learnt from when packets arrive.

A packet can only be late, never early, so the truest mapping from the time line to the clock is the smallest
`arrival - position` seen. It is taken over a window of the last seconds of sound: a late burst or a pause of our own
process does not move it, and ticks that Asterisk lost for good (or a clock that drifts) do, once the window has passed.
"""

from collections import deque

from app.domain.audio import SAMPLE_RATE

_SLOT_SAMPLES = SAMPLE_RATE  # the window slides in steps of one second of sound ...
_SLOTS = 5  # ... and holds five, the current one included


class MediaClock:
    """The clock of one stream. Positions are samples on the time line that JitterBuffer makes."""

    __slots__ = ("_anchor", "_floor", "_last_time", "_slot", "_slot_minimum", "_window")

    def __init__(self) -> None:
        self._anchor = 0.0
        self._window: deque[float] = deque(maxlen=_SLOTS - 1)
        self._slot: int | None = None
        self._slot_minimum = 0.0
        self._floor = 0.0  # the smallest of the closed slots
        self._last_time = 0.0

    def observe(self, end_position: int, arrived_at: float) -> None:
        """Learn from a packet that arrived at `arrived_at` and whose last sample is just before `end_position`.

        Its end counts, not its begin: a packet leaves when its last sample is known.
        """
        offset = arrived_at - end_position / SAMPLE_RATE
        slot = end_position // _SLOT_SAMPLES
        if slot != self._slot:
            self._open_slot(slot, offset)
        elif offset < self._slot_minimum:
            self._slot_minimum = offset
        else:
            return
        self._anchor = min(offset, self._floor)

    def restart(self) -> None:
        """Forget what was learnt: the time line's mapping changes here. Times go on without a step back."""
        self._slot = None

    def time_at(self, position: int) -> float:
        """Return when the sample at `position` was heard, in seconds of `time.monotonic()`; never decreases."""
        moment = self._anchor + position / SAMPLE_RATE
        if moment < self._last_time:
            return self._last_time
        self._last_time = moment
        return moment

    def _open_slot(self, slot: int, offset: float) -> None:
        """Close the current slot into the window; a first slot (or one after `restart`) begins an empty window."""
        if self._slot is None:
            self._window.clear()
        else:
            self._window.append(self._slot_minimum)
        self._slot = slot
        self._slot_minimum = offset
        self._floor = min(self._window, default=offset)
