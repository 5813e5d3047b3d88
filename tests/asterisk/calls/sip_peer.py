"""A SIP user agent for tests: a telephone or a provider that waits for calls, and places some.

```python
async with open_sip_peer("provider") as peer:                     # answers each call at once
    call = await peer.wait_call()                                 # or: await peer.call("sip:7101@127.0.0.1:5060")
    assert call.number == "+821012345678"                         # the user part of the request URI
    await call.wait_answered()
    await call.say(Path("hello.wav"))                             # 8 kHz 16-bit mono; returns when it was said
    await call.send_digits("12#")                                 # RFC 4733; is_info=True: SIP INFO
    assert (await call.wait_digits(2)) == "42"                    # digits that the other side sent
    loud = call.heard_level()                                     # of all that was heard so far; call.heard() = PCM
    await call.hang_up()
    assert (await call.wait_ended()).status == 200
```

Other kinds: `answer_seconds=3` (rings, then answers), `answer_seconds=None` (rings until `call.answer()`,
`call.progress()` for early media, or `call.hang_up(486)`), `reject=486` (busy) or 603 (declines) at once.
A telephone: `open_sip_peer("1001", registrar="sip:127.0.0.1:5060", password="secret")`, then
`await peer.wait_registered()` (its SIP status: 200, 401 with a wrong password ...). A provider behind a trunk: the
trunk's hostname is `peer.host` (`127.0.0.1:PORT`).
"""

