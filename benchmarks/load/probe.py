"""A telephone of our own that calls beside a load: how soon a call is answered, and a digit followed by a prompt.

A few lines of SIP (RFC 3261) over UDP, G.711 and RFC 4733 digits, from an address of its own. It calls a flow of
`answer`, `digits_receive`, `talk`: after a second it presses a digit, and the time from the digit's end to the first
packet with sound in it is what a caller of a menu waits. The silence with which the prompt's sound begins is part of
it, with load and without.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.load.probe_sound import DIGIT_SECONDS, Sound

NAME: Final = "probe"
"""The user of From: the watcher leaves its calls out."""
PAUSE_SECONDS: Final = 1.0
"""From the answer to the digit."""
MOST_SECONDS: Final = 8.0
"""So long it waits for each thing."""
_RESEND_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Probed:
    """One call of the probe, in ms; None for what did not come within `MOST_SECONDS`."""

    at: float
    """Wall time of its INVITE."""
    answered_ms: float | None = None
    digit_to_prompt_ms: float | None = None


class _Dialog(asyncio.DatagramProtocol):
    """One call out, as the caller."""

    def __init__(self, host: str, server: tuple[str, int], number: str) -> None:
        self._host = host
        self._server = server
        self._uri = f"sip:{number}@{server[0]}:{server[1]}"
        self._to = f"<{self._uri}>"
        self._call_id, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self._transport: asyncio.DatagramTransport | None = None
        self.answered: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        """Where Asterisk takes our sound; ConnectionError when the call is refused."""
        self.ended = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if not lines[0].startswith("SIP/2.0 "):
            self._take_request(lines, headers)
            return
        status, method = int(lines[0].split()[1]), headers.get("cseq", "").rpartition(" ")[2]
        if method == "BYE" and status >= 200:
            self.ended.set()
        elif method == "INVITE" and status >= 200:
            self._to = headers["to"]
            if status < 300:
                self._uri = headers["contact"].partition("<")[2].partition(">")[0] or self._uri
            self._send("ACK", "1 ACK")
            if not self.answered.done():
                if status < 300:
                    self.answered.set_result(_media_of(body))
                else:
                    self.answered.set_exception(ConnectionError(lines[0]))

    def _take_request(self, lines: list[str], headers: dict[str, str]) -> None:
        """Say yes to whatever Asterisk asks; its BYE ends the call."""
        kept = [line for line in lines if line.partition(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")]
        self._write("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]))
        if lines[0].startswith("BYE "):
            self.ended.set()

    def invite(self, media_port: int) -> None:
        """Offer PCMU and digits."""
        sdp = f"v=0\r\no={NAME} 1 1 IN IP4 {self._host}\r\ns=-\r\nc=IN IP4 {self._host}\r\nt=0 0\r\n"
        sdp += f"m=audio {media_port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        self._send("INVITE", "1 INVITE", sdp + "a=fmtp:101 0-15\r\n")

    def bye(self) -> None:
        """Hang up."""
        self._send("BYE", "2 BYE")

    def _send(self, method: str, sequence: str, body: str = "") -> None:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        me = f"sip:{NAME}@{host}:{port}"
        # The branch of a sending that is repeated is the same one; an ACK to a success is a transaction of its own.
        lines = [f"{method} {self._uri} SIP/2.0", f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{self._tag}{method}"]
        lines += [f"From: <{me}>;tag={self._tag}", f"To: {self._to}", f"Call-ID: {self._call_id}", f"CSeq: {sequence}"]
        lines += [f"Contact: <{me}>", "Max-Forwards: 70", f"Content-Length: {len(body)}"]
        lines += ["Content-Type: application/sdp"] if body else []
        self._write("\r\n".join([*lines, "", body]))

    def _write(self, text: str) -> None:
        assert self._transport is not None
        self._transport.sendto(text.encode(), self._server)


def _media_of(sdp: str) -> tuple[str, int]:
    """Where an answer wants its sound."""
    lines = sdp.splitlines()
    host = next(line.split()[-1] for line in lines if line.startswith("c="))
    return host, int(next(line.split()[1] for line in lines if line.startswith("m=audio ")))


@asynccontextmanager
async def _open_call(host: str, server: tuple[str, int], number: str) -> AsyncIterator[tuple[_Dialog, Sound]]:
    """Sockets of one call; hung up on leaving."""
    loop = asyncio.get_running_loop()
    sound_transport, sound = await loop.create_datagram_endpoint(Sound, local_addr=(host, 0))
    transport, dialog = await loop.create_datagram_endpoint(lambda: _Dialog(host, server, number), local_addr=(host, 0))
    try:
        yield dialog, sound
    finally:
        try:
            await asyncio.shield(_hang_up(dialog))
        finally:
            transport.close()
            sound_transport.close()


async def _hang_up(dialog: _Dialog) -> None:
    if not dialog.answered.done() or dialog.answered.cancelled() or dialog.answered.exception() is not None:
        return
    for _ in range(6):
        if dialog.ended.is_set():
            return
        dialog.bye()
        try:
            await asyncio.wait_for(dialog.ended.wait(), _RESEND_SECONDS)
        except TimeoutError:
            continue


async def probe_once(host: str, server: tuple[str, int], number: str) -> Probed:
    """Call `number` once and measure; what does not come is None."""
    at, begun = time.time(), time.monotonic()
    answered_ms = None
    try:
        async with _open_call(host, server, number) as (dialog, sound), asyncio.timeout(MOST_SECONDS * 2):
            while not dialog.answered.done() and time.monotonic() - begun < MOST_SECONDS:
                dialog.invite(sound.port)
                await asyncio.wait({dialog.answered}, timeout=_RESEND_SECONDS)
            if not dialog.answered.done():
                dialog.answered.cancel()
                return Probed(at)
            media = dialog.answered.result()
            answered_ms = 1000 * (time.monotonic() - begun)
            pressed = await sound.press(media, PAUSE_SECONDS)
            heard = await asyncio.wait_for(sound.heard, MOST_SECONDS)
            return Probed(at, round(answered_ms, 1), round(1000 * (heard - pressed), 1))
    except (TimeoutError, ConnectionError):
        return Probed(at, None if answered_ms is None else round(answered_ms, 1))


async def probe_along(
    found: list[Probed], host: str, server: tuple[str, int], number: str, every_seconds: float, count: int
) -> None:
    """Call `count` times, a new call every so many seconds, one at a time; what was measured goes into `found`."""
    for _ in range(count):
        begun = time.monotonic()
        found.append(await probe_once(host, server, number))
        await asyncio.sleep(max(DIGIT_SECONDS, begun + every_seconds - time.monotonic()))
