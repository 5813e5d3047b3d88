"""A whole Callscribe as a process of its own, as users run it, and an integrator's view of it: HTTP and WebSocket."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from app.cli.demo import find_free_port, find_free_udp_range

KEY = "vb_the-key-of-the-tests-0123456789"
START_SECONDS = 60.0
STOP_SECONDS = 12.0


@dataclass
class Instance:
    """A running `callscribe serve`; `get` and `post` speak to its API with the key."""

    home: Path
    flows: Path
    http_port: int
    sip_port: int
    ari_port: int
    rtp_ports: tuple[int, int]
    environment: dict[str, str]
    session: aiohttp.ClientSession
    customer_id: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _process: asyncio.subprocess.Process | None = None
    _following: asyncio.Task[None] | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The server that runs now, or ran last."""
        assert self._process is not None
        return self._process

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/v1.0"

    def sip_uri(self, number: str) -> str:
        return f"sip:{number}@127.0.0.1:{self.sip_port}"

    async def get(self, path: str, **query: str) -> Any:
        async with self.session.get(f"{self.api}{path}", params=query) as reply:
            body = await reply.json()
            assert reply.status == 200, body
            return body

    async def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.session.post(f"{self.api}{path}", json=body) as reply:
            return reply.status, await reply.json() if reply.content_type == "application/json" else None

    async def put(self, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.session.put(f"{self.api}{path}", json=body) as reply:
            return reply.status, await reply.json()

    async def delete(self, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.session.delete(f"{self.api}{path}", json=body) as reply:
            return reply.status, await reply.json() if reply.content_type == "application/json" else None

    async def ari(self, path: str) -> Any:
        """Ask the embedded Asterisk itself, past the app."""
        config = (self.home / "asterisk" / "etc" / "ari.conf").read_text()
        password = re.search(r"^password\s*=>?\s*(\S+)", config, re.MULTILINE)
        assert password is not None
        headers = {"Authorization": aiohttp.encode_basic_auth("callscribe", password[1])}
        url = f"http://127.0.0.1:{self.ari_port}/ari{path}"
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as reply:
            return await reply.json()

    async def metric(self, name: str) -> float:
        async with self.session.get(f"http://127.0.0.1:{self.http_port}/metrics") as reply:
            for line in (await reply.text()).splitlines():
                if line.startswith(name + " ") or line.startswith(name + "{"):
                    return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    @property
    def ps(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    def of_type(self, *types: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events if event["type"] in types]

    async def wait_for(self, condition: Any, timeout_seconds: float, what: str) -> None:
        """Wait until `condition(self)` is true, looked at after every event."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = [event["type"] for event in self.events]
            raise AssertionError(f"{what}: not within {timeout_seconds} s; events: {seen[-40:]}") from None

    async def start(self) -> None:
        """Start the server on its folder, once more after `kill`; returns when it is healthy and its events come."""
        with (self.home / "serve.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app", "serve"),
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await self.wait_healthy(START_SECONDS)
        self.customer_id = (await self.get("/customer"))["id"]
        following = asyncio.Event()
        self._following = asyncio.create_task(self.follow(following))
        await following.wait()

    async def kill(self) -> None:
        """End the server as a power cut would: SIGKILL. `start` starts it again on the same folder and ports."""
        self.process.kill()
        await self.process.wait()
        await self.stop_following()

    async def stop(self) -> int:
        """End the server in order; its exit code."""
        await self.stop_following()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise AssertionError("callscribe serve did not end in time") from None

    async def stop_following(self) -> None:
        """Collect no more events."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None

    async def follow(self, following: asyncio.Event) -> None:
        """Collect all events of the customer over the WebSocket, as long as it runs; after a restart the new ones."""
        async with self.session.ws_connect(f"{self.api}/ws") as feed:
            words = ["call", "groupcall", "activeflow", "transcribe", "transcript", "recording"]
            words += ["conference", "conferencecall"]
            topics = [f"customer_id:{self.customer_id}:{word}:" for word in words]
            await feed.send_json({"type": "subscribe", "topics": topics})
            following.set()
            async for message in feed:
                self.arrived.append(time.monotonic())
                self.events.append(json.loads(message.data))
                self._news.set()

    async def wait_healthy(self, timeout_seconds: float) -> None:
        """Wait until `GET /health` says that a call would be answered and transcribed now."""
        said = "nothing yet"
        ends = time.monotonic() + timeout_seconds
        while time.monotonic() < ends:
            if self.process.returncode is not None:
                raise AssertionError("callscribe serve ended: " + await self.log_text())
            try:
                async with self.session.get(f"http://127.0.0.1:{self.http_port}/health") as reply:
                    if reply.status == 200:
                        return
                    said = await reply.text()
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError(f"not healthy within {timeout_seconds} s; /health says {said}")

    async def residue(self) -> dict[str, Any]:
        """What of calls is left in Asterisk and in the app."""
        return {
            "channels": [channel["id"] for channel in await self.ari("/channels")],
            "bridges": [bridge["id"] for bridge in await self.ari("/bridges")],
            "calls": await self.metric("callscribe_live_calls"),
            "transcribes": await self.metric("callscribe_live_transcribes"),
        }

    async def log_text(self) -> str:
        return (self.home / "serve.log").read_text(errors="replace")


@asynccontextmanager
async def open_instance(flows: dict[str, Any], **settings: str) -> AsyncIterator[Instance]:
    """Start a Callscribe with these flow files (name -> JSON) on free ports; ends it in order and checks that."""
    home = Path(tempfile.mkdtemp(prefix="callscribe-test-"))
    home.chmod(0o755)
    folder = home / "flows"
    folder.mkdir()
    for name, flow in flows.items():
        (folder / f"{name}.json").write_text(json.dumps(flow))
    http_port, sip_port, ari_port = find_free_port(), find_free_port(), find_free_port()
    first = find_free_udp_range(200)
    environment = os.environ | {
        "CALLSCRIBE_HOME": str(home),
        "CALLSCRIBE_FLOWS": str(folder),
        "CALLSCRIBE_HTTP_PORT": str(http_port),
        "CALLSCRIBE_SIP_PORT": str(sip_port),
        "CALLSCRIBE_ARI_PORT": str(ari_port),
        "CALLSCRIBE_RTP_PORTS": f"{first}-{first + 199}",
        "CALLSCRIBE_ACCESS_KEY": KEY,
        # Tests share the machine: what is late there is no reason to refuse. The tests of the limit set their own.
        "CALLSCRIBE_MOST_RECOGNITION_DELAY_MS": "0",
        "CALLSCRIBE_ADMIN_PASSWORD": "of the tests only",
        **settings,
    }
    low, _, high = environment["CALLSCRIBE_RTP_PORTS"].partition("-")
    headers = {"Authorization": f"Bearer {KEY}"}
    # A kept connection would look like residue of a call in the app.
    connector = aiohttp.TCPConnector(force_close=True)
    code = None
    try:
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
            rtp_ports = (int(low), int(high))
            instance = Instance(home, folder, http_port, sip_port, ari_port, rtp_ports, environment, session)
            try:
                await instance.start()
                yield instance
            finally:
                code = await instance.stop()
    except BaseException:
        print((home / "serve.log").read_text(errors="replace")[-8000:])
        raise
    finally:
        text = (home / "serve.log").read_text(errors="replace")
        shutil.rmtree(home, ignore_errors=True)
    assert code == 0, text[-4000:]