import asyncio
import contextlib
import json
import math
import os
import re
import sys
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CHECKOUT = Path(__file__).parents[3]
WAIT_SECONDS = 10.0
WAV_HEADER_BYTES = 44


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: the last SIP status (200 after an ordinary hang-up, 486, 603, 487, 404 ...)."""

    status: int
    reason: str
    at: float


@dataclass
class PeerCall:
    """One call of a peer. `number` is the user part of what was called, `caller` that of From."""

    peer: "SipPeer"
    id: int
    is_incoming: bool
    message: str = ""
    """The whole INVITE of an incoming call."""
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def request_uri(self) -> str:
        """What was called, e.g. `sip:100@127.0.0.1:5070`."""
        return self.message.split(" ", 2)[1] if self.message else ""

    @property
    def number(self) -> str:
        """The user part of the request URI."""
        return self.request_uri.removeprefix("sip:").partition("@")[0]

    @property
    def caller(self) -> str:
        """The user part of From."""
        found = re.search(r"sips?:([^@>;]+)@", self.header("From"))
        return found[1] if found else ""

    def header(self, name: str) -> str:
        """A header of the INVITE, "" without one."""
        found = re.search(rf"^{re.escape(name)}\s*:\s*(.*?)\r?$", self.message, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""

    def has(self, name: str) -> bool:
        """Whether that event has happened: ringing, answered, said, ended, ..."""
        return any(event["event"] == name for event in self.events)

    @property
    def digits(self) -> str:
        """The digits that the other side has sent."""
        return "".join(event["digit"] for event in self.events if event["event"] == "digit")

    async def answer(self) -> None:
        """Answer (200); returns when the call is up."""
        self.peer.tell(do="answer", call=self.id, status=200)
        await self.wait_answered()

    def progress(self) -> None:
        """Answer with 183 and sound: early media. `say` is heard then."""
        self.peer.tell(do="answer", call=self.id, status=183)

    async def wait_ringing(self, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """Wait until the other side rings (calls that we placed)."""
        return await self._wait("ringing", seconds)

    async def wait_answered(self, seconds: float = WAIT_SECONDS) -> float:
        """Wait until the call is up; when that was (monotonic). AssertionError when it ended instead."""
        return float((await self._wait("answered", seconds))["at"])

    async def wait_ended(self, seconds: float = WAIT_SECONDS) -> Ended:
        """Wait for the end."""
        event = await self._wait("ended", seconds)
        return Ended(event["status"], event["reason"], event["at"])

    async def wait_media(self, direction: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the other side sends and takes sound so: sendrecv, sendonly (we are on hold), recvonly."""

        def is_so() -> bool:
            told = [event["direction"] for event in self.events if event["event"] == "media"]
            return bool(told) and told[-1] == direction

        await self.peer.wait_until(is_so, direction, seconds)

    async def wait_digits(self, count: int, seconds: float = WAIT_SECONDS) -> str:
        """Wait until the other side has sent that many digits; all of them."""
        await self.peer.wait_until(lambda: len(self.digits) >= count, f"{count} digits", seconds)
        return self.digits

    async def say(self, wav: Path) -> None:
        """Speak a WAV file into the call; returns when it was said."""
        said = sum(event["event"] == "said" for event in self.events)
        self.start_saying(wav)
        await self.peer.wait_until(
            lambda: sum(event["event"] == "said" for event in self.events) > said or self.has("ended"), "said", 600
        )

    async def wait_said(self, seconds: float = 600) -> None:
        """Wait until everything that it began to say was said."""

        def is_silent() -> bool:
            names = [event["event"] for event in self.events]
            return names.count("said") >= names.count("saying") > 0 or "ended" in names

        await self.peer.wait_until(is_silent, "the end of what it says", seconds)

    def start_saying(self, wav: Path) -> None:
        """Speak a WAV file into the call; returns at once."""
        self.peer.tell(do="say", call=self.id, path=str(wav))

    def send_digits(self, digits: str, *, is_info: bool = False) -> None:
        """Send DTMF."""
        self.peer.tell(do="digits", call=self.id, digits=digits, is_info=is_info)

    def hold(self) -> None:
        """Put the other side on hold (re-INVITE)."""
        self.peer.tell(do="hold", call=self.id)

    def unhold(self) -> None:
        """Take it back."""
        self.peer.tell(do="unhold", call=self.id)

    def refer(self, uri: str) -> None:
        """Ask the other side to call `uri` instead (blind transfer)."""
        self.peer.tell(do="refer", call=self.id, uri=uri)

    def refer_to_call(self, other: "PeerCall") -> None:
        """Ask the other side to talk with the other side of another call of this peer (attended transfer)."""
        self.peer.tell(do="refer_to_call", call=self.id, other=other.id)

    async def hang_up(self, status: int = 0) -> Ended:
        """End the call; before the answer of an incoming one, refuse it with `status` (486, 603, ...)."""
        self.peer.tell(do="hang_up", call=self.id, status=status)
        return await self.wait_ended()

    def heard(self) -> bytes:
        """All that was heard so far: 8 kHz, 16 bits, little-endian, mono."""
        path = self.peer.scratch / f"heard-{self.id}.wav"
        raw = path.read_bytes()[WAV_HEADER_BYTES:] if path.exists() else b""
        return raw[: len(raw) // 2 * 2]

    def heard_level(self, last_seconds: float | None = None) -> float:
        """How loud it was: the root mean square of the (last) samples, of 32767; speech is some thousand."""
        pcm = self.heard()
        samples = array("h", pcm[-int(last_seconds * 16000) :] if last_seconds else pcm)
        return math.sqrt(sum(it * it for it in samples) / len(samples)) if samples else 0.0

    async def _wait(self, name: str, seconds: float) -> dict[str, Any]:
        await self.peer.wait_until(lambda: self.has(name) or self.has("ended"), name, seconds)
        for event in self.events:
            if event["event"] == name:
                return event
        raise AssertionError(f"the call of {self.peer.user} was never {name}: {self.events}")


@dataclass
class SipPeer:
    """A running agent."""

    user: str
    process: asyncio.subprocess.Process
    scratch: Path
    port: int = 0
    tcp_port: int = 0
    calls: list[PeerCall] = field(default_factory=list)
    registrations: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    """SIP MESSAGEs that came in: sender, type, text."""
    _live: dict[int, PeerCall] = field(default_factory=dict)
    _taken: int = 0
    _placed: list[PeerCall] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def host(self) -> str:
        """`127.0.0.1:PORT`, UDP; e.g. the hostname of a trunk."""
        return f"127.0.0.1:{self.port}"

    @property
    def uri(self) -> str:
        """`sip:USER@127.0.0.1:PORT`."""
        return f"sip:{self.user}@{self.host}"

    @property
    def incoming(self) -> list[PeerCall]:
        """All calls that came in so far."""
        return [call for call in self.calls if call.is_incoming]

    async def wait_call(self, seconds: float = WAIT_SECONDS) -> PeerCall:
        """Wait for the next incoming call: each is returned once, in order."""
        await self.wait_until(lambda: len(self.incoming) > self._taken, "an incoming call", seconds)
        self._taken += 1
        return self.incoming[self._taken - 1]

    async def call(self, uri: str) -> PeerCall:
        """Place a call; returns when the INVITE is out."""
        before = len(self._placed)
        self.tell(do="call", uri=uri)
        await self.wait_until(lambda: len(self._placed) > before or bool(self.failures), "calling", WAIT_SECONDS)
        assert len(self._placed) > before, self.failures
        return self._placed[before]

    async def wait_registered(self, seconds: float = WAIT_SECONDS) -> int:
        """Wait for the outcome of the next REGISTER that was not looked at yet; its SIP status."""
        await self.wait_until(lambda: bool(self.registrations), "the answer to REGISTER", seconds)
        return int(self.registrations.pop(0)["status"])

    async def wait_text(self, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """Wait for a SIP MESSAGE, and take it: sender, type, text."""
        await self.wait_until(lambda: bool(self.texts), "a text", seconds)
        return self.texts.pop(0)

    def register(self, *, is_on: bool = True) -> None:
        """Register again now, or take the registration back."""
        self.tell(do="register", is_on=is_on)

    def tell(self, **order: object) -> None:
        """Give the agent an order; see sip_agent.py."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")

    async def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until `condition()`, looked at after each report of the agent."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    assert self.process.returncode is None, "the SIP agent ended"
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = [(call.id, call.events) for call in self.calls]
            raise AssertionError(f"{self.user}: no {what} in {seconds} s; seen {seen}, {self.failures}") from None

    async def follow(self) -> None:
        """Read the agent's reports until it ends."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self._take(json.loads(line))
            self._news.set()
        self._news.set()

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "listening":
                self.port, self.tcp_port = event["udp"], event["tcp"]
            case "registered":
                self.registrations.append(event)
            case "text":
                self.texts.append(event)
            case "failed":
                self.failures.append(event)
            case "incoming":
                self._enter(PeerCall(self, event["call"], is_incoming=True, message=event["message"]))
            case "calling":
                call = self._live.get(event["call"])
                if call is None or call.has("ended") or call.is_incoming:  # else it rang before it was reported
                    call = self._enter(PeerCall(self, event["call"], is_incoming=False))
                self._placed.append(call)
            case _:
                number = event["call"]
                if number not in self._live or self._live[number].has("ended"):
                    self._enter(PeerCall(self, number, is_incoming=False))
                self._live[number].events.append(event)

    def _enter(self, call: PeerCall) -> PeerCall:
        self.calls.append(call)
        self._live[call.id] = call
        return call


@asynccontextmanager
async def open_sip_peer(
    user: str = "peer",
    *,
    answer_seconds: float | None = 0.0,
    reject: int = 0,
    is_ringing: bool = True,
    registrar: str = "",
    password: str = "",
    auth_user: str = "",
    domain: str = "",
    proxy: str = "",
    transport: str = "udp",
    codec: str = "pcmu",
    has_events: bool = True,
) -> AsyncIterator[SipPeer]:
    """Run a user agent on free ports of the loopback; yields when it listens. At the end its calls are hung up.

    `domain` is the host of its From; all it sends goes to `proxy` (`sip:HOST:PORT`) where there is one, so that it can
    call addresses of any domain; `registrar` (`sip:HOST:PORT`) makes it register, `;transport=tcp` is added where
    `transport` is tcp. Without `is_ringing` it sends no 180 before its answer. Without `has_events` it does not know
    RFC 4733 (no telephone-event in its SDP).
    """
    with TemporaryDirectory(prefix="callscribe-sip-") as scratch:
        if registrar and transport == "tcp":
            registrar += ";transport=tcp"
        words = ["--user", user, "--scratch", scratch, "--codec", codec, "--transport", transport]
        words += ["--reject", str(reject), "--ring", str(int(is_ringing)), "--registrar", registrar]
        words += ["--auth-user", auth_user, "--domain", domain, "--proxy", proxy]
        words += ["--no-events", str(int(not has_events))]
        words += ["--answer-seconds", str(-1 if answer_seconds is None else answer_seconds)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.asterisk.calls.sip_agent", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=CHECKOUT,
            env=os.environ | {"SIP_PASSWORD": password},
            start_new_session=True,
        )
        peer = SipPeer(user, process, Path(scratch))
        following = asyncio.create_task(peer.follow())
        try:
            await peer.wait_until(lambda: peer.port > 0, "port", WAIT_SECONDS)
            yield peer
        finally:
            if process.returncode is None:
                with contextlib.suppress(ConnectionError):
                    peer.tell(do="quit")
                try:
                    await asyncio.wait_for(process.wait(), 5)
                except TimeoutError:
                    process.kill()
                    await process.wait()
            await following
