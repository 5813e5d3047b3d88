"""What is played to a leg, for those who hear the leg and may know the sound."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

STILL_HEARD_SECONDS: Final = 1.0
"""So long after the end of a playback its last sound may still be on its way to who listens."""


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    media: tuple[str, ...]
    ended_at: float | None = None


class PlayedMedia:
    """The media of one leg's playbacks. Changed on the event loop, read on any thread."""

    def __init__(self) -> None:
        self.begun = 0
        """How many playbacks there have been."""
        self._played: tuple[_Played, ...] = ()

    @contextmanager
    def of(self, media: Sequence[str]) -> Iterator[None]:
        """Within this context `media` are being played."""
        playing = _Played(tuple(media))
        # One assignment of a whole tuple: a reader on another thread sees it before or after, never between.
        self._played = (*self._fresh(), playing)
        self.begun += 1
        try:
            yield
        finally:
            ended = _Played(playing.media, time.monotonic())
            self._played = tuple(ended if each is playing else each for each in self._fresh())

    def current(self) -> tuple[str, ...]:
        """Return the media that may be heard now."""
        return tuple(uri for played in self._fresh() for uri in played.media)

    def _fresh(self) -> tuple[_Played, ...]:
        if not self._played:
            return ()
        oldest = time.monotonic() - STILL_HEARD_SECONDS
        return tuple(each for each in self._played if each.ended_at is None or each.ended_at >= oldest)
