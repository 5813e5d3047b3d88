"""Our own prompts in what a party hears: recognised by their samples, told as their text, and kept from the recognizer.

The tap gives what Asterisk plays sample by sample, so nothing has to be guessed from clocks: as long as each frame is
the prompt's next one, exactly this is heard and nothing beside it. What deviates, and what is cut off, is decoded.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.call.played_media import PlayedMedia
from app.domain.audio import FRAME_BYTES, SAMPLE_RATE, Frame
from app.speech.feed_events import FeedEvent, SpeechEnded, SpeechStarted
from app.speech.feed_events import Final as FinalText
from app.transcribe.known_prompts import KnownPrompt

_BYTES_PER_SECOND: Final = 2 * SAMPLE_RATE
_MOST_TRIES: Final = 150
"""So many frames are looked for after a playback has begun: 3 s, after which the prompt does not come as it is."""
_FEWEST_VALUES: Final = 40
"""A frame with fewer different bytes is next to silence, and may be anywhere."""
_HANDED_ON: Final = 5
"""Frames that were kept go to the recognizer at five times their speed, so that it is not flooded."""

FindPrompt = Callable[[str], KnownPrompt | None]


@dataclass(slots=True)
class _Heard:
    """A prompt that is being heard: from byte `begun` of its sound on, up to byte `at` until now."""

    prompt: KnownPrompt
    begun: int
    at: int
    frames: list[Frame] = field(default_factory=list)

    def take(self, frame: Frame) -> bool:
        """Whether `frame` is what comes next; a lost packet may have been."""
        end = self.at + FRAME_BYTES
        if not frame.is_concealed and self.prompt.sound[self.at : end] != frame.pcm:
            return False
        self.at = end
        self.frames.append(frame)
        return True


class PromptEar:
    """Stands before a feed. `push` is called on the media thread, `finish` on the event loop, once, after the last."""

    def __init__(
        self,
        played: PlayedMedia,
        find: FindPrompt,
        language: str,
        push: Callable[[Sequence[Frame]], None],
        tell: Callable[[FeedEvent], None],
    ) -> None:
        """`language`: the primary language of the transcribe; prompts in another one are decoded like any speech."""
        self.prompts = 0
        """How many were heard to their end."""
        self._played = played
        self._find_prompt = find
        self._language = language
        self._push = push
        self._tell = tell
        self._lock = threading.Lock()
        self._heard: _Heard | None = None
        self._begun = 0
        self._tries = 0
        self._late: deque[Frame] = deque()

    def push(self, frames: Sequence[Frame]) -> None:
        """Take the next frames; those of a known prompt are kept, the others go on."""
        with self._lock:
            passed = [frame for frame in frames if not self._keep(frame)]
            if self._late:
                self._late.extend(passed)
                count = _HANDED_ON * len(frames)
                passed = [self._late.popleft() for _ in range(min(count, len(self._late)))]
            if passed:
                self._push(passed)

    def take_rest(self, count: int) -> bool:
        """Hand on `count` frames of a prompt that was cut off by the end; whether there were any."""
        with self._lock:
            self._give_up()
            rest = [self._late.popleft() for _ in range(min(count, len(self._late)))]
            if rest:
                self._push(rest)
            return bool(rest)

    def _keep(self, frame: Frame) -> bool:
        heard = self._heard
        if heard is not None and not heard.take(frame):
            self._give_up()
            heard = None
        if heard is None:
            heard = self._heard = self._find(frame)
            if heard is None:
                return False
        if heard.at >= heard.prompt.end_byte:
            self._heard = None
            self._say(heard)
        return True

    def _find(self, frame: Frame) -> _Heard | None:
        """Return the prompt that begins with this frame, if it is one of those that are being played."""
        if self._played.begun != self._begun:
            self._begun, self._tries = self._played.begun, _MOST_TRIES
        if not self._tries or frame.is_concealed or len(set(frame.pcm)) < _FEWEST_VALUES:
            return None
        self._tries -= 1
        for uri in self._played.current():
            prompt = self._find_prompt(uri)
            if prompt is None or (prompt.text and prompt.language != self._language):
                continue
            # Not behind its first word: of one that goes on after a pause nobody knows what was heard before. A frame
            # may have been next to silence although the word begins at its end.
            latest = prompt.first_byte + FRAME_BYTES
            at = prompt.sound.find(frame.pcm, 0, latest + FRAME_BYTES)
            if at >= 0 and at % 2 == 0:
                return _Heard(prompt, at, at + FRAME_BYTES, [frame])
        return None

    def _give_up(self) -> None:
        """Let what was kept be decoded."""
        if self._heard is not None:
            self._late.extend(self._heard.frames)
            self._heard = None

    def _say(self, heard: _Heard) -> None:
        self.prompts += 1
        if not heard.prompt.text:
            return
        zero = heard.frames[0].captured_at - heard.begun / _BYTES_PER_SECOND
        started_at = zero + heard.prompt.first_byte / _BYTES_PER_SECOND
        ended_at = zero + heard.prompt.end_byte / _BYTES_PER_SECOND
        self._tell(SpeechStarted(started_at))
        self._tell(SpeechEnded(ended_at))
        self._tell(FinalText(heard.prompt.text, started_at, ended_at, None, None, is_known=True))
