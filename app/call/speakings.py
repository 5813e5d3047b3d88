"""All voices in live calls (contract 5, /speakings): one a call, gone with it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from app.ari.ari import Ari
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.sentences import split_sentences
from app.call.speaking_voice import Prepare, SpeakingVoice
from app.call.voice_over import open_voice_over
from app.domain.call import CallDirection, CallStatus
from app.domain.speaking import Speaking
from app.domain.timestamps import now
from app.errors import AlreadyExists, CallAlreadyHangup, CallscribeError, LegGone, NotFound, StateInvalid
from app.logs import get_log
from app.owned_tasks import OwnedTasks

log = get_log("speaking")

MOST_OF_ONE_CALL = 50
"""Voices that are remembered of one call; the oldest stopped one is forgotten."""


class Speakings:
    """The register of voices, and what speaks once over a call; `run` owns their tasks.

    `prepare` makes speech of a text in a language: it returns a media URI, and raises InvalidArgument (text, language).
    """

    def __init__(self, ari: Ari, live_calls: LiveCalls, prepare: Prepare) -> None:
        self._ari = ari
        self._live_calls = live_calls
        self._prepare = prepare
        self._voices: dict[str, SpeakingVoice] = {}
        self._tasks = OwnedTasks("the program is ending: nothing more is spoken")

    async def run(self) -> None:
        """Own the voices' tasks until cancelled; cancel only when no call lives."""
        await self._tasks.run()

    async def talk(self, call: LiveCall, text: str, language: str) -> None:
        """Speak a text once over whatever runs; a ringing incoming call is answered first. Returns when it has begun.

        Raises InvalidArgument (text, language), StateInvalid (the call does not talk yet), LegGone, AriError.
        """
        self._tasks.require_open()
        pieces = split_sentences(text) or (text,)
        first = await self._prepare(pieces[0], language)  # a wrong text must not answer a call
        if call.record.direction is CallDirection.INCOMING and call.record.status is CallStatus.RINGING:
            await call.answer()
        if not call.is_answered:
            raise _not_talking(call)
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = self._tasks.start(self._talk(call, first, pieces[1:], language, begun), f"talk {call.record.id}")
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        if begun.done():
            begun.result()

    async def start(self, customer_id: str, order: Speaking) -> Speaking:
        """Give a live call a voice. NotFound, CallAlreadyHangup, StateInvalid (not answered), AlreadyExists."""
        self._tasks.require_open()
        call = self._live_calls.find(order.reference_id)
        if call is None or call.record.customer_id != customer_id:
            raise NotFound("call", order.reference_id)
        if not call.is_answered:
            raise _not_talking(call)
        others = [voice for voice in self._voices.values() if voice.call is call]
        if any(voice.is_active for voice in others):
            raise AlreadyExists(f"the call {call.record.id} already has an active speaking; stop that one first")
        while len(others) >= MOST_OF_ONE_CALL:
            del self._voices[others.pop(0).record.id]
        voice = SpeakingVoice(order, call, self._ari, self._prepare)
        self._voices[order.id] = voice
        self._tasks.start(self._run_voice(voice), name=f"voice {order.id}")
        return voice.record

    async def find(self, customer_id: str, speaking_id: str) -> Speaking:
        """Return a voice, stopped ones of live calls too."""
        return self._own(customer_id, speaking_id).record

    async def list(self, customer_id: str) -> Sequence[Speaking]:
        """Return the voices of live calls, newest first."""
        own = [voice.record for voice in self._voices.values() if voice.record.customer_id == customer_id]
        return sorted((one for one in own if one.tm_delete is None), key=lambda one: one.tm_create, reverse=True)

    async def say(self, customer_id: str, speaking_id: str, text: str) -> Speaking:
        """Queue a text; returns when it is queued. StateInvalid when the voice was stopped or too much waits."""
        voice = self._own(customer_id, speaking_id)
        voice.say(text)
        return voice.record

    async def flush(self, customer_id: str, speaking_id: str) -> Speaking:
        """Stop what is being said and forget what waits."""
        voice = self._own(customer_id, speaking_id)
        await voice.flush()
        return voice.record

    async def stop(self, customer_id: str, speaking_id: str) -> Speaking:
        """End the voice; idempotent."""
        voice = self._own(customer_id, speaking_id)
        await voice.stop()
        return voice.record

    async def delete(self, customer_id: str, speaking_id: str) -> Speaking:
        """End the voice and forget it."""
        voice = self._own(customer_id, speaking_id)
        await voice.stop()
        voice.record = replace(voice.record, tm_delete=now())
        return voice.record

    async def _talk(
        self, call: LiveCall, first: str, rest: Sequence[str], language: str, begun: "asyncio.Future[None]"
    ) -> None:
        """Speak the sentences one after the other; each is made while the one before is spoken."""

        def note() -> None:
            if not begun.done():
                begun.set_result(None)

        speaking = asyncio.current_task()
        assert speaking is not None

        async def end() -> None:
            speaking.cancel()

        try:
            with call.attach(end):
                async with open_voice_over(self._ari, call) as voice:
                    await voice.speak([first], note)
                    for sentence in rest:
                        await voice.speak([await self._prepare(sentence, language)])
        except CallscribeError as error:
            if not begun.done():
                begun.set_exception(error)
            elif not isinstance(error, LegGone):
                log.warning("a talk ended early", call_id=call.record.id, code=error.code)
        except Exception as error:
            # The isolation boundary of a talk: the call goes on without it.
            if not begun.done():
                begun.set_exception(error)
            else:
                log.exception("a talk broke", call_id=call.record.id)

    async def _run_voice(self, voice: SpeakingVoice) -> None:
        """Live, then be remembered, stopped, until the call has ended."""
        try:
            await voice.run()
            await voice.call.wait_gone()
        finally:
            self._voices.pop(voice.record.id, None)

    def _own(self, customer_id: str, speaking_id: str) -> SpeakingVoice:
        voice = self._voices.get(speaking_id)
        if voice is None or voice.record.customer_id != customer_id or voice.record.tm_delete is not None:
            raise NotFound("speaking", speaking_id)
        return voice


def _not_talking(call: LiveCall) -> StateInvalid:
    status = call.record.status
    if call.is_gone or status in {CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP}:
        return CallAlreadyHangup(f"the call {call.record.id} has ended", status=status.value)
    return StateInvalid(f"the call is {status}; only a call that is progressing can be spoken to", status=status.value)
