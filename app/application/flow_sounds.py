"""What flows do with the sound of a call: echo, answering machine detection. Each takes a pair of RTP ports."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.ari.ari import Ari
from app.call.answer_detection import detect_answer
from app.call.echo import open_echo
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.domain.call import AnsweredBy
from app.domain.ids import new_id
from app.errors import Unavailable
from app.media.rtp_receiver import RtpReceiver


class FlowSounds:
    """The sound of calls for flows."""

    def __init__(
        self,
        ari: Ari,
        receiver: RtpReceiver,
        live_calls: LiveCalls,
        *,
        media_host: str,
        reserve_ports: Callable[[str, int], bool],
        release_ports: Callable[[str], None],
    ) -> None:
        self._ari = ari
        self._receiver = receiver
        self._live_calls = live_calls
        self._media_host = media_host
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports

    async def echo(self, call_id: str, *, seconds: float) -> None:
        """Let the party hear itself; returns when the time is up."""
        with self._listening(call_id) as call:
            async with open_echo(self._ari, self._receiver, call, media_host=self._media_host):
                await asyncio.sleep(seconds)

    async def detect_answer(self, call_id: str) -> AnsweredBy:
        """Listen to how the party answers."""
        with self._listening(call_id) as call:
            return await detect_answer(self._ari, self._receiver, call, media_host=self._media_host)

    @contextmanager
    def _listening(self, call_id: str) -> Iterator[LiveCall]:
        call = self._live_calls.require(call_id)
        owner_id = new_id()
        if not self._reserve_ports(owner_id, 1):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: the call's sound cannot be had now")
        try:
            yield call
        finally:
            self._release_ports(owner_id)
