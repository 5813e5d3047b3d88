"""Tells when a party has said nothing for so long that its recording ends."""

from collections import deque
from collections.abc import Callable, Sequence

from app.domain.audio import FRAME_SECONDS, Frame
from app.speech.voice_activity import VoiceActivity

_WINDOW_FRAMES = 5
_VOICED_FRAMES = 3
"""So many of so many frames with a voice are speech; less is a click or a knock."""


class SilenceWatch:
    """Takes the frames of one direction in their order, on any one thread; `on_silence` is called there, once.

    The silence counts from the last speech, or from the first frame where nobody has spoken.
    """

    def __init__(self, seconds: float, on_silence: Callable[[], None]) -> None:
        self._seconds = seconds
        self._on_silence = on_silence
        self._activity = VoiceActivity()
        self._recent: deque[bool] = deque(maxlen=_WINDOW_FRAMES)
        self._since: float | None = None
        self._is_over = False

    def push(self, frames: Sequence[Frame]) -> None:
        """Judge the next frames."""
        if self._is_over:
            return
        for frame in frames:
            activity = self._activity.judge(frame)
            self._recent.append(activity.is_speech or activity.is_onset)
            if self._since is None:
                self._since = frame.captured_at
            if sum(self._recent) >= _VOICED_FRAMES:
                self._since = frame.captured_at + FRAME_SECONDS
            elif frame.captured_at + FRAME_SECONDS - self._since >= self._seconds:
                self._is_over = True
                self._on_silence()
                return
