"""The start of a transcribe on both clocks: what all its offsets count from."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.timestamps import now


@dataclass(frozen=True, slots=True)
class TimeZero:
    """The transcribe's `tm_create` on both clocks: what offsets count from, for all its lanes alike."""

    wall: datetime
    monotonic: float

    @classmethod
    def of(cls, wall: datetime) -> "TimeZero":
        """The wall time `wall`, which is about now, on both clocks."""
        return cls(wall, time.monotonic() - (now() - wall).total_seconds())

    def offset(self, at: float) -> timedelta:
        """How long after the start the monotonic moment `at` was; never negative."""
        return timedelta(seconds=max(0.0, at - self.monotonic))

    def moment(self, at: float) -> datetime:
        """The wall time of the monotonic moment `at`."""
        return self.wall + timedelta(seconds=at - self.monotonic)
