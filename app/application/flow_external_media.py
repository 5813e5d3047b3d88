"""External media for flows: where it goes is checked, then it begins."""

from __future__ import annotations

from app.application.media_policy import MediaPolicy
from app.call.external_medias import ExternalMedias, MediaLink
from app.call.live_calls import LiveCalls
from app.errors import LegGone
from app.flow.ports import ExternalMediaOrder


class FlowExternalMedia:
    """Connects the sound of calls with programs elsewhere (ExternalMediaControl)."""

    def __init__(self, medias: ExternalMedias, live_calls: LiveCalls, policy: MediaPolicy) -> None:
        self._medias = medias
        self._live_calls = live_calls
        self._policy = policy

    async def start(self, call_id: str, order: ExternalMediaOrder) -> str:
        """Begin; returns when sound can flow."""
        host, port = await self._policy.resolve(order.external_host)
        call = self._live_calls.find(call_id)
        if call is None:
            raise LegGone("the call has ended")
        link = MediaLink(
            host=host,
            port=port,
            is_audiosocket=order.encapsulation == "audiosocket",
            format=order.format,
            listen=order.listen,
            speak=order.speak,
            data=order.data,
        )
        return await self._medias.start(call, link)

    async def stop(self, call_id: str) -> None:
        """End all of a call."""
        await self._medias.stop(call_id)
