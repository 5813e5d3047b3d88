"""Hearing one answer of a party: a tap of what it says and a recognizer of its own, beside any transcribe.

What is heard is no transcript: nothing of it is stored or told. It is for the flow that asked.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.call.live_call import LiveCall
from app.call.tap import QUIET_SECONDS, Tap, open_tap
from app.domain.answer import AnswerRequest, HeardAnswer
from app.domain.ids import new_id
from app.domain.transcribe import Direction
from app.errors import Unavailable
from app.logs import get_log
from app.speech.feed import Feed
from app.speech.feed_events import FeedEvent, FeedFailed, Final, SpeechEnded, SpeechStarted
from app.speech.hints import confidence_of, match_hints
from app.speech.recognizer import RecognitionFailed
from app.transcribe.frame_gate import FrameGate
from app.transcribe.session import OPEN_SECONDS
from app.transcribe.session_parts import SessionParts

log = get_log("transcribe")

PAIRS_PER_EAR = 1


class AnswerNotes:
    """What is known of the answer so far. `note` takes the feed's events, on the event loop."""

    def __init__(self, request: AnswerRequest) -> None:
        self.answer: HeardAnswer | None = None
        """The first utterance with words in it."""
        self.speaking_since: float | None = None
        """When the utterance that goes on now began, by the loop's clock; None = nobody speaks."""
        self.has_spoken = False
        """Whether there was any speech, understood or not."""
        self._request = request
        self._failure = ""
        self._ignored_until = 0.0
        self._changed = asyncio.Event()

    def note(self, event: FeedEvent) -> None:
        """Take what the feed tells."""
        match event:
            case SpeechStarted():
                self.speaking_since = asyncio.get_running_loop().time()
                self.has_spoken = True
            case SpeechEnded():
                self.speaking_since = None
            case Final():
                if self.answer is None and event.ended_at > self._ignored_until:
                    self.answer = self._read(event)
            case FeedFailed(message):
                self._failure = message
            case _:
                return
        self._changed.set()

    def ignore_so_far(self) -> None:
        """Forget what was said until now; an utterance that still goes on counts."""
        self._ignored_until = time.monotonic()
        self.answer = None
        self.has_spoken = self.speaking_since is not None

    async def wait_change(self) -> None:
        """Return after the next change; RecognitionFailed when the recognizer has died."""
        self._changed.clear()
        self._raise_failure()
        await self._changed.wait()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure:
            raise RecognitionFailed(self._failure)

    def _read(self, final: Final) -> HeardAnswer:
        request = self._request
        match = match_hints(final.text, request.hints, request.hint_threshold)
        if match is None:
            return HeardAnswer(final.text, confidence=final.confidence)
        confidence = confidence_of(final.words, match.start, match.end)
        return HeardAnswer(final.text, match.hint, final.confidence if confidence is None else confidence)


class AnswerEar:
    """An open ear: all that the party says from now on is heard."""

    def __init__(self, notes: AnswerNotes, tap: Tap, feed: Feed) -> None:
        self._notes = notes
        self._tap = tap
        self._feed = feed

    @property
    def answer(self) -> HeardAnswer | None:
        """The first utterance with words in it."""
        return self._notes.answer

    @property
    def speaking_since(self) -> float | None:
        """When the party began to speak, by the loop's clock; None when it does not speak now."""
        return self._notes.speaking_since

    @property
    def has_spoken(self) -> bool:
        """Whether there was any speech, understood or not."""
        return self._notes.has_spoken

    def ignore_so_far(self) -> None:
        """Forget what was said until now; an utterance that still goes on counts."""
        self._notes.ignore_so_far()

    async def wait_change(self) -> None:
        """Return after the next change of what the properties tell; RecognitionFailed when there will be none."""
        await self._notes.wait_change()

    async def finish(self) -> HeardAnswer | None:
        """Hear no more, and return the answer, with what was being said until now."""
        await asyncio.sleep(QUIET_SECONDS)  # what was said until now is still in Asterisk's hands
        await self._tap.stream.close()
        await self._feed.finish()
        return self._notes.answer


class AnswerEars:
    """Opens ears for answers, and knows those that are open."""

    def __init__(
        self,
        parts: SessionParts,
        *,
        default_end_of_silence_ms: int | None,
        reserve_ports: Callable[[str, int], bool],
        release_ports: Callable[[str], None],
    ) -> None:
        self._parts = parts
        self._default_end_of_silence_ms = default_end_of_silence_ms
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._open: set[str] = set()

    def __len__(self) -> int:
        return len(self._open)

    def owns(self, asterisk_object_id: str) -> bool:
        """Whether a channel or bridge of ours belongs to an ear that is open."""
        return any(ear_id in asterisk_object_id for ear_id in self._open)

    @asynccontextmanager
    async def open(self, call: LiveCall, request: AnswerRequest) -> AsyncIterator[AnswerEar]:
        """Hear what the party says; yields when sound comes in, so that no word is lost.

        Raises LegGone when the party hangs up meanwhile, LanguageNotInstalled, RecognitionFailed, AriError, Unavailable
        when no port is free or it takes longer than OPEN_SECONDS.
        """
        self._parts.models.resolve(request.language)  # a language without a model costs Asterisk nothing
        ear_id = new_id()
        # Beside what the call has reserved for its first transcribe, which may be there or come any time.
        if not self._reserve_ports(ear_id, PAIRS_PER_EAR):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: no answer can be heard")
        self._open.add(ear_id)
        try:
            async with asyncio.timeout(OPEN_SECONDS) as limit, self._open_ear(call, request, ear_id) as ear:
                limit.reschedule(None)
                yield ear
        except TimeoutError:
            if not limit.expired():
                raise
            raise Unavailable(f"the call could not be tapped within {OPEN_SECONDS:g} s") from None
        finally:
            self._open.discard(ear_id)
            self._release_ports(ear_id)

    @asynccontextmanager
    async def _open_ear(self, call: LiveCall, request: AnswerRequest, ear_id: str) -> AsyncIterator[AnswerEar]:
        parts, notes, gate = self._parts, AnswerNotes(request), FrameGate()
        async with (
            open_tap(
                parts.ari,
                parts.receiver,
                media_host=parts.media_host,
                channel_id=call.channel_id,
                owner_id=ear_id,
                direction=Direction.IN,
                sink=gate.push,
            ) as tap,
            parts.pool.open_feed(
                request.language,
                notes.note,
                end_of_silence_ms=request.end_of_silence_ms or self._default_end_of_silence_ms,
                has_interims=False,
                hints=request.hints,
            ) as feed,
        ):
            gate.open(feed.push)
            log.info("answer is being heard", engine=str(feed.model.engine), model=feed.model.name)
            yield AnswerEar(notes, tap, feed)
