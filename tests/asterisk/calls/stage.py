"""What tests of live calls share: a running Callscribe, tones that it can fetch, ears on SIP peers, parties."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from app.api.server import open_server
from app.cli.wav_file import write_wav
from app.domain.audio import FRAME_BYTES
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, open_sip_peer
from tests.asterisk.ears import Ear, tone

SOURCE = {"type": "tel", "target": "+15551230000"}
LOOK_SECONDS = 0.05
EVENT_SECONDS = 15.0


@dataclass
class Stage:
    """A running Callscribe, and a web server beside it: tones to be played, and what was posted to it."""

    live: Instance
    folder: Path
    url: str = ""
    posted: list[Any] = field(default_factory=list)

    def play(self, hertz: int, seconds: float = 20) -> dict[str, Any]:
        """An action that plays a tone."""
        return {"type": "play", "option": {"stream_urls": [f"{self.url}/{hertz}/{seconds:g}.wav"]}}

    def wav(self, hertz: int, seconds: float = 20) -> Path:
        """A tone that a peer can say."""
        path = self.folder / f"{hertz}-{seconds:g}.wav"
        if not path.exists():
            write_wav(path, tone(hertz, seconds))
        return path

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        """A request that has to succeed; its answer."""
        async with self.live.session.request(method, f"{self.live.api}{path}", json=body) as reply:
            answer = await reply.json() if reply.content_type == "application/json" else None
            assert reply.status == 200, (method, path, reply.status, answer)
            return answer

    async def until(self, call_id: str, *types: str) -> None:
        """Wait until the call (or what has this id) had these events."""

        def has_happened(instance: Instance) -> bool:
            seen = {event["type"] for event in instance.events if event["data"]["id"] == call_id}
            return seen.issuperset(types)

        await self.live.wait_for(has_happened, EVENT_SECONDS, f"{types} of {call_id}")

    async def answer_of(self, source: str) -> str:
        """Wait until the call of this caller, one that came in, is up; its id."""

        def calls(instance: Instance) -> list[dict[str, Any]]:
            return [call for call in instance.of_type("call_progressing") if call["source"]["target"] == source]

        await self.live.wait_for(calls, EVENT_SECONDS, f"the call of {source}")
        return str(calls(self.live)[0]["id"])


@dataclass
class Party:
    """A party of a call of ours: its telephone, what it hears, and the call's id in the API."""

    stage: Stage
    phone: PeerCall
    ear: Ear
    id: str

    async def do(self, method: str, what: str, body: Any = None) -> Any:
        """Control the call; it has to succeed."""
        return await self.stage.ok(method, f"/calls/{self.id}/{what}", body)

    async def show(self) -> Any:
        """The call as the API shows it."""
        return await self.stage.live.get(f"/calls/{self.id}")

    def say(self, hertz: int, seconds: float = 20) -> None:
        """Begin to say a tone."""
        self.phone.start_saying(self.stage.wav(hertz, seconds))


@asynccontextmanager
async def open_stage(live: Instance, folder: Path) -> AsyncIterator[Stage]:
    """Serve tones and take what is posted, on a free port."""
    stage = Stage(live, folder)

    async def get_tone(request: web.Request) -> web.StreamResponse:
        path = stage.wav(int(request.match_info["hertz"]), float(request.match_info["seconds"]))
        return web.FileResponse(path, headers={"Content-Type": "audio/wav"})

    async def take(request: web.Request) -> web.Response:
        stage.posted.append(await request.json())
        return web.Response()

    site = web.Application()
    site.router.add_get("/{hertz}/{seconds}.wav", get_tone)
    site.router.add_post("/hook", take)
    async with open_server(site, "127.0.0.1", 0) as address:
        stage.url = address.url
        yield stage


@asynccontextmanager
async def open_peer_ear(call: PeerCall) -> AsyncIterator[Ear]:
    """Hear what a peer's telephone hears, from now on."""
    ear = Ear()
    listening = asyncio.create_task(_listen(call, ear))
    try:
        yield ear
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _listen(call: PeerCall, ear: Ear) -> None:
    at = 0
    while True:
        pcm = call.heard()
        new = (len(pcm) - at) // FRAME_BYTES * FRAME_BYTES
        ear.take([pcm[begin : begin + FRAME_BYTES] for begin in range(at, at + new, FRAME_BYTES)])
        at += new
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_party(stage: Stage, name: str, actions: list[Any], **more: Any) -> AsyncIterator[Party]:
    """Call a new peer and run these actions when it has answered; at the end the call is over."""
    async with open_sip_peer(name) as peer:
        destination = {"type": "sip", "target": f"{name}@{peer.host}"}
        order = {"source": SOURCE, "destinations": [destination], "actions": actions, **more}
        call_id = (await stage.ok("POST", "/calls", order))["calls"][0]["id"]
        phone = await peer.wait_call()
        await stage.until(call_id, "call_progressing")
        await phone.wait_answered()
        async with open_peer_ear(phone) as ear:
            yield Party(stage, phone, ear, call_id)
        await stage.ok("POST", f"/calls/{call_id}/hangup")
        await stage.until(call_id, "call_hangup")


@asynccontextmanager
async def open_caller_in(stage: Stage, name: str, uri: str) -> AsyncIterator[tuple[PeerCall, Ear]]:
    """Let a new peer call `uri`; at the end it hangs up."""
    async with open_sip_peer(name) as peer:
        phone = await peer.call(uri)
        async with open_peer_ear(phone) as ear:
            yield phone, ear
        if not phone.has("ended"):
            await phone.hang_up()
